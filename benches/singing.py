"""The bench of samplers: probe, rounds, probe; what came out is a record, for JSON, a table and a chart."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch

import hardware
from cold import Cold, cold_start
from probe import MOST, Limits, Probe, middle, moved
from rounds import ratio, spread, take_turns
from samplers import RATE, Cost, Sampler, cost, plain, samplers
from vocalise.recipes import Size
from vocalise.sampling import cuda, native

WORD = {"float32": 4, "bf16": 2, "int8": 1}  # bytes of a weight
CORE_CACHE = 768 << 10  # bytes of weights that one core's own cache keeps beside all else
# Times real time by the fastest count of threads, and times PyTorch's stepper; of (size, streams, precision).
REAL_TIME = {
    ("paper", 1, "float32"): 0.7,
    ("paper", 1, "bf16"): 1.45,
    ("paper", 1, "int8"): 2.6,
    ("paper", 32, "bf16"): 6.3,
    ("paper", 32, "int8"): 9.0,
    ("medium", 1, "int8"): 14.0,
    ("medium", 32, "bf16"): 20.0,
    ("small", 1, "int8"): 28.0,
    ("small", 32, "int8"): 100.0,
}
PYTORCH = {("paper", "int8"): 55.0, ("paper", "bf16"): 30.0, ("medium", "int8"): 120.0, ("small", "int8"): 250.0}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One sampler at one size and number of streams."""

    size: str
    streams: int
    sampler: str
    precision: str
    threads: int
    rate: float  # samples a second by the clock, median
    core_rate: float  # for a second of one core's time, median
    real_time: float  # `rate` over samples a second of sound
    to_pytorch: float  # median over rounds, by the clock
    core_to_pytorch: float  # likewise for one core's time
    limit: str  # what bounds it: arithmetic, L2, L3
    share: float  # of that limit, by one core's time
    spread: float
    goal: float | None  # times real time
    pytorch_goal: float | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """All of a run."""

    facts: dict[str, str]
    rows: list[Row]
    before: Limits
    after: Limits
    moved: float  # share by which the probe moved most
    moved_most: str
    cold: Cold | None  # of the largest size; None: no compiled sampler

    @property
    def void(self) -> bool:
        """Whether the machine was too restless."""
        return self.moved > MOST

    def save(self, path: Path) -> None:
        """Writes it as JSON."""
        path.write_text(json.dumps({**asdict(self), "void": self.void}, indent=1) + "\n", encoding="utf-8")


def bench(
    sizes: tuple[Size, ...],
    streams: tuple[int, ...],
    *,
    rounds: int,
    threads: int,
    seconds: float,
    probing: float,
    device: torch.device,
    say: Callable[[str], None],
) -> Record:
    """Probe, rounds, probe. `seconds` are those of a turn, `probing` those of a probe."""
    load, stolen = hardware.load(), hardware.stolen()
    every = list(samplers(sizes, streams, threads=threads, seconds=seconds, device=device))
    probe = Probe(threads, probing)
    before = probe()
    results = take_turns({one.name: one for one in every}, rounds, say)
    after = probe()
    probe.close()
    ticks = hardware.stolen()
    costs = {size: cost(plain(size)) for size in sizes}
    rows = [row(one, every, results, costs[one.size], middle(before, after)) for one in every]
    share, which = moved(before, after)
    facts = {
        "Compiled sampler": native.why(),
        **({"CUDA": cuda.why()} if device.type == "cuda" else {}),
        "Load average": f"{load} before, {hardware.load()} after; "
        f"{(ticks[0] - stolen[0]) / max(1, ticks[1] - stolen[1]):.1%} of the time stolen by other machines",
        "Rounds": f"{rounds}, of turns of about {seconds} s",
    }
    cold = cold_start(sizes[0], times=min(rounds, 3)) if native.available() else None
    return Record(facts=facts, rows=rows, before=before, after=after, moved=share, moved_most=which, cold=cold)


def row(one: Sampler, every: list[Sampler], results: dict[str, list[float]], spent: Cost, limits: Limits) -> Row:
    """The figures of one sampler, beside the plain one of its group."""
    group = [each for each in every if (each.size, each.streams) == (one.size, one.streams)]
    base, speed, core = group[0], median(results[one.name]), median(one.processor)
    bound, highest = limit(one, spent, limits)
    fastest = max(
        (each for each in group if (each.kind, each.precision) == (one.kind, one.precision)),
        key=lambda each: median(results[each.name]),
    )
    goal = (one.size, one.streams, one.precision) if one is fastest and one.kind == "compiled" else None
    return Row(
        size=one.size,
        streams=one.streams,
        sampler=one.kind,
        precision=one.precision,
        threads=one.threads,
        rate=speed,
        core_rate=core,
        real_time=speed / RATE,
        to_pytorch=ratio(results, one.name, base.name),
        core_to_pytorch=median(a / b for a, b in zip(one.processor, base.processor, strict=True)),
        limit=bound,
        share=core / highest,
        spread=spread(results[one.name]),
        goal=goal and REAL_TIME.get(goal),
        pytorch_goal=PYTORCH.get((one.size, one.precision)) if goal and one.streams == 1 else None,
    )


def limit(one: Sampler, spent: Cost, limits: Limits) -> tuple[str, float]:
    """What bounds a sampler on the processor, and the samples for a second of one core's time that it allows."""
    if one.device.type != "cpu":
        return "", math.inf
    size = spent.weights * WORD[one.precision]
    side_by_side = max(1, one.streams // one.threads)  # streams of a thread, for which weights are read once
    cache = "L2" if size <= CORE_CACHE else "L3"
    bounds = {
        "arithmetic": limits.core[one.precision] / spent.macs,
        cache: limits.core[cache] / size * side_by_side,
    }
    lowest = min(bounds, key=lambda name: bounds[name])
    return lowest, bounds[lowest]
