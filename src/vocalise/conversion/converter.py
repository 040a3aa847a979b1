"""The converter: a voice, and a song of any length and format to be sung by it.

song ──mono, model's rate, level──▶ latent ──condition: who──▶ decoder ──▶ loudness, silence, exact length ──▶ song
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Required, Self, TypedDict, Unpack

import torch
from torch import Tensor

from vocalise.audio.files import (
    MEDIA_SUFFIXES,
    check_writable,
    describe,
    read_wave,
    resampled_length,
    shown,
    write_wave,
)
from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.checkpoint import Voice, load_voice
from vocalise.conversion.abilities import follows_pitch, require_hearing, require_pitch, require_voice
from vocalise.conversion.curves import octaves_towards, parse_transpose, transposed, write_pitch_csv
from vocalise.conversion.finishing import finished
from vocalise.conversion.hearing import Sound, at_rate, mono, require_rate
from vocalise.conversion.identity import parse_identity
from vocalise.conversion.singing import Song, sing
from vocalise.devices import choose_device
from vocalise.errors import AudioError, ConfigError
from vocalise.progress import Progress, silent

COLDEST = 0.01  # temperatures below are as good as 0, and would overflow
HOTTEST = 100.0


class Wishes(TypedDict, total=False):
    """What may be asked of a conversion; see `Converter.convert`."""

    to: Required[str | Mapping[str, float] | None]
    temperature: float
    seed: int
    keep_loudness: bool
    transpose: float | str
    pitch: Contour | None
    out_rate: int | None


@dataclass(frozen=True)
class Plan:
    """Wishes that have been found possible."""

    identity: Tensor  # (singers,)
    temperature: float
    seed: int
    keep_loudness: bool
    semitones: float | None  # None: octaves towards the range of who sings
    pitch: Contour | None
    out_rate: int  # Hz


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    seconds: float  # of audio
    silent: bool  # whether nothing can be heard in the result, as in a source that is below -60 dBFS throughout


class Converter:
    """Sings songs with the voices of one voice file.

    The same song, wishes and seed give the same samples, bit for bit, on one device and number of threads.
    """

    def __init__(self, voice: Voice) -> None:
        """Takes a voice as it is, on the device where it is."""
        require_hearing(voice)
        self.voice = voice

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str = "auto") -> Self:
        """A converter for a voice file.

        Raises:
            VoiceError: it is no voice file, or damaged.
            ConfigError: no such device.
            Unsupported: its recipe does not convert.
        """
        return cls(load_voice(path, device=choose_device(device)))

    @property
    def rate(self) -> int:
        """The model's rate in Hz."""
        return self.voice.model.rate

    @property
    def singers(self) -> tuple[str, ...]:
        """Who can be sung by."""
        return self.voice.singers

    def convert(
        self,
        wave: Sound,
        rate: int,
        *,
        to: str | Mapping[str, float] | None,
        temperature: float = 1.0,
        seed: int = 0,
        keep_loudness: bool = True,
        transpose: float | str = 0,
        pitch: Contour | None = None,
        out_rate: int | None = None,
        progress: Progress = silent,
    ) -> Tensor:
        """Sings a song by someone else.

        Args:
            wave: (samples,) or (channels, samples), floats with full scale at 1; channels are averaged.
            rate: Hz, of the wave.
            to: a singer's name, a mixture (`ada=0.7,bob=0.3`) or a mapping of names to weights; None only for recipes
                that are not told who sings.
            temperature: divides the logits; 0 takes the likeliest level each time.
            seed: of the decoder's luck.
            keep_loudness: whether the result gets the song's integrated loudness, its true peak at most -1 dBTP.
            transpose: semitones, or `auto` for octaves towards the singer's range; recipes that are told the pitch.
            pitch: a melody instead of the song's own; recipes that are told the pitch.
            out_rate: Hz, of the result; None is the model's rate.
            progress: told the seconds of audio that are done.

        Returns:
            (samples,), float32: exactly round(samples * out_rate / rate) of them. Where the song is below -60 dBFS for
            0.2 s the result is no louder, and exactly silent where the song is.

        Raises:
            AudioError: the wave is empty or cannot be sound.
            UnknownSinger: the voice does not know a name.
            ConfigError: a value out of range.
            Unsupported: the recipe cannot do what is asked.
        """
        plan = self.plan(
            to=to,
            temperature=temperature,
            seed=seed,
            keep_loudness=keep_loudness,
            transpose=transpose,
            pitch=pitch,
            out_rate=out_rate,
        )
        heard = mono(wave)
        length = resampled_length(len(heard), require_rate(rate), plan.out_rate)
        heard = at_rate(heard, rate, self.rate, resampled_length(len(heard), rate, self.rate))
        return at_rate(self._sung(heard, plan, None, progress), self.rate, plan.out_rate, length)

    def convert_file(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        *,
        pitch_out: str | os.PathLike[str] | None = None,
        progress: Progress = silent,
        **wishes: Unpack[Wishes],
    ) -> Outcome:
        """Converts a sound file into another, which is written whole or not at all.

        Args:
            source: any sound file.
            target: ends in .wav, .flac, .ogg, .opus or .mp3; never the source itself.
            pitch_out: where to write the pitch contour measured in the source, as CSV.
            progress: told the seconds of audio that are done.
            wishes: as for `convert`.

        Raises:
            AudioError: the source cannot be read, or the target cannot be written.
            VocaliseError: as for `convert`.
        """
        plan = self.plan(**wishes)
        check_writable(target, plan.out_rate)
        _require_other(source, target, pitch_out)
        heard, _ = read_wave(source, rate=self.rate)
        measured = None
        if pitch_out is not None:
            measured = self._measured(heard, progress)
            write_pitch_csv(pitch_out, measured)
        length, seconds = self._length(source, len(heard), plan.out_rate), len(heard) / self.rate
        sung = self._sung(heard, plan, measured, progress)
        del heard  # an hour of it is a quarter of a gigabyte
        if length == resampled_length(len(sung), self.rate, plan.out_rate):
            write_wave(target, sung, self.rate, to_rate=plan.out_rate)
        else:
            write_wave(target, at_rate(sung, self.rate, plan.out_rate, length), plan.out_rate)
        return Outcome(seconds, silent=not bool(sung.any()))

    def plan(
        self,
        *,
        to: str | Mapping[str, float] | None,
        temperature: float = 1.0,
        seed: int = 0,
        keep_loudness: bool = True,
        transpose: float | str = 0,
        pitch: Contour | None = None,
        out_rate: int | None = None,
    ) -> Plan:
        """Judges wishes before any work; arguments and errors as for `convert`."""
        semitones = parse_transpose(transpose)
        if semitones != 0.0:
            require_pitch(self.voice, "--transpose")
        if pitch is not None:
            require_pitch(self.voice, "--pitch-in")
        if not (isinstance(temperature, int | float) and 0.0 <= temperature <= HOTTEST):  # false for NaN too
            raise ConfigError(f"The temperature cannot be {temperature!r}: choose 0 (the likeliest) to {HOTTEST:g}.")
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ConfigError(f"The seed cannot be {seed!r:.60}: give a whole number.")
        return Plan(
            identity=self._identity(to),
            temperature=0.0 if temperature < COLDEST else float(temperature),
            seed=seed,
            keep_loudness=keep_loudness,
            semitones=semitones,
            pitch=pitch,
            out_rate=self.rate if out_rate is None else require_rate(out_rate, "rate of the result"),
        )

    def _identity(self, to: str | Mapping[str, float] | None) -> Tensor:
        if to is not None:
            require_voice(self.voice)
            return parse_identity(to, self.singers)
        if self.voice.model.condition.uses_voice:
            raise ConfigError(f"Say who is to sing; this voice knows {', '.join(self.singers)}.")
        return torch.full((len(self.singers),), 1.0 / len(self.singers))

    def _sung(self, heard: Tensor, plan: Plan, measured: Contour | None, progress: Progress) -> Tensor:
        """The wave heard (samples,) at the model's rate -> sung, as long and as loud as planned."""
        if not len(heard):
            return heard
        peak = max(float(heard.max()), -float(heard.min()))
        gain = self.voice.recipe.material.level / peak if peak > 0.0 else 1.0
        melody = self._melody(heard, plan, measured, progress)
        song = Song(heard, gain, plan.identity, melody, plan.temperature, plan.seed)
        sung = sing(self.voice.model, song, progress)
        return finished(sung, heard, self.rate, gain=gain, keep_loudness=plan.keep_loudness)

    def _melody(self, heard: Tensor, plan: Plan, measured: Contour | None, progress: Progress) -> Contour | None:
        if not follows_pitch(self.voice.model):
            return None
        contour = plan.pitch or measured or self._measured(heard, progress)
        semitones = octaves_towards(contour, self._centre(plan)) if plan.semitones is None else plan.semitones
        return transposed(contour, semitones)

    def _centre(self, plan: Plan) -> float:
        """The middle of the range of who is to sing, in Hz, on a logarithmic scale; 0 where nothing is known of it."""
        shares = dict(zip(self.singers, plan.identity.tolist(), strict=True))
        known = {name: shares[name] for name, marks in self.voice.pitch_ranges.items() if marks[1] > 0.0}
        total = sum(known.values())
        logs = sum(share * math.log2(self.voice.pitch_ranges[name][1]) for name, share in known.items())
        return 2.0 ** (logs / total) if total > 0.0 else 0.0

    def _measured(self, heard: Tensor, progress: Progress) -> Contour:
        seconds = len(heard) / self.rate
        return pitch_contour(
            heard, self.rate, progress=lambda share: progress("measuring pitch", share * seconds, seconds)
        )

    def _length(self, source: str | os.PathLike[str], heard: int, out_rate: int) -> int:
        """Samples of the result, from those of the file itself; a header is believed only where it can be checked."""
        if out_rate == self.rate:
            return heard
        facts = describe(source)
        plain = facts.format != "MP3" and Path(source).suffix.lower() not in MEDIA_SUFFIXES
        if plain and resampled_length(facts.samples, facts.rate, self.rate) == heard:
            return resampled_length(facts.samples, facts.rate, out_rate)
        return resampled_length(len(read_wave(source)[0]), facts.rate, out_rate)


def _require_other(
    source: str | os.PathLike[str], target: str | os.PathLike[str], pitch_out: str | os.PathLike[str] | None
) -> None:
    for written in (Path(name) for name in (target, pitch_out) if name is not None):
        if written.exists() and Path(source).exists() and written.samefile(source):
            raise AudioError(f"{shown(written)} is the song itself: choose another name, or it would be lost.")
