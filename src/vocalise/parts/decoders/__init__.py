"""Decoders, a file each."""

from vocalise.parts.decoders.parallel import Parallel
from vocalise.parts.decoders.per_singer import PerSinger
from vocalise.parts.decoders.spectral import Spectral
from vocalise.parts.decoders.wavenet import WaveNet

__all__ = ("Parallel", "PerSinger", "Spectral", "WaveNet")
