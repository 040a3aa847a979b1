"""The engine of `vocalise live`: an audio thread on one side, a singer on the other, and two rings between them.

microphone ──callback──▶ ring ──singing thread: gain, `Stream`──▶ ring ──callback──▶ loudspeaker

The callback copies samples and counts; it makes no array, takes no lock and calls no model. A sample is played a
constant time after it was heard: what comes too late is silence once, and the rest is in its place again.
"""

import gc
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from vocalise.apps.live_figures import Figures, Stopwatch
from vocalise.apps.live_priority import ORDINARY, hurried
from vocalise.apps.live_rings import Ring, Samples
from vocalise.conversion.streaming import Levelling, Stream
from vocalise.devices import one_thread

HELD = 4.0  # seconds that a ring holds
BEHIND = 0.5  # seconds that the singer may be behind before he gives up what he missed
NAP = 0.0005  # seconds between two looks at the ring; a thread that is woken by a lock would have the callback take it
SWITCH = 0.0005  # seconds after which Python lets the audio thread in; 5 ms otherwise


class Engine:
    """Sings what an audio thread brings, in blocks of whatever size."""

    def __init__(
        self,
        stream: Stream,
        *,
        block: int,
        level: float,
        gain: float | None = None,
        seconds: Callable[[], float] = time.perf_counter,
        hurries: bool = True,
    ) -> None:
        """Makes all that the audio thread will need.

        Args:
            stream: fresh.
            block: samples that the audio thread brings at a time.
            level: peak that the model knows.
            gain: factor that brings the microphone to it; None follows the microphone.
            seconds: the clock by which blocks are timed.
            hurries: whether the singing thread asks the system for precedence.
        """
        self.stream, self.block, self.rate = stream, block, stream.model.rate
        self.delay = block + stream.hop - math.gcd(block, stream.hop)  # samples until a frame is whole and sung
        self.heard_peak = self.sung_peak = 0.0
        self.watch = Stopwatch()
        self.late = self.lost = self.gaps = 0
        self._levelling, self._gain, self._seconds = Levelling(level), gain, seconds
        size = max(round(HELD * self.rate), 4 * block)
        self._heard, self._sung = Ring(size), Ring(size)
        self._frame = np.zeros(stream.hop, np.float32)
        self._told = torch.from_numpy(self._frame)  # the same samples
        self._place = 0  # samples that were sung
        self._hurries, self.priority = hurries, ORDINARY  # of the singing thread, in words
        self._driver = 0.0  # seconds in the driver, from microphone to loudspeaker
        self._over = threading.Event()
        self._trouble: BaseException | None = None

    @property
    def latency(self) -> int:
        """Samples from microphone to loudspeaker, the time for computing included and that of the driver left out."""
        return self.block + self.delay + self.stream.latency

    def callback(self, heard: Samples, sung: Samples, driver: float = 0.0, gap: bool = False) -> None:
        """Called by the audio thread: takes (n,) samples and gives (n,), sung some time ago; it never waits.

        `driver` is the time in seconds from the first sample's arrival at the microphone to the first one's leaving the
        loudspeaker, as the driver states it; 0 where it does not. `gap`: the driver itself lost something.
        """
        start = self._heard.written - self.delay
        missing = self._sung.read(sung, start)
        if start + len(sung) > 0 and missing > max(0, -start):
            self.late += 1
        self._heard.write(heard)
        self._driver = driver
        self.gaps += gap

    def work(self) -> bool:
        """Sings the next frame, if it is there; to be called by one thread only."""
        hop, waiting = self.stream.hop, self._heard.written - self._place
        if waiting < hop:
            return False
        if waiting > BEHIND * self.rate:
            missed = waiting // hop * hop
            self.lost, self._place = self.lost + missed, self._place + missed
            self._sung.skip(self._place)
            return True
        begun = self._seconds()
        self._heard.read(self._frame, self._place)
        peak = float(np.abs(self._frame).max())
        if not math.isfinite(peak):  # a driver's mistake; what a stream remembers would be no numbers for good
            self._frame.fill(0.0)
            peak = 0.0
        gain = self._levelling.gain(peak) if self._gain is None else self._gain
        sung = self.stream.push(self._told, gain=gain).numpy()
        self._sung.write(np.minimum(np.maximum(sung, np.float32(-1.0)), np.float32(1.0)))
        self._place += hop
        self.watch.note(self._seconds() - begun)
        self.heard_peak = max(self.heard_peak, peak)
        self.sung_peak = max(self.sung_peak, min(1.0, float(np.abs(sung).max())))
        return True

    def figures(self) -> Figures:
        """How it went so far."""
        hop = self.stream.hop / self.rate
        most, driver = self.watch.within(0.99), self._driver
        return Figures(
            blocks=self.watch.count,
            seconds=self.watch.count * hop,
            median=self.watch.within(0.5),
            most=most,
            worst=self.watch.worst,
            share=most / hop,
            late=self.late,
            lost=self.lost,
            gaps=self.gaps,
            latency=driver + (self.delay + self.stream.latency) / self.rate if driver > 0.0 else None,
        )

    @contextmanager
    def singing(self) -> Iterator[None]:
        """Sings in a thread of its own for as long as the context lasts."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        gc.collect()
        gc.freeze()  # or a collection would look through all of PyTorch, now and then, for 20 ms
        worker = threading.Thread(target=self._run, name="singer", daemon=True)
        worker.start()
        try:
            yield
        finally:
            self._over.set()
            worker.join()
            gc.unfreeze()
            sys.setswitchinterval(before)
        self.check()

    def check(self) -> None:
        """Raises what ended the singing thread, if anything did."""
        if self._trouble is not None:
            raise self._trouble

    def _run(self) -> None:
        if self._hurries:
            self.priority = hurried()
        try:
            with torch.inference_mode(), one_thread():
                while not self._over.is_set():
                    if not self.work():
                        time.sleep(NAP)
        except BaseException as trouble:  # it is raised by `check` in the thread that can tell somebody
            self._trouble = trouble


def simulated(engine: Engine, wave: Tensor, told: Callable[[float], None] | None = None) -> Tensor:
    """A wave (samples,) sent through an engine as through a sound card, without a clock: as long, and in time with it.

    `told` hears of the share that is done.
    """
    late = engine.delay + engine.stream.latency
    length = math.ceil((len(wave) + late) / engine.block) * engine.block
    heard, sung = np.zeros(length, np.float32), np.zeros(length, np.float32)
    heard[: len(wave)] = wave.numpy()
    for start in range(0, length, engine.block):
        here = slice(start, start + engine.block)
        engine.callback(heard[here], sung[here])
        while engine.work():
            pass
        if told is not None:
            told(start / length)
    return torch.from_numpy(sung[late : late + len(wave)])


def warmed(stream: Callable[[], Stream], frames: int = 50) -> Stream:
    """A fresh stream, after another one sang a moment of noise: the first calls of every kernel take longer."""
    first = stream()
    noise = 0.1 * torch.randn(frames, first.hop, generator=torch.Generator().manual_seed(0))
    for block in noise:
        first.push(block)
    return stream()
