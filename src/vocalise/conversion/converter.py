"""The converter: a voice, and a song of any length and format to be sung by it.

song ──mono, model's rate, level──▶ latent ──condition: who──▶ decoder ──▶ loudness, silence, exact length ──▶ song
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self, Unpack

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
from vocalise.checkpoint import Voice, default_voice, load_voice
from vocalise.conversion.abilities import follows_pitch, require_hearing
from vocalise.conversion.curves import require_length, towards, transposed, write_pitch_csv
from vocalise.conversion.finishing import finished
from vocalise.conversion.hearing import Sound, at_rate, mono, require_rate
from vocalise.conversion.singing import Song, sing
from vocalise.conversion.wishes import Plan, Wishes, planned, range_marks
from vocalise.devices import choose_device
from vocalise.errors import AudioError
from vocalise.progress import Progress, silent


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
    def load(cls, path: str | os.PathLike[str] | None = None, device: str = "auto") -> Self:
        """A converter for a voice file, or for the default voice where no file is named.

        Raises:
            VoiceError: it is no voice file, or damaged; or this build of the package carries no default voice.
            ConfigError: no such device.
            Unsupported: its recipe does not convert.
        """
        place = choose_device(device)
        return cls(default_voice(device=place) if path is None else load_voice(path, device=place))

    @property
    def rate(self) -> int:
        """The model's rate in Hz."""
        return self.voice.model.rate

    @property
    def singers(self) -> tuple[str, ...]:
        """Who can be sung by."""
        return self.voice.names

    def convert(self, wave: Sound, rate: int, *, progress: Progress = silent, **wishes: Unpack[Wishes]) -> Tensor:
        """Sings a song by someone else.

        Args:
            wave: (samples,) or (channels, samples), floats with full scale at 1; channels are averaged.
            rate: Hz, of the wave.
            progress: told the seconds of audio that are done.
            wishes: `to` whom, which is always needed, and whatever else `vocalise.conversion.planned` takes:
                `temperature`, `seed`, `keep_loudness`, `transpose`, `pitch`, `formant`, `breath`, `out_rate`.

        Returns:
            (samples,), float32: exactly round(samples * out_rate / rate) of them. Where the song is below -60 dBFS for
            0.2 s the result is no louder, and exactly silent where the song is.

        Raises:
            AudioError: the wave is empty or cannot be sound.
            UnknownSinger: the voice does not know a name.
            ConfigError: a value out of range, or a melody that is shorter than its song.
            Unsupported: the recipe cannot do what is asked.
        """
        plan = self.plan(**wishes)
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

    def plan(self, **wishes: Unpack[Wishes]) -> Plan:
        """Judges wishes before any work; they and errors are those of `vocalise.conversion.planned`."""
        return planned(self.voice, **wishes)

    def _sung(self, heard: Tensor, plan: Plan, measured: Contour | None, progress: Progress) -> Tensor:
        """The wave heard (samples,) at the model's rate -> sung, as long and as loud as planned."""
        if not len(heard):
            return heard
        peak = max(float(heard.max()), -float(heard.min()))
        gain = self.voice.recipe.material.level / peak if peak > 0.0 else 1.0
        if measured is None and self._needs_melody(plan):
            measured = self._measured(heard, progress)
        song = Song(
            heard,
            gain,
            plan.identity,
            self._melody(len(heard) / self.rate, plan, measured),
            plan.temperature,
            plan.seed,
            formant=plan.formant,
            breath=plan.breath,
            measured=measured,
        )
        sung = sing(self.voice.model, song, progress)
        return finished(sung, heard, self.rate, gain=gain, keep_loudness=plan.keep_loudness)

    def _needs_melody(self, plan: Plan) -> bool:
        """Whether the song's own melody must be known: to be sung, or for a signal that looks at it."""
        model = self.voice.model
        return bool(model.signal.analysis) or (follows_pitch(model) and plan.pitch is None)

    def _melody(self, seconds: float, plan: Plan, measured: Contour | None) -> Contour | None:
        """What is to be sung, where the model is told."""
        contour = plan.pitch or measured
        if contour is None or not follows_pitch(self.voice.model):
            return None
        if plan.pitch is not None:
            require_length(plan.pitch, seconds)
        if not isinstance(plan.transpose, str):
            return transposed(contour, plan.transpose)
        return towards(contour, range_marks(self.voice, plan.identity, seconds), plan.transpose)

    def _measured(self, heard: Tensor, progress: Progress) -> Contour:
        seconds = len(heard) / self.rate
        return pitch_contour(
            heard,
            self.rate,
            glance=True,
            progress=lambda share: progress("measuring pitch", share * seconds, seconds),
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
