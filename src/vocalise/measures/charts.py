"""Charts of an evaluation, as PNG bytes: who was taken for whom, and figures with their intervals.

counts (rows, columns) ──share of each row──▶ shaded cells ──▶ PNG
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from vocalise.measures.axes import COLOURS, DPI, FAINT, INK, explained, headed, labelled, legible, png

Dot = tuple[float, float | None, float | None]  # a value, and the ends of its interval where there is one

_MARKS = ("o", "s", "D", "^", "v", "P", "X")
_CELL, _LINE = 0.4, 0.3  # inches
_WRITTEN = 14  # columns up to which shares are written into the cells
_LONGEST = 18  # characters of a name on an axis
_FEW = 64  # colours


def confusion(
    counts: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
    *,
    sung: str = "sung by",
    heard: str = "heard",
) -> bytes:
    """Who was taken for whom: each row's shares in percent, shaded; frames where row and column are one person.

    Args:
        counts: (rows, columns), pieces or shares, not negative; a row that adds up to nothing stays empty.
        rows: who it was, or should have been.
        columns: whom the judge heard.
        title: above the picture.
        sung: what a row is.
        heard: what a column is.

    Raises:
        ValueError: nobody to be heard, or nobody to sing.
    """
    if not rows or not columns:
        raise ValueError("A table of confusions needs a row and a column.")
    table = np.asarray(counts, dtype=float).reshape(len(rows), len(columns))
    shares = table / np.where(table.sum(1, keepdims=True) > 0, table.sum(1, keepdims=True), np.nan)
    figure, axes = _canvas(max(1.7 + _CELL * len(columns), 2.8), max(1.2 + _CELL * len(rows), 1.9))
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_facecolor("#EEEEEE")  # rows without a piece
    for row, column in np.argwhere(np.isfinite(shares)):
        share = shares[row, column]
        if len(columns) <= _WRITTEN and round(100 * share):
            colour = "white" if share > 0.55 else INK
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=colour)
    for row, column in ((rows.index(name), columns.index(name)) for name in rows if name in columns):
        corner = (column - 0.5, row - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.4, clip_on=False))
    axes.set_xticks(
        range(len(columns)), _names(columns), parse_math=False, rotation=45, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(range(len(rows)), _names(rows), parse_math=False)
    labelled(axes, x=f"{heard} (% of the row)", y=sung)
    headed(axes, title)
    return png(figure, colours=_FEW)


def intervals(
    rows: Sequence[str],
    series: Mapping[str, Sequence[Dot | None]],
    title: str = "",
    *,
    good: float | None = None,
    poor: float | None = None,
    share: bool = False,
    unit: str = "",
) -> bytes:
    """A figure for each row: dots with whiskers, a colour and a mark for each series; thresholds as upright lines.

    Args:
        rows: names of the groups, the first at the top.
        series: by system, a dot for each row; None where it has none.
        title: above the picture.
        good: where good begins.
        poor: where failure begins.
        share: values are in [0, 1] and written in percent.
        unit: of the axis, if not percent.
    """
    figure, axes = _canvas(4.6, 1.15 + _LINE * max(2, len(rows)) * max(1.0, 0.6 * len(series)))
    lines = [_dots(axes, place, len(series), dots) for place, dots in enumerate(series.values())]
    for edge, word in ((good, "good"), (poor, "poor")):
        if edge is not None:
            axes.axvline(edge, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
            at = axes.get_xaxis_transform()
            axes.text(edge, 0.01, f" {word}", transform=at, fontsize=7, color=INK, va="bottom", rotation=90)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), _names(rows), parse_math=False)
    for border in np.arange(0.5, len(rows) - 1):
        axes.axhline(border, color=FAINT, linewidth=0.5, alpha=0.6)
    if share:
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    labelled(axes, x="%" if share else unit)
    headed(axes, title)
    if len(series) > 1:
        explained(axes, lines, [_short(name) for name in series])
    return png(figure, colours=_FEW)


def _dots(axes: Axes, place: int, count: int, dots: Sequence[Dot | None]) -> Line2D:
    colour, mark = COLOURS[place % len(COLOURS)], _MARKS[place % len(_MARKS)]
    shift = (place - (count - 1) / 2) * 0.5 / max(1, count - 1) if count > 1 else 0.0
    known = [(row + shift, dot) for row, dot in enumerate(dots) if dot is not None]
    for height, (_, low, high) in known:
        if low is not None and high is not None:
            axes.plot([low, high], [height, height], color=colour, linewidth=1.4, alpha=0.8)
    values = [dot[0] for _, dot in known]
    (line,) = axes.plot(values, [height for height, _ in known], mark, color=colour, markersize=5, zorder=3)
    return line


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.tick_params(labelsize=8, colors=INK, length=3)
    axes.spines[:].set_color(FAINT)
    return figure, axes


def _names(names: Sequence[str]) -> list[str]:
    return [legible(_short(name)) for name in names]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
