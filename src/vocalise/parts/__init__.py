"""The interchangeable parts: seven families behind one page of contracts. Importing this makes every member known."""

from vocalise.parts.adversaries import (
    Consistency,
    Critic,
    FrameCritic,
    Invariance,
    PitchConfusion,
    SingerConfusion,
    SungBy,
)
from vocalise.parts.bottlenecks import Continuous, Gaussian, VectorQuantizer
from vocalise.parts.conditions import Conditioner
from vocalise.parts.decoders import Parallel, PerSinger, Spectral, WaveNet
from vocalise.parts.encoders import Blank, Dilated, Framewise, Mel, Strided
from vocalise.parts.protocols import Backtranslation, Conversion, Reconstruction
from vocalise.parts.signals import MuLaw, Wave, World

__all__ = (
    "Backtranslation",
    "Blank",
    "Conditioner",
    "Consistency",
    "Continuous",
    "Conversion",
    "Critic",
    "Dilated",
    "FrameCritic",
    "Framewise",
    "Gaussian",
    "Invariance",
    "Mel",
    "MuLaw",
    "Parallel",
    "PerSinger",
    "PitchConfusion",
    "Reconstruction",
    "SingerConfusion",
    "Spectral",
    "Strided",
    "SungBy",
    "VectorQuantizer",
    "Wave",
    "WaveNet",
    "World",
)
