"""Whole conversions from file to file, with random weights: reading, pitch tracking, both networks, writing."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from vocalise.audio.files import read_wave, write_wave
from vocalise.audio.pitch import pitch_contour
from vocalise.checkpoint import Card, Voice
from vocalise.config import override
from vocalise.conversion import Converter
from vocalise.data.choir import compose, perform, singers
from vocalise.recipes import Size, recipe
from vocalise.sampling import Precision, accelerate

RATE = 24_000  # Hz
SONG = "song.flac"
NAMES = ("Ada", "Bruno", "Clara", "Dario")


@dataclass
class Conversion:
    """A contender: converts one file, and notes what the processor needed for it."""

    name: str
    threads: int
    seconds: float  # of sound
    work: Callable[[], object]
    noted: list[float] = field(default_factory=list)  # seconds of sound for a second of one core, a turn each

    @property
    def processor(self) -> list[float]:
        """The same without the first turn, which only warms up."""
        return self.noted[1:]

    def __call__(self) -> float:
        """Converts: seconds of sound for a second on the clock."""
        before, restful = torch.get_num_threads(), time.process_time()
        torch.set_num_threads(self.threads)
        begun = time.perf_counter()
        self.work()
        took = time.perf_counter() - begun
        torch.set_num_threads(before)
        self.noted.append(self.seconds / (time.process_time() - restful))
        return self.seconds / took


def conversions(folder: Path, *, seconds: float, size: Size, threads: int) -> Iterator[Conversion]:
    """A choir's song, written to `folder` and converted; and the pitch tracker alone."""
    song = perform(compose(seconds / 60.0, seed=3)[0], singers(1)[0], RATE)
    long = len(song.wave) / RATE
    write_wave(folder / SONG, song.wave, RATE)
    model = override(recipe("aria", size).model, f"signal.rate={RATE}").build(singers=len(NAMES)).eval()
    figures: dict[str, float] = {}
    card = Card(minutes=dict.fromkeys(NAMES, 1.0), figures=figures)
    voice = Voice(recipe=recipe("aria", size), singers=NAMES, pitch_ranges={}, card=card, model=model)
    precisions: tuple[Precision | None, ...] = (None, "bf16", "float32", "int8")
    for precision in precisions:
        quick = model if precision is None else accelerate(model, precision=precision)
        converter = Converter(replace(voice, model=quick))
        work = partial(converter.convert_file, folder / SONG, folder / "sung.wav", to=NAMES[1])
        kind = {None: "PyTorch", "bf16": "PyTorch bf16", "float32": "ONNX", "int8": "ONNX int8"}[precision]
        yield Conversion(f"aria {size}, {kind}", threads, long, work)
    heard, _ = read_wave(folder / SONG, rate=RATE)
    yield Conversion("the pitch tracker alone", threads, long, lambda: pitch_contour(heard, RATE, glance=True))
