"""Drawings for the page as SVG: ranges on a scale like a keyboard, and the course of a training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from vocalise.parts.contracts import BITS, UNITS

NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
BLACK = frozenset({1, 3, 6, 8, 10})
WIDEST = (36.0, 84.0)  # MIDI numbers that a scale shows at least
WIDTH, ROW, KEYS, TOP = 720.0, 44.0, 60.0, 6.0


@dataclass(frozen=True)
class Bar:
    """A range on the scale."""

    label: str
    marks: tuple[float, float, float]  # Hz: 5, 50 and 95 %
    kind: str  # song, moved, singer


def midi(hertz: float) -> float:
    """The number of a pitch on a keyboard; 69 is a' at 440 Hz."""
    return 69.0 + 12.0 * math.log2(hertz / 440.0)


def note(hertz: float) -> str:
    """The name of the nearest note: `A4`."""
    number = round(midi(hertz))
    return f"{NAMES[number % 12]}{number // 12 - 1}"


def keyboard(bars: Sequence[Bar]) -> Markup:
    """Ranges above the keys of a piano, one below the other."""
    places = [midi(mark) for bar in bars for mark in bar.marks]
    low = 12 * math.floor(min([WIDEST[0], *places]) / 12)
    high = 12 * math.ceil(max([WIDEST[1], *places]) / 12)
    wide = WIDTH / (high - low)
    height = TOP + ROW * len(bars) + KEYS + 22
    parts = [_lines(low, high, wide, TOP + ROW * len(bars))]
    parts += [_bar(bar, low, wide, TOP + ROW * number) for number, bar in enumerate(bars)]
    parts.append(_piano(low, high, wide, TOP + ROW * len(bars)))
    told = "; ".join(f"{bar.label}: {note(bar.marks[0])} – {note(bar.marks[2])}" for bar in bars)
    return Markup('<svg class="scale" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        round(WIDTH), round(height), told, Markup("").join(parts)
    )


def _bar(bar: Bar, low: int, wide: float, top: float) -> Markup:
    left, middle, right = ((midi(mark) - low + 0.5) * wide for mark in bar.marks)
    words = f"{bar.label}  {note(bar.marks[0])} – {note(bar.marks[2])}"
    # So that a long name in large letters, as on a telephone, does not run over either edge.
    at, anchor = (left + right) / 2.0, "middle"
    if left < 0.4 * WIDTH:
        at, anchor = left, "start"
    elif right > 0.6 * WIDTH:
        at, anchor = right, "end"
    return Markup(
        '<g class="bar {}"><text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>'
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="9" rx="4.5"/>'
        '<circle cx="{:.1f}" cy="{:.1f}" r="5.5"/></g>'
    ).format(bar.kind, at, top + 16, anchor, words, left, top + 23, max(4.0, right - left), middle, top + 27.5)


def _lines(low: int, high: int, wide: float, bottom: float) -> Markup:
    cells = [
        Markup('<line class="octave" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1:.1f}"/>').format(
            (key - low) * wide, bottom
        )
        for key in range(low, high + 1, 12)
    ]
    return Markup("").join(cells)


def _piano(low: int, high: int, wide: float, top: float) -> Markup:
    """White keys are as wide as their share of an octave; black ones lie over them."""
    white = [key for key in range(low, high) if key % 12 not in BLACK]
    octave, parts = 12.0 * wide / 7.0, []
    order = {pitch: number for number, pitch in enumerate(sorted(set(range(12)) - BLACK))}
    for key in white:
        left = 12.0 * wide * ((key - low) // 12) + octave * order[key % 12]
        parts.append(
            Markup('<rect class="white" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}"/>').format(
                left, top, octave, KEYS
            )
        )
        if key % 12 == 0:
            parts.append(
                Markup('<text class="name" x="{:.1f}" y="{:.1f}">{}</text>').format(
                    left + 2, top + KEYS + 18, f"C{key // 12 - 1}"
                )
            )
    for key in range(low, high):
        if key % 12 in BLACK:
            left = (key - low) * wide
            parts.append(
                Markup('<rect class="black" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}"/>').format(
                    left, top, wide, KEYS * 0.6
                )
            )
    return Markup("").join(parts)


def curves(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> Markup:
    """The losses of a run over its steps, from the rows of its journal; nothing before there is one.

    `words` has `training` and `held_out`, and `title` with a place for the `unit`.
    """
    unit = next((one for one in UNITS if any({one.name, f"held_out_{one.name}"} & row.keys() for row in rows)), BITS)
    trained, held = (_points(rows, name) for name in (unit.name, f"held_out_{unit.name}"))
    every = trained + held
    if len(every) < 2:
        return Markup("")
    last = max(step for step, _ in every) or 1
    values = sorted(value for _, value in every)
    low, high = values[0], max(values[round(0.98 * (len(values) - 1))], values[0] + 1e-6)
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    box = (46.0, 32.0, 640.0, 190.0)  # left, top, width, height; the names of the lines stand above

    def place(step: float, value: float) -> tuple[float, float]:
        return box[0] + box[2] * step / last, box[1] + box[3] * (1 - (min(high, max(low, value)) - low) / (high - low))

    parts = [_axis(box, low, high, last)]
    for name, points in (("training", trained), ("held_out", held)):
        line = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in points)
        parts.append(Markup('<polyline class="{}" points="{}"/>').format(name, line))
        if name == "held_out":
            dots = [
                Markup('<circle class="held_out" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(*place(*p)) for p in points
            ]
            parts += dots
    for number, name in enumerate(("training", "held_out")):
        x = box[0] + box[2] - 200 + 110 * number
        parts.append(
            Markup('<rect class="key {0}" x="{1}" y="8" width="14" height="4"/><text x="{2}" y="14">{3}</text>').format(
                name, x, x + 19, words[name]
            )
        )
    return Markup(
        '<svg class="curves" viewBox="0 0 700 260" role="img" aria-label="{0}"><title>{0}</title>{1}</svg>'
    ).format(words["title"].replace("{unit}", unit.words), Markup("").join(parts))


def _axis(box: tuple[float, float, float, float], low: float, high: float, last: float) -> Markup:
    left, top, width, height = box
    parts = []
    for number in range(5):
        value, y = low + (high - low) * number / 4, top + height * (1 - number / 4)
        parts.append(
            Markup(
                '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
                '<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
            ).format(left, left + width, y, left - 6, y + 4, f"{value:.3g}")
        )
    for number in range(5):
        step = round(last * number / 4)
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                left + width * number / 4, top + height + 18, escape(f"{step:,}")
            )
        )
    return Markup("").join(parts)


def _points(rows: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    found = [(float(row["step"]), row.get(name)) for row in rows]
    known = {step: float(value) for step, value in found if isinstance(value, int | float) and math.isfinite(value)}
    points = list(known.items())  # one a step: where a run went on, the newer
    return points[:: max(1, len(points) // 400)]
