"""A stream: singing a song while it is still coming in, block by block, at a latency that is known and constant.

block ──level──▶ encoder ──────────┐ late by what it hears ahead
      ├─loudness over 30 ms────────┤ late by a column          ──▶ condition ──▶ decoder ──▶ block, `latency` late
      └─live pitch─────────────────┘ late by a column                           late by its lookahead

All parts sing on as they do in a whole conversion, so given the same pitch the two differ by rounding alone.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.pitch import Contour
from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import Voice
from vocalise.conversion.curves import STEPS, semitones_towards
from vocalise.conversion.ears import EMPTY, Line, Loudness, ears_of, latency_of, melody_of
from vocalise.conversion.phrases import phrase_seed
from vocalise.conversion.wishes import Plan, range_marks
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Chance, Controls

_QUIET = 0.1  # peak that a singer is expected to reach before he was heard
_LEAST = 0.003  # the quietest peak that is believed
_SINGING = 0.1  # of the peak: quieter moments are pauses, and say nothing about it
_SETTLED = 1.0  # seconds of voice from which it is seen where somebody sings
_FORGETS = 10.0 ** (-0.5 / 20.0 / 100.0)  # 0.5 dB a second, in blocks of 10 ms


@dataclass(frozen=True)
class Manner:
    """How it is to be sung; another one may be given between two blocks."""

    identity: Tensor  # (singers,)   a point on the simplex
    semitones: float = 0.0  # by which the tune is moved
    formant: float = 0.0  # semitones by which resonances are moved
    breath: float = 0.0  # dB
    temperature: float = 1.0


class Stream:
    """Sings on as the sound comes in: `push` gives as many samples as it takes, `latency` samples late."""

    def __init__(
        self,
        model: Autoencoder,
        manner: Manner,
        *,
        seed: int = 0,
        contour: Contour | None = None,
        towards: Callable[[Contour], float] | None = None,
        gain: float = 1.0,
    ) -> None:
        """Begins with silence.

        Args:
            model: one that sings on (`abilities.sings_on`), in evaluation mode; `sampling` makes it quicker.
            manner: by whom it is sung, and how; the attribute `manner` may be changed at any time.
            seed: of the decoder's luck, which is that of a conversion with the same seed.
            contour: the melody, where it is known beforehand; None tracks the pitch of what is heard.
            towards: says by how many semitones to move a contour; asked once, when a second of voice was heard.
            gain: before the first block.
        """
        self.model, self.manner = model, manner
        self.hop, self._clock, self._device = model.hop, model.condition.hop, model.device
        self._near = self._device.type == "cpu"
        self._ears, self._hands = ears_of(model.encoder), model.decoder  # a module takes its time to look its parts up
        self._condition, self._bottleneck = model.condition.forward, model.bottleneck.forward
        self.pitch = 0.0  # Hz of the last column whose pitch is known, 0 where it is unvoiced
        self._generator = torch.Generator().manual_seed(phrase_seed(seed, 0))
        self._loudness = Loudness(model.rate, self._clock)
        self._melody = melody_of(model, contour)
        self._queues = [EMPTY, EMPTY, EMPTY]  # pitch, voicing, loudness: columns not told yet
        with torch.inference_mode():
            self._encoder, self._decoder = self._ears.begin(1), model.decoder.begin(1)
            self._frames = self._none = torch.zeros(1, model.encoder.channels, 0, device=self._device)
            self._residue = torch.zeros(1, 0, device=self._device)
            self._manner, self._identity = manner, self._point(manner)
        self._sung = np.zeros(self.latency, np.float32)  # not given yet
        self.gain, self._ramp = gain, EMPTY  # of the last block; the way from 0 to 1 over a block
        self._gains = np.ones(self.latency, np.float32)  # of what is heard and not given yet
        self._owed = 0  # frames heard and not told yet
        self._towards, self._sample = towards, EMPTY

    @property
    def latency(self) -> int:
        """Samples by which a sound comes out later than it goes in, beside the length of the blocks it comes in."""
        return latency_of(self.model, self._melody.reach)

    def push(self, block: Tensor, *, gain: float = 1.0) -> Tensor:
        """Hears (n · hop,) samples on the CPU and gives as many, sung.

        Args:
            block: full scale at 1.
            gain: what brings it to the level that the model knows; from the last block's gain it goes there in a
                straight line, and what is sung gets the inverse.

        Raises:
            ValueError: samples that do not fill whole frames.
        """
        if torch.is_inference_mode_enabled():  # entering it for every block would take longer than some of the work
            return self._pushed(block, gain)
        with torch.inference_mode():
            return self._pushed(block, gain)

    def _pushed(self, block: Tensor, gain: float) -> Tensor:
        wave: Line = block.numpy()
        if wave.ndim != 1 or len(wave) % self.hop:
            raise ValueError(f"A stream takes (n · {self.hop},) samples, not {wave.shape}.")
        if not len(wave):
            return block.float()
        if len(self._ramp) != len(wave):
            self._ramp = np.arange(1, len(wave) + 1, dtype=np.float32) / np.float32(len(wave))
        gains = self._ramp * np.float32(gain - self.gain) + np.float32(self.gain)
        self.gain, self._gains = gain, np.concatenate([self._gains, gains])
        self._owed += len(wave) // self.hop
        heard = wave * gains
        self._hear(heard)
        self._take(self._melody.push(heard), self._loudness.push(heard))
        self._tell()
        return self._give(len(wave))

    @torch.inference_mode()
    def finish(self) -> Tensor:
        """The last `latency` samples, when nothing more will be heard."""
        ahead = math.ceil(self.model.context[1] / self.hop) * self.model.encoder.hop
        if ahead:  # silence of the signal, as the encoder hears beyond the end of a whole song
            self._listen(torch.zeros(1, self.model.signal.channels, ahead, device=self._device))
        self._frames = self._frames[:, :, : self._owed]
        self._take(self._melody.finish(), self._loudness.finish())
        self._tell()
        if self._hands.lookahead:
            self._keep(self._hands.finish(self._decoder, self._chance()))
        return self._give(self.latency)

    def _chance(self) -> Chance:
        return Chance((self._generator,), self.manner.temperature)

    def _hear(self, heard: Line) -> None:
        if not len(heard):
            return
        self._listen(self.model.signal.from_wave(self._there(heard))[0])

    def _listen(self, signal: Tensor) -> None:
        frames = self._ears.extend(self._encoder, signal)
        self._frames = torch.cat([self._frames, frames], dim=2) if self._frames.shape[2] else frames

    def _take(self, melody: tuple[Line, Line], loudness: Line) -> None:
        pairs = zip(self._queues, (*melody, loudness), strict=True)
        self._queues = [np.concatenate([kept, fresh]) if len(kept) else fresh for kept, fresh in pairs]
        pitch = melody[0]
        if len(pitch):
            self.pitch = float(pitch[-1])
        if self._towards is not None:
            self._sample = np.concatenate([self._sample, pitch[pitch > 0.0]])
            if len(self._sample) * self._clock >= _SETTLED * self.model.rate:
                sample = torch.from_numpy(self._sample)
                heard = Contour(sample, torch.ones_like(sample), self._clock / self.model.rate)
                self.manner, self._towards = replace(self.manner, semitones=self._towards(heard)), None

    def _tell(self) -> None:
        """Tells the decoder all frames of which everything is known."""
        columns = self.hop // self._clock
        frames = min(self._frames.shape[2], *(len(queue) // columns for queue in self._queues))
        if not frames:
            return
        content, self._frames = self._frames, self._none
        if content.shape[2] > frames:
            content, self._frames = content[:, :, :frames], content[:, :, frames:]
        controls = self._controls(*(queue[: frames * columns] for queue in self._queues))
        self._queues = [queue[frames * columns :] for queue in self._queues]
        self._owed -= frames
        condition = self._condition(self._bottleneck(content).z, controls)
        self._keep(self._hands.extend(self._decoder, condition, controls, self._chance()))

    def _controls(self, pitch: Line, voicing: Line, loudness: Line) -> Controls:
        manner = self.manner
        if manner is not self._manner:
            self._manner, self._identity = manner, self._point(manner)
        moved = pitch * np.float32(2.0 ** (manner.semitones / 12.0))
        there = self._there
        return Controls(
            self._identity, there(moved), there(voicing), there(loudness), formant=manner.formant, breath=manner.breath
        )

    def _there(self, line: Line) -> Tensor:
        """A line where the model is, (1, n)."""
        told = torch.from_numpy(line[None])
        return told if self._near else told.to(self._device)

    def _point(self, manner: Manner) -> Tensor:
        return manner.identity[None, :, None].float().to(self._device)

    def _keep(self, signal: Tensor) -> None:
        wave = self.model.signal.to_wave(signal, self._residue).float().cpu().numpy()[0]
        self._sung = np.concatenate([self._sung, wave])

    def _give(self, samples: int) -> Tensor:
        given, self._sung = self._sung[:samples], self._sung[samples:]
        gains, self._gains = self._gains[:samples], self._gains[samples:]
        return torch.from_numpy(given / gains)


def begun(voice: Voice, model: Autoencoder, plan: Plan, *, gain: float = 1.0) -> Stream:
    """A stream that fulfils a plan.

    Args:
        voice: whose.
        model: of the voice, or one that sings the same quicker.
        plan: as judged by `vocalise.conversion.planned`.
        gain: of what is heard before the first block.

    Raises:
        ConfigError: a wish that needs the whole song.
    """
    identity, transpose = plan.identity, plan.transpose
    if not isinstance(identity, Tensor):
        raise ConfigError("A singer who changes over time belongs to a song; live, name one singer or one mixture.")
    towards: Callable[[Contour], float] | None = None
    if transpose == "faithful":
        raise ConfigError("--transpose faithful needs the spread of a whole song; live, choose mean, range or auto.")
    if isinstance(transpose, str):
        marks = range_marks(voice, identity, 0.0)
        towards = functools.partial(semitones_towards, marks=marks, step=STEPS[transpose])
    manner = Manner(
        identity=identity,
        semitones=0.0 if isinstance(transpose, str) else transpose,
        formant=plan.formant,
        breath=plan.breath,
        temperature=plan.temperature,
    )
    return Stream(model, manner, seed=plan.seed, contour=plan.pitch, towards=towards, gain=gain)


class Levelling:
    """A gain that follows a microphone: loud moments are heard at once, and forgotten slowly while someone sings."""

    def __init__(self, level: float) -> None:
        """`level` is the peak that the model knows."""
        self._level = level
        self._peak = _QUIET

    def gain(self, peak: float) -> float:
        """The gain for the next block, which brings its peak no higher than the level."""
        if peak > self._peak * _SINGING:
            self._peak = max(peak, self._peak * _FORGETS, _LEAST)
        return self._level / self._peak
