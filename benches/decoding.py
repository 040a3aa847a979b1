"""Decoders that sing all samples at once, sources and transforms included: seconds of sound made in a second.

A turn measures two things: the clock, and the time of the processor that was taken (of all its threads together), which
tells the truth where other programs want the same cores.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from hifigan import HOP, MELS, HiFiGAN
from vocalise.conversion.lanes import sing_in_lanes
from vocalise.parts.contracts import Chance, Controls, Decoder
from vocalise.parts.decoders import Parallel
from vocalise.sampling import accelerated_decoder

COLUMNS = 100  # a second
CHANNELS = 99  # of a condition: content, voice, pitch, voicing, loudness
PIECE = 400  # columns told at a time, as songs are
YARDSTICK = "HiFi-GAN V1"
SLOW = 2.0  # seconds that it sings in a turn, at most

Runtime = Literal["PyTorch", "PyTorch bf16", "ONNX", "ONNX int8"]
WIDTHS = (("Parallel, 13.7 M", 528), ("Parallel, 3.7 M", 272))  # multiples of 16, which blocked convolutions like
GOALS = MappingProxyType({(WIDTHS[0][0], 1): 100.0, (WIDTHS[0][0], 2): 250.0, (WIDTHS[1][0], 1): 250.0})  # at 24 kHz


@dataclass
class Singer:
    """A contender: sings `seconds` each turn, and notes what the processor needed for it."""

    system: str
    rate: int  # Hz
    runtime: Runtime
    threads: int
    seconds: float  # of sound in a turn
    sing: partial[Tensor]
    noted: list[float] = field(default_factory=list)  # seconds of sound for a second of one core, a turn each

    @property
    def processor(self) -> list[float]:
        """The same without the first turn, which only warms up."""
        return self.noted[1:]

    @property
    def name(self) -> str:
        """As in the table of results."""
        return f"{self.system}, {self.rate} Hz, {self.runtime}, {self.threads}"

    @property
    def goal(self) -> float | None:
        """Times real time that the fastest runtime should reach."""
        return GOALS.get((self.system, self.threads)) if self.rate == 24_000 else None

    def __call__(self) -> float:
        """Sings once: seconds of sound for a second on the clock."""
        before, restful = torch.get_num_threads(), time.process_time()
        torch.set_num_threads(self.threads)
        begun = time.perf_counter()
        with torch.inference_mode():
            self.sing()
        took = time.perf_counter() - begun
        torch.set_num_threads(before)
        self.noted.append(self.seconds / (time.process_time() - restful))
        return self.seconds / took


def singers(*, seconds: float) -> Iterator[Singer]:
    """All that is compared, with fresh weights."""
    every: list[tuple[int, Runtime, int]] = [
        *((24_000, runtime, 1) for runtime in ("PyTorch", "PyTorch bf16", "ONNX", "ONNX int8")),
        *((24_000, runtime, 2) for runtime in ("PyTorch bf16", "ONNX int8")),
        *((44_100, runtime, 1) for runtime in ("ONNX", "ONNX int8")),
    ]
    for system, width in WIDTHS:
        for rate, runtime, threads in every:
            decoder = _decoder(rate, width, runtime)
            sing = partial(_song, decoder, round(seconds * COLUMNS), lanes=threads)
            yield Singer(system, rate, runtime, threads, seconds, sing)
    mel = torch.randn(1, MELS, round(min(seconds / 2, SLOW) * 24_000 / HOP), generator=torch.Generator().manual_seed(0))
    for runtime, threads in (("PyTorch", 1), ("PyTorch bf16", 1), ("PyTorch", 2)):
        generator, heard = HiFiGAN().eval(), mel
        if runtime == "PyTorch bf16":
            generator, heard = generator.bfloat16(), mel.bfloat16()
        yield Singer(YARDSTICK, 24_000, runtime, threads, mel.shape[2] * HOP / 24_000, partial(generator, heard))


def _decoder(rate: int, width: int, runtime: Runtime) -> Decoder:
    torch.manual_seed(0)
    config = Parallel.Config(width=width)
    plain: Parallel = config.build(signal=1, condition=CHANNELS, hop=rate // COLUMNS, singers=4, rate=rate).eval()
    if runtime == "PyTorch":
        return plain
    if runtime == "PyTorch bf16":
        return accelerated_decoder(plain, precision="bf16")
    precision: Literal["float32", "int8"] = "float32" if runtime == "ONNX" else "int8"
    return accelerated_decoder(plain, precision=precision, threads=1)  # a lane each


def _song(decoder: Decoder, columns: int, *, lanes: int) -> Tensor:
    """A song with vibrato, told as conversions tell it, and sung in as many lanes as there are threads."""
    beats = torch.arange(columns)[None] / COLUMNS
    condition = torch.randn(1, CHANNELS, columns, generator=torch.Generator().manual_seed(1))
    controls = Controls(
        identity=torch.full((1, 4, 1), 0.25),
        pitch=220.0 * torch.exp2(0.05 * torch.sin(34.0 * beats)),
        voicing=(beats % 1.0 < 0.8).float(),
        loudness=torch.full((1, columns), -20.0),
    )

    def told(first: int, last: int) -> tuple[Tensor, Controls]:
        return condition[:, :, first:last], controls.columns(slice(first, last))

    def chance() -> Chance:
        return Chance((torch.Generator().manual_seed(0),))

    sung = torch.empty(1, 1, columns * decoder.hop)
    for _, at, part in sing_in_lanes(decoder, told, columns, chance, stretch=PIECE, lanes=lanes):
        sung[:, :, at : at + part.shape[2]] = part
    return sung
