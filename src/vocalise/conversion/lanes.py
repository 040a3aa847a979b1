"""A song in lanes: stretches of it sung side by side, each on a thread of its own, by one decoder.

song ──in as many parts as there are threads──▶ lane: skip to its beginning, extend, extend, … ──▶ one after the other

The products of one song are too small to be shared between threads, which would wait for each other at each of them.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from vocalise.devices import one_thread
from vocalise.parts.contracts import Chance, Controls, Decoder

LEAST = 800  # columns that a lane has at least: what it skips to find its place costs as much as some hundred

Told = Callable[[int, int], tuple[Tensor, Controls]]


@dataclass(frozen=True)
class Lane:
    """A stretch of a song in columns, and what of the signal comes out of it."""

    first: int
    last: int
    ends: bool  # whether the song ends with it

    def sing(self, decoder: Decoder, told: Told, chance: Chance, *, stretch: int) -> Iterator[tuple[int, int, Tensor]]:
        """Pieces as they are sung: columns done, the step at which the signal begins, the signal (1, channels, n)."""
        state = decoder.begin(1)
        if self.first:
            decoder.skip(state, *told(0, self.first), chance)
        at = max(0, self.first - decoder.lookahead) * decoder.hop
        for start in range(self.first, self.last, stretch):
            stop = min(start + stretch, self.last)
            signal = decoder.extend(state, *told(start, stop), chance)
            yield stop - start, at, signal
            at += signal.shape[2]
        if self.ends and decoder.lookahead:
            yield 0, at, decoder.finish(state, chance)


def lanes_of(columns: int, wanted: int, *, frame: int = 1) -> list[Lane]:
    """The song in so many lanes of nearly equal length, each of whole frames; in fewer, if it is short."""
    count = max(1, min(wanted, columns // LEAST))
    edges = [columns // frame * number // count * frame for number in range(count)] + [columns]
    return [Lane(first, last, last == columns) for first, last in pairwise(edges)]


def sing_in_lanes(
    decoder: Decoder,
    told: Told,
    columns: int,
    chance: Callable[[], Chance],
    *,
    stretch: int,
    frame: int = 1,
    lanes: int | None = None,
) -> Iterator[tuple[int, int, Tensor]]:
    """Sings a song of so many columns from end to end, in pieces that come in any order.

    Args:
        decoder: one that sings all samples at once.
        told: the condition (1, channels, n) and the controls of the columns from one number to another; is called by
            several threads.
        columns: of the whole song.
        chance: the song's luck from its beginning, a fresh one at each call.
        stretch: columns sung at once.
        frame: columns that are told together: all that is asked of `told` begins with one.
        lanes: how many; by default as many as PyTorch has threads, on the processor.

    Yields:
        Columns done by this piece, the step of the signal at which it begins, and it: (1, channels, steps).
    """
    weight = next(decoder.parameters(), None)
    ours = torch.get_num_threads() if weight is None or weight.device.type == "cpu" else 1
    every = lanes_of(columns, ours if lanes is None else lanes, frame=frame)
    if len(every) == 1:
        yield from every[0].sing(decoder, told, chance(), stretch=stretch)
        return
    sung: queue.Queue[tuple[int, int, Tensor] | BaseException | None] = queue.Queue()
    enough = threading.Event()

    def work(lane: Lane) -> None:
        try:
            with torch.no_grad(), one_thread():
                for piece in lane.sing(decoder, told, chance(), stretch=stretch):
                    sung.put(piece)
                    if enough.is_set():
                        break
            sung.put(None)
        except BaseException as error:  # is raised again by whoever waits for the pieces
            sung.put(error)

    with one_thread():
        threads = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in every]
        for thread in threads:
            thread.start()
        try:
            yield from _pieces(sung, len(threads))
        finally:
            enough.set()
            for thread in threads:
                thread.join()


def _pieces(
    sung: "queue.Queue[tuple[int, int, Tensor] | BaseException | None]", singing: int
) -> Iterator[tuple[int, int, Tensor]]:
    while singing:
        piece = sung.get()
        if isinstance(piece, BaseException):
            raise piece
        if piece is None:
            singing -= 1
        else:
            yield piece
