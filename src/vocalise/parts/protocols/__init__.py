"""Protocols: from recordings, choose what the model hears and what it should have sung.

Reconstruction:   heard = augmented recording                wanted = the same
Backtranslation:  heard = the recording, sung by a mixture   wanted = the recording
Conversion:       heard = the recording                      wanted = nobody knows; judged by adversaries
"""

from vocalise.parts.protocols.backtranslation import Backtranslation
from vocalise.parts.protocols.conversion import Conversion
from vocalise.parts.protocols.reconstruction import Reconstruction, recorded_controls, recorded_lesson

__all__ = ("Backtranslation", "Conversion", "Reconstruction", "recorded_controls", "recorded_lesson")
