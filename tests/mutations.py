"""Sound files and what can happen to them: bytes flipped, cut off, doubled, blanked, and headers that lie."""

from pathlib import Path

import numpy as np
import soundfile

KINDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".au", ".w64", ".caf")
LIES = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFF00)


def whole_files(folder: Path, seconds: float = 0.3) -> list[tuple[str, bytes]]:
    """A short tone in many formats: suffix and bytes of each."""
    files = []
    for number, suffix in enumerate(KINDS):
        time = np.arange(round(22050 * seconds) + number) / 22050
        path = folder / f"whole{suffix}"
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time), 22050)
        files.append((suffix, path.read_bytes()))
        path.unlink()
    return files


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one kind of damage."""
    found = np.frombuffer(data, np.uint8).copy()
    kind = rng.integers(6)
    if kind == 0:  # flipped anywhere
        places = rng.integers(0, len(found), rng.integers(1, 30))
        found[places] ^= rng.integers(1, 256, len(places)).astype(np.uint8)
    elif kind == 1:  # overwritten in the header
        places = rng.integers(0, min(100, len(found)), rng.integers(1, 6))
        found[places] = rng.integers(0, 256, len(places))
    elif kind == 2:  # truncated, down to nothing
        found = found[: rng.integers(0, len(found))]
    elif kind == 3:  # a part doubled or lost
        at = rng.integers(0, len(found))
        found = np.concatenate([found[:at], found[rng.integers(0, len(found)) :]])
    elif kind == 4:  # a part blanked
        first, last = np.sort(rng.integers(0, len(found), 2))
        found[first:last] = 0
    else:  # four bytes of the header made to lie
        at = 4 * rng.integers(0, min(24, len(found) // 4))
        found[at : at + 4] = np.frombuffer(np.uint32(rng.choice(LIES)).tobytes(), np.uint8)
    return found.tobytes()


def write_mutated(folder: Path, count: int, seed: int = 7) -> list[Path]:
    """So many damaged files below `folder`, as `<kind>/<number>.<suffix>`, so that each kind is a singer."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    whole = whole_files(folder)
    paths = []
    for number in range(count):
        suffix, data = whole[number % len(whole)]
        path = folder / suffix[1:] / f"{number:03d}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(mutated(data, rng))
        paths.append(path)
    return paths
