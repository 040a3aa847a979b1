"""What is sung: a listener for sounds of speech that was made deaf to who sings, taught by the choir."""

from vocalise.data.choir.diction import Syllable
from vocalise.data.choir.labels import read_syllables
from vocalise.evaluation.content.listener import ContentFigures, PhoneListener
from vocalise.evaluation.content.syllables import SyllableFigures
from vocalise.evaluation.content.teaching import phone_listener

__all__ = [
    "ContentFigures",
    "PhoneListener",
    "Syllable",
    "SyllableFigures",
    "phone_listener",
    "read_syllables",
]
