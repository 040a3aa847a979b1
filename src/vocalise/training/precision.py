"""In which precision a run multiplies its matrices: bfloat16 where the device really is faster with it."""

import time
from contextlib import AbstractContextManager
from typing import Literal

import torch

Precision = Literal["float32", "bf16"]

_SIZE, _TRIES = 512, 9
_GAIN = 1.25  # processors without units for it are slower in bfloat16, those with them about twice as fast
_LITTLE, _LOST = 128, 4.0  # some are fifty times slower: so much slower at a small product, and nothing more is tried


def choose_precision(device: torch.device) -> Precision:
    """bfloat16 on a GPU that has it, and on a processor whose matrix products gain by it (tried out in some 50 ms)."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type != "cpu":
        return "float32"
    if _gain(_LITTLE) < 1.0 / _LOST:
        return "float32"
    return "bf16" if _gain(_SIZE) > _GAIN else "float32"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a network runs forward in this precision; weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def _gain(size: int) -> float:
    """How many times as fast matrices of a size are multiplied in bfloat16."""
    plain = torch.ones(size, size)
    narrow = plain.bfloat16()
    # Taken in turns, and the quickest of each, so that a neighbour's load does not decide.
    pairs = [(_seconds(plain), _seconds(narrow)) for _ in range(_TRIES)]
    return min(plainly for plainly, _ in pairs) / max(1e-9, min(narrowly for _, narrowly in pairs))


def _seconds(matrix: torch.Tensor) -> float:
    start = time.perf_counter()
    torch.mm(matrix, matrix)
    return time.perf_counter() - start
