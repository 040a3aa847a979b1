"""The generator of HiFi-GAN V1 (Kong et al., 2020) with random weights: what a neural vocoder costs, as a yardstick.

mel ──conv──▶ [upsample, mean of three residual stacks] x 4 ──conv, tanh──▶ wave

Written from the paper's section 2.2 and the sizes in its appendix A. Weight normalisation is left out, as it is before
any use: it changes nothing in what a trained generator computes, and would only make this one slower.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MELS = 80
CHANNELS = 512  # h_u
UPSAMPLE = ((8, 16), (8, 16), (2, 4), (2, 4))  # rates, and kernels k_u
KERNELS = (3, 7, 11)  # k_r
DILATIONS = (1, 3, 5)  # D_r: each followed by a convolution of dilation 1
SLOPE = 0.1  # of the leaky ReLU
HOP = 256  # samples a column: the product of the rates
PARAMETERS = 13_926_017  # as published: 13.92 M


def _conv(channels: int, kernel: int, dilation: int) -> nn.Conv1d:
    return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)


class ResidualStack(nn.Module):
    """One kernel size of the multi-receptive-field fusion: three pairs of convolutions, each added to its input."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.wide = nn.ModuleList(_conv(channels, kernel, dilation) for dilation in DILATIONS)
        self.plain = nn.ModuleList(_conv(channels, kernel, 1) for _ in DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps) -> the same."""
        for wide, plain in zip(self.wide, self.plain, strict=True):
            x = x + plain(F.leaky_relu(wide(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class Fusion(nn.Module):
    """The mean of the residual stacks of all kernel sizes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stacks = nn.Sequential(*(ResidualStack(channels, kernel) for kernel in KERNELS))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps) -> the same."""
        total = torch.zeros_like(x)
        for stack in self.stacks:
            total += stack(x)
        return total / len(KERNELS)


class HiFiGAN(nn.Module):
    """The generator of size V1, 13.92 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(MELS, CHANNELS, 7, padding=3)
        self.upsample, self.fusions, channels = nn.ModuleList(), nn.ModuleList(), CHANNELS
        for rate, kernel in UPSAMPLE:
            half = channels // 2
            self.upsample.append(nn.ConvTranspose1d(channels, half, kernel, rate, padding=(kernel - rate) // 2))
            self.fusions.append(Fusion(half))
            channels = half
        self.last = nn.Conv1d(channels, 1, 7, padding=3)

    def forward(self, mel: Tensor) -> Tensor:
        """(batch, 80, columns) -> (batch, 1, columns * 256)."""
        x = self.first(mel)
        for upsample, fusion in zip(self.upsample, self.fusions, strict=True):
            x = upsample(F.leaky_relu(x, SLOPE))
            x = fusion(x)
        return torch.tanh(self.last(F.leaky_relu(x)))
