import math

import numpy as np
import pytest
import torch

from vocalise.measures import warping
from vocalise.measures.warping import dtw, warp


def random_walk(frames: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(6, frames, generator=torch.Generator().manual_seed(seed)).cumsum(dim=1)


def summed(a: torch.Tensor, b: torch.Tensor, path: tuple[torch.Tensor, torch.Tensor]) -> float:
    return float((a[:, path[0]] - b[:, path[1]]).double().norm(dim=0).sum())


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (9, 9), (40, 70), (70, 40), (200, 173)])
def test_the_cheapest_path_costs_what_librosa_says(shape):
    import librosa

    cost = torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)
    rows, columns = dtw(cost)
    expected = librosa.sequence.dtw(C=cost.numpy(), backtrack=False)[-1, -1]
    assert float(cost[rows, columns].sum()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 5), (30, 50), (50, 30)])
def test_a_path_runs_from_corner_to_corner_by_single_steps(shape):
    rows, columns = dtw(torch.rand(shape, generator=torch.Generator().manual_seed(1)))
    assert (rows[0], columns[0], rows[-1], columns[-1]) == (0, 0, shape[0] - 1, shape[1] - 1)
    steps = set(zip(torch.diff(rows).tolist(), torch.diff(columns).tolist(), strict=True))
    assert steps <= {(1, 1), (1, 0), (0, 1)}


def test_features_lie_on_themselves_frame_by_frame():
    a = random_walk(300)
    rows, columns = warp(a, a)
    assert torch.equal(rows, columns)
    assert torch.equal(rows, torch.arange(300))


def bent(frames: int) -> torch.Tensor:
    """Which frame of the original stands in each place of the bent one: up to 40 frames early and late."""
    place = torch.arange(frames, dtype=torch.float64)
    early = 40.0 * torch.sin(4 * math.pi * place / frames)
    return (place + early).round().long().clamp(0, frames - 1)


def test_a_bent_copy_is_bent_back():
    a = random_walk(900)
    where = bent(900)
    b = a[:, where] + 0.02 * torch.randn(6, 900, generator=torch.Generator().manual_seed(2))
    rows, columns = warp(a, b)
    apart = (rows - where[columns]).abs()
    inside = (columns > 50) & (columns < 850)  # at the ends the bent copy leaves frames out
    assert float(apart[inside].double().mean()) < 1.0
    assert int(apart[inside].max()) <= 8


def test_the_coarse_way_finds_the_path_of_all_pairs(monkeypatch):
    a, where = random_walk(3000), bent(3000)
    b = a[:, where][:, :2900] + 0.1
    best = summed(a, b, warp(a, b))
    monkeypatch.setattr(warping, "CELLS", 40 * 40)  # two coarse passes, one above the other
    path = warp(a, b)
    assert (path[0][0], path[1][0], path[0][-1], path[1][-1]) == (0, 0, 2999, 2899)
    assert summed(a, b, path) == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(("frames", "others"), [(1, 400), (400, 1), (2, 401), (401, 3)])
def test_the_coarse_way_goes_from_corner_to_corner_of_any_shape(frames, others, monkeypatch):
    monkeypatch.setattr(warping, "CELLS", 100)
    rows, columns = warp(random_walk(frames), random_walk(others, seed=3))
    assert (rows[0], columns[0], rows[-1], columns[-1]) == (0, 0, frames - 1, others - 1)
    assert bool((torch.diff(rows).clamp(0, 1) == torch.diff(rows)).all())
    assert len(torch.unique(rows)) == frames
    assert len(torch.unique(columns)) == others


@pytest.mark.parametrize(("frames", "others"), [(0, 0), (0, 5), (5, 0)])
def test_nothing_lies_along_nothing(frames, others):
    for path in (dtw(torch.zeros(frames, others)), warp(torch.zeros(3, frames), torch.zeros(3, others))):
        assert [len(part) for part in path] == [0, 0]


def test_what_cannot_be_compared_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="finite"):
        dtw(torch.tensor([[0.0, math.nan]]))
    with pytest.raises(ValueError, match="matrix"):
        dtw(torch.zeros(3))
    with pytest.raises(ValueError, match="are needed"):
        warp(torch.zeros(3, 5), torch.zeros(2, 5))
    monkeypatch.setattr(warping, "CELLS", 4)
    with pytest.raises(ValueError, match="finite"):
        warp(torch.full((3, 50), math.inf), torch.zeros(3, 50))


def test_a_zero_everywhere_goes_straight():
    rows, columns = dtw(torch.zeros(5, 8))
    assert len(rows) == 8  # five diagonal steps at most, and three that cannot be avoided
    assert np.all(np.diff(columns) == 1)
