"""A voice before the mouth: all harmonics of a gliding pitch, equally loud, and none beyond half the rate.

pitch, voicing at column centres ──between them, at every sample──▶ phase ──Σ cos nφ in closed form──▶ tone
"""

import math

import torch
from torch import Tensor

from vocalise.devices import finest

LOWEST, HIGHEST = 20.0, 0.25  # Hz, and of the rate: what pitch is held between, so that there are two harmonics


def between_columns(nodes: Tensor, hop: int, *, pitch: Tensor | None = None) -> Tensor:
    """Values of columns, (batch, columns + 2), given at their centres -> (batch, columns, hop) at every sample.

    The first and last column only lend their values to their neighbours' halves. With `pitch` not given the way is a
    straight line; else `nodes` is the voicing, `pitch` the pitch at the same places in Hz, and what comes back is
    pitch: a straight line on the logarithmic scale between two voiced columns, and that of the voiced one elsewhere.
    """
    start, end = nodes[:, :-1], nodes[:, 1:]
    if pitch is not None:
        voiced, octave = nodes > 0.5, pitch.clamp(min=LOWEST).log()
        start = torch.where(voiced[:, :-1], octave[:, :-1], octave[:, 1:])
        end = torch.where(voiced[:, 1:], octave[:, 1:], start)
    # A column is the end of the line to its centre and the beginning of the next; choosing at samples would be slow.
    share, half = (torch.arange(hop, device=nodes.device, dtype=nodes.dtype) + 0.5) / hop, hop // 2
    before = torch.lerp(start[:, :-1, None], end[:, :-1, None], share[:half] + 0.5)
    after = torch.lerp(start[:, 1:, None], end[:, 1:, None], share[half:] - 0.5)
    line = torch.cat([before, after], dim=2)
    return line if pitch is None else line.exp_()


def phase_after(pitch: Tensor, rate: int, phase: Tensor) -> Tensor:
    """The phase that `pulses` ends with, (batch,), without the pulses."""
    periods = pitch.clamp(LOWEST, HIGHEST * rate).sum(dim=1, dtype=finest(pitch.device))
    return (periods / rate + phase) % 1.0


def pulses(pitch: Tensor, rate: int, phase: Tensor) -> tuple[Tensor, Tensor]:
    """A train of pulses without aliasing and of unit power, whatever the pitch.

    Σ_{n<N} cos 2πnφ + (M - N) cos 2πNφ, where M = rate / (2 pitch) harmonics have room and N = ⌊M⌋: a harmonic fades
    in as it comes below half the rate. The sum is Dirichlet's kernel, so it costs three functions of an angle a sample.

    Args:
        pitch: (batch, samples), Hz.
        rate: Hz.
        phase: (batch,), of the fundamental before the first sample, in periods.

    Returns:
        The tone (batch, samples), and the phase after the last sample, in [0, 1).
    """
    pitch = pitch.clamp(LOWEST, HIGHEST * rate)
    exact = finest(pitch.device)
    way = torch.cumsum(pitch.to(exact), dim=1).div_(rate).add_(phase[:, None])
    last = way[:, -1] % 1.0
    # Near a pulse the place is near 0, where numbers are fine. It is never 0, or the ratio below would not be a number.
    place = way.sub_(way.round()).add_(1e-12).to(pitch.dtype)
    room = (0.5 * rate) / pitch
    count = room.floor()
    rest, turn = room - count, count * place
    turn = turn.sub_(turn.round()).mul_(2.0 * math.pi)
    # sin π(2N-1)φ / sin πφ = sin 2πNφ / tan πφ - cos 2πNφ; in place, because memory costs more here than arithmetic.
    tone = torch.sin(turn).div_(place.mul_(math.pi).tan_()).sub_(1.0).mul_(0.5)
    tone = tone.add_(turn.cos_().mul_(rest - 0.5))
    power = rest.square_().add_(count).sub_(1.0).mul_(0.5)
    return tone.mul_(power.rsqrt_()), last
