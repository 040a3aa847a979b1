"""Adversaries: networks that try to find in the model's pass what should not be there; the model learns to fool them.

latent.z ──▶ who sings? how high? ──▶ confusion          estimate ──▶ real? by whom? with which words? ──▶ critics
"""

from vocalise.parts.adversaries.confusion import PitchConfusion, SingerClassifier, SingerConfusion
from vocalise.parts.adversaries.consistency import Consistency
from vocalise.parts.adversaries.critics import Critic
from vocalise.parts.adversaries.frames import FrameCritic
from vocalise.parts.adversaries.invariance import Invariance
from vocalise.parts.adversaries.judges import SungBy

__all__ = (
    "Consistency",
    "Critic",
    "FrameCritic",
    "Invariance",
    "PitchConfusion",
    "SingerClassifier",
    "SingerConfusion",
    "SungBy",
)
