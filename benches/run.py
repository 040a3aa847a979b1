"""How fast this machine trains and sings, as a share of what it can multiply: `python benches/run.py [--quick]`.

Writes its sections into docs/benchmarks.md, and leaves those of other --parts as they are; with --quick, which only
shows that everything runs, nothing is written unless --out says where. Nor is a void run of the samplers.
"""

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

import hardware
import sampling_report
import vocalise.recipes
from converting import conversions
from decoding import YARDSTICK, singers
from products import product
from report import Trained, converting_table, decoding_table, peak_table, section, training_table
from rounds import Contender, best, take_turns
from sections import merged
from singing import Record, bench
from training_step import TrainingStep
from vocalise.audio.files import write_aside
from vocalise.devices import choose_device
from vocalise.errors import VocaliseError
from vocalise.recipes import SIZES, Recipe, Size
from vocalise.training.precision import Precision, choose_precision

PAGE = hardware.ROOT / "docs" / "benchmarks.md"
PARTS = ("training", "sampling", "decoding", "converting")
ON_CARDS = (64, 256, 1024)  # streams that are sung side by side on a CUDA card, beside those of the plan
GOALS: tuple[tuple[Size, float], ...] = (("paper", 0.30), ("small", 0.12))  # share of the bf16 peak


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    sizes: tuple[Size, ...]
    rounds: int
    matrices: tuple[int, ...]
    matrix_seconds: float  # for each turn of a product
    seconds: float  # of an excerpt
    batches: dict[Size, int]  # excerpts in a step
    sung: tuple[Size, ...]  # sizes that the samplers sing
    streams: tuple[int, ...]  # that they sing side by side
    turn: float  # seconds of a sampler's turn
    probe: float  # seconds
    song: float  # seconds that a decoder sings in a turn
    converted: tuple[Size, float]  # of `aria`, and seconds of the song


# A step of a few seconds on two cores; larger batches are no faster there.
FULL = Plan(
    sizes=("paper", "small"),
    rounds=7,
    matrices=(512, 1024, 2048, 4096),
    matrix_seconds=0.7,
    seconds=1.0,
    batches={"paper": 2, "medium": 4, "small": 8, "tiny": 8},
    sung=("paper", "medium", "small"),
    streams=(1, 8, 32),
    turn=0.3,
    probe=3.0,
    song=120.0,
    converted=("medium", 20.0),
)
QUICK = Plan(
    sizes=("tiny",),
    rounds=1,
    matrices=(256, 512),
    matrix_seconds=0.02,
    seconds=0.25,
    batches={"paper": 1, "medium": 1, "small": 1, "tiny": 2},
    sung=("tiny",),
    streams=(1, 8),
    turn=0.02,
    probe=0.1,
    song=0.5,
    converted=("tiny", 6.0),
)


def main(words: Sequence[str]) -> int:
    """Measures, prints the page and writes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a smoke test: tiny sizes, few rounds")
    parser.add_argument("--sizes", default="", help=f"of usvc, with commas: {', '.join(SIZES)}")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"with commas: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of turns")
    parser.add_argument("--batch", type=int, default=0, help="excerpts in a training step")
    parser.add_argument("--threads", type=int, default=0, help="threads of PyTorch; by default the physical cores")
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda, mps")
    parser.add_argument("--even-void", action="store_true", help="write the samplers' section although it is void")
    parser.add_argument("--out", type=Path, help=f"the page to write (by default {PAGE.relative_to(hardware.ROOT)})")
    given = parser.parse_args(words)
    try:
        found, record = measure(given, shlex.join(["python", "benches/run.py", *words]))
    except VocaliseError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n\n".join(found.values()))
    out = given.out or (None if given.quick else PAGE)
    if record and record.void and not given.even_void:
        print("The samplers' section is void and not written (--even-void writes it).", file=sys.stderr)
        del found["sampling"]
    if out is not None and found:
        write(out, found, record)
    return 0


def write(out: Path, found: dict[str, str], record: Record | None) -> None:
    """Puts the sections into the page; the samplers' figures also beside it, as JSON and as a chart."""
    if record and "sampling" in found:
        pictures = out.parent / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        record.save(pictures / "sampling.json")
        sampling_report.chart(record, pictures / "sampling.png")
    page = out.read_text(encoding="utf-8") if out.exists() else ""
    with write_aside(out) as aside:
        aside.write_text(merged(page, found), encoding="utf-8")
    print(f"Written to {out}: {', '.join(found)}.", file=sys.stderr)


