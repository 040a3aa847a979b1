"""A room for listening tests: songs of made-up voices on disk, a test made of them, and listeners who answer it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from vocalise.evaluation.listening import Key
from vocalise.evaluation.listening.key import Trial

RATE = 8000
SONGS = ("dawn", "dusk", "noon", "night")
Judge = Callable[[Trial], int | str]


def sing(song: str, voice: float, seconds: float = 7.0, rate: int = RATE) -> np.ndarray:
    """Notes of the song with pauses between them; the voice is where its one resonance lies, in Hz."""
    lot = np.random.default_rng(sum(map(ord, song)))
    time = np.arange(round(seconds * rate)) / rate
    steps = lot.integers(0, 12, size=len(time))[:: rate // 2].repeat(rate // 2)[: len(time)]
    pitch = 150.0 * 2.0 ** (np.pad(steps, (0, len(time) - len(steps)), mode="edge") / 12.0)
    phase = 2.0 * np.pi * np.cumsum(pitch) / rate
    wave = sum(np.sin(n * phase) / (1.0 + ((n * pitch - voice) / 300.0) ** 2) for n in range(1, 12))
    return 0.2 * wave * ((time % 2.0 > 0.3) & (time > 0.2))


def write(path: Path, wave: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate)
    return path


def furnish(folder: Path, *, systems: tuple[str, ...] = ("kestrel", "plover"), seconds: float = 7.0) -> Path:
    """Folders of sound files: one for each system, `source` with the songs as sung, and `target`."""
    lot = np.random.default_rng(0)
    for song in SONGS:
        write(folder / "source" / f"{song}.wav", sing(song, 600.0, seconds))
        for number, system in enumerate(systems):
            wave = sing(song, 1400.0, seconds) * (0.3 + number)
            write(folder / system / f"{song}.wav", wave + 0.01 * number * lot.standard_normal(len(wave)))
    for song in ("hill", "lake"):
        write(folder / "target" / f"{song}.wav", sing(song, 1400.0, seconds))
    return folder


def fair(trial: Trial) -> int | str:
    """A listener who hears well: the second system is better than the first, and nearer to the target."""
    scores = {"natural": 5, "anchor": 1, "target": 5, "source": 1, "system": 2 if trial.system == "kestrel" else 4}
    return scores[trial.role] if trial.question in ("quality", "similarity") else "right"


def lasting(trial: Trial, key: Key) -> float:
    return sum(key.sounds[clip].stop - key.sounds[clip].start for clip in trial.clips)


def answer(trial: Trial, key: Key, given: int | str) -> dict[str, Any]:
    """An answer as the page writes it; of a choice, `given` is "right" or "wrong"."""
    told = {"trial": trial.id, "place": 0, "seconds": 2.0 * lasting(trial, key) + 1.0, "plays": [1]}
    if isinstance(given, int):
        return told | {"score": given}
    one, other = trial.clips[-2:]
    right = trial.right or (one, other)[int(trial.id, 16) % 2]
    wrong = other if right == one else one
    x = right if trial.question == "systems" else trial.clips[0]
    return told | {"chosen": right if given == "right" else wrong, "x": x, "a": one}


def filled(key: Key, listener: str, judge: Judge = fair) -> dict[str, Any]:
    """A listener's whole sheet."""
    given = [answer(trial, key, judge(trial)) for trial in key.trials if not trial.practice]
    given[0]["seconds"] += int(listener, 16) % 1000 / 1000.0  # no two people take equally long
    return {
        "what": "vocalise listening answers",
        "format": 1,
        "test": key.test,
        "listener": listener,
        "language": "en",
        "through": "headphones",
        "complete": True,
        "answers": given,
    }


def send(folder: Path, sheet: dict[str, Any]) -> Path:
    path = folder / f"answers-{sheet['listener']}.json"
    path.write_text(json.dumps(sheet), encoding="utf-8")
    return path
