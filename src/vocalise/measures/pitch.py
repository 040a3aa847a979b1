"""How well a sung pitch follows another: the field's figures, over contours on one clock.

reference, estimate ──nearest frame──▶ cents apart, frame by frame ──▶ figures

The definitions are those of MIR practice (raw pitch and chroma accuracy: Poliner et al., 2007; gross error and frame
error: Chu & Alwan, 2009). A figure that nothing defines (no voiced frame, no variation) is NaN, never an exception.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vocalise.audio.pitch import Contour, contour_at
from vocalise.measures.tracker import track_pitch

NEAR = 50.0  # cents; a quarter tone
GROSS = 0.20  # of the reference's frequency

Tracker = Callable[[Tensor, int], Contour]  # wave (samples,) and its rate in Hz -> its pitch


@dataclass(frozen=True, kw_only=True)
class PitchFigures:
    """What differs between two contours. Shares lie in [0, 1]; NaN where nothing defines a figure."""

    log_f0_correlation: float  # Pearson, of log-frequency, over frames voiced in both
    rpa50: float  # share of the reference's voiced frames whose estimate is voiced and within 50 cents
    chroma50: float  # the same, whatever the octave
    median_cents: float  # median absolute difference, over frames voiced in both
    log_f0_rmse: float  # cents: root mean square difference, over frames voiced in both
    gross: float  # share of the frames voiced in both that are off by more than 20 %
    octave: float  # share of the frames voiced in both that are off by whole octaves, give or take 50 cents
    voicing_error: float  # share of all frames that only one of the two calls voiced
    frame_error: float  # share of all frames with either of these two errors
    voiced_reference: float  # share of all frames
    voiced_estimate: float
    offset: float  # cents: median of estimate minus reference, as they came
    transposition: float  # cents that were taken from the estimate before it was compared


def compare_contours(reference: Contour, estimate: Contour, *, transposition: float | None = 0.0) -> PitchFigures:
    """Compares an estimate with its reference on the reference's clock, over the longer of the two.

    Args:
        reference: what should have been sung.
        estimate: what was sung; where it has ended, it is unvoiced.
        transposition: cents by which the estimate is meant to be higher, and which are taken from it; None takes the
            median difference (a conversion moved to the target's range), which the figures then report.
    """
    frames = round(max(_seconds(reference), _seconds(estimate)) / reference.hop)
    times = torch.arange(frames, dtype=torch.float64) * reference.hop
    sung, heard = _pitch_at(reference, times), _pitch_at(estimate, times)
    voiced, answered = sung > 0, heard > 0
    both = voiced & answered
    cents = 1200.0 * torch.log2(heard[both] / sung[both])
    offset = _median(cents)
    taken = (0.0 if math.isnan(offset) else offset) if transposition is None else transposition
    apart = cents - taken
    octaves = torch.round(apart / 1200.0)
    near = (apart - 1200.0 * octaves).abs() < NEAR
    off = (torch.exp2(apart / 1200.0) - 1.0).abs() > GROSS
    wrong = voiced != answered
    return PitchFigures(
        log_f0_correlation=correlation(sung[both].log(), heard[both].log()),
        rpa50=_share(int((apart.abs() < NEAR).sum()), int(voiced.sum())),
        chroma50=_share(int(near.sum()), int(voiced.sum())),
        median_cents=_median(apart.abs()),
        log_f0_rmse=float(apart.square().mean().sqrt()) if apart.numel() else math.nan,
        gross=_share(int(off.sum()), int(both.sum())),
        octave=_share(int((near & (octaves != 0)).sum()), int(both.sum())),
        voicing_error=_share(int(wrong.sum()), frames),
        frame_error=_share(int(wrong.sum()) + int(off.sum()), frames),
        voiced_reference=_share(int(voiced.sum()), frames),
        voiced_estimate=_share(int(answered.sum()), frames),
        offset=offset,
        transposition=float(taken),
    )


def compare_pitch(
    reference: Tensor,
    estimate: Tensor,
    rate: int,
    *,
    tracker: Tracker = track_pitch,
    transposition: float | None = 0.0,
) -> PitchFigures:
    """Tracks the pitch of two waves (samples,) at `rate` Hz and compares the contours.

    `tracker` should not be the one that the model was trained with (`audio.pitch.pitch_contour`), or its mistakes count
    as truth; the default is another one. How far the two agree on the reference itself is the ceiling of every figure.
    """
    return compare_contours(tracker(reference, rate), tracker(estimate, rate), transposition=transposition)


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's correlation of two equally long series (n,); NaN below two values or where one does not vary."""
    if a.numel() < 2:
        return math.nan
    a, b = a.double() - a.double().mean(), b.double() - b.double().mean()
    spread = float(a.norm() * b.norm())
    # What rounding leaves of a constant series is not variation.
    if float(a.std()) < 1e-9 or float(b.std()) < 1e-9:
        return math.nan
    return max(-1.0, min(1.0, float(a @ b) / spread))


def _pitch_at(contour: Contour, times: Tensor) -> Tensor:
    """Hz at those times (seconds), 0 where unvoiced or after the end."""
    if contour.pitch.numel() == 0:
        return torch.zeros_like(times)
    pitch, voicing = contour_at(contour, times)
    there = (voicing > 0.5) & (times <= _seconds(contour) - contour.hop / 2 + 1e-9)
    return torch.where(there, pitch.to(times), 0.0)


def _seconds(contour: Contour) -> float:
    return contour.pitch.numel() * contour.hop


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _median(values: Tensor) -> float:
    return float(torch.quantile(values, 0.5)) if values.numel() else math.nan
