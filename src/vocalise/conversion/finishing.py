"""What is done to a song after it was sung: loudness and silences of what was heard, and less of its room in pauses."""

import torch
from torch import Tensor

from vocalise.audio.loudness import SILENCE, integrated_loudness, matching_gain
from vocalise.audio.phrases import hush, silence_of
from vocalise.audio.pitch import Contour
from vocalise.conversion.pauses import lower_pauses

BLOCK = 60  # seconds worked on at a time, so that a long song needs no second copy of itself
REACH = 1  # seconds around a block that what is silent in it depends on, and more than enough


def finished(
    sung: Tensor, heard: Tensor, rate: int, *, gain: float, keep_loudness: bool, melody: Contour | None = None
) -> Tensor:
    """The song (samples,) with the loudness and the silences of what was heard (samples,); `sung` is used up.

    Args:
        sung: as the model sang it.
        heard: the source at its own level.
        rate: Hz, of both.
        gain: what the source was amplified by before the model heard it.
        keep_loudness: whether the integrated loudness is matched, the true peak at most -1 dBTP; else `gain` is undone.
        melody: of what was heard, where it is known: then the room that is heard in pauses is lowered (`pauses`).
    """
    if not len(sung):
        return sung
    below = silence_of(heard)
    hush_in_place(sung, heard, rate, below=below)  # or what was sung into silence would count as loudness
    if keep_loudness:
        sung *= matching_gain(sung, rate, like=_loudness(heard, rate, SILENCE - below))
    else:
        sung /= gain
    lower_pauses(sung, heard, rate, melody)
    hush_in_place(sung, heard, rate, below=below)
    return sung


def _loudness(heard: Tensor, rate: int, short: float) -> float:
    """LUFS, which have a gate of their own at -70: what is so many dB too soft is lifted over it, and down again."""
    lifted = heard if short <= 0.0 else heard * 10.0 ** (short / 20.0)
    return integrated_loudness(lifted, rate) - short


def hush_in_place(sung: Tensor, heard: Tensor, rate: int, *, below: float = SILENCE, block: int = BLOCK) -> None:
    """`hush` in blocks of so many seconds, into `sung` (samples,) itself; the result is that of the whole."""
    millisecond = max(1, rate // 1000)  # the grid that silence is found on
    size, reach = block * 1000 * millisecond, REACH * 1000 * millisecond
    before = sung[:0]
    for start in range(0, len(sung), size):
        first, stop = start - len(before), min(len(sung), start + size)
        around = torch.cat([before, sung[start : stop + reach]])
        before = sung[max(start, stop - reach) : stop].clone()  # as it was sung
        hushed = hush(around, heard[first : first + len(around)], rate, below=below)
        sung[start:stop] = hushed[start - first : stop - first]
