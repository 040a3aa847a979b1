"""Resampling by libsoxr (quality HQ), in blocks, to an exact length."""

import math
from fractions import Fraction

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCK = 1 << 16  # samples a channel that are worked on at a time

Block = NDArray[np.float32]  # (samples, channels)


def resampled_length(samples: int, from_rate: int, to_rate: int) -> int:
    """How many samples come out: round(samples * to_rate / from_rate), on the exact fraction (halves to even)."""
    return round(Fraction(samples * to_rate, from_rate))


class Resampler:
    """A resampler that takes blocks as they come and ends at exactly `resampled_length`; both rates in Hz."""

    def __init__(self, from_rate: int, to_rate: int, channels: int = 1) -> None:
        self._rates = (from_rate, to_rate)
        self._channels = channels
        self._taken = 0
        self._given = 0
        self._stream = None if from_rate == to_rate else soxr.ResampleStream(from_rate, to_rate, channels)

    def push(self, block: Block) -> Block:
        """(samples, channels) at the old rate -> what is ready at the new rate, (samples, channels), maybe nothing."""
        self._taken += len(block)
        out: Block = block
        if self._stream is not None:
            out = self._stream.resample_chunk(np.ascontiguousarray(block, dtype=np.float32))
        self._given += len(out)
        return out

    def finish(self) -> Block:
        """The rest, (samples, channels): the filter's tail, cut or filled with zeros to the exact length."""
        missing = resampled_length(self._taken, *self._rates) - self._given
        rest = np.zeros((max(0, missing), self._channels), np.float32)
        if self._stream is not None and self._taken:
            tail = self._stream.resample_chunk(np.zeros((0, self._channels), np.float32), last=True)[: len(rest)]
            rest[: len(tail)] = tail
        self._given += len(rest)
        return rest


def resample(wave: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """A wave (…, samples) at another rate, float32, its length as `resampled_length` says."""
    if from_rate == to_rate:
        return wave.float()
    rows = wave.detach().float().reshape(math.prod(wave.shape[:-1]), wave.shape[-1])
    out = torch.empty(len(rows), resampled_length(wave.shape[-1], from_rate, to_rate))
    for row, result in zip(rows, out, strict=True):
        stream, place = Resampler(from_rate, to_rate), 0
        parts = (stream.push(block[:, None].cpu().numpy()) for block in torch.split(row, BLOCK) if len(block))
        for part in (*parts, stream.finish()):
            result[place : place + len(part)] = torch.from_numpy(part[:, 0])
            place += len(part)
    return out.reshape(*wave.shape[:-1], out.shape[-1]).to(wave.device)
