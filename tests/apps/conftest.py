"""A command line that runs inside the test, and a small corpus for it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from vocalise.apps.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Types a command; what it says on the two streams is kept apart."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two singers of a second and a half each."""
    rate = 16000
    time = np.arange(round(1.5 * rate)) / rate
    for singer, hz in (("ada", 330.0), ("bob", 150.0)):
        path = tmp_path / "data" / singer / "song.wav"
        path.parent.mkdir(parents=True)
        wave = sum(np.sin(2 * np.pi * n * hz * time) / n for n in range(1, int(7500 / hz)))
        soundfile.write(path, 0.3 * wave / np.abs(wave).max() * (time > 0.2), rate)
    return tmp_path / "data"
