"""What a burst of backtranslation gains by the compiled sampler: `python benches/burst.py [--size small] [--rounds 3]`.

Two learners' performers with the same weights render the same burst in turns, in one process and on one thread. Before
every turn the weights move, as an update of training would move them, so the compiled one has to pack them again.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from statistics import median

import torch

from vocalise.autoencoder import Autoencoder
from vocalise.parts.contracts import Chance, Controls
from vocalise.recipes import recipe
from vocalise.sampling.choice import chosen

SINGERS = 6
SAMPLERS = ("torch", "native")


def main(words: Sequence[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="What a burst of backtranslation gains by the compiled sampler.")
    parser.add_argument("--size", default="small", help="of usvc")
    parser.add_argument("--segments", type=int, default=96, help="rendered side by side")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each segment")
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args(words)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = recipe("usvc", told.size).model.build(singers=SINGERS)
    performers = {name: chosen(model, name) for name in SAMPLERS}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SAMPLERS}
    wave = 0.1 * torch.randn(told.segments, round(told.seconds * model.rate / model.hop) * model.hop)
    for _ in range(told.rounds):
        for name in SAMPLERS:
            with torch.no_grad():
                for weight in model.decoder.parameters():
                    weight.mul_(1.001)
            found[name].append(rendered(performers[name], wave))
    for name in SAMPLERS:
        clock, core = (median(figures) for figures in zip(*found[name], strict=True))
        print(f"{name}: {clock:.2f} s by the clock, {core:.2f} s of one core")
    ratios = [plain[1] / quick[1] for plain, quick in zip(*(found[name] for name in SAMPLERS), strict=True)]
    print(f"{told.segments} segments of {wave.shape[1]} samples: {median(ratios):.1f} times as fast by core time")
    return 0


def rendered(model: Autoencoder, wave: torch.Tensor) -> tuple[float, float]:
    """Seconds by the clock, and of one core's time, for a burst."""
    count, frames = len(wave), wave.shape[1] // model.condition.hop
    identity, line = torch.full((count, SINGERS, 1), 1.0 / SINGERS), torch.ones(count, frames)
    chance = Chance(tuple(torch.Generator().manual_seed(row) for row in range(count)))
    begun, busy = time.perf_counter(), time.process_time()
    model.convert(wave, Controls(identity, 200.0 * line, line, -20.0 * line), chance)
    return time.perf_counter() - begun, time.process_time() - busy


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
