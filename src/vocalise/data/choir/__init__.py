"""The choir: virtual singers that belong to nobody, their songs, and the truth about both."""

from vocalise.data.choir.diction import Syllable
from vocalise.data.choir.render import Performance, perform, render_choir
from vocalise.data.choir.score import Note, Song, compose
from vocalise.data.choir.singers import PRESETS, Singer, singers

__all__ = [
    "PRESETS",
    "Note",
    "Performance",
    "Singer",
    "Song",
    "Syllable",
    "compose",
    "perform",
    "render_choir",
    "singers",
]
