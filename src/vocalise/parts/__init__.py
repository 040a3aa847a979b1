"""The interchangeable parts: seven families behind one page of contracts. Importing this makes every member known."""

from vocalise.parts.adversaries import Consistency, Critic, PitchConfusion, SingerConfusion, SungBy
from vocalise.parts.bottlenecks import Continuous, VectorQuantizer
from vocalise.parts.conditions import Conditioner
from vocalise.parts.decoders import Parallel, WaveNet
from vocalise.parts.encoders import Blank, Dilated, Mel
from vocalise.parts.protocols import Backtranslation, Conversion, Reconstruction
from vocalise.parts.signals import MuLaw, Wave

__all__ = (
    "Backtranslation",
    "Blank",
    "Conditioner",
    "Consistency",
    "Continuous",
    "Conversion",
    "Critic",
    "Dilated",
    "Mel",
    "MuLaw",
    "Parallel",
    "PitchConfusion",
    "Reconstruction",
    "SingerConfusion",
    "SungBy",
    "VectorQuantizer",
    "Wave",
    "WaveNet",
)
