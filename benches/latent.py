"""A row on what passes through a voice's latent: `python benches/latent.py CHOIR --run RUN --point "WEIGHT | MEMORY"`.

RUN holds voice.safetensors and, in report/, its evaluation on the same recordings (`runs/aria_latent_curve.sh`).
Pitch is what a ridge regression foretells of it from three frames of the latent, on held-out windows.
"""

import argparse
import csv
from pathlib import Path
from statistics import mean

from vocalise.checkpoint import load_voice
from vocalise.data.batches import windows
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.measures.melody import melody_left

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
    foretold = melody_left(model, windows(prepared, split.train, **shape), windows(prepared, split.held_out, **shape))
    with (told.run / "report" / "clips.csv").open(encoding="utf-8", newline="") as file:
        clips = [row for row in csv.DictReader(file) if row["kind"] == "conversion"]
    shown = [mean(float(row[name]) for row in clips) for name in ("content_kept", "syllables", "target_heard")]
    distance = figures.get("held_out_distance", float("nan"))
    cells = [figures["probe"], figures["chance"], foretold, *shown, distance]
    print("| " + " | ".join([str(model.encoder.channels), told.point, *(f"{cell:.2f}" for cell in cells)]) + " |")


if __name__ == "__main__":
    main()
