"""Songs: a tune in some key, tempo and set of syllables, timed note by note; the same for every singer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from types import MappingProxyType

import numpy as np

from vocalise.data.choir.phonemes import GLIDES, VOWELS
from vocalise.data.choir.tunes import TUNES, Phrase, Tune
from vocalise.errors import CorpusError

CENTRE = 53.0  # MIDI number (F3) round which a low voice sings; a high one sings an octave above
LEAD, BREATH, TAIL = 0.35, 0.55, 0.4  # seconds of silence: before the song, between its phrases, after it
LONGEST = 45.0  # seconds a song lasts at most, about
HELD = 0.4  # beats: shorter notes of a wordless phrase are sung on the vowel of the note before
STEPS = MappingProxyType({"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11})

# fmt: off
ONSETS = (
    "L", "N", "M", "D", "R", "F", "S", "T", "B", "V", "K", "P", "G", "SH", "Y", "W", "Z", "HH", "JH", "CH",
    "B.L", "G.R", "P.L", "S.T",
)
# fmt: on
CODAS = ("", "", "", "", "N", "M", "L", "NG")
NUCLEI = tuple(dict.fromkeys((*VOWELS, *GLIDES)))
LETTERS = MappingProxyType(
    {"IY": "ee", "IH": "i", "EY": "ay", "EH": "e", "AE": "a", "AA": "ah", "AO": "aw", "OW": "oh", "UH": "uu"}
    | {"UW": "oo", "AH": "u", "ER": "er", "AY": "igh", "AW": "ow", "OY": "oy", "HH": "h", "JH": "j"}
)


@dataclass(frozen=True)
class Note:
    """A note of a song: from `start` to `stop` (s), `pitch` a MIDI number for a low voice.

    `text` and `sounds` are its syllable; both are empty where the vowel before is carried on.
    """

    start: float
    stop: float
    pitch: float
    text: str
    sounds: str
    final: bool = False  # the last of its phrase: a breath follows


@dataclass(frozen=True)
class Song:
    """A score with its timing; `seconds` is the length of the whole recording."""

    name: str
    title: str
    origin: str
    notes: tuple[Note, ...]
    seconds: float


def compose(minutes: float, seed: int = 0) -> tuple[Song, ...]:
    """Songs that together last `minutes`: at least four from one minute on, at least two below.

    Tunes come in an order, key, tempo and (from the second verse on) syllables drawn by the seed; no two are equal.

    Raises:
        CorpusError: minutes that are not above 0.1 (two songs of three seconds) and at most 1,000.
    """
    if not 0.1 <= minutes <= 1000:
        raise CorpusError(f"A choir cannot sing for {minutes} minutes; choose 0.1 to 1000.")
    songs = max(4 if minutes >= 1 else 2, math.ceil(minutes * 60 / LONGEST))
    rng = np.random.default_rng([seed, songs])
    order = rng.permutation(len(TUNES))
    made = []
    for place in range(songs):
        tune, verse = TUNES[order[place % len(TUNES)]], place // len(TUNES)
        made.append(arrange(tune, minutes * 60 / songs, rng, name=f"{place + 1:02d}-{tune.slug}", worded=verse == 0))
    return tuple(made)


def arrange(tune: Tune, seconds: float, rng: np.random.Generator, *, name: str, worded: bool = True) -> Song:
    """One song of exactly `seconds`: verses of the tune, cut at the nearest end of a phrase (or note), then fitted."""
    beat = 60 / (tune.tempo * rng.uniform(0.94, 1.06))
    shift = _transposition(tune) + int(rng.integers(-2, 3))
    notes: list[Note] = []
    wanted = seconds - LEAD - TAIL
    clock, ends = 0.0, []
    for phrase in _phrases(tune, rng, worded):
        for pitch, beats, text, sounds in phrase:
            notes.append(Note(clock, clock + beats * beat, pitch + shift, text, sounds))
            clock = notes[-1].stop
        notes[-1] = replace(notes[-1], final=True)
        ends.append(len(notes))
        clock += BREATH
        if clock > wanted * 1.3:
            break
    size = _nearest(notes, ends, wanted)
    fit = wanted / notes[size - 1].stop
    timed = [replace(n, start=LEAD + n.start * fit, stop=LEAD + n.stop * fit) for n in notes[:size]]
    timed[-1] = replace(timed[-1], final=True)
    return Song(name, tune.title, tune.origin, tuple(timed), seconds)


def _nearest(notes: list[Note], ends: list[int], wanted: float) -> int:
    """How many notes to keep: up to the phrase's end nearest to `wanted`, or to any note's if that is far off."""
    best = min(ends, key=lambda size: abs(math.log(notes[size - 1].stop / wanted)))
    if abs(math.log(notes[best - 1].stop / wanted)) > 0.16:
        best = min(range(1, len(notes) + 1), key=lambda size: abs(math.log(notes[size - 1].stop / wanted)))
    return best


def _transposition(tune: Tune) -> int:
    pitches = [_midi(word.partition(":")[0]) for notes, _, _ in tune.phrases for word in notes.split()]
    return round(CENTRE - (min(pitches) + max(pitches)) / 2)


def _midi(name: str) -> int:
    """The MIDI number of a note such as `G#4`."""
    return 12 * (int(name[-1]) + 1) + STEPS[name[0]] + name.count("#")


def _phrases(tune: Tune, rng: np.random.Generator, worded: bool) -> Iterator[list[tuple[int, float, str, str]]]:
    """The phrases of the tune over and over: with its words the first time, if it has any, then with drawn ones."""
    for verse in count():
        for phrase in tune.phrases:
            yield list(_read(phrase, rng, worded and verse == 0 and bool(phrase[1])))


def _read(phrase: Phrase, rng: np.random.Generator, worded: bool) -> Iterator[tuple[int, float, str, str]]:
    notes, texts, sounds = (line.split() for line in phrase)
    for place, word in enumerate(notes):
        name, _, length = word.partition(":")
        beats = float(length or 1)
        if worded:
            text, sound = texts[place], sounds[place]
        elif place and beats < HELD:
            text, sound = "_", "_"
        else:
            text, sound = draw_syllable(rng)
        yield _midi(name), beats, text.replace("_", ""), sound.replace("_", "")


def draw_syllable(rng: np.random.Generator) -> tuple[str, str]:
    """A syllable of no language, such as `noom` (N.UW.M): (as one reads it, its sounds)."""
    onset = ONSETS[rng.integers(len(ONSETS))]
    vowel = NUCLEI[rng.integers(len(NUCLEI))]
    coda = CODAS[rng.integers(len(CODAS))]
    sounds = [*onset.split("."), vowel, *filter(None, [coda])]
    return "".join(LETTERS.get(sound, sound.lower()) for sound in sounds), ".".join(sounds)
