"""How far apart two hearings are: one minus the overlap of their probabilities, frame by frame.

    d(p, q) = 1 - Σ_k √(p_k q_k)        (the squared Hellinger distance; Bhattacharyya, 1943), in [0, 1]

Consonants of two singers do not fall on the same hundredth of a second: each frame of the source may look for its like
a little earlier or later in the other.
"""

import math

import torch
from torch import Tensor

REACH = 3  # frames: 30 ms
SHIFTS = 12  # places at which a song is laid against itself
_APART = 0.5  # seconds by which it is moved at least
_FRAMES_PER_SECOND = 100


def apart(heard: Tensor, other: Tensor) -> Tensor:
    """Distance of every frame of `heard` to its like in `other`: log probabilities (k, n), (k, m) -> (n,).

    What `other` lacks at its end is as far as can be.
    """
    frames = heard.shape[1]
    roots, others = (0.5 * heard).exp(), (0.5 * other).exp()
    best = torch.zeros(frames, dtype=roots.dtype)
    for shift in range(-REACH, REACH + 1):
        first, last = max(0, -shift), min(frames, others.shape[1] - shift)
        if last > first:
            overlap = (roots[:, first:last] * others[:, first + shift : last + shift]).sum(dim=0)
            best[first:last] = torch.maximum(best[first:last], overlap)
    return (1.0 - best).clamp(min=0.0, max=1.0)


def mean_apart(heard: Tensor, other: Tensor, here: Tensor) -> float:
    """The mean of `apart` over the frames of `heard` that sound, `here` (n,) bool; NaN if none does."""
    return float(apart(heard, other)[here].mean()) if bool(here.any()) else math.nan


def displaced(heard: Tensor, here: Tensor) -> float:
    """The mean distance of what sounds in a song from what sounds at other places of it; NaN in less than a second.

    Pauses are taken out before it is moved, so that it is always one sound against another.
    """
    sung = heard[:, here]
    frames, least = sung.shape[1], round(_APART * _FRAMES_PER_SECOND)
    if frames < 2 * least:
        return math.nan
    moves = [round(least + (frames - 2 * least) * place / (SHIFTS - 1)) for place in range(SHIFTS)]
    return sum(float(apart(sung, sung.roll(move, dims=1)).mean()) for move in moves) / len(moves)
