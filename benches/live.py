"""Sings live by the clock for minutes, without a sound card: `python benches/live.py [--seconds 600] [--quiet]`.

A thread takes the part of the audio driver: it sleeps until the clock says that a block is there, and calls what a
sound card would call. A second process keeps another core busy meanwhile. The weights are random, which costs as much
time as trained ones, and rounded to the 16 bits of the default voice's file; with `--fine` they are not. With
`--ordinary` neither singer nor driver asks the system for precedence.
"""

import argparse
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch

import hardware
from vocalise.apps.live_engine import Engine, warmed
from vocalise.apps.live_figures import Stopwatch
from vocalise.apps.live_priority import hurried
from vocalise.apps.live_screen import in_words
from vocalise.apps.live_setup import block_of, quicker
from vocalise.config import override
from vocalise.conversion.streaming import Manner, Stream
from vocalise.recipes import recipe

SINGERS = 8


def busy(over: "multiprocessing.synchronize.Event") -> None:
    """Keeps a core busy with sums that fit into its cache."""
    numbers = np.ones(10_000)
    while not over.is_set():
        for _ in range(1000):
            numbers = numbers * 0.999 + 0.001


def stolen() -> float | None:
    """Seconds of processor time that a hypervisor has kept from this machine so far; None where nobody tells."""
    try:
        with Path("/proc/stat").open(encoding="ascii") as lines:
            return int(next(lines).split()[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return None


@contextmanager
def neighbour(wanted: bool) -> Iterator[None]:
    """A busy process beside this one, for as long as the context lasts."""
    over = multiprocessing.get_context("spawn").Event()
    process = multiprocessing.get_context("spawn").Process(target=busy, args=(over,), daemon=True)
    if wanted:
        process.start()
    try:
        yield
    finally:
        over.set()
        if wanted:
            process.join()


def engine(
    size: str,
    rate: int,
    block: float,
    *,
    plain: bool,
    processor: bool,
    seed: int,
    hurries: bool = True,
    fine: bool = False,
) -> Engine:
    """An engine with random weights, rounded to the 16 bits of a voice file unless they are to be `fine`."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    chosen = override(recipe("aria", size), f"model.signal.rate={rate}")
    model = chosen.model.build(singers=SINGERS).eval()
    for weight in model.parameters() if not fine else ():
        weight.data = weight.data.half().float()
    quick = model if plain else quicker(model, 1)
    manner = Manner(torch.full((SINGERS,), 1.0 / SINGERS))
    stream = warmed(partial(Stream, quick, manner, seed=seed))
    clock = time.thread_time if processor else time.perf_counter
    samples = block_of(block * rate / 1000, model.hop)
    return Engine(stream, block=samples, level=chosen.material.level, seconds=clock, hurries=hurries)


def voice(rate: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Four seconds of a sung tone with vibrato, and a rest."""
    time_line = np.arange(4 * rate) / rate
    phase = 2 * np.pi * np.cumsum(220.0 * 2.0 ** (0.05 * np.sin(2 * np.pi * 5.5 * time_line))) / rate
    wave = sum(np.sin(n * phase) / n for n in range(1, 15)) * (time_line < 3.0)
    noise = np.random.default_rng(0).standard_normal(len(wave))
    return np.asarray(0.1 * wave + 0.001 * noise, np.float32)


def perform(one: Engine, seconds: float, *, hurries: bool) -> Stopwatch:
    """Brings blocks by the clock; says how late they were brought."""
    if hurries:
        hurried(1)  # sound systems give their threads precedence over what these wake
    line, block = voice(one.rate), one.block
    sung, watch = np.zeros(block, np.float32), Stopwatch()
    line = line[: len(line) // block * block]
    begun, place, number = time.perf_counter(), 0, 0
    while number * block < seconds * one.rate:
        due = begun + (number + 1) * block / one.rate
        # No loop at the end: it would hold the interpreter, which a sound card does only while it calls.
        time.sleep(max(0.0, due - time.perf_counter()))
        watch.note(max(0.0, time.perf_counter() - due))
        one.callback(line[place : place + block], sung)
        place, number = (place + block) % len(line), number + 1
    return watch


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600.0)
    options.add_argument("--size", default="small", help="of aria")
    options.add_argument("--rate", type=int, default=24_000, help="Hz")
    options.add_argument("--block", type=float, default=5.0, help="milliseconds that the sound card brings at a time")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--plain", action="store_true", help="networks in PyTorch")
    options.add_argument("--fine", action="store_true", help="weights of 32 bits, and not of 16 as in a voice file")
    options.add_argument("--quiet", action="store_true", help="no busy process beside")
    options.add_argument("--ordinary", action="store_true", help="no precedence for singer and driver")
    options.add_argument("--processor", action="store_true", help="count the processor's time for a block, not all")
    chosen = options.parse_args()
    one = engine(
        chosen.size,
        chosen.rate,
        chosen.block,
        plain=chosen.plain,
        processor=chosen.processor,
        seed=chosen.seed,
        hurries=not chosen.ordinary,
        fine=chosen.fine,
    )
    weights = sum(parameter.numel() for parameter in one.stream.model.parameters())
    before = stolen()
    with neighbour(not chosen.quiet), one.singing():
        brought: list[Stopwatch] = []
        work = partial(perform, one, chosen.seconds, hurries=not chosen.ordinary)
        driver = threading.Thread(target=lambda: brought.append(work()))
        driver.start()
        driver.join()
    print(
        f"{hardware.processor()}, {hardware.physical_cores()} cores; aria {chosen.size}, {weights / 1e6:.1f} M weights,"
    )
    print(f"{chosen.rate} Hz, blocks of {chosen.block:g} ms, seed {chosen.seed}, load {hardware.load()}")
    print(in_words(one.figures(), one))
    late, stood = brought[0], brought[0].beyond(chosen.block / 2000)
    print(f"The singer's priority was {one.priority}; the driver's thread itself was {1000 * late.within(0.99):.2f} ms")
    print(f"late (99 % of the blocks), and {1000 * late.worst:.1f} ms at worst; by more than half a sound card's block")
    print(f"{stood} times: then the machine itself stood still, or ran something else.")
    after = stolen()
    if before is not None and after is not None:
        print(f"A hypervisor kept {after - before:.2f} s of processor time from this machine meanwhile.")


if __name__ == "__main__":
    main()
