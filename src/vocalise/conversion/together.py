"""Many songs by one voice: where phrases are sung side by side, those of several songs share the slots.

requests ──read, plan──▶ errands, up to ten minutes of song ──sing together──▶ written one by one, as they are done
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vocalise.conversion.converter import Converter, Errand, Outcome
from vocalise.conversion.singing import sing_together
from vocalise.conversion.wishes import Wishes
from vocalise.errors import VocaliseError
from vocalise.progress import Progress

TOGETHER = 600.0  # seconds of song in memory at a time
FAILURES = (VocaliseError, OSError, MemoryError, torch.OutOfMemoryError)  # which concern one song


@dataclass(frozen=True)
class Request:
    """A file that is to become another; `number` is the caller's."""

    number: int
    source: Path
    target: Path
    wishes: Wishes
    pitch_out: Path | None = None
    makes_folder: bool = False  # whether the folders of what is written are made first


@dataclass(frozen=True)
class Result:
    """What became of a request."""

    number: int
    outcome: Outcome | None = None
    error: Exception | None = None  # one of `FAILURES`, where there is no outcome
    took: float = 0.0  # seconds of work; of songs that were sung together, each its share by length
    why: str = ""  # one line, where the outcome is not as one would expect


def convert_together(
    converter: Converter, requests: Iterable[Request], progress: Callable[[Sequence[int]], Progress]
) -> Iterator[Result]:
    """Converts files, and goes on after a failure; each is written as soon as it has been sung.

    Args:
        converter: the voice.
        requests: asked one by one, each when its turn to be read has come.
        progress: gives what is told of the requests of these numbers, in seconds of audio.
    """
    most = TOGETHER if converter.model.decoder.autoregressive else 0.0
    waiting: list[tuple[Request, Errand]] = []
    begun = time.perf_counter()
    for request in requests:
        tell = progress([request.number])
        try:
            for written in (request.target, request.pitch_out) if request.makes_folder else ():
                if written is not None:
                    written.parent.mkdir(parents=True, exist_ok=True)
            errand = converter.prepare(
                request.source, request.target, pitch_out=request.pitch_out, progress=tell, **request.wishes
            )
            waiting.append((request, errand))
        except FAILURES as error:
            yield Result(request.number, error=error)
        if sum(errand.seconds for _, errand in waiting) >= most and waiting:
            yield from _sung(converter, waiting, progress, begun)
            waiting, begun = [], time.perf_counter()
    if waiting:
        yield from _sung(converter, waiting, progress, begun)


def _sung(
    converter: Converter,
    waiting: Sequence[tuple[Request, Errand]],
    progress: Callable[[Sequence[int]], Progress],
    begun: float,
) -> Iterator[Result]:
    """Sings errands that were prepared from `begun` on; if that fails, one by one, to see which cannot be sung."""
    left, share = dict(enumerate(waiting)), [0.0]
    tell, whole = progress([request.number for request, _ in waiting]), sum(errand.seconds for _, errand in waiting)

    def told(what: str, done: float, total: float, note: str = "") -> None:
        share[0] = done / total if total > 0.0 else share[0]
        tell(what, done, total, note)

    try:
        for number, wave in sing_together(converter.model, [errand.song for _, errand in waiting], told):
            request, errand = left.pop(number)
            try:
                outcome = converter.complete(errand, wave)
            except FAILURES as error:
                yield Result(request.number, error=error)
                continue
            took = (time.perf_counter() - begun) / (share[0] or 1.0) * errand.seconds / max(whole, 1e-9)
            yield Result(request.number, outcome, took=took)
    except FAILURES as error:
        if len(waiting) == 1:
            yield Result(waiting[0][0].number, error=error)
            return
        for one in left.values():
            yield from _sung(converter, [one], progress, time.perf_counter())
