"""Decoders, a file each."""

from vocalise.parts.decoders.parallel import Parallel
from vocalise.parts.decoders.wavenet import WaveNet

__all__ = ("Parallel", "WaveNet")
