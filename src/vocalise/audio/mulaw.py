"""μ-law companding and its 256 classes (ITU-T G.711; van den Oord et al., 2016, section 2.2).

    wave [-1, 1] ──compress──▶ companded [-1, 1] ──round──▶ classes 0 … 255
    wave [-1, 1] ◀──expand─── companded [-1, 1] ◀──centre── classes 0 … 255

The rounding is symmetric: classes lie at 2q/255 - 1 with both ends in use, so that a class and its mirror image
255 - q stand for opposite samples, and truncation adds no bias.
"""

import math

import torch
from torch import Tensor


def compress(x: Tensor, levels: int = 256) -> Tensor:
    """Companded wave: f(x) = sign(x) ln(1 + μ|x|) / ln(1 + μ) with μ = levels - 1; any shape, same shape."""
    mu = levels - 1
    return torch.sign(x) * torch.log1p(mu * x.abs()) / math.log1p(mu)


def expand(y: Tensor, levels: int = 256) -> Tensor:
    """The inverse of `compress`: sign(y) ((1 + μ)^|y| - 1) / μ; any shape, same shape."""
    mu = levels - 1
    return torch.sign(y) * torch.expm1(y.abs() * math.log1p(mu)) / mu


def to_classes(wave: Tensor, levels: int = 256) -> Tensor:
    """Wave of any shape -> the nearest companded level, int64 in [0, levels); beyond full scale is clipped."""
    companded = compress(wave.clamp(-1.0, 1.0), levels)
    return torch.floor((companded + 1.0) / 2.0 * (levels - 1) + 0.5).long()


def from_classes(classes: Tensor, levels: int = 256) -> Tensor:
    """Integer classes of any shape -> the float32 wave in [-1, 1] that they stand for."""
    return expand(2.0 * classes.float() / (levels - 1) - 1.0, levels)
