"""One loop, and the folder it writes."""

from vocalise.training.course import Verdict
from vocalise.training.loop import train
from vocalise.training.settings import Routine

__all__ = ("Routine", "Verdict", "train")
