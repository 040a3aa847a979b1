"""Slots: streams that sing side by side, each slot taken by the next phrase as soon as its last one has ended.

slot 1  ├──── phrase 4 ────┤├── phrase 2 ──┤├ 7 ┤        longest first: what is short fills up the end
slot 2  ├─── phrase 1 ───┤├── phrase 6 ──┤├─ 3 ─┤        a slot that is taken again begins from silence (`renew`)

What a phrase sings follows from what it is told and from its own luck, so neither its slot nor how many there are
matters (but for the rounding of decoders whose sums depend on the size of their batch).
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vocalise.parts.contracts import Chance, Controls, Decoder

Told = tuple[Tensor, Controls]  # a condition (1, channels, columns), and by whom and how it is sung


@dataclass(frozen=True)
class Take:
    """What one stream is to sing, from silence to its end."""

    columns: int
    told: Callable[[], Told]  # asked when its turn has come
    seed: int  # of its luck


class _Seat:
    """A slot at work: a take, how far it is, and what it has sung."""

    def __init__(self, number: int, take: Take) -> None:
        self.number, self.left, self.done = number, take.columns, 0
        self.condition, self.controls = take.told()
        self.luck = torch.Generator().manual_seed(take.seed)
        self.parts: list[Tensor] = []

    def told(self, columns: int) -> Told:
        """What it is told of so many columns more."""
        here = slice(self.done, self.done + columns)
        return self.condition[:, :, here], self.controls.columns(here)

    def take(self, signal: Tensor, columns: int) -> None:
        """Keeps what it has sung of them, and nothing of its neighbours."""
        self.parts.append(signal.clone())
        self.done += columns
        self.left -= columns


def sing_takes(
    decoder: Decoder,
    takes: Sequence[Take],
    *,
    slots: int,
    chunk: int,
    temperature: float,
    progress: Callable[[int], None],
) -> Iterator[tuple[int, Tensor]]:
    """Sings all takes, the longest first.

    Args:
        decoder: an autoregressive one.
        takes: what is to be sung; none is empty.
        slots: how many sing side by side at most.
        chunk: columns sung between two words on progress.
        temperature: of everybody.
        progress: told the columns that are done, of all takes.

    Yields:
        The number of a take and its signal (channels, columns * hop) on the CPU, as soon as it has ended.
    """
    if not takes:
        return
    order = sorted(range(len(takes)), key=lambda number: (-takes[number].columns, number))
    waiting = (_Seat(number, takes[number]) for number in order)
    count = fewest([takes[number].columns for number in order], slots)
    state = decoder.begin(count)
    seats: list[_Seat | None] = [next(waiting) for _ in range(count)]
    done = 0
    while working := [seat for seat in seats if seat is not None]:
        columns = min(chunk, *(seat.left for seat in working))
        condition, controls, chance = _together(seats, working[0], columns, temperature)
        signal = decoder.extend(state, condition, controls, chance).cpu()
        done += columns * len(working)
        progress(done)
        for place, seat in enumerate(seats):
            if seat is None:
                continue
            seat.take(signal[place], columns)
            if not seat.left:
                seats[place] = next(waiting, None)
                decoder.renew(state, place)
                yield seat.number, torch.cat(seat.parts, dim=-1)


def fewest(lengths: Sequence[int], slots: int) -> int:
    """The fewest slots with which takes of these lengths, the longest first, are over as soon as with `slots`."""
    most = min(slots, len(lengths))
    end = _end(lengths, most)
    least = max(1, -(-sum(lengths) // max(1, end)))
    return next((count for count in range(least, most) if _end(lengths, count) <= end), most)


def _end(lengths: Sequence[int], slots: int) -> int:
    """When the last of them is over: each begins where a slot becomes free first."""
    free = [0] * slots
    for length in lengths:
        heapq.heapreplace(free, free[0] + length)
    return max(free, default=0)


def _together(
    seats: Sequence[_Seat | None], some: _Seat, columns: int, temperature: float
) -> tuple[Tensor, Controls, Chance]:
    """What all slots are told next; an empty one hears what some other does, and its luck is nobody's."""
    told = [(some if seat is None else seat).told(columns) for seat in seats]
    luck = tuple(torch.Generator() if seat is None else seat.luck for seat in seats)
    return torch.cat([one for one, _ in told]), _stacked([one for _, one in told], columns), Chance(luck, temperature)


def _stacked(every: Sequence[Controls], columns: int) -> Controls:
    """Performers side by side; formant and breath are the first one's."""
    changes = any(one.identity.shape[2] > 1 for one in every)
    identity = torch.cat([one.identity.expand(-1, -1, columns) if changes else one.identity for one in every])
    pitch, voicing, loudness = (
        torch.cat([getattr(one, name) for one in every]) for name in ("pitch", "voicing", "loudness")
    )
    return replace(every[0], identity=identity, pitch=pitch, voicing=voicing, loudness=loudness)
