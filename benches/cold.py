"""Cold start: a process of its own loads a voice and sings; how long until the first sound, beyond imports.

`python benches/cold.py` prints it for every precision at the published size.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from vocalise.checkpoint import Card, Voice, save_voice
from vocalise.recipes import Size, recipe
from vocalise.sampling import PRECISIONS

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
state, luck = decoder.begin(1), Chance((torch.Generator().manual_seed(0),))
ready = time.perf_counter() - begun, time.process_time() - busy
decoder.extend(state, condition, controls, luck)
print(json.dumps([*ready, time.perf_counter() - begun, time.process_time() - busy]))
"""


@dataclass(frozen=True)
class Cold:
    """Seconds from the end of the imports, by the clock and of one core's time, medians over processes."""

    ready: float  # until the first sample can be sung
    ready_core: float
    sound: float  # until the first column of sound is there (0.05 s of it)
    sound_core: float


def cold_start(size: Size, precision: str = "bf16", *, times: int) -> Cold:
    """How long a voice that lies on disk needs before it sings."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.safetensors"
        write_voice(path, size)
        found: list[list[float]] = []
        for _ in range(times):
            words = [sys.executable, "-c", SINGS, str(path), precision]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
    return Cold(*(median(figures) for figures in zip(*found, strict=True)))


def write_voice(path: Path, size: Size) -> None:
    """A voice with fresh weights."""
    torch.manual_seed(0)
    chosen, names = recipe("usvc", size), ("Ada", "Bruno")
    model = chosen.model.build(singers=len(names)).eval()
    card = Card(minutes=dict.fromkeys(names, 1.0), figures={})
    save_voice(path, Voice(recipe=chosen, singers=names, pitch_ranges={}, card=card, model=model))


if __name__ == "__main__":
    for kind in PRECISIONS:
        found = cold_start("paper", kind, times=5)
        print(
            f"{kind}: ready to sing after {found.ready:.2f} s by the clock ({found.ready_core:.2f} s of one core), "
            f"first column after {found.sound:.2f} s ({found.sound_core:.2f} s)"
        )
