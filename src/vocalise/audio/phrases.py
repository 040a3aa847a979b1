"""Cutting a song of any length at its quietest places, joining what was made of the pieces, and keeping silence silent.

wave ──cut──▶ spans ──widen──▶ pieces with overlap ──(anything)──▶ join ──▶ wave, not a sample longer
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.loudness import LAST_BIT, SILENCE, peak_of

_ORDINARY = -20.0  # dBFS: a peak that no gain need lift
_FLOOR = -80.0  # dBFS; places quieter than this are equally good for a cut
_CUT_COST = 0.25  # what a cut costs by itself, on a scale where digital silence costs 0 and full scale 1


@dataclass(frozen=True)
class Span:
    """A stretch of a recording, from `start` up to but not including `stop`, in samples."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def cut(wave: Tensor, rate: int, *, longest: float = 12.0, shortest: float = 1.0, multiple: int = 1) -> list[Span]:
    """Cuts a wave (samples,) where it is quietest, the fewer cuts the better.

    The borders are those of least total cost among all that keep the bounds (dynamic programming over a grid of about
    10 ms, with a sliding minimum: linear in the length of the wave).

    Args:
        wave: (samples,).
        rate: Hz.
        longest: seconds; no span is longer.
        shortest: seconds; no span is shorter, unless the whole wave is or the bounds leave no choice.
        multiple: samples; every inner border is a multiple of it.

    Returns:
        Spans that tile [0, samples) without gap or overlap; none for an empty wave.

    Raises:
        ValueError: `longest` leaves no room for two borders.
    """
    samples = wave.shape[-1]
    most = int(longest * rate)
    step = multiple * max(1, round(0.01 * rate / multiple))
    if step > most:
        step = multiple
    if most < step or most < 1:
        raise ValueError(
            f"Spans of at most {longest} s cannot have borders at multiples of {multiple} samples at {rate} Hz."
        )
    if samples <= most:
        return [Span(0, samples)] if samples else []
    cells = most // step
    least = min(math.ceil(shortest * rate / step), (cells - 1) // 2)
    borders = [
        0,
        *(step * place for place in _best_borders(_border_costs(wave, step), samples / step, least, cells)),
        samples,
    ]
    return [Span(start, stop) for start, stop in pairwise(borders)]


def _border_costs(wave: Tensor, step: int) -> list[float]:
    """The cost of a cut at each multiple of `step`: the level of the cells beside it, 0 to 1, plus that of any cut."""
    power = block_power(wave, step)
    around = torch.cat([power.new_zeros(1), torch.maximum(power[:-1], power[1:]), power.new_zeros(1)])
    level = 10.0 * torch.log10(around.clamp(min=1e-12))
    costs: list[float] = (((level - _FLOOR) / -_FLOOR).clamp(0.0, 1.0) + _CUT_COST).tolist()
    return costs


def _best_borders(costs: Sequence[float], end: float, least: int, most: int) -> list[int]:
    """Inner borders of least total cost, spans between `least` and `most` grid steps long; `end` is the wave's end."""
    least = max(least, 1)
    last = math.ceil(end) - 1  # the last place that leaves something behind it
    total = [0.0] + [math.inf] * last
    before = [0] * (last + 1)
    window: deque[int] = deque()
    for place in range(1, last + 1):
        entering = place - least
        if entering >= 0:
            while window and total[window[-1]] >= total[entering]:
                window.pop()
            window.append(entering)
        while window and window[0] < place - most:
            window.popleft()
        if window:
            total[place] = total[window[0]] + costs[place]
            before[place] = window[0]
    final = [place for place in range(max(0, math.ceil(end - most)), last + 1) if end - place >= least]
    place = min(final or [last], key=lambda candidate: total[candidate])
    borders = []
    while place > 0:
        borders.append(place)
        place = before[place]
    return borders[::-1]


def widen(spans: Sequence[Span], overlap: int) -> list[Span]:
    """The spans with `overlap` samples more on either inner side, never beyond the recording: what `join` expects."""
    if not spans:
        return []
    end = spans[-1].stop
    return [Span(max(0, span.start - overlap), min(end, span.stop + overlap)) for span in spans]


def join(pieces: Sequence[Tensor], spans: Sequence[Span], *, overlap: int) -> Tensor:
    """Joins pieces (samples,), each as long as its span in `widen(spans, overlap)`, into one wave without a click.

    Around each border the pieces are faded into each other. The gains keep the power whatever the pieces have in
    common: linear where they are alike (so that pieces of one wave give back that wave, bit for bit), equal-power
    where they are unrelated.

    Raises:
        ValueError: the pieces do not fit the spans.
    """
    wide = widen(spans, overlap)
    if [piece.shape[-1] for piece in pieces] != [len(span) for span in wide]:
        raise ValueError(
            f"Pieces of {[p.shape[-1] for p in pieces]} samples do not fit spans of {[len(s) for s in wide]}."
        )
    if not pieces:
        return torch.zeros(0)
    joiner = Joiner(spans, overlap=overlap, like=pieces[0])
    for number, piece in enumerate(pieces):
        joiner.place(number, piece)
    return joiner.joined()


class Joiner:
    """`join` for pieces that come one by one, in any order; those that never come are silent, and none is held."""

    def __init__(self, spans: Sequence[Span], *, overlap: int, like: Tensor) -> None:
        """`like` has the type and the device of the pieces."""
        self._spans, self._wide, self._wave = spans, widen(spans, overlap), like.new_zeros(spans[-1].stop)
        reaches = (min(overlap, len(left) // 2, len(right) // 2) for left, right in pairwise(spans))
        self._borders = [Span(one.stop - reach, one.stop + reach) for one, reach in zip(spans, reaches, strict=False)]
        self._fades = [[like.new_zeros(len(border)) for _ in range(2)] for border in self._borders]

    def place(self, number: int, piece: Tensor) -> None:
        """Takes piece `number` (samples,), as long as its wide span."""
        start = self._wide[number].start
        self._wave[self._spans[number].start : self._spans[number].stop] = piece[
            self._spans[number].start - start : self._spans[number].stop - start
        ]
        for border, side in ((number - 1, 1), (number, 0)):
            if 0 <= border < len(self._borders):
                here = self._borders[border]
                self._fades[border][side].copy_(piece[here.start - start : here.stop - start])

    def joined(self) -> Tensor:
        """The whole wave (samples,)."""
        for border, (old, new) in zip(self._borders, self._fades, strict=True):
            self._wave[border.start : border.stop] = _crossfade(old, new)
        return self._wave


def _crossfade(old: Tensor, new: Tensor) -> Tensor:
    """Fades from `old` to `new` (samples,); the gains' power is divided by 1 - 2w(1 - w)(1 - r), r their likeness."""
    rising = (torch.arange(old.shape[-1], dtype=old.dtype, device=old.device) + 0.5) / max(1, old.shape[-1])
    energy = (old.double().square() + new.double().square()).sum()
    unlike = ((new.double() - old.double()).square().sum() / energy.clamp(min=1e-30)).clamp(0.0, 1.0).to(old.dtype)
    return (old + (new - old) * rising) / torch.sqrt(1.0 - 2.0 * rising * (1.0 - rising) * unlike)


def silence_of(wave: Tensor) -> float:
    """dBFS under which a recording (samples,) is silent: -60, less by what its peak is under -20 dBFS.

    A song that was recorded far too softly is a song; but nothing is one that hides in the last of 16 bits (-90 dBFS).
    """
    short = _ORDINARY - 20.0 * math.log10(max(peak_of(wave), 1e-10))
    return max(SILENCE - max(0.0, short), LAST_BIT)


def silent_stretches(wave: Tensor, rate: int, *, below: float = SILENCE, longer: float = 0.2) -> list[Span]:
    """Where a wave (samples,) is silent: all windows of `longer` seconds whose level is under `below` dBFS, united.

    Borders lie on a grid of a millisecond. A wave shorter than `longer` is one window.
    """
    step = _fine_step(rate)
    quiet = _quiet_blocks(block_power(wave, step), window=math.ceil(longer * rate / step), below=below)
    edges = torch.diff(quiet.int(), prepend=quiet.new_zeros(1).int(), append=quiet.new_zeros(1).int())
    starts, stops = (torch.nonzero(edges == sign).flatten().tolist() for sign in (1, -1))
    return [Span(step * start, min(step * stop, wave.shape[-1])) for start, stop in zip(starts, stops, strict=True)]


def hush(
    sung: Tensor, heard: Tensor, rate: int, *, below: float = SILENCE, longer: float = 0.2, fade: float = 0.01
) -> Tensor:
    """Brings `sung` (samples,) down to the level of `heard` (samples,) wherever `heard` is silent.

    In the silent stretches no millisecond of the result holds more energy than the same millisecond of `heard`, and
    where `heard` is exactly zero so is the result. The gain comes back to one within `fade` seconds outside.

    Raises:
        ValueError: the two waves differ in length.
    """
    if sung.shape != heard.shape:
        raise ValueError(f"A wave of {sung.shape[-1]} samples cannot be hushed by one of {heard.shape[-1]}.")
    step = _fine_step(rate)
    power = block_power(heard, step)
    quiet = _quiet_blocks(power, window=math.ceil(longer * rate / step), below=below)
    if not quiet.any():
        return sung
    own = block_power(sung, step)
    gain = torch.where(quiet & (own > power), torch.sqrt(power / own.clamp(min=1e-30)), torch.ones_like(power))
    gain = _slow(gain, reach=max(1, math.ceil(fade * rate / step)))
    hushed = sung.clone()
    chunk = 1 << 14
    for first in range(0, len(gain), chunk):
        here = slice(first * step, min((first + chunk) * step, len(sung)))
        hushed[here] *= stretched(gain, step, here).to(sung.dtype)
        mute = (gain[first : first + chunk] == 0.0).repeat_interleave(step)[: len(hushed[here])]
        hushed[here].masked_fill_(mute & (heard[here] == 0.0), 0.0)
    return hushed


def _slow(gain: Tensor, reach: int) -> Tensor:
    """The gain (blocks,), lowered so that interpolation keeps each block in bounds, and rises over `reach` blocks."""
    lowered = -F.max_pool1d(-gain[None], 3, stride=1, padding=1)[0]
    slow = lowered.clone()
    for distance in range(1, min(reach, len(gain))):
        slow[distance:] = torch.minimum(slow[distance:], lowered[:-distance] + distance / reach)
        slow[:-distance] = torch.minimum(slow[:-distance], lowered[distance:] + distance / reach)
    return slow


def stretched(gain: Tensor, step: int, here: slice) -> Tensor:
    """The gain of each sample in `here`, between the centres of the blocks on either side (linear)."""
    place = (torch.arange(here.start, here.stop, dtype=torch.float64) + 0.5) / step - 0.5
    place = place.clamp(0.0, len(gain) - 1.0)
    left = place.floor().long()
    right = (left + 1).clamp(max=len(gain) - 1)
    return torch.lerp(gain[left], gain[right], place - left)


def _fine_step(rate: int) -> int:
    return max(1, rate // 1000)


def block_power(wave: Tensor, step: int) -> Tensor:
    """Mean square of each `step` samples of a wave (samples,), the last block over what there is; float64 (blocks,)."""
    blocks = wave.shape[-1] // step
    power = torch.empty(-(-wave.shape[-1] // step), dtype=torch.float64)
    chunk = max(1, (1 << 18) // step)
    for first in range(0, blocks, chunk):
        rows = wave[first * step : min(first + chunk, blocks) * step].reshape(-1, step)
        power[first : first + len(rows)] = rows.double().square_().mean(-1)
    if blocks < len(power):
        power[-1] = wave[blocks * step :].double().square().mean()
    return power


def _quiet_blocks(power: Tensor, *, window: int, below: float) -> Tensor:
    """Which blocks lie in some run of `window` blocks whose mean power is under `below` dB; bool (blocks,)."""
    window = min(window, len(power))
    if not window:
        return torch.zeros(0, dtype=torch.bool)
    summed = torch.cat([power.new_zeros(1), power.cumsum(0)])
    starts = (summed[window:] - summed[:-window]) / window < 10.0 ** (below / 10.0)
    inside = F.pad(starts.int(), (0, window)).cumsum(0) - F.pad(starts.int(), (window, 0)).cumsum(0)
    return inside[: len(power)] > 0
