"""The default voice: trained on permissive singing and a rendered choir, and offered under names that are nobody's.

choir + recordings ──▶ corpus ──▶ train `aria` ──▶ blends take the places of real singers ──▶ float16, one file

Every stage leaves its result in WORK and is passed over the next time, so the same command goes on after a break:

    python runs/default_voice.py WORK --data "$DATA/singing" --minutes 60                 # all of it
    python runs/default_voice.py WORK --data "$DATA/singing" --minutes 60 --without-csd   # if its licence is in doubt

`docs/data.md` names the recordings. A licence of recordings is not the consent of those who sing in them: the file that
is written has places for virtual singers and for sections of a choir, and none for any one person.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vocalise.apps.console import in_one_line, say, show, watching
from vocalise.audio.files import describe
from vocalise.checkpoint import load_voice, save_voice, settled
from vocalise.config import override
from vocalise.data.choir import render_choir, singers
from vocalise.data.corpus import Corpus
from vocalise.errors import CorpusError
from vocalise.progress import Progress
from vocalise.recipes import Recipe, recipe
from vocalise.training import train

EXCERPT = 1.5  # seconds, in training
LEAST = 60.0  # seconds of a real singer: with less, a place would learn a few notes by heart
MOST_BYTES = 16 << 20  # of the voice file
SECTIONS = ("soprano", "alto", "tenor", "bass")
SECTION = "-section"
LEAST_BLENDED = 3  # real singers in a blend: fewer would leave each of them recognisable
CHOIR = "virtual singers rendered by vocalise itself (CC0: they belong to nobody)"
# Beginnings of folder names: who is to be named, under which licence. Longer words are in docs/data.md.
CREDITS: tuple[tuple[str, str], ...] = (
    (
        "csd-",
        "Choral Singing Dataset, Niño Dios (H. Cuesta, E. Gómez, A. Martorell, F. Loáiciga, 2018), from schufo/umss: "
        "Apache-2.0 by that repository; the licence of the data set's own record (zenodo.org/record/1286570, believed "
        "to be CC BY 4.0) has not been confirmed",
    ),
    ("iona", "Iona Beta, titinko/utsu (© 2018 titinko): MIT with conditions of BSD-3-Clause"),
    ("crazy-toho", "my-singing-voice-database (© 2020 oatsu, sung by CrazY): MIT"),
    ("sms-", "sms-tools-materials (xserra on freesound.org, pack 13038): CC BY 4.0"),
    ("vocadito-", "vocadito (R. Bittner et al., 2021): CC BY 4.0"),
)


def main() -> None:
    """Goes through the stages."""
    told = _arguments()
    work: Path = told.work
    chosen = override(recipe("aria", told.size), f"model.signal.rate={told.rate}")
    chosen = replace(chosen, material=replace(chosen.material, samples=None, seconds=EXCERPT))
    for setting in told.settings:
        chosen = override(chosen, setting)
    with watching() as progress:
        cast = _choir(work / "choir", told.choir, told.choir_minutes, told.rate, progress)
        corpus = _corpus(work, told.data, cast, told.rate, csd=not told.without_csd, pooled=told.pooled)
        minutes = sum(corpus.seconds.values()) / 60
        show(f"{len(corpus.singers)} singers, {minutes:.1f} minutes: {', '.join(corpus.singers)}")
        if told.only == "corpus":
            return
        if told.only != "voice":
            _train(chosen, corpus, work, told, progress)
    _finish(work / "run" / "voice.safetensors", told.out or work / "default.safetensors", cast, corpus.singers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes the default voice.")
    parser.add_argument("work", type=Path, help="folder for the choir, the corpus and the run; outside of this tree")
    parser.add_argument("--data", type=Path, required=True, help="folder of real singers, $DATA/singing")
    parser.add_argument("--without-csd", action="store_true", help="leave out csd-*, whose licence is to be confirmed")
    parser.add_argument("--pooled", action="store_true", help="train each section as one singer, instead of blending")
    parser.add_argument("--size", default="small")
    parser.add_argument("--rate", type=int, default=24_000, help="Hz")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--choir", type=int, default=12, help="virtual singers")
    parser.add_argument("--choir-minutes", type=float, default=3.0, help="of each")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", dest="settings", action="append", default=[], help="a field of the recipe by path")
    parser.add_argument(
        "--only", choices=("corpus", "voice"), help="stop after the corpus, or finish a run's best so far"
    )
    parser.add_argument("--out", type=Path, help="the voice file; by default WORK/default.safetensors")
    return parser.parse_args()


def _choir(folder: Path, count: int, minutes: float, rate: int, progress: Progress) -> tuple[str, ...]:
    """Renders the virtual singers, unless they are there."""
    cast = tuple(singer.name for singer in singers(count))
    note, wanted = folder / "rendered.json", {"singers": count, "minutes": minutes, "rate": rate}
    if note.is_file() and json.loads(note.read_text(encoding="utf-8")) == wanted:
        return cast
    render_choir(
        folder,
        singers=count,
        minutes=minutes,
        rate=rate,
        progress=lambda share: progress("rendering the choir", share * count, count, "singers"),
    )
    note.write_text(json.dumps(wanted), encoding="utf-8")
    return cast


def _corpus(work: Path, data: Path, cast: Sequence[str], rate: int, *, csd: bool, pooled: bool) -> Corpus:
    """A table of files where they lie: nothing is copied. Pooled, all who sing in a section go by its name.

    Raises:
        CorpusError: nobody sings in `data`.
    """
    if not data.is_dir():
        raise CorpusError(f"There is no folder {data}: give $DATA/singing, see docs/data.md.")
    rows: list[tuple[str, str, str]] = []
    for name in cast:
        rows += [(str(path.resolve()), name, path.stem) for path in sorted((work / "choir" / name).glob("*.wav"))]
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        files = sorted(folder.glob("*.flac"))
        if folder.name.startswith("csd-") and not csd:
            continue
        if sum(facts.samples / facts.rate for facts in map(describe, files)) < LEAST:
            say(f"{folder.name} has less than {LEAST:g} s and is left out")
            continue
        name = f"{_section(folder.name)}{SECTION}" if pooled and _section(folder.name) else folder.name
        rows += [(str(path.resolve()), name, f"{name}/{path.stem}") for path in files]
    if not any(name not in cast for _, name, _ in rows):
        raise CorpusError(f"{data} holds no folder of a singer: give $DATA/singing, see docs/data.md.")
    with (work / "singers.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "singer", "song"), *rows])
    # Of the folder itself only the table is read; the choir and the run lie beside it.
    return Corpus.open(work, rate=rate)


def _train(chosen: Recipe, corpus: Corpus, work: Path, told: argparse.Namespace, progress: Progress) -> None:
    verdict = train(
        chosen,
        corpus,
        work / "run",
        steps=told.steps,
        minutes=told.minutes,
        device=told.device,
        licence="see credits",
        consent="none was asked for: no real person's place may be offered",
        seed=told.seed,
        progress=progress,
    )
    show(verdict.words)
    if not verdict.finished:
        raise SystemExit(130)


def offers(cast: Sequence[str], trained: Sequence[str]) -> dict[str, dict[str, float]]:
    """Who is offered: each virtual singer, and each section of the choir as an even blend of those who sing in it."""
    offered = {name: {name: 1.0} for name in cast}
    for section in SECTIONS:
        members = [name for name in trained if _section(name) == section]
        if f"{section}{SECTION}" in trained:  # pooled
            offered[f"{section}{SECTION}"] = {f"{section}{SECTION}": 1.0}
        elif len(members) >= LEAST_BLENDED:
            offered[f"{section}{SECTION}"] = dict.fromkeys(members, 1.0 / len(members))
    return offered


def _section(folder: str) -> str:
    """The section of the choir that somebody sings in; empty for soloists."""
    return next((section for section in SECTIONS if folder.startswith(f"csd-{section}")), "")


def credits_for(trained: Sequence[str]) -> str:
    """Whom to name for these singers."""
    spelled = [f"csd-{name}" if name.endswith(SECTION) else name for name in trained]
    named = [words for start, words in CREDITS if any(name.startswith(start) for name in spelled)]
    return "; ".join([CHOIR, *named])


def _finish(source: Path, out: Path, cast: Sequence[str], trained: Sequence[str]) -> None:
    """The run's voice with other places, in half the bytes."""
    voice = load_voice(source)
    card = replace(
        voice.card,
        licence="MIT for the weights as far as we have rights in them; attribution as in the credits",
        consent="of no real singer: only virtual singers and blends of three or more people are offered",
        credits=credits_for(trained),
    )
    offered: Mapping[str, Mapping[str, float]] = offers(cast, voice.singers)
    made = settled(replace(voice, card=card, offered=offered))
    out.parent.mkdir(parents=True, exist_ok=True)
    save_voice(out, made, half=True)
    size = out.stat().st_size
    show(f"{out}: {size / (1 << 20):.2f} MiB, {len(made.singers)} voices: {', '.join(made.singers)}")
    if size > MOST_BYTES:
        say(f"it is larger than the {MOST_BYTES >> 20} MiB that the package may carry: choose a smaller --size")
        raise SystemExit(1)


if __name__ == "__main__":
    in_one_line("The same command goes on.")(main)()
