"""How far apart two hearings are: the angle between them, seen from the middle of all that is heard in the source.

    x = √p - mean √p over the source,   y = √q - the same mean,     d = 1 - x·y / |x||y|,   within [0, 1]

√p, for posteriors p, is a point of a sphere on which equal steps are equally well told apart (Bhattacharyya, 1943). Its
mean over the source is what a listener would say who heard nothing but which song it is; because it is taken away,
neither a hearing that does not move (a held vowel, noise) nor one that is never sure gets credit for being in the
midst of all sounds.

Consonants of two singers do not fall on the same hundredth of a second: each frame of the source may look for its like
a little earlier or later in the other.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

REACH = 3  # frames: 30 ms
_SOFTENED = 2.0  # the temperature of posteriors: a network is surer of itself than it should be (Guo et al., 2017)
_SHIFTS = 12  # places at which a song is laid against itself
_LEAST = 50  # frames by which it is moved at least
_VARIETY = 0.15  # of a source whose sounds can be told apart at all: 0 is one sound held, 0.95 all of twenty evenly
_COMPARED = 1500  # frames of a source that are each tried against all others
_TURNS = 10


def roots(heard: Tensor) -> Tensor:
    """Points of the sphere: log posteriors (k, n) -> (k, n)."""
    return torch.softmax(heard / _SOFTENED, dim=0).sqrt()


def mean_apart(heard: Tensor, other: Tensor, here: Tensor) -> float:
    """Mean distance of what is heard, in [0, 1].

    Args:
        heard: (k, n) log posteriors of the source.
        other: (k, m) of what is compared with it; what it lacks at its end is as far as can be.
        here: (n,) bool, the frames of the source that sound; NaN if none does.
    """
    if not bool(here.any()):
        return math.nan
    own, others = roots(heard), roots(other)
    middle = own[:, here].mean(dim=1, keepdim=True)
    return float(_apart(F.normalize(own - middle, dim=0), F.normalize(others - middle, dim=0))[here].mean())


def mean_of_others(heard: Tensor, here: Tensor) -> float:
    """Mean distance of a source from other words in the same voice; arguments as in `mean_apart`.

    The lesser of two: from itself at other places, and from the one sound that comes nearest to all when it is held
    throughout. Pauses are taken out first, so that it is always one sound against another. NaN below a second, and
    where all that is heard is one sound.
    """
    own = roots(heard[:, here])
    middle = own.mean(dim=1, keepdim=True)
    frames = own.shape[1]
    if frames < 2 * _LEAST or 1.0 - float(middle.square().sum()) < _VARIETY:
        return math.nan
    own = F.normalize(own - middle, dim=0)
    moves = [round(_LEAST + (frames - 2 * _LEAST) * place / (_SHIFTS - 1)) for place in range(_SHIFTS)]
    elsewhere = sum(float(_apart(own, own.roll(move, dims=1)).mean()) for move in moves) / _SHIFTS
    return min(elsewhere, 1.0 - _most_alike(own[:, :: -(-frames // _COMPARED)]))


def _most_alike(own: Tensor) -> float:
    """How alike one direction can be to all of the unit vectors (k, n), where less than nothing counts as nothing.

    Begins with the best of the vectors themselves, and from there turns to the sum of those that it is alike to.
    """
    held = own[:, (own.mT @ own).clamp(min=0.0).mean(dim=0).argmax()]
    for _ in range(_TURNS):
        held = F.normalize((own * (held @ own > 0.0)).sum(dim=1), dim=0)
    return float((held @ own).clamp(min=0.0).mean())


def _apart(own: Tensor, other: Tensor) -> Tensor:
    """Distance of each of the unit vectors (k, n) to its nearest within reach among (k, m): (n,)."""
    frames = own.shape[1]
    best = torch.zeros(frames)
    for shift in range(-REACH, REACH + 1):
        first, last = max(0, -shift), min(frames, other.shape[1] - shift)
        if last > first:
            alike = (own[:, first:last] * other[:, first + shift : last + shift]).sum(dim=0)
            best[first:last] = torch.maximum(best[first:last], alike)
    return 1.0 - best.clamp(max=1.0)
