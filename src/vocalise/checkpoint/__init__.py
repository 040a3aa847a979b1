"""The voice file: what a training run leaves behind, and all that a conversion needs."""

from vocalise.checkpoint.default import default_voice, has_default_voice
from vocalise.checkpoint.places import forgotten, settled, with_places
from vocalise.checkpoint.voice import Card, Offered, Voice, load_voice, save_voice

__all__ = (
    "Card",
    "Offered",
    "Voice",
    "default_voice",
    "forgotten",
    "has_default_voice",
    "load_voice",
    "save_voice",
    "settled",
    "with_places",
)
