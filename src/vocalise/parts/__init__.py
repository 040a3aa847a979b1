"""The interchangeable parts: seven families behind one page of contracts. Importing this makes every member known."""

from vocalise.parts.adversaries import SingerConfusion
from vocalise.parts.bottlenecks import Continuous
from vocalise.parts.conditions import Conditioner
from vocalise.parts.decoders import WaveNet
from vocalise.parts.encoders import Blank, Dilated
from vocalise.parts.protocols import Backtranslation, Reconstruction
from vocalise.parts.signals import MuLaw

__all__ = (
    "Backtranslation",
    "Blank",
    "Conditioner",
    "Continuous",
    "Dilated",
    "MuLaw",
    "Reconstruction",
    "SingerConfusion",
    "WaveNet",
)
