"""The bench of samplers as a section of the page, and as a chart."""

from collections.abc import Mapping
from pathlib import Path

from probe import CACHES, MOST, PRODUCTS
from singing import Record, Row

ABOUT = """\
A WaveNet of recipe `usvc` with fresh weights sings sample after sample; all samplers have the same weights and take
turns in one process. "Times real time" and samples a second are by the clock, medians over the rounds, of all streams
together at 16 kHz. "Times PyTorch" is against the plain stepper in the same round, which uses one thread (its steps are
too small for more): by the clock, and for a second of one core's time, which is the truer figure where other programs
run. The limit is what the probe found for one core: multiply-adds in that precision, or reading the weights from the
cache that holds them (a layer of dilation d needs its weights for the past once in d samples); the share of it is taken
by one core's time. The probe runs before and after; if any of its figures moved more than 15 %, the run is void."""


def section(record: Record, facts: Mapping[str, str], picture: str | None = None) -> str:
    """The section of the page."""
    lines = [f"- {name}: {value}" for name, value in {**facts, **record.facts}.items()]
    lines.append(f"- Probe ({record.before.how}): moved {record.moved:.0%} at most ({record.moved_most})")
    if record.cold is not None:
        cold = record.cold
        lines.append(
            f"- Cold start of the compiled sampler, from the end of the imports until the first sample can be sung: "
            f"{cold.ready:.2f} s by the clock, {cold.ready_core:.2f} s of one core's time (goal 0.2); until the first "
            f"column of sound is there {cold.sound:.2f} s, {cold.sound_core:.2f} s"
        )
    parts = ["## Sampling", "\n".join(lines)]
    if record.void:
        parts.append(
            f"**This run is void**: between beginning and end the machine's own limit moved by {record.moved:.0%} "
            f"({record.moved_most}), more than {MOST:.0%}. Measure again on a quieter machine."
        )
    parts += [ABOUT, probe_table(record), table(record.rows)]
    if picture:
        parts.append(f"![times real time by size, streams and sampler]({picture})")
    return "\n\n".join(parts)


def table(rows: list[Row]) -> str:
    """All figures."""
    head = ["size", "streams", "sampler", "precision", "threads", "samples/s", "times real time", "goal"]
    head += ["times PyTorch", "by core time", "goal", "limit", "share", "spread"]
    return _table(head, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    return [
        *(row.size, str(row.streams), row.sampler, row.precision, str(row.threads)),
        *(f"{row.rate:,.0f}", f"{row.real_time:.2f}", _goal(row.goal, row.real_time)),
        *(f"{row.to_pytorch:.1f}", f"{row.core_to_pytorch:.1f}", _goal(row.pytorch_goal, row.core_to_pytorch)),
        *(row.limit, f"{row.share:.0%}" if row.limit else "", f"{row.spread:.0%}"),
    ]


def probe_table(record: Record) -> str:
    """The machine's limits, before and after."""
    rows = []
    for name in (*PRODUCTS, *CACHES):
        unit = "GB/s read" if name in CACHES else "GMAC/s"
        pairs = [
            (getattr(record.before, kind)[name], getattr(record.after, kind)[name]) for kind in ("one", "all", "core")
        ]
        rows.append([f"{name}, {unit}", *(f"{old / 1e9:.0f}, {new / 1e9:.0f}" for old, new in pairs)])
    return _table(["probe, before and after", "one thread", "all threads", "for a second of one core's time"], rows)


def _goal(goal: float | None, reached: float) -> str:
    return "" if goal is None else f"{goal:g} ({'met' if reached >= goal else 'missed'})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])


def chart(record: Record, path: Path) -> None:
    """Times real time of each sampler, a panel for each size, on a logarithmic scale."""
    from matplotlib.figure import Figure

    sizes = list(dict.fromkeys(row.size for row in record.rows))
    figure = Figure(figsize=(4.0 * len(sizes), 3.6), layout="constrained")
    panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for panel, size in zip(panels, sizes, strict=True):
        kinds: dict[str, dict[int, float]] = {}
        for row in record.rows:
            if row.size == size:
                line = kinds.setdefault(f"{row.sampler} {row.precision}", {})
                line[row.streams] = max(line.get(row.streams, 0.0), row.real_time)
        for kind, line in kinds.items():
            panel.plot([str(streams) for streams in line], list(line.values()), marker="o", label=kind)
        panel.axhline(1.0, color="grey", linewidth=0.8, linestyle="--")
        panel.set(title=f"usvc {size}", xlabel="streams", yscale="log")
    panels[0].set_ylabel("times real time, all streams together")
    panels[-1].legend(fontsize="small")
    figure.savefig(path, dpi=110, metadata={"Software": None})
