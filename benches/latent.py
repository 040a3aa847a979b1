"""A row on what passes through a voice's latent: `python benches/latent.py CHOIR --run RUN --point "WEIGHT | MEMORY"`.

RUN holds voice.safetensors and, in report/, its evaluation on the same recordings (`runs/aria_latent_curve.sh`).
Pitch is what a ridge regression foretells of it from three frames of the latent, on held-out windows.
"""

import argparse
import csv
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import load_voice
from vocalise.data.batches import Batch, windows
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare

RIDGE = 1.0
WINDOWS = 64


def main() -> None:
    """Prints one row."""
    parser = argparse.ArgumentParser(description="What passes through a latent.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--point", default="", help="what else tells this row from others; cells of the table")
    told = parser.parse_args()
    voice = load_voice(told.run / "voice.safetensors")
    model, figures = voice.model.eval(), voice.card.figures
    prepared = prepare(Corpus.open(told.corpus), rate=model.rate, contours=True)
    split = prepared.corpus.split(voice.recipe.material.held_out)
    shape = {"samples": 100 * model.hop, "hop": model.hop, "lead": model.lead, "most": WINDOWS}
    foretold = pitch_foretold(
        model, windows(prepared, split.train, **shape), windows(prepared, split.held_out, **shape)
    )
    with (told.run / "report" / "clips.csv").open(encoding="utf-8", newline="") as file:
        clips = [row for row in csv.DictReader(file) if row["kind"] == "conversion"]
    shown = [mean(float(row[name]) for row in clips) for name in ("content_kept", "syllables", "target_heard")]
    distance = figures.get("held_out_distance", float("nan"))
    cells = [figures["probe"], figures["chance"], foretold, *shown, distance]
    print("| " + " | ".join([str(model.encoder.channels), told.point, *(f"{cell:.2f}" for cell in cells)]) + " |")


def pitch_foretold(model: Autoencoder, taught: Batch, tested: Batch) -> float:
    """Share of the variance of log pitch that the latent foretells, R² on windows that were not fitted."""
    seen, heights = _pairs(model, taught)
    centre, level = seen.mean(0), heights.mean()
    seen = seen - centre
    weights = torch.linalg.solve(seen.T @ seen + RIDGE * torch.eye(seen.shape[1]), seen.T @ (heights - level))
    seen, heights = _pairs(model, tested)
    left = heights - level - (seen - centre) @ weights
    return 1.0 - float(left.square().mean() / heights.var())


@torch.no_grad()
def _pairs(model: Autoencoder, batch: Batch) -> tuple[Tensor, Tensor]:
    """Three frames of the latent (n, 3 · channels) and the octave of the middle one (n,), where it is voiced."""
    z = model.encode(batch.wave, batch.before).z
    around = torch.cat([z[:, :, :-2], z[:, :, 1:-1], z[:, :, 2:]], dim=1).transpose(1, 2)
    voiced = batch.voicing[:, 1:-1] > 0.5
    return around[voiced], torch.log2(batch.pitch[:, 1:-1][voiced])


if __name__ == "__main__":
    main()
