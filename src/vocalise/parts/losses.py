"""How far a wave is from another to the ear: spectra at several resolutions, compared in dB, up to what a file holds.

waves ──STFT, 8 to 100 ms──▶ |difference| in dB, and the peaks' share  ──mean──▶ one number for each item
"""

import torch
from torch import Tensor, nn

from vocalise.audio.spectrum import mel_filters, stft

FLOOR = 1e-9  # added to powers: -90 dB relative to full scale is as good as silence
SPANS = (0.008, 0.02, 0.05, 0.1)  # seconds: a plosive shows in the shortest, the harmonics of a bass in the longest
EDGE = 0.95  # of a file's bandwidth is believed: what is above belongs to the filter that made it


class SpectralLoss(nn.Module):
    """Multi-resolution STFT distance (Yamamoto et al., 2020) in dB, and that of an 80-band mel spectrum.

    mean over resolutions of [ mean |Δ dB| + peaks · ‖|S| - |Ŝ|‖ / ‖|S|‖ ], and mel · mean |Δ dB| of mel bands
    """

    filters: Tensor

    def __init__(self, rate: int, *, peaks: float, mel: float) -> None:
        super().__init__()
        self.rate, self.peaks, self.mel = rate, peaks, mel
        self.sizes = tuple(max(8, 2 * round(span * rate / 2)) for span in SPANS)
        self.register_buffer("filters", mel_filters(rate, self.sizes[2], 80), persistent=False)

    def forward(self, target: Tensor, estimate: Tensor, bandwidth: Tensor | None = None) -> Tensor:
        """(batch, samples) twice, and the Hz up to which each target is believed (batch,) -> (batch,)."""
        return self.measured(target, estimate, bandwidth)[0]

    def measured(self, target: Tensor, estimate: Tensor, bandwidth: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The loss, and of it the mean |Δ dB| alone, without gradients: 6.0 dB for two draws of one noise."""
        total = target.new_zeros(target.shape[0])
        apart = target.new_zeros(target.shape[0])
        for number, size in enumerate(self.sizes):
            ours, theirs = (_power(wave, size) for wave in (estimate, target))
            believed = _believed(bandwidth, self.rate, ours)
            here = _apart(ours, theirs, believed)
            apart = apart + here.detach()
            total = total + here + self.peaks * _convergence(ours, theirs, believed)
            if number == 2 and self.mel:
                heard = believed.amax(dim=2, keepdim=True) * believed  # bands reach no further than bins
                mels = [self.filters @ (power * heard) for power in (ours, theirs)]
                bands = ((self.filters @ heard) > 0.5 * self.filters.sum(1, keepdim=True)).to(total)
                total = total + len(self.sizes) * self.mel * _apart(mels[0], mels[1], bands)
        return total / len(self.sizes), apart / len(self.sizes)


def _power(wave: Tensor, size: int) -> Tensor:
    spectrum = torch.view_as_real(stft(wave, size=size, hop=size // 4))
    return spectrum.square().sum(-1)


def _believed(bandwidth: Tensor | None, rate: int, power: Tensor) -> Tensor:
    """1 for bins that are compared, 0 for those above what a file holds: (batch, bins, 1)."""
    frequencies = torch.linspace(0.0, rate / 2.0, power.shape[1], device=power.device)
    if bandwidth is None:
        return torch.ones_like(frequencies).expand(power.shape[0], -1).unsqueeze(2)
    whole = bandwidth[:, None] >= rate / 2.0
    return (whole | (frequencies <= EDGE * bandwidth[:, None])).to(power).unsqueeze(2)


def _apart(ours: Tensor, theirs: Tensor, believed: Tensor) -> Tensor:
    """Mean absolute difference in dB over what is compared."""
    difference = 10.0 * (torch.log10(ours + FLOOR) - torch.log10(theirs + FLOOR)).abs()
    return (difference.mean(2) * believed[:, :, 0]).sum(1) / believed[:, :, 0].sum(1).clamp(min=1.0)


def _convergence(ours: Tensor, theirs: Tensor, believed: Tensor) -> Tensor:
    """How much of the target's amplitude is missed, 0 to about 1: loud places count most."""
    a, b = ((power + FLOOR).sqrt() * believed for power in (ours, theirs))
    return (a - b).square().sum((1, 2)).sqrt() / b.square().sum((1, 2)).sqrt().clamp(min=1e-3)
