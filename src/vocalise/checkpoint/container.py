"""The safetensors container: an 8-byte length, a JSON header, then the tensors one after the other.

The header is read and judged here, with bounds on everything, before any library sees the file. Writing is done here
too, so that the same tensors always give the same bytes.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from vocalise.errors import VoiceError

MOST_HEADER = 1 << 24  # bytes
MOST_NESTING = 32
SIZES: Mapping[str, int] = MappingProxyType({"F32": 4, "F16": 2, "BF16": 2})  # bytes a number
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies, in bytes after the header."""

    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Layout:
    """What a header says: strings by name, and tensors by name."""

    metadata: Mapping[str, str]
    tensors: Mapping[str, Entry]


def read_layout(path: Path) -> Layout:
    """Reads and judges the header of a safetensors file.

    Raises:
        VoiceError: no such file, another kind of file, or a header that contradicts itself or the file.
    """
    try:
        if path.is_dir():
            raise VoiceError(f"{path} is a folder; give the voice.safetensors of a run folder.")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
            length = int.from_bytes(head, "little")
            if len(head) < 8 or length < 2 or length > min(MOST_HEADER, size - 8):
                raise VoiceError(_stranger(path, head, size))
            text = file.read(length)
    except OSError as error:
        raise VoiceError(f"{path} cannot be opened: {error.strerror}. Give the path of a voice file.") from None
    if not text.startswith(b"{"):
        raise VoiceError(_stranger(path, head, size))
    try:
        header = parse_json(text.decode(), "header")
        if not isinstance(header, dict):
            raise VoiceError("its header is not a table.")
        metadata = _metadata(header.pop("__metadata__", {}))
        tensors = {name: _entry(name, value) for name, value in header.items()}
        _require_tiling(tensors, size - 8 - length)
    except UnicodeDecodeError:
        raise VoiceError(f"{path} is damaged: its header is not text. Get the file again.") from None
    except VoiceError as error:
        raise VoiceError(f"{path} is damaged: {error} Get the file again.") from None
    return Layout(metadata, tensors)


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str], *, half: bool = False
) -> None:
    """Writes tensors as float32 (or float16) in the order of their names; every byte follows from the arguments.

    Raises:
        OSError: the disk will not take them.
    """
    kind, written, form = ("F16", torch.float16, "<f2") if half else ("F32", torch.float32, "<f4")
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    place = 0
    for name, tensor in sorted(tensors.items()):
        stop = place + SIZES[kind] * tensor.numel()
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [place, stop]}
        place = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with Path(path).open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in sorted(tensors.items()):
            file.write(tensor.detach().to("cpu", written).contiguous().numpy().astype(form).tobytes())


def is_finite(weights: Tensor) -> bool:
    """Whether all of them are finite numbers: one look for the ends is a tenth of a look at each."""
    return not weights.numel() or bool(torch.isfinite(torch.stack(torch.aminmax(weights))).all())


def parse_json(text: str, what: str) -> Any:
    """JSON from a stranger: no key twice, no nesting beyond 32, no numbers that are not finite.

    Raises:
        VoiceError: the text is not such JSON; the message says why.
    """
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MOST_NESTING:
            raise VoiceError(f"its {what} is nested more than {MOST_NESTING} deep.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
    except ValueError as error:
        raise VoiceError(f"its {what} cannot be read ({error!s:.120}).") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("the same key twice")
    return table


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.20} is beyond all bounds")
    return value


def _metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise VoiceError("its metadata are not strings.")
    return value


def _entry(name: str, value: object) -> Entry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise VoiceError(f"its entry {name!r:.80} is not that of a tensor.")
    shape, offsets = value["shape"], value["data_offsets"]
    if not isinstance(value["dtype"], str) or value["dtype"] not in SIZES:
        raise VoiceError(f"{name!r:.80} is of type {value['dtype']!r:.20}; weights are {', '.join(SIZES)}.")
    if not (_counts(shape) and len(shape) <= 8 and _counts(offsets) and len(offsets) == 2):
        raise VoiceError(f"{name!r:.80} has no sensible shape or place.")
    if math.prod(shape) * SIZES[value["dtype"]] != offsets[1] - offsets[0]:
        raise VoiceError(f"{name!r:.80} has a shape of another size than its place.")
    return Entry(tuple(shape), offsets[0], offsets[1])


def _counts(value: object) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 62 for n in value)


def _require_tiling(tensors: Mapping[str, Entry], size: int) -> None:
    """Tensors lie end to end and fill the file: no gap, no overlap, nothing behind them."""
    place = 0
    for name, entry in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != place:
            raise VoiceError(f"{name!r:.80} does not follow the tensor before it.")
        place = entry.stop
    if place > size:
        raise VoiceError(f"it is truncated: {place - size} of {place} bytes of its weights are missing.")
    if place < size:
        raise VoiceError(f"{size - place} bytes follow its weights.")


def _stranger(path: Path, head: bytes, size: int) -> str:
    """What to say of a file that has no safetensors header."""
    if not size:
        return f"{path} is empty (0 bytes). Get the file again."
    if head[:1] == b"\x80" or head[:2] == b"PK":
        return (
            f"{path} looks like a pickle or a checkpoint of PyTorch, which could run programs and is never opened. "
            "Give the voice.safetensors of a run folder."
        )
    return f"{path} is not a voice file, or only the beginning of one. Give the voice.safetensors of a run folder."
