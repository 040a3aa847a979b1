"""The compiled sampler: the same WaveNet, stepped in C++ on one core or more; and what sings live.

weights ──packed for this processor──▶ Model ──▶ Streams: told frames and luck, they sing
"""

from vocalise.sampling.native.decoder import NativeWaveNet
from vocalise.sampling.native.library import available, why

__all__ = ("NativeWaveNet", "available", "why")
