"""Runs the Triton kernel in Triton's interpreter, in a process of its own, and prints what came out as JSON.

The interpreter has to be chosen before Triton is imported, for the whole process: `TRITON_INTERPRET=1 python -m
tests.sampling.interpreted`. A step of a layer takes it some ten milliseconds, so the songs are short.
"""

import json
import sys

import torch

from tests.material import dice
from tests.sampling.wavenets import in_breaths, loud, told, wavenet
from vocalise.sampling.cuda import TritonWaveNet, persistent
from vocalise.sampling.cuda.cards import divergence, trial_of


def songs():
    """What twin and module sing, over several launches, with odd widths, and one stream renewed."""
    persistent.LAUNCH = 8
    module = wavenet()
    for name, temperature, breaths in (("warm", 0.8, (2, 3)), ("cold", 0.0, (1, 1))):
        twin = TritonWaveNet(module, precision="float32")
        pair = [
            in_breaths(
                one,
                *told(3, sum(breaths)),
                dice(3, temperature=temperature),
                breaths=breaths,
                renewed=1,
            )
            for one in (module, twin)
        ]
        yield name, {"same": torch.equal(*pair), "levels": pair[0].unique().numel(), "shape": list(pair[1].shape)}


def many():
    """More streams than one program has."""
    module = wavenet(blocks=1, layers=1)
    pair = [
        one.generate(*told(17, 1), dice(17)) for one in (module, TritonWaveNet(module, precision="float32", rows=16))
    ]
    return {"same": torch.equal(*pair), "levels": pair[0].unique().numel(), "shape": list(pair[1].shape)}


def forced(precision):
    """What its logits are when it is told what was sung before."""
    module, (condition, _) = wavenet(blocks=1, layers=2), told(2, 2)
    target = torch.rand(2, 1, 8, generator=torch.Generator().manual_seed(5)) - 0.5
    with torch.no_grad():
        wanted = module.logits(target, condition)
    given = TritonWaveNet(module, precision=precision).logits(target, condition)
    return {"furthest": float((given - wanted).abs().max()), "divergence": divergence(wanted, given)}


def trial():
    """What the trial that a card makes finds for the kernel, and for one whose last ring is a step too long."""
    right, wrong = (TritonWaveNet(loud(wavenet(blocks=1, layers=2, hop=2)), precision="float32") for _ in range(2))
    wrong.tiles().rings[-1, 1] += 1
    return {"right": trial_of(right), "wrong": trial_of(wrong)}


def main():
    found = dict(songs()) | {"many": many(), "trial": trial()}
    found |= {f"forced {precision}": forced(precision) for precision in ("float32", "bf16")}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
