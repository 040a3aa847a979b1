"""The sounds that the listener tells apart, and how the choir's songs and syllables are spelled in them.

What sounds nearly alike is one: the nasals, R and ER, Y and IY, W and UW, hisses with and without voice, the breath
behind P, T and K. A pause and the closure of a voiceless plosive are both silence.
"""

import functools
import itertools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from vocalise.data.choir.diction import Segment, articulate
from vocalise.data.choir.labels import ways
from vocalise.data.choir.phonemes import CONSONANTS, GLIDES, Phase, is_vowel, spell
from vocalise.data.choir.score import Song

FRAMES_PER_SECOND = 100
SILENCE = 0
# fmt: off
SOUNDS = (
    "silence",
    "IY", "IH", "EY", "EH", "AE", "AA", "AO", "OW", "UH", "UW", "AH", "ER",
    "L", "N", "S", "SH", "F", "HH", "B",
)
_ALIKE: Mapping[str, str] = MappingProxyType(
    {"Y": "IY", "W": "UW", "R": "ER", "M": "N", "NG": "N", "Z": "S", "ZH": "SH", "CH": "SH", "JH": "SH", "TH": "F"}
    | {"V": "B", "DH": "B", "D": "B", "G": "B", "P": "HH", "T": "HH", "K": "HH"}
)
# fmt: on
_INAUDIBLE = -100.0  # dB

Spelling = tuple[int, ...]  # places in `SOUNDS`, no two neighbours alike


def sounds_at(song: Song, frames: int) -> Tensor:
    """What is sung at every 10 ms of a song of the choir: (frames,), places in `SOUNDS`."""
    segments, _ = articulate(song)
    starts = np.array([segment.start for segment in segments])
    place = np.searchsorted(starts, np.arange(frames) / FRAMES_PER_SECOND, side="right") - 1
    return torch.tensor([_heard_as(segment) for segment in segments])[torch.from_numpy(place).clamp(min=0)]


@functools.lru_cache(maxsize=1)
def lexicon() -> Mapping[str, tuple[Spelling, ...]]:
    """Every syllable that the choir can sing, as it is written in its labels: the ways of saying it."""
    return MappingProxyType({text: tuple(dict.fromkeys(map(spelling, said))) for text, said in ways().items()})


def spelling(syllable: str) -> Spelling:
    """A syllable such as `S.T.AA.R` as the listener hears it."""
    onset, nucleus, coda = spell(syllable)
    heard: list[int] = []
    for name in onset:
        heard += [_place(name, phase) for phase in CONSONANTS[name].phases]
    heard += [SOUNDS.index(vowel) for vowel in GLIDES.get(nucleus, (nucleus,))]
    for name in coda:
        heard += [_place(name, phase) for phase in CONSONANTS[name].phases]
    return tuple(sound for sound, _ in itertools.groupby(heard))


def _heard_as(segment: Segment) -> int:
    return _place(segment.sound, segment.phase)


def _place(sound: str, phase: Phase) -> int:
    if max(phase.voice, phase.breath, phase.hiss) < _INAUDIBLE:
        return SILENCE
    if not is_vowel(sound) and sound == "JH" and phase.hiss < _INAUDIBLE:
        return SOUNDS.index("B")  # its closure hums as that of B, D and G does
    return SOUNDS.index(_ALIKE.get(sound, sound))
