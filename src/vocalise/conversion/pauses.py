"""Pauses: what is heard while nobody sings is a room, and nobody is asked to sing a room.

heard ──level, every 10 ms──▶ near its own noise floor, and unvoiced, for a while ──▶ what was sung there goes down

A model that is told how loud it shall be sings the hiss of a pause as loudly as it was: as breath, as hum, as whatever
it thinks the asked singer sounds like so softly. Singing is not taken for a pause, however soft: it is voiced.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.phrases import block_power, stretched
from vocalise.audio.pitch import Contour, contour_at

LOWERED = 24.0  # dB by which what was sung into a pause goes down
ABOVE = 12.0  # dB above the noise floor below which there is but noise
BELOW = 15.0  # dB that a pause lies below the loudest frames, at least
LONG = 0.25  # seconds that a pause lasts, at least
SHORT = 0.05  # seconds that are no note where so little is heard: a tracker finds such in noise
NEAR = 0.05  # seconds around voiced frames that belong to the singing
FADE = 0.06  # seconds in which the gain moves
_FRAME = 0.01  # seconds
_SMOOTH = 9  # frames over which levels are meant
_EXTREMES = 0.05  # share of the frames that is the floor, and that is loud
_EMPTY = -120.0  # dB: as good as nothing
_CHUNK = 6000  # frames worked on at a time


def lower_pauses(sung: Tensor, heard: Tensor, rate: int, melody: Contour | None) -> None:
    """Lowers `sung` (samples,) in place by 24 dB where only the room of `heard` (samples,) is heard.

    Args:
        sung: as long as what was heard.
        heard: the source at any level.
        rate: Hz, of both.
        melody: of what was heard; without it nobody knows where singing is soft, and nothing is lowered.
    """
    frame = max(1, round(_FRAME * rate))
    if melody is None or not len(melody.pitch) or len(heard) < round(LONG * rate):
        return
    gain = _gains(_pauses(_levels(heard, frame), melody, frame / rate))
    for first in range(0, len(gain), _CHUNK):
        here = slice(first * frame, min((first + _CHUNK) * frame, len(sung)))
        sung[here] *= stretched(gain, frame, here).to(sung)


def _levels(heard: Tensor, frame: int) -> Tensor:
    """dB of each frame, meant over its neighbours: (frames,), float64."""
    power = block_power(heard, frame)
    smooth = F.avg_pool1d(power[None], _SMOOTH, stride=1, padding=_SMOOTH // 2, count_include_pad=False)[0]
    return 10.0 * torch.log10(smooth.clamp(min=10.0 ** (_EMPTY / 10.0)))


def _pauses(levels: Tensor, melody: Contour, frame: float) -> Tensor:
    """Which frames (frames,), of so many seconds, belong to a pause."""
    ordered = levels.sort().values
    few = max(1, round(_EXTREMES * len(levels)))
    floor, loud = float(ordered[:few].mean()), float(ordered[-few:].mean())
    times = (torch.arange(len(levels), dtype=torch.float64) + 0.5) * frame
    notes = _lasting(contour_at(melody, times)[1] > 0.0, round(SHORT / frame))
    near = math.ceil(NEAR / frame)
    sung = F.max_pool1d(notes.float()[None], 2 * near + 1, stride=1, padding=near)[0] > 0.0
    return _lasting((levels < min(floor + ABOVE, loud - BELOW)) & ~sung, round(LONG / frame))


def _lasting(these: Tensor, count: int) -> Tensor:
    """Which of these frames (frames,) lie in a run of so many or more."""
    padded = F.pad(these.float()[None], (count - 1, count - 1))
    whole = -F.max_pool1d(-padded, count, stride=1)  # 1 where so many end
    return F.max_pool1d(whole, count, stride=1)[0] > 0.0


def _gains(pauses: Tensor) -> Tensor:
    """The gain at the centre of each frame (frames,), float64: it falls and rises within the pause."""
    half = round(FADE / _FRAME) // 2
    padded = F.pad(pauses.double()[None], (2 * half, 2 * half), mode="replicate")
    inside = -F.max_pool1d(-padded, 2 * half + 1, stride=1)
    depth = F.avg_pool1d(inside, 2 * half + 1, stride=1)[0]
    return torch.pow(10.0, -LOWERED * depth / 20.0)
