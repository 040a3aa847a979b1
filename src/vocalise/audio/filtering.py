"""Filters that change from frame to frame: their curves from a few bands, and waves in overlapping frames.

bands, mel-spaced ──straight lines──▶ bins;  log-magnitude ──Hilbert──▶ phase of the filter that answers soonest
"""

import torch
from torch import Tensor


def frames_of(columns: Tensor, overlap: int) -> Tensor:
    """(batch, n + overlap - 1, hop) -> n frames of `overlap` columns each, windowed: (batch, n, overlap * hop)."""
    frames = columns.unfold(1, overlap, 1).transpose(2, 3).flatten(2)
    return frames * window_of(frames.shape[2], columns)


def overlapped(frames: Tensor, overlap: int) -> Tensor:
    """Windows frames (batch, n, overlap * hop) and adds them up: (batch, n + overlap - 1, hop).

    After `frames_of` every column that `overlap` frames cover comes back as it was.
    """
    pieces = torch.unflatten(frames * window_of(frames.shape[2], frames), 2, (overlap, -1))
    batch, count, _, hop = pieces.shape
    out = frames.new_zeros(batch, count + overlap - 1, hop)
    for turn in range(overlap):
        out[:, turn : turn + count] += pieces[:, :, turn]
    return out * (2.0 / overlap)


def window_of(size: int, like: Tensor) -> Tensor:
    """The square root of a Hann window, so that twice it overlaps to a constant."""
    return torch.hann_window(size, device=like.device, dtype=like.dtype).sqrt()


def band_centres(rate: int, size: int, bands: int) -> Tensor:
    """Places of bands from 0 to half the rate in Hz, (bands,): mel-spaced, and no closer than the bins of `size`."""
    mels = torch.linspace(0.0, 1.0, bands, dtype=torch.float64) * torch.log1p(torch.tensor(rate / 1400.0).double())
    wanted = 700.0 * torch.expm1(mels)
    least = torch.arange(bands, dtype=torch.float64) * rate / size
    return torch.maximum(wanted, least) if bands < size // 2 + 1 else least[: size // 2 + 1]


def curve_matrix(rate: int, size: int, bands: int, *, semitones: float = 0.0) -> Tensor:
    """What makes curves over the bins of a transform out of values at bands: (bands, bins).

    Straight lines between bands; beyond the last one its value is held. With `semitones` the whole curve is moved up
    the frequency axis, as a shorter mouth moves its resonances.
    """
    centres = band_centres(rate, size, bands)
    read = torch.arange(size // 2 + 1, dtype=torch.float64) * rate / size / 2.0 ** (semitones / 12.0)
    right = torch.searchsorted(centres, read).clamp(1, len(centres) - 1)
    low, high = centres[right - 1], centres[right]
    share = ((read - low) / (high - low)).clamp(0.0, 1.0)
    matrix = torch.zeros(len(centres), size // 2 + 1, dtype=torch.float64)
    matrix.scatter_add_(0, (right - 1)[None], (1.0 - share)[None])
    matrix.scatter_add_(0, right[None], share[None])
    return matrix.float()


def soonest_phase(curves: Tensor) -> Tensor:
    """The phase of the minimum-phase filter with these log-magnitudes: (..., bins) in nepers -> (..., bins) in radians.

    The cepstrum is folded onto positive times (Oppenheim & Schafer, 1975, section 10.3); it is linear in `curves`.
    """
    size = 2 * (curves.shape[-1] - 1)
    fold = torch.zeros(size, dtype=curves.dtype)
    fold[0], fold[1 : size // 2], fold[size // 2] = 1.0, 2.0, 1.0
    phase: Tensor = torch.fft.rfft(torch.fft.irfft(curves, n=size) * fold).imag
    return phase
