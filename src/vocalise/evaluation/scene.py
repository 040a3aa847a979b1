"""All that is known of one conversion before it is scored: who sang what, who should be heard, and what else there is.

    takes (source, conversion, the target's own, others') ──▶ scene ──scoring──▶ figures

A take remembers what was measured of it, so that the clips of one source, or the rivals of one truth, share the work.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from vocalise.audio.loudness import LAST_BIT, frame_levels
from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.data.choir import Syllable
from vocalise.measures.alignment import Alignment, align, realigned
from vocalise.measures.tracker import track_pitch

HOP = 0.010  # seconds between frames of all that is scored
DRIFTING = 0.050  # seconds; from here on a conversion is put on the source's clock before the two are compared …
# … if this share of it can be aligned, and it lasts so long. Of cuts of unrelated singing (60 pairs each, of the choir,
# of chant, of choral parts; 5, 8, 12 and 20 s) 0 to 12 % would pass, of cuts that lag by 0.1 to 0.4 s 72 to 100 %; of
# cuts of 3 s, 13 to 15 % and 88 to 100 %.
USABLE, LASTING = 0.6, 5.0  # share, seconds

T = TypeVar("T")


@dataclass(eq=False)
class Take:
    """A recording or a conversion; two takes are the same only if they are one object."""

    wave: Tensor  # (samples,)
    rate: int  # Hz
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _locks: dict[Hashable, Lock] = field(default_factory=dict, repr=False)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.wave.shape[-1] / self.rate

    @cached_property
    def sounds(self) -> bool:
        """Whether anything in it is louder than silence."""
        if not self.wave.numel():
            return False
        levels = frame_levels(self.wave, window=round(0.025 * self.rate), hop=round(HOP * self.rate))
        return float(levels.max()) > LAST_BIT

    @property
    def contour(self) -> Contour:
        """Its pitch, by the tracker that scores."""
        return self.once("contour", lambda: self._tracked(track_pitch))

    @property
    def conditioning_contour(self) -> Contour:
        """Its pitch, by the tracker that conditions models; how far both agree is the ceiling of all pitch scores."""
        return self.once("conditioning contour", lambda: self._tracked(pitch_contour))

    def once(self, key: Hashable, measure: Callable[[], T]) -> T:
        """What `measure` gives, measured the first time only; the key must name all that it depends on.

        Of several threads that ask at once, one measures and the others wait.
        """
        with self._locks.setdefault(key, Lock()):  # a dictionary's setdefault is atomic
            if key not in self._known:
                self._known[key] = measure()
            return cast(T, self._known[key])

    def _tracked(self, tracker: Callable[..., Contour]) -> Contour:
        if self.sounds:
            return tracker(self.wave, self.rate, hop=HOP)
        frames = int(self.seconds / HOP + 1e-9) + 1
        return Contour(torch.zeros(frames), torch.zeros(frames), HOP)


@dataclass(eq=False, kw_only=True)
class Scene:
    """One conversion and what belongs to it. All takes have one rate; 16 kHz is meant."""

    source: Take
    converted: Take
    truth: Take | None = None  # the target's own take of the song
    simultaneous: bool = False  # the truth is in time with the source, as in the choir
    others: tuple[Take, ...] = ()  # real takes of the song by anybody else but source and target
    section: tuple[Take, ...] = ()  # those of them that are of the target's section (soprano, alto, …)
    source_singer: str | None = None  # as the judges know persons; None where nobody says
    target: str | None = None
    transposition: float | None = 0.0  # cents by which the conversion was meant to be higher; None: take what is found
    syllables: tuple[Syllable, ...] | None = None  # of the source, where they are known
    took: float | None = None  # seconds of work

    def __post_init__(self) -> None:
        takes = (self.source, self.converted, *self.others, *self.section, *([self.truth] if self.truth else []))
        if len(rates := {take.rate for take in takes}) > 1:
            raise ValueError(f"A scene has one rate, not {', '.join(map(str, sorted(rates)))} Hz: resample first.")

    @property
    def rate(self) -> int:
        """Hz, of all takes."""
        return self.source.rate

    @property
    def same_singer(self) -> bool:
        """Whether the target is the singer who sang the source, as in a reconstruction."""
        return self.target is not None and self.target == self.source_singer

    @property
    def rivals(self) -> tuple[Take, ...]:
        """With whose takes of the song a conversion has to compete: the target's section, or everybody."""
        return self.section or self.others

    @cached_property
    def alignment(self) -> Alignment:
        """Where the conversion lies on the source's clock."""
        return align(self.source.wave, self.converted.wave, self.rate)

    @cached_property
    def drifts(self) -> bool:
        """Whether it has to be put on the source's clock before the two are compared moment by moment."""
        found = self.alignment
        return found.drift > DRIFTING and found.usable >= USABLE and self.source.seconds >= LASTING

    @cached_property
    def aligned(self) -> Take:
        """The conversion on the source's clock and of its length; as it is, where it does not drift.

        Where the lag jumps, so does the wave: it is for listeners that compare moments, not for looking for clicks.
        """
        if not self.drifts:
            return self.converted
        times = torch.arange(self.source.wave.shape[-1], dtype=torch.float64) / self.rate
        places = ((times + self.alignment.lag_at(times)) * self.rate).round().long()
        last = self.converted.wave.shape[-1] - 1
        there = (places >= 0) & (places <= last)
        take = Take(torch.where(there, self.converted.wave[places.clamp(0, last)], 0.0), self.rate)
        take.once("contour", lambda: realigned(self.converted.contour, self.alignment))
        return take

    @property
    def contour(self) -> Contour:
        """The conversion's pitch, on the source's clock."""
        return self.aligned.contour
