from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 8000

Sing = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VOCALISE_CACHE", str(folder))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def sing(data: Path) -> Sing:
    """Writes a rich tone below `data`; `Hz` and `peak` make it recognisable, `rate` and `channels` as asked."""

    def write(
        name: str, seconds: float = 1.0, *, hz: float = 200.0, peak: float = 0.5, rate: int = RATE, channels: int = 1
    ):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        phase = 2 * np.pi * hz * np.arange(round(seconds * rate)) / rate
        wave = sum(np.sin(number * phase) / number for number in range(1, 7) if number * hz < rate / 2)
        wave *= peak / np.abs(wave).max()
        soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate)
        return path

    return write
