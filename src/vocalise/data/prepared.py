"""Prepared audio: mono, at one rate, at one peak level, in 16 bits, mapped into memory from the cache."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.pitch import Contour, contour_at
from vocalise.data.cache import Cache, key_of
from vocalise.data.corpus import Corpus
from vocalise.data.records import Finding, Piece, Recording, legible
from vocalise.errors import CorpusError

VERSION = 1  # to be raised whenever the same file and settings come to give other samples
CONTOUR_VERSION = 2  # likewise for pitch contours
ANALYSIS_VERSION = 1  # and for how analyses are kept; what is in them, their names say
LEVEL = 0.95  # peak of each recording: quiet files would use few of the 256 levels of μ-law
CONTOUR_HOP = 0.005  # seconds
FULL_SCALE = 32767.0


def wave_key(digest: str, rate: int, level: float) -> str:
    """Names the prepared wave of a file with this content."""
    return key_of("wave", VERSION, digest, rate, level)


def contour_key(digest: str, rate: int, level: float) -> str:
    """Names the pitch contour of that wave."""
    return key_of("contour", CONTOUR_VERSION, CONTOUR_HOP, wave_key(digest, rate, level))


class Analyst(Protocol):
    """Who looks at recordings slowly and once: a signal."""

    @property
    def analysis(self) -> str:
        """Names what is done, with its settings; empty: nothing."""

    @property
    def hop(self) -> int:
        """Samples a step."""

    def prepare(self, wave: Tensor, contour: Contour | None = None) -> Tensor:
        """(samples,) and its pitch -> (rows, steps)."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A corpus whose audio can be had at once, at one rate; it lacks what turned out silent or unreadable."""

    corpus: Corpus  # what is left, with all findings; an index of a singer counts in `corpus.singers`
    rate: int  # Hz
    level: float  # peak of each recording
    has_contours: bool
    cache: Cache
    lengths: Mapping[str, int]  # samples of each recording, by digest
    bands: Mapping[str, float]  # Hz up to which each recording is to be believed, by digest
    analyst: Analyst | None = None  # whose analyses were prepared

    @property
    def singers(self) -> tuple[str, ...]:
        """Those who are left, in the order of their labels."""
        return self.corpus.singers

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was found, from the scan on."""
        return self.corpus.findings

    def span(self, piece: Piece) -> tuple[int, int]:
        """First and last (excluded) sample of a piece in its prepared recording."""
        length = self.lengths[piece.recording.digest]
        start = min(length, round(piece.start * self.rate))
        stop = length if piece.stop is None else min(length, round(piece.stop * self.rate))
        return start, max(start, stop)

    def bandwidth(self, recording: Recording) -> float:
        """Up to how many Hz a prepared recording tells how its singer sounds, at most half the rate."""
        return self.bands[recording.digest]

    def believing_files(self) -> "Prepared":
        """The same, with every recording believed up to what its file's rate can hold."""
        return replace(self, bands={one.digest: min(self.rate, one.rate) / 2.0 for one in self.corpus.recordings})

    def wave(self, piece: Piece) -> NDArray[np.int16]:
        """The prepared samples of a piece, (samples,), a read-only view of the mapped file; full scale is 32767.

        Raises:
            CorpusError: the cache has been emptied since.
        """
        start, stop = self.span(piece)
        mapped: NDArray[np.int16] = self._open("wave", wave_key(piece.recording.digest, self.rate, self.level))[
            start:stop
        ]
        return mapped

    def excerpt(self, piece: Piece, start: int, samples: int) -> Tensor:
        """Exactly `samples` samples of a piece from `start` on (it may be negative), float32, zeros beyond its ends."""
        wave = self.wave(piece)
        first, last = min(len(wave), max(0, start)), min(len(wave), max(0, start + samples))
        excerpt = torch.zeros(samples)
        if first < last:
            heard = torch.from_numpy(wave[first:last].astype(np.float32))
            excerpt[first - start : last - start] = heard / FULL_SCALE
        return excerpt

    def contour(self, piece: Piece) -> Contour:
        """The pitch contour of a piece; its first frame is the one nearest to the piece's start.

        Raises:
            CorpusError: it was prepared without contours, or the cache has been emptied since.
        """
        start, stop = self.span(piece)
        hop = CONTOUR_HOP * self.rate
        frames = self._frames(piece.recording, round(start / hop), math.floor(stop / hop) + 1)
        return Contour(frames[0], frames[1], CONTOUR_HOP)

    def pitch_at(self, piece: Piece, times: Tensor) -> tuple[Tensor, Tensor]:
        """Pitch (Hz) and voicing at times (seconds from the piece's start, ascending); zeros beyond the piece.

        Raises:
            CorpusError: as for `contour`.
        """
        start, stop = (sample / self.rate for sample in self.span(piece))
        here = times.double() + start
        first = max(0, math.floor(float(here.min()) / CONTOUR_HOP) - 1)
        frames = self._frames(piece.recording, first, max(first, math.ceil(float(here.max()) / CONTOUR_HOP)) + 2)
        inside = (here >= start) & (here < stop)
        pitch, voicing = contour_at(Contour(frames[0], frames[1], CONTOUR_HOP), here - first * CONTOUR_HOP)
        return pitch.float() * inside, voicing.float() * inside

    def analysis_of(self, piece: Piece, start: int, steps: int) -> Tensor:
        """The analysis of a piece from a sample on (it may be negative), (rows, steps), float32; beyond it is silence.

        Each step is the nearest of the recording's own.

        Raises:
            CorpusError: it was prepared without, or the cache has been emptied since.
        """
        if self.analyst is None:
            raise CorpusError("The corpus was prepared without analyses: prepare(corpus, analyst=signal) makes them.")
        hop, span = self.analyst.hop, self.span(piece)
        stored = self._open("analysis", self.key_of_analysis(piece.recording))
        first, last = (min(len(stored), round(sample / hop)) for sample in span)
        begin = round((span[0] + start) / hop)
        here, there = (min(last, max(first, step)) for step in (begin, begin + steps))
        heard = torch.from_numpy(stored[here:there].astype(np.float32)).T
        if len(heard[0]) == steps:
            return heard
        found = self.analyst.prepare(torch.zeros(hop)).repeat(1, steps)
        found[:, here - begin : there - begin] = heard
        return found

    def key_of_analysis(self, recording: Recording) -> str:
        """Names the analysis of a recording in the cache."""
        name = self.analyst.analysis if self.analyst else ""
        return key_of("analysis", ANALYSIS_VERSION, name, contour_key(recording.digest, self.rate, self.level))

    def _frames(self, recording: Recording, first: int, last: int) -> Tensor:
        if not self.has_contours:
            raise CorpusError(
                "The corpus was prepared without pitch contours: prepare(corpus, contours=True) makes them."
            )
        key = contour_key(recording.digest, self.rate, self.level)
        stored = self._open("contour", key)
        first = min(first, stored.shape[1] - 1)
        return torch.from_numpy(np.array(stored[:, first : max(last, first + 1)]))

    def _open(self, kind: str, key: str) -> NDArray[Any]:
        try:
            return self.cache.array(kind, key)
        except OSError as error:
            message = f"Prepared audio is gone from {legible(self.cache.folder)} ({error.strerror or error})"
            raise CorpusError(
                f"{message}: start again to make it anew, and leave that folder alone meanwhile."
            ) from None
