"""How well `aria` copies what it learnt by heart: `python benches/copy_synthesis.py [--data $DATA] [--out TABLE.md]`.

A few seconds of six virtual singers and, with --data, of twenty real recordings are learnt by heart by one model
without adversaries, then copied. What remains is what the decoder cannot draw: the mel distance on active frames must
stay below 4 dB for the choir, and at most 1.5 dB above that of two draws of one noise for real recordings (which differ
by as much although nothing is wrong with either); the pitch must be the one that was told. Exit code 1 if not.
"""

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.files import read_wave, write_aside
from vocalise.audio.pitch import Contour, contour_at, pitch_contour
from vocalise.autoencoder import Autoencoder
from vocalise.data.batches import loudness_of
from vocalise.data.choir import compose, perform, singers
from vocalise.measures.pitch import compare_contours
from vocalise.measures.spectra import floors, mel_distance
from vocalise.measures.tracker import track_pitch
from vocalise.parts.contracts import Controls, Lesson
from vocalise.recipes import recipe

RATE, HOP, SECONDS = 16_000, 160, 3.0
CHOIR, REAL = 6, 20
FROM = 12.0  # seconds into a recording, where it is long enough


def main() -> int:
    """Learns, copies, measures."""
    parser = argparse.ArgumentParser(description="Copies what was learnt by heart.")
    parser.add_argument("--data", type=Path, help="folder of recordings, $DATA")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--size", default="small")
    parser.add_argument("--out", type=Path, help="Markdown file")
    told = parser.parse_args()
    waves = {f"choir {name}": wave for name, wave in _choir()} | (dict(_real(told.data)) if told.data else {})
    model, lesson = learnt(list(waves.values()), size=told.size, steps=told.steps)
    with torch.no_grad():
        copies = model(lesson).decoded.estimate[:, 0]
    lines, good = _measured(list(waves), lesson, copies)
    print("\n".join(lines))
    if told.out:
        with write_aside(told.out) as aside:
            aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if good else 1


def _choir() -> list[tuple[str, Tensor]]:
    song = compose(minutes=1.0, seed=5)[0]
    start = round(6.0 * RATE)
    count = round(SECONDS * RATE)
    return [(one.name, perform(song, one).wave[start : start + count]) for one in singers(CHOIR)]


def _real(data: Path) -> list[tuple[str, Tensor]]:
    """A stretch of the longest recording of each singer, and second ones until there are enough."""
    folders = sorted(path for path in data.glob("singing*/*") if path.is_dir())
    found: list[tuple[str, Tensor]] = []
    for turn in range(2):
        for folder in folders:
            files = sorted(folder.iterdir(), key=lambda path: -path.stat().st_size)
            wave, _ = read_wave(files[0], rate=RATE)
            start = round((FROM + 20.0 * turn) * RATE) if len(wave) > 40 * RATE else 0
            part = wave[start : start + round(SECONDS * RATE)]
            if (turn == 0 or start) and len(part) == round(SECONDS * RATE) and len(found) < REAL:
                found.append((f"{folder.name} {start / RATE:.0f} s", part))
    return found


def learnt(waves: list[Tensor], *, size: str, steps: int) -> tuple[Autoencoder, Lesson]:
    """A model that has seen nothing else, each wave sung by a singer of its own; in evaluation mode."""
    torch.manual_seed(0)
    wave = torch.stack([0.5 * one / one.abs().max() for one in waves])
    contours = [pitch_contour(one, RATE) for one in wave]
    times = (torch.arange(wave.shape[1] // HOP).double() + 0.5) * HOP / RATE
    told = [contour_at(contour, times) for contour in contours]
    pitch, voicing = (torch.stack([pair[n] for pair in told]).float() for n in range(2))
    identity = F.one_hot(torch.arange(len(wave)), len(wave)).float()[:, :, None]
    controls = Controls(identity, pitch, voicing, loudness_of(wave, rate=RATE, hop=HOP))
    lesson = Lesson(wave, wave, torch.ones(len(wave)), controls)
    chosen = recipe("aria", size)
    model = replace(chosen.model).build(singers=len(wave))
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.8, 0.99))
    begun = time.perf_counter()
    for step in range(steps):
        rows = torch.randperm(len(wave))[:8]
        some = Lesson(wave[rows], wave[rows], torch.ones(8), _rows(controls, rows))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(some).decoded.loss.mean()
        optimiser.param_groups[0]["lr"] = 2e-3 * 0.02 ** (step / steps)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        if step % 100 == 99:
            print(f"step {step + 1}: {loss.item():.2f}, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    return model.eval(), lesson


def _rows(controls: Controls, rows: Tensor) -> Controls:
    names = ("identity", "pitch", "voicing", "loudness")
    return replace(controls, **{name: getattr(controls, name)[rows] for name in names})


def _measured(names: list[str], lesson: Lesson, copies: Tensor) -> tuple[list[str], bool]:
    lines = ["| excerpt | mel distance, dB | within 50 cents of what was told |", "|---|---|---|"]
    distances: dict[bool, list[float]] = {True: [], False: []}
    hits = []
    for n, name in enumerate(names):
        distance = mel_distance(lesson.wanted[n], copies[n], RATE)
        told = Contour(lesson.controls.pitch[n], lesson.controls.voicing[n], HOP / RATE)
        found = track_pitch(copies[n, HOP // 2 :], RATE)  # columns are told at their centres
        hit = compare_contours(told, found).rpa50
        distances[name.startswith("choir")].append(distance)
        hits += [] if math.isnan(hit) else [hit]  # nothing is voiced in some
        lines.append(f"| {name} | {distance:.2f} | {100 * hit:.1f} % |")
    noise = floors(RATE).mel
    choir, real = mean(distances[True]), mean(distances[False]) if distances[False] else 0.0
    lines += [
        "",
        f"Choir {choir:.2f} dB (below 4); two draws of one noise {noise:.2f} dB; pitch {100 * mean(hits):.1f} %.",
    ]
    if real:
        lines.append(f"Real recordings {real:.2f} dB (at most {noise + 1.5:.2f}).")
    return lines, choir < 4.0 and real <= noise + 1.5 and mean(hits) >= 0.99


if __name__ == "__main__":
    sys.exit(main())
