"""Endless excerpts of prepared recordings, balanced over singers, then songs; seeded, and resumable at any step.

Excerpt number k depends on the seed and on k alone (a counter-based generator, Salmon et al., "Parallel random numbers:
as easy as 1, 2, 3", 2011), so the position in the stream is the whole state, and batches of any size draw one stream.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.loudness import SILENCE
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece
from vocalise.errors import ConfigError, CorpusError

TRIES = 8  # draws of one excerpt before silence is taken as it comes
FLOOR = -100.0  # dBFS that loudness does not go below
LOUDNESS_WINDOW = 0.030  # seconds: two periods of the lowest notes, and three columns of 10 ms
T = TypeVar("T")
_WORD = 1 << 64
_ORDER, _PLACE, _WINDOWS = range(3)  # streams of one seed that never meet


@dataclass
class Batch:
    """Excerpts of real recordings; controls are taken at the centres of frames of `hop` samples."""

    wave: Tensor  # (batch, samples)   float32, peak of the recording at the prepared level
    singer: Tensor  # (batch,)   index in `Prepared.singers`
    pitch: Tensor  # (batch, samples / hop)   Hz; zeros without prepared contours
    voicing: Tensor  # (batch, samples / hop)   0 or 1; zeros without prepared contours
    loudness: Tensor  # (batch, samples / hop)   dBFS, at least -100
    bandwidth: Tensor  # (batch,)   Hz up to which the recording holds anything, at most half the rate
    before: Tensor  # (batch, lead)   what came before in the recording; zeros before its beginning
    analysis: Tensor | None = None  # (batch, rows, steps)   of its signal, where one was prepared

    def __len__(self) -> int:
        return len(self.wave)

    def to(self, device: torch.device | str) -> "Batch":
        """The same excerpts on another device."""
        return self._each(lambda tensor: tensor.to(device))

    def rows(self, span: slice) -> "Batch":
        """Some of the excerpts."""
        return self._each(lambda tensor: tensor[span])

    def parts(self, size: int) -> "list[Batch]":
        """The same excerpts in batches of at most so many."""
        return [self.rows(slice(start, start + size)) for start in range(0, len(self), size)]

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        lines = {one.name: getattr(self, one.name) for one in fields(self)}
        changed: dict[str, Any] = {name: None if line is None else change(line) for name, line in lines.items()}
        return Batch(**changed)


class _Place(NamedTuple):
    """Where an excerpt is from, and what it holds."""

    label: int
    piece: Piece
    start: int
    wave: Tensor  # (samples,)
    before: Tensor  # (lead,)


class Batches:
    """Draws excerpts without end: every singer once in each round, any of their songs alike, any moment alike.

    A recording shorter than an excerpt lies somewhere in it, with zeros around. Excerpts of nothing but silence are
    drawn again, a bounded number of times.
    """

    def __init__(
        self, prepared: Prepared, pieces: Sequence[Piece], *, samples: int, hop: int, lead: int = 0, seed: int = 0
    ) -> None:
        """Sets out at the first excerpt.

        Args:
            prepared: the audio.
            pieces: what may be drawn from; those that could not be prepared are left out.
            samples: length of an excerpt, a multiple of `hop`.
            hop: samples from one control frame to the next.
            lead: samples before an excerpt that come with it.
            seed: another stream for each, 0 or more.

        Raises:
            ConfigError: `samples` is no multiple of `hop`, or the seed is out of range.
            CorpusError: there is nothing to draw from.
        """
        _require_frames(samples, hop, seed)
        self.prepared, self.samples, self.hop, self.lead, self.seed = prepared, samples, hop, lead, seed
        self.drawn = 0
        self._songs = {label: list(songs.values()) for label, songs in _by_song(prepared, pieces).items()}
        self._labels = sorted(self._songs)
        if not self._labels:
            raise CorpusError("There is nothing to draw excerpts from: none of the chosen pieces holds prepared sound.")

    def draw(self, count: int) -> Batch:
        """The next `count` excerpts."""
        drawn = [self._excerpt(number) for number in range(self.drawn, self.drawn + count)]
        self.drawn += count
        return _batch(self.prepared, drawn, self.samples, self.hop, self.lead)

    def state(self) -> dict[str, Tensor]:
        """All that `restore` needs to go on from here."""
        return {"seed": torch.tensor(self.seed), "drawn": torch.tensor(self.drawn)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Goes on where `state` was taken."""
        self.seed, self.drawn = int(state["seed"]), int(state["drawn"])

    def _excerpt(self, number: int) -> _Place:
        label = self._label(number)
        bits = _bits(self.seed, _PLACE, number)
        for _ in range(TRIES):
            song = _pick(bits, self._songs[label])
            piece = _pick(bits, song)
            first, last = self.prepared.span(piece)
            spare = last - first - self.samples
            start = min(0, spare) + _below(bits, abs(spare) + 1)
            place = _placed(self.prepared, label, piece, start, self.samples, self.lead)
            if bool((loudness_of(place.wave, rate=self.prepared.rate, hop=self.hop) > SILENCE).any()):
                break
        return place

    def _label(self, number: int) -> int:
        """Every singer once in each round, in an order of the round's own."""
        turn, place = divmod(number, len(self._labels))
        order = np.argsort(_bits(self.seed, _ORDER, turn).random_raw(len(self._labels)), kind="stable")
        return self._labels[int(order[place])]


