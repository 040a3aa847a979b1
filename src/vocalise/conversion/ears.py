"""What a stream hears as the sound comes in: latents, loudness and melody, each of them late by what it needs ahead.

wave ──┬──▶ encoder (or windows of what an encoder hears that remembers nothing) ──▶ frames
       ├──▶ loudness over 30 ms ──▶ columns
       └──▶ live pitch, or a melody that is known ──▶ columns
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio import live_pitch
from vocalise.audio.pitch import Contour, contour_at
from vocalise.autoencoder import Autoencoder
from vocalise.data.batches import FLOOR, LOUDNESS_WINDOW
from vocalise.errors import Unsupported
from vocalise.parts.contracts import Encoder
from vocalise.sampling.native.sums import pitch_tracker

_FAINTEST = 10.0 ** (FLOOR / 10.0)

Line = NDArray[np.float32]  # (n,)   samples or columns: NumPy is quicker at a few of them
EMPTY: Line = np.zeros(0, np.float32)
EMPTY.flags.writeable = False


@dataclass
class Past:
    """What an encoder without a memory has to hear again: the context before its next frame, and what came since."""

    signal: Tensor  # (batch, channels, steps)
    before: int  # steps of it that lie before the next frame


class Windows:
    """Begins and extends like an encoder that `streams`, by hearing windows with all the context of their frames.

    The frames are those of the whole song; each extension hears the context again, so long ones are cheaper.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.hop = encoder, encoder.hop
        self.left, self.right = math.ceil(encoder.context[0] / self.hop) * self.hop, encoder.context[1]

    def begin(self, batch: int) -> Past:
        """Nothing heard yet."""
        return Past(torch.zeros(batch, 0, 0), 0)

    def extend(self, state: Past, signal: Tensor) -> Tensor:
        """(batch, channels, n * hop) more -> the frames that are final by now, `context[1]` steps late."""
        heard = torch.cat([state.signal, signal], dim=2) if state.signal.shape[2] else signal
        frames = max(0, (heard.shape[2] - state.before - self.right) // self.hop)
        if not frames:
            state.signal = heard
            return heard.new_zeros(len(heard), self.encoder.channels, 0)
        first = state.before // self.hop
        content: Tensor = self.encoder(heard)[:, :, first : first + frames]
        over = max(0, state.before + frames * self.hop - self.left)
        state.signal, state.before = heard[:, :, over:], state.before + frames * self.hop - over
        return content


def latency_of(model: Autoencoder, melody: int) -> int:
    """Samples that a stream is late by; `melody` is the columns that are heard ahead for the pitch."""
    clock = model.condition.hop
    waiting = max(math.ceil(model.context[1] / clock), Loudness(model.rate, clock).reach, melody)
    return math.ceil(waiting * clock / model.hop) * model.hop + model.decoder.lookahead * clock


def ears_of(encoder: Encoder) -> Encoder | Windows:
    """What listens as the sound comes in: the encoder itself where it can."""
    return encoder if encoder.streams else Windows(encoder)


class Loudness:
    """`loudness_of` as the sound comes in, `reach` columns late."""

    def __init__(self, rate: int, hop: int) -> None:
        self._hop = hop
        self._beyond = max(0, math.ceil((LOUDNESS_WINDOW * rate - hop) / 2))  # samples, on either side of a column
        self.reach = math.ceil(self._beyond / hop)
        self._power = np.zeros(0, np.float32)  # of columns that wait, after `_known` that others still reach back to
        self._known = 0

    def push(self, wave: Line) -> Line:
        """(n · hop,) more samples -> dBFS of the columns that are final by now."""
        self._power = np.concatenate([self._power, wave * wave])
        final = max(self._known, len(self._power) // self._hop - self.reach)
        levels = self._levels(range(self._known, final))
        passed = max(0, final - self.reach)
        self._power, self._known = self._power[passed * self._hop :], final - passed
        return levels

    def finish(self) -> Line:
        """The columns that are left, as if nothing followed."""
        levels = self._levels(range(self._known, len(self._power) // self._hop))
        self._power, self._known = self._power[:0], 0
        return levels

    def _levels(self, columns: range) -> Line:
        """Means over what there is within `_beyond` samples of each column, in dBFS."""
        starts = [max(0, column * self._hop - self._beyond) for column in columns]
        stops = [(column + 1) * self._hop + self._beyond for column in columns]
        parts = [self._power[start:stop] for start, stop in zip(starts, stops, strict=True)]
        means = [float(np.add.reduce(part)) / len(part) for part in parts]
        return np.array([10.0 * math.log10(max(mean, _FAINTEST)) for mean in means], np.float32)


class Tracked:
    """The melody of what is heard."""

    reach = live_pitch.AHEAD

    def __init__(self, rate: int, hop: int) -> None:
        self._tracker = pitch_tracker(rate, hop)

    def push(self, heard: Line) -> tuple[Line, Line]:
        """(n · hop,) more samples -> pitch in Hz and voicing of the columns that are final by now."""
        return self._tracker.push(heard)

    def finish(self) -> tuple[Line, Line]:
        """The columns that are left."""
        return self._tracker.finish()


class Known:
    """A melody that is known beforehand, or none."""

    reach = 0

    def __init__(self, rate: int, hop: int, contour: Contour | None) -> None:
        self._rate, self._hop, self._contour = rate, hop, contour
        self._columns = 0

    def push(self, heard: Line) -> tuple[Line, Line]:
        """(n · hop,) more samples -> pitch in Hz and voicing of their columns."""
        first, self._columns = self._columns, self._columns + len(heard) // self._hop
        if self._contour is None:
            nothing = np.zeros(self._columns - first, np.float32)
            return nothing, nothing
        times = (torch.arange(first, self._columns, dtype=torch.float64) + 0.5) * self._hop / self._rate
        pitch, voicing = contour_at(self._contour, times)
        return pitch.numpy(), voicing.numpy()

    def finish(self) -> tuple[Line, Line]:
        """Nothing is left."""
        return EMPTY, EMPTY


def melody_of(model: Autoencoder, contour: Contour | None) -> Tracked | Known:
    """The melody that a model is to be told: the one that is given, or that of what is heard.

    Raises:
        Unsupported: pitch cannot be tracked in columns as short as the model's, or at a rate as low.
    """
    tracked = contour is None and model.condition.uses_pitch
    if tracked:
        try:
            return Tracked(model.rate, model.condition.hop)
        except ValueError as error:
            raise Unsupported(
                f"{error} Convert a file, or train at 16000 Hz or more with 100 frames a second."
            ) from None
    return Known(model.rate, model.condition.hop, contour)
