"""A song and its phrases: what of it is heard where, what the decoder is told of it, and how the pieces are joined.

song ──cut at quiet places──▶ phrases ──each with its controls, latent and luck──▶ (sung) ──▶ joined
"""

import bisect
import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.phrases import Joiner, Span, cut, silence_of, silent_stretches, widen
from vocalise.audio.pitch import Contour, contour_at
from vocalise.autoencoder import Autoencoder
from vocalise.conversion.blends import Blend
from vocalise.conversion.latents import analysed, listen
from vocalise.data.batches import loudness_of
from vocalise.parts.contracts import Controls

OVERLAP = 0.025  # seconds that a phrase goes beyond its inner borders, to be faded into its neighbour
PHRASES = (4.0, 12.0)  # seconds that a phrase may last, at most: that of a short song less, so that there are several
SEVERAL = 32  # phrases that a song is cut into, if they need not be shorter than the lesser of these


@dataclass(frozen=True)
class Song:
    """What is to be sung, how, and by whom."""

    heard: Tensor  # (samples,)   at the model's rate
    gain: float  # brings it to the level that the model was trained at
    identity: Tensor | Blend  # (singers,)   a point on the simplex, or one that moves
    contour: Contour | None  # the melody, for models that are told it
    temperature: float
    seed: int
    formant: float = 0.0  # semitones
    breath: float = 0.0  # dB
    latent: Tensor | None = None  # (channels, frames)   to be sung in place of what is heard
    measured: Contour | None = None  # the song's own melody, for signals that look at it


@dataclass(frozen=True)
class Phrase:
    """A stretch of a song in frames of the latent; `number` is its place in the song."""

    model: Autoencoder
    song: Song
    number: int
    first: int
    frames: int

    @property
    def seed(self) -> int:
        """Of its luck, which follows from the song's seed and its place alone."""
        return phrase_seed(self.song.seed, self.number)

    @property
    def columns(self) -> int:
        """As the decoder counts."""
        return self.frames * self.model.hop // self.model.condition.hop

    @property
    def heard(self) -> Tensor:
        """The song's sound, (frames * hop,), with zeros beyond its end."""
        return self._around(self.first, self.first + self.frames)

    @functools.cached_property
    def controls(self) -> Controls:
        """Who sings, what melody and how loud, on the model's device; taken at the centres of columns, as in training.

        Each (1, columns).
        """
        model, song, hop, rate = self.model, self.song, self.model.condition.hop, self.model.rate
        loudness = loudness_of(self.heard, rate=rate, hop=hop)[None]
        pitch = voicing = torch.zeros_like(loudness)
        times = (self.first * model.hop + (torch.arange(self.columns, dtype=torch.float64) + 0.5) * hop)[None] / rate
        if song.contour is not None:
            pitch, voicing = contour_at(song.contour, times)
        if isinstance(song.identity, Blend):
            identity = song.identity.at(times).transpose(1, 2)
        else:
            identity = song.identity[None, :, None]
        identity, pitch, voicing, loudness = (x.float().to(model.device) for x in (identity, pitch, voicing, loudness))
        return Controls(identity, pitch, voicing, loudness, formant=song.formant, breath=song.breath)

    def told(self, z: Tensor) -> tuple[Tensor, Controls]:
        """Its condition (1, channels, columns) and controls; z (channels, frames) is the whole song's."""
        here = z[None, :, self.first : self.first + self.frames].to(self.model.device)
        return self.model.condition(here, self.controls), self.controls

    def wave(self, signal: Tensor) -> Tensor:
        """Its wave (frames * hop,) from its signal (channels, steps) on the CPU."""
        return self.model.signal.to_wave(signal[None], self._residue(), self.controls)[0]

    def _residue(self) -> Tensor:
        """What goes round the network; the signal hears as much around it as matters."""
        model, steps = self.model, self.model.encoder.hop
        reach = math.ceil(model.signal.context / model.hop)
        first = max(0, self.first - reach)
        around = self._around(first, self.first + self.frames + reach)
        prepared = analysed(model, around, first * model.hop, self.song.measured)
        if prepared is not None:
            prepared = prepared[:, :, (self.first - first) * steps :][:, :, : self.frames * steps]
        return model.signal.from_wave(self.heard[None], prepared)[1]

    def _around(self, first: int, last: int) -> Tensor:
        hop = self.model.hop
        wave = self.song.heard[first * hop : last * hop] * self.song.gain
        return F.pad(wave, (0, (last - first) * hop - wave.shape[-1]))


class Sheet:
    """A song of some samples cut into phrases, and what has been sung of it; silent phrases are not to be sung."""

    def __init__(self, model: Autoencoder, song: Song) -> None:
        samples, rate, hop = song.heard.shape[-1], model.rate, model.hop
        least = PHRASES[0] if model.decoder.autoregressive else PHRASES[1]
        longest = min(PHRASES[1], max(least, samples / rate / SEVERAL, 2 * hop / rate))
        self.spans = cut(song.heard, rate, longest=longest, multiple=hop)
        self.overlap = round(OVERLAP * rate)
        self.wide = widen(self.spans, self.overlap)
        sounding = _sounding(song.heard, self.spans, rate)
        self.phrases = [
            Phrase(model, song, number, span.start // hop, math.ceil(span.stop / hop) - span.start // hop)
            for number, span in enumerate(self.wide)
            if number in sounding
        ]
        self.joiner = Joiner(self.spans, overlap=self.overlap, like=torch.zeros(0))
        self.missing = len(self.phrases)
        self.z = latent_of(model, song) if self.phrases else torch.zeros(0)

    def place(self, phrase: Phrase, wave: Tensor) -> None:
        """Takes in the wave (frames * hop,) of a phrase."""
        skipped = self.wide[phrase.number].start - phrase.first * phrase.model.hop
        self.joiner.place(phrase.number, wave[skipped : skipped + len(self.wide[phrase.number])])
        self.missing -= 1

    def joined(self) -> Tensor:
        """The song, (samples,)."""
        return self.joiner.joined()


def latent_of(model: Autoencoder, song: Song) -> Tensor:
    """What is kept of the song, (channels, frames), unless it is given."""
    return listen(model, song.heard, song.measured, gain=song.gain) if song.latent is None else song.latent


def _sounding(heard: Tensor, spans: Sequence[Span], rate: int) -> frozenset[int]:
    """Numbers of the spans that are not silent from end to end."""
    silences = silent_stretches(heard, rate, below=silence_of(heard))
    starts = [silence.start for silence in silences]
    found = []
    for number, span in enumerate(spans):
        before = bisect.bisect_right(starts, span.start) - 1
        if before < 0 or silences[before].stop < span.stop:
            found.append(number)
    return frozenset(found)


def phrase_seed(seed: int, number: int) -> int:
    """A seed for each phrase, of 63 bits, so that neighbouring seeds have nothing in common."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:8], "little") >> 1
