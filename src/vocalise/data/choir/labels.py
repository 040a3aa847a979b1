"""The labels beside a song of the choir: its syllables, how each is said, and which sound is sung at any moment.

<song>.syllables.csv ──▶ syllables ──each taken apart──▶ vowels and consonants, frame by frame
"""

import csv
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from vocalise.data.choir.diction import Segment, Syllable, spread
from vocalise.data.choir.phonemes import CONSONANTS, VOWELS
from vocalise.data.choir.score import CODAS, LETTERS, NUCLEI, ONSETS
from vocalise.data.choir.tunes import TUNES
from vocalise.errors import CorpusError

LABELS = ".syllables.csv"  # in place of the song's own suffix
PHONES = (*VOWELS, *CONSONANTS)
UNKNOWN = -1  # nothing is sung, or nobody knows what


def read_syllables(path: Path) -> tuple[Syllable, ...]:
    """The labels that lie beside a song of the choir, `<song>.syllables.csv`.

    Raises:
        CorpusError: the file cannot be read, or is no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        if not rows or rows[0] != ["start_s", "stop_s", "syllable"]:
            raise ValueError
        return tuple(Syllable(float(start), float(stop), text) for start, stop, text in rows[1:])
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); name a table of syllables.") from None
    except (ValueError, UnicodeDecodeError, csv.Error):
        raise CorpusError(
            f"{path}: is no table of syllables; the choir writes one with columns start_s, stop_s, syllable."
        ) from None


@functools.lru_cache(maxsize=1)
def ways() -> Mapping[str, tuple[str, ...]]:
    """Every syllable that the choir can sing, as it is written in its labels: the ways of saying it, as `S.T.AA.R`."""
    found: dict[str, tuple[str, ...]] = {}
    for text, sounds in itertools.chain(_words(), _drawn()):
        found[text] = tuple(dict.fromkeys((*found.get(text, ()), sounds)))
    return MappingProxyType(found)


def phones_at(syllables: Sequence[Syllable], times: Tensor) -> Tensor:
    """Which sound is sung at times (n,) in seconds: (n,), places in `PHONES`, or `UNKNOWN`.

    Labels say when a syllable begins and ends; within it consonants take the time that they usually do, so borders of
    sounds are true to a few hundredths of a second. A syllable that is written as another one is too is unknown.
    """
    segments = [segment for one in syllables for segment in _segments(one)]
    if not segments:
        return torch.full(times.shape, UNKNOWN)
    starts = torch.tensor([segment.start for segment in segments], dtype=torch.float64)
    stops = torch.tensor([segment.stop for segment in segments], dtype=torch.float64)
    names = torch.tensor([PHONES.index(segment.sound) for segment in segments])
    place = torch.searchsorted(starts, times.double(), right=True) - 1
    inside = (place >= 0) & (times.double() < stops[place.clamp(min=0)])
    return torch.where(inside, names[place.clamp(min=0)], UNKNOWN)


def _segments(syllable: Syllable) -> tuple[Segment, ...]:
    said = ways().get(syllable.text, ())
    return spread(syllable, said[0]) if len(said) == 1 and syllable.stop > syllable.start else ()


def _words() -> Iterator[tuple[str, str]]:
    for tune in TUNES:
        for _, texts, sounds in tune.phrases:
            yield from ((t, s) for t, s in zip(texts.split(), sounds.split(), strict=True) if s != "_")


def _drawn() -> Iterator[tuple[str, str]]:
    """The syllables of no language, written as the composer of the choir writes them."""
    for onset, nucleus, coda in itertools.product(ONSETS, NUCLEI, dict.fromkeys(CODAS)):
        sounds = [*onset.split("."), nucleus, *filter(None, [coda])]
        yield "".join(LETTERS.get(sound, sound.lower()) for sound in sounds), ".".join(sounds)
