"""Views: what listening adversaries look at, log-spectra over time with bands as channels, cut at what a file holds.

wave (batch, 1, samples) ──STFT, mel, log──▶ (batch, bands, frames); above the bandwidth there is silence
"""

import math

import torch
from torch import Tensor, nn

from vocalise.audio.spectrum import mel_filters, stft
from vocalise.parts.losses import EDGE

_FLOOR = 1e-8  # added to powers: -80 dB relative to full scale is as good as silence
_UNIT = 20.0  # dB that make 1
_SILENCE = 10.0 * math.log10(_FLOOR) / _UNIT


class Spectrum(nn.Module):
    """Log power of mel bands, or of every bin, in units of 20 dB above silence; about 0 to 4."""

    filters: Tensor  # (bands, bins), or nothing where every bin is a band
    tops: Tensor  # (bands,)   Hz: the highest that a band hears

    def __init__(self, rate: int, *, window: float, bands: int = 0, high: float | None = None) -> None:
        """`window` in seconds, taken as the nearest power of two; `bands` of the mel scale up to `high` Hz, 0: bins."""
        super().__init__()
        self.rate, self.size = rate, 2 ** max(4, round(math.log2(window * rate)))
        frequencies = torch.arange(self.size // 2 + 1) * (rate / self.size)
        high = rate / 2.0 if high is None else min(high, rate / 2.0)
        filters = mel_filters(rate, self.size, bands, high=high) if bands else torch.empty(0)
        tops = [frequencies[row > 0].amax() for row in filters] if bands else list(frequencies)
        self.bands = len(tops)
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("tops", torch.stack(tops), persistent=False)

    def forward(self, wave: Tensor, bandwidth: Tensor | None = None) -> Tensor:
        """(batch, 1, samples) and Hz up to which each is to be believed (batch,) -> (batch, bands, frames)."""
        with torch.autocast(wave.device.type, enabled=False):  # no transform in half precision
            parts = torch.view_as_real(stft(wave[:, 0].float(), size=self.size, hop=self.size // 4))
            power = parts.square().sum(dim=-1)
            bands = self.filters @ power if self.filters.numel() else power
            seen = 10.0 / _UNIT * torch.log10(bands + _FLOOR) - _SILENCE
        return seen if bandwidth is None else seen * self.believed(bandwidth)

    def believed(self, bandwidth: Tensor) -> Tensor:
        """1 for bands that lie within the bandwidths (batch,), else 0: (batch, bands, 1)."""
        whole = bandwidth[:, None] >= self.rate / 2.0
        return (whole | (self.tops <= EDGE * bandwidth[:, None])).to(self.tops).unsqueeze(2)


class Bare(nn.Module):
    """A signal that is a spectrum already, as it is."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bands = channels

    def forward(self, signal: Tensor, bandwidth: Tensor | None = None) -> Tensor:
        """(batch, channels, steps) -> the same; the bandwidth of a file says nothing about it."""
        return signal.float()
