"""The converter: a voice, and a song of any length and format to be sung by it.

song ──mono, model's rate, level──▶ latent ──condition: who──▶ decoder ──▶ loudness, silence, exact length ──▶ song
"""

import os
from collections.abc import Iterable, Iterator
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
from vocalise.audio.loudness import gain_to
from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.checkpoint import Voice, default_voice, load_voice
from vocalise.conversion.abilities import follows_pitch, require_hearing, require_singing_on
from vocalise.conversion.chunks import BLOCK, frames_of, gain_of, sung_chunks
from vocalise.conversion.curves import require_length, towards, transposed, write_pitch_csv
from vocalise.conversion.ears import latency_of, melody_of
from vocalise.conversion.finishing import finished
from vocalise.conversion.hearing import Sound, at_rate, mono, require_rate
from vocalise.conversion.singing import Song, sing
from vocalise.conversion.streaming import begun
from vocalise.conversion.wishes import Plan, Wishes, planned, range_marks
from vocalise.devices import choose_device
from vocalise.errors import AudioError
from vocalise.progress import Progress, silent
from vocalise.sampling.choice import chosen


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    seconds: float  # of audio
    silent: bool  # whether nothing can be heard in the result, as in a source that is below -60 dBFS throughout


@dataclass(frozen=True)
class Errand:
    """A song that was read and planned, to be sung and written."""

    target: Path
    song: Song
    plan: Plan
    length: int  # samples of the result
    seconds: float  # of audio


class Converter:
    """Sings songs with the voices of one voice file.

    The same song, wishes and seed give the same samples, bit for bit, on one device and number of threads.
    """

    def __init__(self, voice: Voice, *, sampler: str | None = None) -> None:
        """Takes a voice as it is, on the device where it is.

        Args:
            voice: left as it is.
            sampler: who does the singing: `auto` (the fastest that serves), `native`, `cuda` or `torch`; None reads
                `VOCALISE_SAMPLER`.

        Raises:
            ConfigError: no such sampler, or none on this machine.
            Unsupported: the voice's recipe does not convert.
        """
        require_hearing(voice)
        self.voice = voice
        self.model = chosen(voice.model, sampler)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, device: str = "auto", *, sampler: str | None = None
    ) -> Self:
        """A converter for a voice file, or for the default voice where no file is named.

        Raises:
            VoiceError: it is no voice file, or damaged; or this build of the package carries no default voice.
            ConfigError: no such device, or sampler.
            Unsupported: its recipe does not convert.
        """
        place = choose_device(device)
        return cls(default_voice(device=place) if path is None else load_voice(path, device=place), sampler=sampler)

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
            0.2 s the result is no louder, and exactly silent where the song is. Of a voice that follows the pitch,
            pauses in which only a room is heard come out 24 dB softer than they were.

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
        song = self._song(heard, plan, None, progress)
        return at_rate(self._finished(sing(self.model, song, progress), song, plan), self.rate, plan.out_rate, length)

    def stream(
        self,
        chunks: Iterable[Sound],
        rate: int,
        *,
        peak: float | None = None,
        block: float = BLOCK,
        **wishes: Unpack[Wishes],
    ) -> Iterator[Tensor]:
        """Sings a song while it is still coming in, in one breath: sound is given as soon as it is made.

        What comes out depends on neither the number nor the length of the chunks. It differs from what `convert`
        gives: nothing is known of what follows, so there are no phrases, the pitch is tracked live, the song's
        loudness is kept only as far as the gain that was put on is taken off again, and silence is sung as it is heard.

        Args:
            chunks: each (samples,) or (channels, samples), floats with full scale at 1, of any length.
            rate: Hz, of the chunks.
            peak: of the whole song, if it is known; None follows it.
            block: seconds that are sung at a time; shorter ones come sooner, and cost more.
            wishes: as for `convert`, without those that need the whole song.

        Yields:
            (samples,), float32: exactly round(samples * out_rate / rate) of them in all, `latency` late.

        Raises:
            Unsupported: a vocoder's recipe, which needs whole phrases.
            VocaliseError: as for `convert`.
        """
        require_singing_on(self.voice)
        frames, level = frames_of(self.model, block), self.voice.recipe.material.level
        plan = self.plan(**wishes)
        rates = (require_rate(rate), plan.out_rate)
        stream = begun(self.voice, self.model, plan, gain=gain_of(level, peak))
        return sung_chunks(stream, chunks, rates, block=frames, level=level if peak is None else None)

    def latency(self, *, block: float = BLOCK, known: bool = False) -> int:
        """Samples, at the model's rate, after which `stream` gives what it heard, beside what resampling takes.

        It is what the encoder, the loudness and the pitch tracker want to hear ahead, what the decoder holds back, and
        the length of a block. `known` says that the melody is given.
        """
        reach = 0 if known else melody_of(self.model, None).reach
        return latency_of(self.model, reach) + frames_of(self.model, block) * self.model.hop

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
        errand = self.prepare(source, target, pitch_out=pitch_out, progress=progress, **wishes)
        return self.complete(errand, sing(self.model, errand.song, progress))

    def prepare(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        *,
        pitch_out: str | os.PathLike[str] | None = None,
        progress: Progress = silent,
        **wishes: Unpack[Wishes],
    ) -> Errand:
        """The first half of `convert_file`, all but the singing, so that several songs can be sung together."""
        plan = self.plan(**wishes)
        check_writable(target, plan.out_rate)
        _require_other(source, target, pitch_out)
        heard, _ = read_wave(source, rate=self.rate)
        measured = None
        if pitch_out is not None:
            measured = self._measured(heard, progress)
            write_pitch_csv(pitch_out, measured)
        length = self._length(source, len(heard), plan.out_rate)
        return Errand(Path(target), self._song(heard, plan, measured, progress), plan, length, len(heard) / self.rate)

    def complete(self, errand: Errand, sung: Tensor) -> Outcome:
        """The second half: finishes and writes what was sung (samples,), which is used up."""
        plan, length, sung = errand.plan, errand.length, self._finished(sung, errand.song, errand.plan)
        if length == resampled_length(len(sung), self.rate, plan.out_rate):
            write_wave(errand.target, sung, self.rate, to_rate=plan.out_rate)
        else:
            write_wave(errand.target, at_rate(sung, self.rate, plan.out_rate, length), plan.out_rate)
        return Outcome(errand.seconds, silent=not bool(sung.any()))

    def plan(self, **wishes: Unpack[Wishes]) -> Plan:
        """Judges wishes before any work; they and errors are those of `vocalise.conversion.planned`."""
        return planned(self.voice, **wishes)

    def _finished(self, sung: Tensor, song: Song, plan: Plan) -> Tensor:
        kept = plan.keep_loudness
        return finished(sung, song.heard, self.rate, gain=song.gain, keep_loudness=kept, melody=song.measured)

    def _song(self, heard: Tensor, plan: Plan, measured: Contour | None, progress: Progress) -> Song:
        """The wave heard (samples,) at the model's rate, with all that is to be sung of it."""
        gain = gain_to(heard, self.voice.recipe.material.level)
        if measured is None and self._needs_melody(plan) and len(heard):
            measured = self._measured(heard, progress)
        return Song(
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
