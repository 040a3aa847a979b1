"""Bottlenecks: what gets through to the decoder, and at what price.

content (batch, channels, frames) ──▶ Latent: z (batch, channels, frames), penalties, facts
"""

from vocalise.parts.bottlenecks.continuous import Continuous
from vocalise.parts.bottlenecks.gaussian import Gaussian
from vocalise.parts.bottlenecks.quantizer import VectorQuantizer

__all__ = ("Continuous", "Gaussian", "VectorQuantizer")
