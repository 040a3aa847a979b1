"""Pictures of singing and of training, as PNG bytes: spectrograms, pitch curves and histograms, loss curves.

wave, contour, journal ──▶ figure ──▶ PNG

Matplotlib is imported here and in `axes` only.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from vocalise.audio.pitch import Contour
from vocalise.audio.spectrum import log_spectrum
from vocalise.measures.axes import (
    COLOURS,
    FAINT,
    INK,
    explained,
    headed,
    labelled,
    legible,
    midi,
    note_axis,
    png,
    settle,
    sheet,
    strokes,
    time_axis,
)
from vocalise.parts.contracts import BITS, UNITS

RANGE = 80.0  # dB from the loudest point of a spectrogram to its darkest colour
_COLUMNS = 2000  # of a spectrogram at most: the picture is no wider
_FEW = 128  # colours of a thrifty picture

Curve = tuple[list[float], list[float]]
Panel = tuple[str, Tensor, int, Contour | None]  # title, wave (samples,), rate in Hz, its pitch


def spectrogram(
    wave: Tensor, rate: int, *, title: str = "", contour: Contour | None = None, top: float = 8000.0
) -> bytes:
    """The level over time and frequency of a wave (samples,), with its pitch drawn on it.

    Args:
        wave: (samples,).
        rate: Hz.
        title: above the picture.
        contour: pitch to draw over it.
        top: Hz; the highest frequency shown, at most half the rate.
    """
    return comparison([(title, wave, rate, contour)], top=top, height=2.9)


def comparison(panels: Sequence[Panel], *, top: float = 8000.0, height: float = 2.1, thrifty: bool = False) -> bytes:
    """Spectrograms one above the other on common axes: source, conversion, truth. `height` in inches each.

    A `thrifty` one has no scale of levels and fewer colours; it takes a fifth of the time and a tenth of the bytes.
    """
    figure, plots = sheet(len(panels), height, sharey=True)
    top = min(top, max(rate for _, _, rate, _ in panels) / 2.0)
    for axes, (title, wave, rate, contour) in zip(plots, panels, strict=True):
        image = _draw_spectrum(axes, wave, rate)
        if contour is not None:
            seconds, pitch = _gapped(contour)
            axes.plot(seconds, pitch / 1000.0, color="#56E0FF", linewidth=1.2)
        axes.set_facecolor("black")
        axes.set_ylim(0.0, top / 1000.0)
        headed(axes, title)
        labelled(axes, y="frequency (kHz)")
        axes.label_outer()
    time_axis(plots[-1], max(wave.shape[-1] / rate for _, wave, rate, _ in panels))
    if thrifty:
        settle(figure)
        return png(figure, colours=_FEW)
    bar = figure.colorbar(image, ax=plots, pad=0.01, aspect=18 * len(panels), fraction=0.05)
    bar.set_label("level (dB re loudest)", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set_visible(False)
    return png(figure)


def pitch_curves(contours: Mapping[str, Contour], *, title: str = "", thrifty: bool = False) -> bytes:
    """Pitch over time of several singers, on an axis of notes; gaps where unvoiced. `thrifty`: see `comparison`."""
    figure, (axes,) = sheet(1, 2.6 if thrifty else 3.4)
    lines = []
    for contour, (colour, dash) in zip(contours.values(), strokes(len(contours)), strict=True):
        seconds, pitch = _gapped(contour)
        lines += axes.plot(seconds, _notes(pitch), color=colour, linestyle=dash, linewidth=1.5, alpha=0.9)
    low, high = _range(contour.pitch for contour in contours.values())
    axes.set_ylim(midi(low), midi(high))
    note_axis(axes.yaxis, low, high)
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.6)
    labelled(axes, y="pitch (note, Hz)")
    time_axis(axes, max((len(contour.pitch) * contour.hop for contour in contours.values()), default=1.0))
    headed(axes, title)
    explained(axes, lines, list(contours))
    if thrifty:
        settle(figure)
    return png(figure, colours=_FEW if thrifty else None)


def pitch_histogram(pitches: Mapping[str, Tensor], *, title: str = "") -> bytes:
    """How much of each singer's voiced time lies at which pitch, a row each; marks at 5, 50 and 95 %.

    `pitches` holds Hz (frames,) of each singer, 0 where unvoiced.
    """
    rows = max(1, len(pitches))
    figure, plots = sheet(rows, 2.6 if rows == 1 else 1.1)
    low, high = _range(pitches.values())
    edges = np.arange(math.floor(midi(low)), math.ceil(midi(high)) + 0.5, 0.5)  # quarter tones
    for axes, (name, pitch), (colour, _) in zip(plots, pitches.items(), strokes(rows), strict=False):
        notes = _notes(pitch[pitch > 0].double().cpu().numpy())
        share = np.histogram(notes, edges)[0] * 100.0 / max(1, len(notes))
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.75)
        for place in np.quantile(notes, (0.05, 0.5, 0.95)) if len(notes) else ():
            axes.axvline(place, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_locator(MaxNLocator(3))
        headed(axes, name if rows > 1 or not title else f"{title}: {name}")
        labelled(axes, y="time (%)")
        axes.label_outer()
    plots[-1].set_xlim(edges[0], edges[-1])
    note_axis(plots[-1].xaxis, low, high)
    labelled(plots[-1], x="pitch (note, Hz)", y="time (%)")
    if title and rows > 1:
        figure.suptitle(legible(title), fontsize=11, color=INK, x=0.01, ha="left", parse_math=False)
    return png(figure)


def loss_curves(
    rows: Sequence[Mapping[str, object]], *, title: str = "", phases: Sequence[tuple[float, str]] = ()
) -> bytes:
    """The course of a run, from the rows of its journal.

    Args:
        rows: each with `step` and any of the training loss (`bits`, a sample, or `distance`, in dB), the held-out one
            (`held_out_bits`, `held_out_distance`, …) and `learning_rate`.
        title: above the picture.
        phases: steps from which on somebody joins in, and who; shaded.
    """
    figure, (axes,) = sheet(1, 3.4)
    unit = next((one for one in UNITS if any({one.name, f"held_out_{one.name}"} & row.keys() for row in rows)), BITS)
    trained, held_out, rate = (_series(rows, name) for name in (unit.name, f"held_out_{unit.name}", "learning_rate"))
    last = max((x[-1] for x, _ in (trained, held_out, rate) if x), default=1.0)
    lines, names = [], []
    if rate[0]:
        faint = axes.twinx()
        lines += faint.plot(*rate, color=FAINT, linewidth=0.9, drawstyle="steps-post")
        names.append("learning rate")
        faint.set_yscale("log")
        faint.tick_params(labelsize=8, colors="#8A8A8A", length=3, which="both")
        labelled(faint, y="learning rate")
        faint.spines[:].set_visible(False)
        axes.set_zorder(faint.get_zorder() + 1)
        axes.patch.set_visible(False)
    if trained[0]:
        axes.plot(*trained, color=COLOURS[0], linewidth=0.6, alpha=0.25)
        lines += axes.plot(trained[0], smoothed(trained[1]), color=COLOURS[0], linewidth=1.8)
        names.append("training, smoothed")
    if held_out[0]:
        lines += axes.plot(*held_out, color=COLOURS[1], linewidth=1.0, marker="o", markersize=4.5)
        names.append("held out")
    for line, (step, who) in enumerate([(step, who) for step, who in phases if step < last]):
        axes.axvspan(step, last, color=COLOURS[2], alpha=0.10, linewidth=0)
        at = (step + 0.006 * last, 0.97 - 0.07 * line)
        axes.text(*at, who, transform=axes.get_xaxis_transform(), va="top", fontsize=8, color=INK)
    axes.set_xlim(0.0, last)
    _fit(axes, trained[1], held_out[1])
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.6)
    labelled(axes, x="step", y=f"loss ({unit.words})")
    headed(axes, title)
    explained(axes, lines, names)
    return png(figure)


def smoothed(values: Sequence[float], share: float = 0.03) -> list[float]:
    """A running mean over this share of the series, centred, so that it does not lag; shorter near the beginning."""
    sums = np.cumsum([0.0, *values])
    place = np.arange(len(values))
    reach = np.minimum(place, round(share * len(values) / 2))
    start, stop = place - reach, np.minimum(place + reach + 1, len(values))
    mean: list[float] = ((sums[stop] - sums[start]) / (stop - start)).tolist()
    return mean


def _draw_spectrum(axes: Axes, wave: Tensor, rate: int) -> AxesImage:
    size = 2 ** round(math.log2(0.064 * rate))  # 64 ms: the harmonics of a bass stay apart
    hop = max(1, round(0.005 * rate), wave.shape[-1] // _COLUMNS)
    levels = log_spectrum(wave.detach().float().cpu(), size=size, hop=hop)
    levels = (levels - levels.max()).clamp(min=-RANGE)
    end = (levels.shape[1] - 0.5) * hop / rate
    return axes.imshow(
        levels.numpy(),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-RANGE,
        vmax=0.0,
        extent=(-0.5 * hop / rate, end, -0.5 * rate / size / 1000.0, (rate / 2.0 + 0.5 * rate / size) / 1000.0),
        interpolation="antialiased",
    )


def _gapped(contour: Contour) -> "tuple[np.ndarray, np.ndarray]":
    """Times in seconds and Hz, NaN where unvoiced, so that lines break there."""
    pitch = torch.where(contour.pitch > 0, contour.pitch.double(), math.nan).cpu().numpy()
    return np.arange(len(pitch)) * contour.hop, pitch


def _notes(pitch: "np.ndarray") -> "np.ndarray":
    return 69.0 + 12.0 * np.log2(pitch / 440.0)


def _range(pitches: Iterable[Tensor]) -> tuple[float, float]:
    """Lowest and highest pitch in Hz but for stray frames, at least an octave, with two semitones to spare."""
    voiced = torch.cat([torch.zeros(0, dtype=torch.float64), *(p[p > 0].double().cpu() for p in pitches)]).numpy()
    low, high = np.quantile(voiced, (0.002, 0.998)) if len(voiced) else (110.0, 440.0)
    spare = max(1.0, math.sqrt(2.0 * low / high)) * 2 ** (2 / 12)
    return float(low / spare), float(high * spare)


def _series(rows: Sequence[Mapping[str, object]], name: str) -> Curve:
    """Steps and finite values of one fact."""
    pairs = [
        (float(step), float(value))
        for step, value in ((row.get("step"), row.get(name)) for row in rows)
        if isinstance(step, int | float) and isinstance(value, int | float) and math.isfinite(value)
    ]
    return [step for step, _ in pairs], [value for _, value in pairs]


def _fit(axes: Axes, *series: Sequence[float]) -> None:
    """Limits that leave the first steps' high loss out where it would flatten the rest."""
    values = np.array([value for part in series for value in part] or [0.0, 8.0])
    low, high = values.min(), np.quantile(values, 0.99)
    if high < values.max() - 0.3 * (high - low):
        axes.set_ylim(low - 0.05 * (high - low) - 1e-3, high + 0.15 * (high - low) + 1e-3)