def measure(given: argparse.Namespace, command: str) -> tuple[dict[str, str], Record | None]:
    """The sections for these options, by name; and the record of the samplers, if they sang."""
    plan = QUICK if given.quick else FULL
    threads = given.threads or hardware.physical_cores()
    torch.set_num_threads(threads)
    device = choose_device(given.device)
    precision = choose_precision(device)
    chosen: list[Size] = [size for size in SIZES if size in given.sizes.split(",")]
    recipes = {f"usvc {size}": vocalise.recipes.recipe("usvc", size) for size in chosen or plan.sizes}
    rounds, parts = given.rounds or plan.rounds, given.parts.split(",")
    found: dict[str, str] = {}

    def told(title: str, begun: "Begun", tables: Sequence[str]) -> str:
        more = [] if title != "Training" else [("Precision", precision)]
        return section(title, [*stamped(command, device), *more, *begun.facts(rounds, threads)], tables)

    if "training" in parts:
        begun = Begun()
        products = {f"{n} x {n}": product(n, precision, device, plan.matrix_seconds) for n in plan.matrices}
        steps, trained = training(recipes, plan, given.batch, precision, device)
        results = take_turns({**products, **steps}, rounds, tell)
        peak = best(results, list(products))
        tables = [peak_table(results, list(products), peak, precision), training_table(results, trained, peak)]
        found["training"] = told("Training", begun, tables)
    record = None
    if "sampling" in parts:
        record = bench(
            tuple(chosen) or plan.sung,
            plan.streams + (ON_CARDS if device.type == "cuda" and not given.quick else ()),
            rounds=rounds,
            threads=threads,
            seconds=plan.turn,
            probing=plan.probe,
            device=device,
            say=tell,
        )
        facts = dict(stamped(command, device))
        found["sampling"] = sampling_report.section(record, facts, "pictures/sampling.png")
    if "decoding" in parts:
        begun, every = Begun(), list(singers(seconds=plan.song))
        yardstick = next(one for one in every if one.system == YARDSTICK)
        results = take_turns({one.name: one for one in every}, rounds, tell)
        found["decoding"] = told("Decoding, all samples at once", begun, [decoding_table(results, every, yardstick)])
    if "converting" in parts:
        begun = Begun()
        with tempfile.TemporaryDirectory() as folder:
            size, seconds = plan.converted
            songs = list(conversions(Path(folder), seconds=seconds, size=size, threads=threads))
            results = take_turns({one.name: one for one in songs}, rounds, tell)
        found["converting"] = told("Converting, from file to file", begun, [converting_table(results, songs)])
    return found, record


class Begun:
    """When a part began, and how busy the machine was."""

    def __init__(self) -> None:
        self.time, self.load, self.stolen = time.time(), hardware.load(), hardware.stolen()

    def facts(self, rounds: int, threads: int) -> list[tuple[str, str]]:
        """How it went, now that it is over."""
        after = hardware.stolen()
        taken = (after[0] - self.stolen[0]) / max(1, after[1] - self.stolen[1])
        return [
            ("PyTorch threads", str(threads)),
            ("Load average", f"{self.load} before, {hardware.load()} after; {taken:.1%} stolen by other machines"),
            ("Rounds", f"{rounds}, in {time.time() - self.time:.0f} s"),
        ]


def stamped(command: str, device: torch.device) -> list[tuple[str, str]]:
    """What was run, when, and on what."""
    card = [("Device", torch.cuda.get_device_name(device))] if device.type == "cuda" else []
    return [
        ("Command", f"`{command}`"),
        ("Commit", hardware.commit()),
        ("Date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Processor", f"{hardware.processor()}, {hardware.physical_cores()} physical cores"),
        *card,
        ("PyTorch", torch.__version__),
    ]


def training(
    recipes: dict[str, Recipe], plan: Plan, batch: int, precision: Precision, device: torch.device
) -> tuple[dict[str, Contender], list[Trained]]:
    """The training steps as contenders, and what is known about each."""
    steps: dict[str, Contender] = {}
    trained = []
    goals = {f"usvc {size}": share for size, share in GOALS if precision == "bf16"}
    batches = {f"usvc {size}": count for size, count in plan.batches.items()}
    for name, recipe in recipes.items():
        count = batch or batches[name]
        samples = round(plan.seconds * recipe.model.signal.build().rate)
        step = TrainingStep.of(recipe, count=count, samples=samples, precision=precision, device=device)
        encoder, decoder = step.macs_per_sample()
        steps[name] = step
        trained.append(
            Trained(
                name=name,
                excerpts=f"{count} x {step.samples} samples",
                encoder_macs=encoder,
                decoder_macs=decoder,
                wanted=goals.get(name),
            )
        )
    return steps, trained


def tell(what: str) -> None:
    """Shows how far it is."""
    print(f"  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
