"""Checkpoints: all that a run needs to go on exactly, in one safetensors file each, under a checksum of every byte.

tensors + facts ──▶ [length][JSON header with checksum and facts][weights, moments, random states, buffers]
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from vocalise.audio.files import write_aside
from vocalise.errors import RunError

FORMAT = "vocalise-checkpoint"
VERSION = "1"
KEPT = 3  # the last so many; the best is kept besides
_BLANK = "0" * 64
# Quotes inside the other values of a JSON header are escaped, so that this can only match the field itself.
_CHECKSUM = re.compile(rb'"checksum":"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Snapshot:
    """A moment of a run: tensors by name, and plain facts."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Writes a snapshot aside, synced, then renamed; its checksum covers the whole file with the checksum blanked.

    Raises:
        OSError: the disk is full or cannot be written; what was at `path` stays.
    """
    tensors = {name: tensor.detach().to("cpu").contiguous() for name, tensor in snapshot.tensors.items()}
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "checksum": _BLANK,
        "facts": json.dumps(snapshot.facts, allow_nan=False),
    }
    data = safetensors.torch.save(tensors, metadata)
    place = _checksum_place(data)
    with write_aside(path) as aside, aside.open("wb") as file:
        file.write(data[: place[0]])
        file.write(_digest(data).encode())
        file.write(memoryview(data)[place[1] :])


def read_snapshot(path: Path) -> Snapshot:
    """Reads a snapshot, if every byte is as it was written.

    Raises:
        RunError: it is damaged, or of a later version; the message says which.
    """
    try:
        data = path.read_bytes()
        start, stop = _checksum_place(data)
        blanked = data[:start] + _BLANK.encode() + data[stop:]
        if _digest(blanked) != data[start:stop].decode():
            raise RunError(f"{path} is damaged: its checksum does not fit its content.")
        metadata = json.loads(data[8 : 8 + _header_length(data)])["__metadata__"]
        if (metadata["format"], metadata["version"]) != (FORMAT, VERSION):
            raise RunError(
                f"{path} was written by a later vocalise (format {metadata['version']:.20}): update vocalise."
            )
        return Snapshot(safetensors.torch.load(data), json.loads(metadata["facts"]))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise RunError(f"{path} is damaged: {error!s:.100}.") from None


class Checkpoints:
    """The folder of a run's snapshots: the last few, and the best."""

    def __init__(self, folder: Path, *, kept: int = KEPT) -> None:
        self.folder, self.kept = folder, kept

    @property
    def steps(self) -> list[int]:
        """The steps of which there is a checkpoint, in order, sound or not."""
        return sorted(int(path.stem.removeprefix("step-")) for path in self.folder.glob("step-*.safetensors"))

    @property
    def best_path(self) -> Path:
        """Where the best weights lie."""
        return self.folder / "best.safetensors"

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.folder / f"step-{step:09d}.safetensors"

    def save(self, step: int, snapshot: Snapshot) -> None:
        """Writes the checkpoint of a step, and only then takes the oldest away.

        Raises:
            OSError: the disk will not take it; the former ones are all still there.
        """
        write_snapshot(self.path(step), snapshot)
        for old in self.steps[: -self.kept]:
            self.path(old).unlink(missing_ok=True)

    def newest(self, complain: Callable[[str], None]) -> tuple[int, Snapshot] | None:
        """The newest sound checkpoint; damaged ones are set aside, each with a complaint. None if there never was one.

        Raises:
            RunError: there are checkpoints, and none of them is sound.
        """
        steps = self.steps
        for step in reversed(steps):
            try:
                return step, read_snapshot(self.path(step))
            except RunError as error:
                older = [one for one in steps if one < step]
                remedy = f"Going back to step {older[-1]}." if older else "There is no older one."
                complain(f"{error} {remedy}")
                self.path(step).replace(self.path(step).with_suffix(".damaged"))
        if steps or any(self.folder.glob("step-*.damaged")):
            raise RunError(
                f"{self.folder} holds no sound checkpoint: copy one from a backup, start in another folder, or take "
                "this folder away to begin again."
            )
        return None


def _header_length(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def _checksum_place(data: bytes) -> tuple[int, int]:
    found = _CHECKSUM.search(data, 8, 8 + min(_header_length(data), len(data)))
    if found is None:
        raise ValueError("it has no checksum")
    return found.span(1)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()
