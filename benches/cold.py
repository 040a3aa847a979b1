"""Cold start: a process of its own loads a voice and sings; how long until the first sound, beyond imports."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch

from vocalise.checkpoint import Card, Voice, save_voice
from vocalise.recipes import Size, recipe

SINGS = """
import json, sys, time
import torch
import vocalise
from vocalise.checkpoint import load_voice
from vocalise.parts.contracts import Chance, Controls
from vocalise.sampling.native import NativeWaveNet
begun, busy = time.perf_counter(), time.process_time()
model = load_voice(sys.argv[1]).model.eval()
decoder = NativeWaveNet(model.decoder, precision=sys.argv[2], threads=1)
condition, line = torch.zeros(1, model.condition.channels, 1), torch.ones(1, 1)
controls = Controls(torch.full((1, model.singers, 1), 1.0 / model.singers), line, line, line)
decoder.extend(decoder.begin(1), condition, controls, Chance((torch.Generator().manual_seed(0),)))
print(json.dumps([time.perf_counter() - begun, time.process_time() - busy]))
"""


def cold_start(size: Size, precision: str = "bf16", *, times: int) -> tuple[float, float]:
    """Seconds from the end of the imports to the first column of sound (0.05 s of it), medians over processes.

    By the clock, and of one core's time.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.safetensors"
        write_voice(path, size)
        found: list[tuple[float, float]] = []
        for _ in range(times):
            words = [sys.executable, "-c", SINGS, str(path), precision]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            clock, core = json.loads(done.stdout.splitlines()[-1])
            found.append((clock, core))
    clocks, cores = zip(*found, strict=True)
    return median(clocks), median(cores)


def write_voice(path: Path, size: Size) -> None:
    """A voice with fresh weights."""
    torch.manual_seed(0)
    chosen, names = recipe("usvc", size), ("Ada", "Bruno")
    model = chosen.model.build(singers=len(names)).eval()
    card = Card(minutes=dict.fromkeys(names, 1.0), figures={})
    save_voice(path, Voice(recipe=chosen, singers=names, pitch_ranges={}, card=card, model=model))
