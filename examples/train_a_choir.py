"""A tiny training from nothing: render a choir that is nobody's, train on it for some steps, and hear one of them sing.

python examples/train_a_choir.py somewhere/
"""

import sys
from pathlib import Path

import vocalise
from vocalise.data.choir import render_choir


def train_a_choir(folder: Path, *, steps: int = 200, minutes: float = 1.0) -> Path:
    """Renders, trains and returns the voice file. 200 steps teach nothing; try 20,000."""
    render_choir(folder / "choir", singers=2, minutes=minutes, seed=0)
    corpus = vocalise.Corpus.open(folder / "choir")
    verdict = vocalise.train(vocalise.recipe("usvc", "tiny"), corpus, folder / "run", steps=steps)
    print(verdict)
    return folder / "run" / "voice.safetensors"


if __name__ == "__main__":
    train_a_choir(Path(sys.argv[1]))
