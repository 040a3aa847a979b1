"""Dynamic time warping: the cheapest way to lay one performance along another (Sakoe & Chiba, 1978).

features (d, n), (d, m) ──▶ cost of every pair of frames ──anti-diagonals──▶ cheapest monotone path ──▶ frame for frame

All cells of an anti-diagonal depend on the two before it alone, so each is worked out at once. What is too long for
all pairs is laid out coarsely first, and then finely within a band around that path (Salvador & Chan, 2007).
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

CELLS = 1 << 22  # pairs of frames that are compared without a coarse pass: 20 s against 20 s at 10 ms
REACH = 100  # rows of the band on either side of the coarse path, so that it may lead or lag by twice as many frames
_COARSE = 8  # frames that the coarse pass takes for one
_GATHERED = 1 << 21  # numbers that are worked on at a time in a band

Path = tuple[Tensor, Tensor]  # (length,), (length,): int64 frames of the one and of the other
_Row = NDArray[np.float64]


def dtw(cost: Tensor) -> Path:
    """The path from the first corner to the last, by steps (1, 1), (1, 0) and (0, 1), of the least summed cost.

    Args:
        cost: (n, m), at least 0.

    Returns:
        The rows and the columns of its cells in order, both (length,); empty where the matrix is. Among equally cheap
        steps the diagonal one is taken.

    Raises:
        ValueError: the cost is no matrix, or holds what is not a number.
    """
    if cost.ndim != 2 or not bool(torch.isfinite(cost).all()):
        raise ValueError(f"Warping takes a matrix (n, m) of finite costs, not {tuple(cost.shape)} of anything else.")
    rows, columns = cost.shape
    if not rows or not columns:
        return _nothing()
    if rows > columns:
        after, before = dtw(cost.mT)
        return before, after
    first = np.maximum(0, np.arange(rows + columns - 1) - (columns - 1))
    matrix = np.ascontiguousarray(cost.detach().double().cpu().numpy())
    return _cheapest(_diagonals(matrix), first, (rows, columns))


def warp(a: Tensor, b: Tensor) -> Path:
    """Lays features (d, n) along features (d, m): the path of least summed Euclidean distance.

    It is the best of all paths where n * m is at most `CELLS`. Beyond that, the frames are averaged by eights, their
    path is found in the same way, and the fine path is the best of those that keep within `REACH` rows of it: two
    seconds of lead or lag at 10 ms, around a path that has followed the coarse one already. Memory and time then grow
    with n + m: 4 minutes against 4 minutes at 10 ms take some 100 MB.

    Raises:
        ValueError: the features differ in their number, or hold what is not a number.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[0]:
        raise ValueError(f"Features (d, n) and (d, m) are needed, not {tuple(a.shape)} and {tuple(b.shape)}.")
    if not a.shape[1] or not b.shape[1]:
        return _nothing()
    a, b = a.detach().double().cpu(), b.detach().double().cpu()
    if a.shape[1] * b.shape[1] <= CELLS:
        exact = "donot_use_mm_for_euclid_dist"  # the quick way leaves 1e-7 of the level between equal frames
        return dtw(torch.cdist(a.mT.contiguous(), b.mT.contiguous(), compute_mode=exact))
    if not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise ValueError("Features to be warped must be finite.")
    first = _band(warp(_averaged(a), _averaged(b)), (a.shape[1], b.shape[1]))
    return _cheapest(_band_costs(a, b, first), first, (a.shape[1], b.shape[1]))


def _nothing() -> Path:
    return torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)


