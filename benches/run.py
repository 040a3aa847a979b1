"""How fast this machine trains and sings, as a share of what it can multiply: `python benches/run.py [--quick]`.

Writes docs/benchmarks.md; with --quick, which only shows that everything runs, or with some --parts only, nothing is
written unless --out says where.
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
import vocalise.recipes
from converting import conversions
from decoding import YARDSTICK, singers
from products import product
from report import Trained, converting_table, decoding_table, page, peak_table, sampling_table, training_table
from rounds import Contender, best, take_turns
from stepper import singing
from training_step import TrainingStep
from vocalise.audio.files import write_aside
from vocalise.devices import choose_device
from vocalise.errors import VocaliseError
from vocalise.recipes import SIZES, Recipe, Size
from vocalise.training.precision import Precision, choose_precision

PAGE = hardware.ROOT / "docs" / "benchmarks.md"
PARTS = ("training", "sampling", "decoding", "converting")
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
    streams: tuple[int, ...]
    sung: int  # samples of each stream
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
    streams=(1, 8, 32),
    sung=400,
    song=4.0,
    converted=("medium", 20.0),
)
QUICK = Plan(
    sizes=("tiny",),
    rounds=3,
    matrices=(256, 512),
    matrix_seconds=0.02,
    seconds=0.25,
    batches={"paper": 1, "medium": 1, "small": 1, "tiny": 2},
    streams=(1, 8),
    sung=50,
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
    parser.add_argument("--out", type=Path, help=f"the page to write (by default {PAGE.relative_to(hardware.ROOT)})")
    given = parser.parse_args(words)
    try:
        text = measure(given, shlex.join(["python", "benches/run.py", *words]))
    except VocaliseError as error:
        print(error, file=sys.stderr)
        return 1
    print(text)
    whole = not given.quick and set(given.parts.split(",")) == set(PARTS)
    out = given.out or (PAGE if whole else None)
    if out is not None:
        with write_aside(out) as aside:
            aside.write_text(text, encoding="utf-8")
        print(f"Written to {out}.", file=sys.stderr)
    return 0


def measure(given: argparse.Namespace, command: str) -> str:
    """The page for these options."""
    plan = QUICK if given.quick else FULL
    threads = given.threads or hardware.physical_cores()
    torch.set_num_threads(threads)
    device = choose_device(given.device)
    precision = choose_precision(device)
    chosen = [size for size in SIZES if size in given.sizes.split(",")] if given.sizes else plan.sizes
    recipes = {f"usvc {size}": vocalise.recipes.recipe("usvc", size) for size in chosen}
    rounds, begun, load, stolen = given.rounds or plan.rounds, time.time(), hardware.load(), hardware.stolen()

    parts = given.parts.split(",")
    tables = []
    if "training" in parts:
        products = {f"{n} x {n}": product(n, precision, device, plan.matrix_seconds) for n in plan.matrices}
        steps, trained = training(recipes, plan, given.batch, precision, device)
        results = take_turns({**products, **steps}, rounds, tell)
        peak = best(results, list(products))
        tables += [peak_table(results, list(products), peak, precision), training_table(results, trained, peak)]
    if "sampling" in parts:
        tables.append(sampling(recipes, plan, rounds, device))
    if "decoding" in parts:
        every = list(singers(seconds=plan.song))
        yardstick = next(one for one in every if one.system == YARDSTICK)
        tables.append(decoding_table(take_turns({one.name: one for one in every}, rounds, tell), every, yardstick))
    if "converting" in parts:
        with tempfile.TemporaryDirectory() as folder:
            size, seconds = plan.converted
            songs = list(conversions(Path(folder), seconds=seconds, size=size, threads=threads))
            tables.append(converting_table(take_turns({one.name: one for one in songs}, rounds, tell), songs))
    after = hardware.stolen()
    taken = (after[0] - stolen[0]) / max(1, after[1] - stolen[1])
    facts = [
        ("Command", f"`{command}`"),
        ("Commit", hardware.commit()),
        ("Date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Processor", hardware.processor()),
        *([("Device", torch.cuda.get_device_name(device))] if device.type == "cuda" else []),
        ("Physical cores", f"{hardware.physical_cores()}; PyTorch threads: {threads}"),
        ("PyTorch", f"{torch.__version__}; precision of training: {precision}"),
        ("Load average", f"{load} before, {hardware.load()} after; {taken:.1%} of the time stolen by other machines"),
        ("Rounds", f"{rounds}, in {time.time() - begun:.0f} s"),
    ]
    return page(facts, tables)


def sampling(recipes: dict[str, Recipe], plan: Plan, rounds: int, device: torch.device) -> str:
    """The table of the plain stepper."""
    lines = [(f"{name}, {streams} streams", name, streams) for name in recipes for streams in plan.streams]
    contenders = {
        line: singing(recipes[name], streams=streams, samples=plan.sung, device=device) for line, name, streams in lines
    }
    return sampling_table(take_turns(contenders, rounds, tell), lines, 16_000)


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
