"""The machine's own limit: what it can multiply and how fast it reads its caches, on one core and on all of them.

Hand-written loops where there is a C++ compiler (peaks.cpp, built in a moment), else PyTorch's best products and sums,
which reach less. Each probe lasts some tenth of a second; before and after a run they must agree, or the run is void.
"""

import ctypes
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

SOURCE = Path(__file__).with_name("peaks.cpp")
PRODUCTS = ("float32", "bf16", "int8")
CACHES = {"L2": 512 << 10, "L3": 6 << 20}  # bytes that are read again and again by each thread
MOST = 0.15  # share by which a probe may have moved
SIZE = 512  # of PyTorch's matrices
Work = Callable[[int], int]  # rounds -> what one round did


@dataclass(frozen=True)
class Limits:
    """Multiply-adds a second by precision, and bytes a second by cache."""

    how: str
    one: Mapping[str, float]  # of one thread, by the clock
    all: Mapping[str, float]  # of all threads together, by the clock
    core: Mapping[str, float]  # in a second of one core's time, which a neighbour who takes turns does not shorten


class Probe:
    """Measures the limits; keeps what it built until it is closed."""

    def __init__(self, threads: int, seconds: float) -> None:
        self.threads, self.seconds = threads, seconds
        self._folder = tempfile.TemporaryDirectory()
        self._library = _built(Path(self._folder.name))
        self.how = "hand-written loops" if self._library else "PyTorch's products and sums"

    def close(self) -> None:
        """Removes what was built."""
        self._folder.cleanup()

    def __call__(self) -> Limits:
        """The limits as they are now."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        names = [*PRODUCTS, *CACHES]
        seconds = self.seconds / (2 * len(names))
        try:
            one = {name: _rates([self._work(name)], seconds) for name in names}
            every = {name: _rates([self._work(name) for _ in range(self.threads)], seconds) for name in names}
        finally:
            torch.set_num_threads(before)
        clock, core = ({name: rates[n] for name, rates in one.items()} for n in range(2))
        return Limits(self.how, clock, {name: rates[0] for name, rates in every.items()}, core)

    def _work(self, name: str) -> Work:
        if self._library is None:
            return _in_torch(name)
        if name in CACHES:
            room = torch.ones(CACHES[name] + 64, dtype=torch.int8)
            begin = room.data_ptr() + -room.data_ptr() % 64  # whole lines of the cache
            reading = self._library["reading"]
            reading.restype = ctypes.c_int64

            def read(rounds: int) -> int:
                return int(reading(ctypes.c_int64(rounds), ctypes.c_void_p(begin), ctypes.c_int64(len(room) - 64)))

            return read if read(1) else _in_torch(name)
        function = self._library[name]
        function.restype = ctypes.c_int64

        def multiply(rounds: int) -> int:
            return int(function(ctypes.c_int64(rounds)))

        return multiply if multiply(1) else _in_torch(name)


def moved(before: Limits, after: Limits) -> tuple[float, str]:
    """By how much the limit that moved most did, as a share, and which it was."""
    shares = {
        f"{name}, {threads}": abs(new[name] / old[name] - 1.0)
        for threads, old, new in (("one core", before.one, after.one), ("all cores", before.all, after.all))
        for name in old
    }
    worst = max(shares, key=lambda name: shares[name])
    return shares[worst], worst


def middle(before: Limits, after: Limits) -> Limits:
    """Half-way between two probes."""
    one, every, core = (
        {name: (old[name] + new[name]) / 2 for name in old}
        for old, new in ((before.one, after.one), (before.all, after.all), (before.core, after.core))
    )
    return Limits(before.how, one, every, core)


def _built(folder: Path) -> ctypes.CDLL | None:
    """peaks.cpp for this processor, or None without a compiler that can."""
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    out = folder / "peaks.so"
    words = [compiler, "-O2", "-march=native", "-std=c++17", "-shared", "-fPIC"]
    try:
        subprocess.run([*words, str(SOURCE), "-o", str(out)], capture_output=True, check=True)
        return ctypes.CDLL(str(out))
    except (OSError, subprocess.CalledProcessError):
        return None


def _in_torch(name: str) -> Work:
    """The same by PyTorch: square products, or the sum of an array."""
    if name in CACHES:
        numbers = torch.ones(CACHES[name] // 4)

        def read(rounds: int) -> int:
            for _ in range(rounds):
                numbers.sum()
            return CACHES[name]

        return read
    a, b = (torch.ones(SIZE, SIZE, dtype=torch.int8 if name == "int8" else torch.float32) for _ in range(2))
    if name == "bf16":
        a, b = a.bfloat16(), b.bfloat16()
    product = torch._int_mm if name == "int8" else torch.mm

    def multiply(rounds: int) -> int:
        for _ in range(rounds):
            product(a, b)
        return SIZE**3

    return multiply


def _rates(works: list[Work], seconds: float) -> tuple[float, float]:
    """What threads do together for about so long: in a second, and for a second of one core's time."""
    rounds, took = 1, 0.0
    while took < seconds / 20:
        rounds *= 4
        begun = time.process_time()
        done = works[0](rounds)
        took = time.process_time() - begun
    rounds = max(1, round(rounds * seconds / took / 2))
    found = []
    for _ in range(2):
        threads = [threading.Thread(target=work, args=(rounds,)) for work in works[1:]]
        begun, busy = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.start()
        works[0](rounds)
        for thread in threads:
            thread.join()
        all_of_it = len(works) * done * rounds
        found.append((all_of_it / (time.perf_counter() - begun), all_of_it / (time.process_time() - busy)))
    clock, core = zip(*found, strict=True)
    return max(clock), max(core)  # the better of two: a neighbour can only slow it down
