"""The samplers side by side: a WaveNet sung by PyTorch, by compiled code and by CUDA, all with the same weights.

A turn sings for about so long, as many samples as that takes; it notes samples a second by the clock, and samples for a
second of one core's time, which tells the truth where other programs want the same cores.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch

from products import synchronise
from vocalise.parts.contracts import Chance, Controls, Decoder
from vocalise.parts.decoders import WaveNet
from vocalise.recipes import Size, recipe
from vocalise.sampling import cuda, native

RATE, HOP, MOST = 16_000, 100, 200  # Hz, samples told at once, columns of a turn at most
Kind = Literal["PyTorch", "compiled", "CUDA graph", "Triton"]
Precision = Literal["float32", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16", "int8")


@dataclass
class Sampler:
    """A contender: sings on and on."""

    size: Size
    kind: Kind
    precision: Precision
    threads: int
    streams: int
    make: Callable[[], Decoder]
    device: torch.device
    seconds: float  # of a turn
    noted: list[float] = field(default_factory=list)  # samples for a second of one core's time, a turn each
    columns: int = 0
    decoder: Decoder | None = None

    @property
    def name(self) -> str:
        """As in the table of results."""
        return f"{self.size}, {self.streams} streams, {self.kind} {self.precision}, {self.threads}"

    @property
    def processor(self) -> list[float]:
        """What was noted without the first turn, which only warms up."""
        return self.noted[1:]

    def __call__(self) -> float:
        """Sings for a while: samples a second of all streams together."""
        if self.decoder is None:
            self.decoder = self.make()
            for columns in (1, 2, 8, 32, MOST):  # until a turn is long enough
                self.columns = columns
                if self._sing()[0] > self.seconds / 4:
                    break
            took, _ = self._sing()
            self.columns = max(1, min(MOST, round(self.columns * self.seconds / took)))
        took, busy = self._sing()
        samples = self.streams * self.columns * HOP
        self.noted.append(samples / busy)
        return samples / took

    def _sing(self) -> tuple[float, float]:
        decoder, columns = self.decoder, self.columns
        assert decoder is not None
        chance = Chance(tuple(torch.Generator().manual_seed(stream) for stream in range(self.streams)))
        condition, controls = told(decoder, self.streams, columns, self.device)
        state = decoder.begin(self.streams)
        begun, busy = time.perf_counter(), time.process_time()
        decoder.extend(state, condition, controls, chance)
        synchronise(self.device)
        return time.perf_counter() - begun, max(1e-9, time.process_time() - busy)


def samplers(
    sizes: tuple[Size, ...], streams: tuple[int, ...], *, threads: int, seconds: float, device: torch.device
) -> Iterator[Sampler]:
    """All that are compared, the plain one first in each group of one size and number of streams."""
    for size in sizes:
        wavenet = plain(size).to(device)
        for count in streams:
            for kind, precision, cores, make in kinds(wavenet, threads, device):
                yield Sampler(size, kind, precision, cores, count, make, device, seconds)


def plain(size: Size) -> WaveNet:
    """The decoder of `usvc` with fresh weights, on a faster clock: a step costs the same."""
    torch.manual_seed(0)
    model = recipe("usvc", size).model.build(singers=4)
    config = recipe("usvc", size).model.decoder
    decoder: WaveNet = config.build(signal=1, condition=model.condition.channels, hop=HOP, singers=4, rate=RATE)
    return decoder.eval()


def kinds(
    wavenet: WaveNet, threads: int, device: torch.device
) -> Iterator[tuple[Kind, Precision, int, Callable[[], Decoder]]]:
    """Each kind of sampler that this machine has, its precision, its threads, and how to make it."""
    yield "PyTorch", "float32", 1, lambda: wavenet  # its steps are too small for a second thread
    if device.type == "cuda":
        halves: tuple[Literal["float32", "bf16"], ...] = ("float32", "bf16")
        for one in halves:
            yield "CUDA graph", one, 1, partial(cuda.GraphWaveNet, wavenet, precision=one)
            if cuda.available() == "triton":
                yield "Triton", one, 1, partial(cuda.TritonWaveNet, wavenet, precision=one)
    elif native.available():
        for cores in sorted({1, threads}):
            for precision in PRECISIONS:
                make = partial(native.NativeWaveNet, wavenet, precision=precision, threads=cores)
                yield "compiled", precision, cores, make


def told(decoder: Decoder, streams: int, columns: int, device: torch.device) -> tuple[torch.Tensor, Controls]:
    """What a turn is told."""
    channels = decoder.get_parameter("told.weight").shape[1]
    condition = torch.randn(streams, channels, columns, generator=torch.Generator().manual_seed(1))
    line = torch.ones(streams, columns)
    identity = torch.full((streams, 4, 1), 0.25)
    identity, line = identity.to(device), line.to(device)
    return condition.to(device), Controls(identity, 220.0 * line, line, -20.0 * line)


@dataclass(frozen=True)
class Cost:
    """What a sample costs at the least."""

    macs: int  # multiply-adds
    weights: int  # numbers read for a sample of one stream, where a dilation d lets d samples share those of the past


def cost(wavenet: WaveNet) -> Cost:
    """Counted from the layers; the stem is a table of two rows, what is told is told once in a while."""
    head = wavenet.mix.weight.numel() + wavenet.out.weight.numel() + wavenet.skip_stem.weight.numel()
    macs, weights = head, float(head)
    for block in wavenet.stack.layers:
        conv, out = block.conv.linear.weight.numel(), block.out.weight.numel()
        past = conv * (block.conv.kernel - 1) // block.conv.kernel
        macs += conv + out
        weights += conv - past + out + past / block.conv.dilation
    return Cost(macs, round(weights))
