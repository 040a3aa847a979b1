"""What the pictures have in common: a sheet that becomes PNG bytes, axes in musicians' units, colours, safe text.

Figures are made as objects, without pyplot and its global state, so that several threads may draw at once and no
display is needed. Colours are those of Okabe & Ito (2008), which colour-blind readers tell apart; lines differ in
their dashes as well.
"""

import io
import math
from collections.abc import Sequence
from itertools import cycle, islice

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator, NullLocator
from PIL import Image

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (2, 1)), (0, (6, 1.5, 1.5, 1.5)))
INK, FAINT = "#333333", "#B8B8B8"
WIDTH, DPI = 9.0, 110  # inches, dots an inch
_FONT = "DejaVu Sans"  # comes with matplotlib, so it is on every disk
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def sheet(rows: int, height: float, *, sharex: bool = True, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """An empty figure of so many rows of axes, `height` inches each."""
    figure = Figure(figsize=(WIDTH, height * rows + 0.35), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, 1, sharex=sharex, sharey=sharey, squeeze=False)
    plots = [row[0] for row in grid]
    for axes in plots:
        axes.tick_params(labelsize=8, colors=INK, length=3)
        for side in axes.spines.values():
            side.set_color(FAINT)
    return figure, plots


def png(figure: Figure, *, colours: int | None = None) -> bytes:
    """The finished figure; the same figure gives the same bytes.

    Held to so many `colours` (256 at most) it takes a third less time and a tenth of the bytes: for pages of many.
    """
    out = io.BytesIO()
    if colours is None:
        figure.savefig(out, format="png", metadata={"Software": None})
        return out.getvalue()
    figure.draw(figure.canvas.get_renderer())  # type: ignore[attr-defined]  # Agg's canvas, see `sheet`
    seen = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")  # type: ignore[attr-defined]
    few = seen.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette, paper = few.getpalette() or [], np.asarray(few)[0, 0]  # the octree's white is a shade off
    palette[3 * paper : 3 * paper + 3] = [255, 255, 255]
    few.putpalette(palette)
    few.save(out, format="PNG")
    return out.getvalue()


def settle(figure: Figure) -> None:
    """Puts the axes where note names and one title fit, instead of measuring every text, which takes half the time."""
    height = figure.get_figheight()
    figure.set_layout_engine(None)
    figure.subplots_adjust(left=0.09, right=0.985, top=1.0 - 0.27 / height, bottom=0.45 / height, hspace=0.3)


def headed(axes: Axes, title: str) -> None:
    """Puts a title above the left edge."""
    if title:
        axes.set_title(legible(title), loc="left", fontsize=10, color=INK, fontfamily=_FONT, parse_math=False)


def labelled(axes: Axes, *, x: str = "", y: str = "") -> None:
    """Names the axes, units in brackets."""
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)


def explained(axes: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    """A legend above the axes, at the right. Names may hold anything, a leading underscore or a dollar sign too."""
    legend = axes.legend(
        lines,
        ["-"] * len(lines),
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=min(len(lines), 4),
        fontsize=8,
        frameon=False,
        borderaxespad=0.2,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(legible(name))
        text.set_color(INK)


def strokes(count: int) -> list[tuple[str, object]]:
    """A colour and a dash for each of so many lines."""
    return list(islice(zip(cycle(COLOURS), cycle(DASHES), strict=False), count))


def note_axis(axis: Axis, low: float, high: float) -> None:
    """A frequency axis from `low` to `high` Hz, equal steps for equal intervals, ticks at notes (A4 = 440 Hz).

    The axis runs in MIDI note numbers, so that it needs no logarithmic scale; see `midi`.
    """
    first, last = math.ceil(midi(low)), math.floor(midi(high))
    kept = next(keep for keep, most in _TICKS if most is None or last - first <= most)
    ticks = [note for note in range(first, last + 1) if note % 12 in kept]
    axis.set_major_locator(FixedLocator(ticks or [first]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda note, _: note_name(round(note))))


# Which notes of the octave are ticked, up to how many semitones of range.
_TICKS: tuple[tuple[tuple[int, ...], int | None], ...] = (
    (tuple(range(12)), 9),
    ((0, 2, 4, 5, 7, 9, 11), 16),
    ((0, 4, 7, 9), 30),
    ((0, 7), 60),
    ((0,), None),
)


def midi(pitch: float) -> float:
    """Hz -> MIDI note number, 69 for 440 Hz, a semitone each."""
    return 69.0 + 12.0 * math.log2(pitch / 440.0)


def note_name(note: int) -> str:
    """The note's name and frequency: 57 -> `A3 220`."""
    return f"{_NOTES[note % 12]}{note // 12 - 1} {440.0 * 2.0 ** ((note - 69) / 12):.0f}"


def time_axis(axes: Axes, seconds: float) -> None:
    """Time from 0 to `seconds`; minutes and seconds where it is longer than two minutes."""
    axes.set_xlim(0.0, max(seconds, 1e-3))
    if seconds <= 120:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10]))
        labelled(axes, x="time (s)", y=axes.get_ylabel())
        return
    step = next((step for step in (15, 30, 60, 120, 300, 600, 1800) if step * 12 >= seconds), 3600)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{int(t) // 60}:{int(t) % 60:02d}"))
    labelled(axes, x="time (min:s)", y=axes.get_ylabel())


def legible(text: str) -> str:
    """The text with □ for what the font lacks: matplotlib would warn on each."""
    if text.isascii() and text.isprintable():
        return text
    known = get_font(findfont(FontProperties(family=_FONT))).get_charmap()
    return "".join(character if ord(character) in known else "□" for character in text)
