"""Who is singing? Judges learn it from a folder of recordings and are examined on songs that they never heard.

python examples/train_a_judge.py recordings/ --singers a,b --same torah-f=torah-c --groups
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.evaluation.judge import KINDS, examine, train_judges
from vocalise.evaluation.records import Examination


def train_a_judge(
    data: Path,
    *,
    singers: Sequence[str] | None = None,
    same: Mapping[str, str] | None = None,
    kinds: Sequence[str] = KINDS,
    held_out: float = 0.1,
    seed: int = 0,
    say: Callable[[str], None] = print,
) -> tuple[Examination, ...]:
    """Trains the judges on most of a corpus and examines each on the rest."""
    corpus = Corpus.open(data, singers=singers)
    prepared, split = prepare(corpus), corpus.split(held_out)

    def progress(what: str, done: float, total: float, note: str = "") -> None:
        say(f"{what}: {done:.2f} of {total:.0f} {note}")

    judges = train_judges(prepared, split, same=same, kinds=kinds, seed=seed, progress=progress)
    return tuple(examine(judge, prepared, split.held_out, same=same) for judge in judges)


def group_of(person: str) -> str:
    """A name without the digits at its end: soprano2 belongs to soprano."""
    return person.rstrip("0123456789")


def group_accuracy(found: Examination) -> float:
    """Share of pieces whose group was told right, mean over persons."""
    shares = []
    for person, row in zip(found.persons, found.confusion, strict=True):
        right = sum(
            count for other, count in zip(found.persons, row, strict=True) if group_of(other) == group_of(person)
        )
        shares += [right / sum(row)] if sum(row) else []
    return sum(shares) / len(shares) if shares else float("nan")


def told(found: Examination, *, groups: bool) -> list[str]:
    """An examination in lines: its accuracy, then a row for each who sang."""
    where = "songs never heard" if found.disjoint else "moments never heard of songs that were"
    head = f"{found.judge}: {100 * found.accuracy:.1f} % of {found.pieces} pieces, {where}"
    head += f"; {100 * group_accuracy(found):.1f} % of their groups" if groups else ""
    width = max(len(person) for person in found.persons)
    rows = zip(found.persons, found.confusion, strict=True)
    return [head, *(f"  {person:<{width}} {' '.join(f'{count:4d}' for count in row)}" for person, row in rows)]


def main() -> None:
    """Reads the arguments and prints what each judge is worth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--singers", type=lambda text: text.split(","), help="only these, separated by commas")
    parser.add_argument("--same", action="append", default=[], help="two singers who are one person: b=a")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=KINDS)
    parser.add_argument("--held-out", type=float, default=0.1, help="share of each singer's time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--groups", action="store_true", help="accuracy for names without the digits at their ends too")
    given = parser.parse_args()
    same = dict(pair.split("=", 1) for pair in given.same)
    settings = {"kinds": given.kinds, "held_out": given.held_out, "seed": given.seed}
    for found in train_a_judge(given.data, singers=given.singers, same=same, **settings):
        print(*told(found, groups=given.groups), sep="\n")


if __name__ == "__main__":
    main()