def windows(
    prepared: Prepared, pieces: Sequence[Piece], *, samples: int, hop: int, most: int, lead: int = 0, seed: int = 0
) -> Batch:
    """A fixed set of windows to measure on: none overlaps another, at least half of each sounds.

    No singer gives more than `most // singers` of them (one, if `most` is less than the singers); one with too little
    material gives fewer. They come in rounds of one window a singer. The set is empty where nothing is held out.

    Raises:
        ConfigError: `samples` is no multiple of `hop`, or the seed is out of range.
    """
    _require_frames(samples, hop, seed)
    by_song = _by_song(prepared, pieces)
    quota = max(1, most // max(1, len(by_song)))
    chosen: list[list[_Place]] = []
    for label in sorted(by_song):
        own = [piece for song in by_song[label].values() for piece in song]
        starts = [(piece, start) for piece in own for start in _starts(prepared, piece, samples)]
        order = np.argsort(_bits(seed, _WINDOWS, label).random_raw(len(starts)), kind="stable")
        shuffled = [starts[index] for index in order]
        places = (_placed(prepared, label, piece, start, samples, lead) for piece, start in shuffled)
        active = (place for place in places if _mostly_sounds(place.wave, prepared.rate, hop))
        chosen.append(list(itertools.islice(active, quota)))
    rounds = [row[turn] for turn in range(quota) for row in chosen if turn < len(row)]
    return _batch(prepared, rounds[:most], samples, hop, lead)


def loudness_of(wave: Tensor, *, rate: int, hop: int) -> Tensor:
    """Level in dBFS at the centre of each frame of `hop` samples, (..., samples) -> (..., samples // hop).

    It is the RMS over the frame, widened on both sides to 30 ms where a frame is shorter: a low note's periods must not
    show. At the ends the mean is over what there is.
    """
    beyond = max(0, math.ceil((LOUDNESS_WINDOW * rate - hop) / 2))
    frames = wave.shape[-1] // hop
    power = wave[..., : frames * hop].float().square().reshape(wave.shape[:-1].numel(), 1, frames * hop)
    mean = F.avg_pool1d(power, hop + 2 * beyond, stride=hop, padding=beyond, count_include_pad=False)
    return 10.0 * torch.log10(mean.clamp(min=10.0 ** (FLOOR / 10.0))).reshape(*wave.shape[:-1], frames)


def _mostly_sounds(wave: Tensor, rate: int, hop: int) -> bool:
    return float((loudness_of(wave, rate=rate, hop=hop) > SILENCE).float().mean()) >= 0.5


def _starts(prepared: Prepared, piece: Piece, samples: int) -> range:
    first, last = prepared.span(piece)
    return range(0, max(1, last - first - samples + 1), samples)


def _require_frames(samples: int, hop: int, seed: int) -> None:
    if hop < 1 or samples < hop or samples % hop:
        lower = max(hop, samples // max(1, hop) * hop)
        choices = f"{lower} or {lower + hop}" if hop > 0 else "a hop of 1 or more"
        raise ConfigError(f"An excerpt of {samples} samples is no multiple of its hop of {hop}: choose {choices}.")
    if not 0 <= seed < _WORD // 2:
        raise ConfigError(f"The seed cannot be {seed}: choose a whole number from 0 to {_WORD // 2 - 1}.")


def _by_song(prepared: Prepared, pieces: Sequence[Piece]) -> dict[int, dict[str, list[Piece]]]:
    """Label -> song -> pieces that have sound, in an order that the contents decide."""
    label_of = {singer: label for label, singer in enumerate(prepared.singers)}
    found: dict[int, dict[str, list[Piece]]] = {}
    for piece in sorted(pieces, key=lambda one: (one.recording.song, one.recording.digest, one.start)):
        one = piece.recording
        if one.digest in prepared.lengths and one.singer in label_of:
            first, last = prepared.span(piece)
            if last > first:
                found.setdefault(label_of[one.singer], {}).setdefault(one.song, []).append(piece)
    return found


def _placed(prepared: Prepared, label: int, piece: Piece, start: int, samples: int, lead: int) -> _Place:
    heard = prepared.excerpt(piece, start - lead, lead + samples)
    return _Place(label, piece, start, heard[lead:], heard[:lead])


def _batch(prepared: Prepared, places: Sequence[_Place], samples: int, hop: int, lead: int) -> Batch:
    frames = samples // hop
    wave = torch.stack([place.wave for place in places]) if places else torch.zeros(0, samples)
    pitch, voicing = torch.zeros(2, len(places), frames)
    centres = (torch.arange(frames, dtype=torch.float64) + 0.5) * hop
    if prepared.has_contours:
        for row, place in enumerate(places):
            times = (centres + place.start) / prepared.rate
            pitch[row], voicing[row] = prepared.pitch_at(place.piece, times)
    labels = torch.tensor([place.label for place in places], dtype=torch.long)
    bandwidth = torch.tensor([prepared.bandwidth(place.piece.recording) for place in places], dtype=torch.float32)
    loudness = loudness_of(wave, rate=prepared.rate, hop=hop)
    before = torch.stack([place.before for place in places]) if places else torch.zeros(0, lead)
    return Batch(wave, labels, pitch, voicing, loudness, bandwidth, before, _analysis(prepared, places, samples))


def _analysis(prepared: Prepared, places: Sequence[_Place], samples: int) -> Tensor | None:
    if prepared.analyst is None or not places:
        return None
    steps = samples // prepared.analyst.hop
    return torch.stack([prepared.analysis_of(place.piece, place.start, steps) for place in places])


def _bits(seed: int, stream: int, number: int) -> np.random.Philox:
    """The generator of one numbered thing: the counter's upper words are its number and stream."""
    return np.random.Philox(key=seed, counter=(stream << 192) | (number << 64))


def _below(bits: np.random.Philox, limit: int) -> int:
    """A whole number in [0, limit), by multiplication: the same in every version of NumPy."""
    return int(bits.random_raw()) * limit >> 64


def _pick(bits: np.random.Philox, choices: Sequence[T]) -> T:
    return choices[_below(bits, len(choices))]