def _averaged(features: Tensor) -> Tensor:
    return F.adaptive_avg_pool1d(features[None], -(-features.shape[1] // _COARSE))[0]


def _diagonals(matrix: NDArray[np.float64]) -> Iterator[_Row]:
    """The anti-diagonals of (n, m), n <= m, from the topmost row that each reaches down, filled up with inf to n."""
    rows, columns = matrix.shape
    flat, stride = matrix.reshape(-1), max(1, columns - 1)
    for place in range(rows + columns - 1):
        top, bottom = max(0, place - columns + 1), min(rows - 1, place)
        line = np.full(rows, np.inf)
        line[: bottom - top + 1] = flat[place + top * (columns - 1) :: stride][: bottom - top + 1]
        yield line


def _band(coarse: Path, shape: tuple[int, int]) -> NDArray[np.int64]:
    """The first row of the band on each anti-diagonal: `REACH` above the coarse path, going down by one or by none."""
    ends = (int(path[-1]) for path in coarse)
    rows, columns = (
        path.double().numpy() * ((frames - 1) / max(1, end))
        for path, frames, end in zip(coarse, shape, ends, strict=True)
    )
    centre = np.floor(np.interp(np.arange(sum(shape) - 1), rows + columns, rows) + 0.5).astype(np.int64)
    down = np.clip(np.diff(centre, prepend=0), 0, 1)
    first: NDArray[np.int64] = np.cumsum(down) - REACH
    return first


def _band_costs(a: Tensor, b: Tensor, first: NDArray[np.int64]) -> Iterator[_Row]:
    """Distances on each anti-diagonal of the band, inf outside the matrix."""
    frames, others = (features.float().mT.contiguous() for features in (a, b))
    reach = torch.arange(2 * REACH + 1)
    starts = torch.from_numpy(first)
    step = max(1, _GATHERED // (a.shape[0] * len(reach)))
    for places in torch.split(torch.arange(len(first)), step):
        rows = starts[places, None] + reach
        columns = places[:, None] - rows
        there = (rows >= 0) & (rows < len(frames)) & (columns >= 0) & (columns < len(others))
        left, right = frames[rows.clamp(0, len(frames) - 1)], others[columns.clamp(0, len(others) - 1)]
        distance = (left - right).square().sum(dim=-1).sqrt().double()
        yield from torch.where(there, distance, torch.inf).numpy()


def _cheapest(costs: Iterator[_Row], first: NDArray[np.int64], shape: tuple[int, int]) -> Path:
    """The cheapest path over costs (diagonals, width), where cell k of diagonal d is row first[d] + k, column d - row.

    `first` grows by at most one from diagonal to diagonal.
    """
    sideways: list[NDArray[np.bool_]] = []  # whether a cell is entered by a step along one side only …
    downwards: list[NDArray[np.bool_]] = []  # … and whether that one would be (1, 0)
    older = last = np.empty(0)
    for place, cost in enumerate(costs):
        width = len(cost)
        if place == 0:
            older, last = np.full(width + 2, np.inf), np.full(width + 2, np.inf)
            older[-first[0]] = 0.0  # before the first cell there is nothing to pay
        one = first[place] - first[max(0, place - 1)]
        two = first[place] - first[max(0, place - 2)]
        above, left, corner = last[one : one + width], last[one + 1 : one + 1 + width], older[two : two + width]
        side = np.minimum(above, left)
        sideways.append(side < corner)
        downwards.append(above <= left)
        older[1:-1], older[0] = np.minimum(side, corner) + cost, np.inf
        older, last = last, older
    return _traced(sideways, downwards, first, shape)


def _traced(
    sideways: list[NDArray[np.bool_]],
    downwards: list[NDArray[np.bool_]],
    first: NDArray[np.int64],
    shape: tuple[int, int],
) -> Path:
    """The way back from the last corner."""
    row, column = shape[0] - 1, shape[1] - 1
    cells = [(row, column)]
    while row or column:
        place = row + column
        cell = row - first[place]
        if not sideways[place][cell]:
            row, column = row - 1, column - 1
        elif downwards[place][cell]:
            row -= 1
        else:
            column -= 1
        cells.append((row, column))
    path = torch.tensor(cells[::-1], dtype=torch.int64)
    return path[:, 0].contiguous(), path[:, 1].contiguous()
