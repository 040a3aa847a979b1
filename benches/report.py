"""The figures as sections of a page of Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from converting import Conversion
from decoding import Singer
from rounds import Results, ratio, spread

NOTES = """\
All contenders run in one process and take turns; figures are medians over the rounds. A share is the median over
rounds of a step's FLOP/s to the peak's in the same round. FLOP of a step: 6 for each multiply-add in the encoder's and
decoder's layers (forward 2, backward 4); the adversary, Adam and everything that multiplies no matrices are work that
is not counted. "Spread" is the distance between the quartiles, as a share of the median: above 15 %, measure again on
a quieter machine."""

DECODING = """\
One song of two minutes, told in pieces of 400 columns (4 s), on two threads in two lanes; the source of pulses and
noise and all transforms are in it. "Times real time" is by the clock; "for a core's time" divides by the processor time
that all threads took, and is the truer figure where other programs run. HiFi-GAN V1 (Kong et al., 2020) has random
weights, and no mel analysis in its time; how many of it a decoder is worth is the ratio of the two by processor time,
against PyTorch float32 on one thread."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A training step under measurement."""

    name: str  # of the contender
    excerpts: str  # what a step hears
    encoder_macs: float  # for each sample
    decoder_macs: float
    wanted: float | None  # share of the peak that it should reach

    @property
    def flop(self) -> float:
        """Floating-point operations of a step for each sample."""
        return 6.0 * (self.encoder_macs + self.decoder_macs)


def section(title: str, facts: Sequence[tuple[str, str]], tables: Sequence[str]) -> str:
    """A section of the page: what was measured on what, and the tables."""
    listed = "\n".join(f"- {name}: {value}" for name, value in facts)
    return "\n\n".join([f"## {title}", listed, *tables])


def peak_table(results: Results, products: Sequence[str], peak: str, precision: str) -> str:
    """Matrix products of several sizes; the best is the peak."""
    rows = [
        [f"**{name}**" if name == peak else name, f"{median(results[name]) / 1e9:.0f}", _percent(spread(results[name]))]
        for name in products
    ]
    return f"### Matrix-product peak ({precision})\n\n" + _table(["product", "GFLOP/s", "spread"], rows)


def training_table(results: Results, steps: Sequence[Trained], peak: str) -> str:
    """Training throughput as a share of the peak."""
    rows = []
    for step in steps:
        speed = median(results[step.name])
        share = ratio(results, step.name, peak) * step.flop
        wanted = (
            "" if step.wanted is None else f"{_percent(step.wanted)} ({'met' if share >= step.wanted else 'missed'})"
        )
        rows.append(
            [
                step.name,
                step.excerpts,
                f"{step.encoder_macs / 1e6:.3f} + {step.decoder_macs / 1e6:.3f}",
                f"{speed:,.0f}",
                f"{speed * step.flop / 1e9:.1f}",
                f"**{_percent(share)}**",
                wanted,
                _percent(spread(results[step.name])),
            ]
        )
    head = ["training step", "excerpts", "M MAC a sample, encoder + decoder", "samples/s", "GFLOP/s", "share of peak"]
    return f"### Training steps\n\n{NOTES}\n\n" + _table([*head, "goal", "spread"], rows)


def decoding_table(results: Results, every: Sequence[Singer], yardstick: Singer) -> str:
    """Speed of decoders that sing all at once, beside a neural vocoder of the same rate on one thread."""
    rows = []
    for one in every:
        clock, core = median(results[one.name]), median(one.processor)
        ahead = median(a / b for a, b in zip(one.processor, yardstick.processor, strict=True))
        reached = core if one.threads == 1 else clock
        rows.append(
            [
                one.system,
                f"{one.rate:,}",
                one.runtime,
                str(one.threads),
                f"{clock:.1f}",
                f"{core:.1f}",
                f"{ahead:.1f}" if one.rate == yardstick.rate else "",
                "" if one.goal is None else f"{one.goal:.0f} ({'met' if reached >= one.goal else 'missed'})",
                _percent(spread(one.processor)),
            ]
        )
    head = [
        "decoder",
        "Hz",
        "runtime",
        "threads",
        "times real time",
        "for a core's time",
        "HiFi-GANs",
        "goal",
        "spread",
    ]
    return f"{DECODING}\n\n" + _table(head, rows)


def converting_table(results: Results, every: Sequence[Conversion]) -> str:
    """Speed of whole conversions."""
    rows = [
        [
            one.name,
            f"{one.seconds:.0f} s",
            str(one.threads),
            f"{median(results[one.name]):.1f}",
            f"{median(one.processor):.1f}",
            _percent(spread(one.processor)),
        ]
        for one in every
    ]
    head = ["conversion at 24,000 Hz", "song", "threads", "times real time", "for a core's time", "spread"]
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
