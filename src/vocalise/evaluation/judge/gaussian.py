"""A judge without learning by gradient: a mixture of Gaussians of cepstra for each person (Reynolds & Rose, 1995).

cepstra of the sounding frames ──▶ log likelihood under each person, summed, tempered ──softmax──▶ who sings

Each mixture has few components with full covariances: a component is a sort of sound, a covariance how it varies.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.evaluation.judge.hearing import Hearing, Pieces

COMPONENTS = 4
ROUNDS = 12  # of expectation and maximisation
RIDGE = 1.0  # dB² added to each variance
PRIOR = 50.0  # frames' worth of the person's overall covariance in that of each component
THINNED = 4  # frames: every fourth is fitted, because neighbours are nearly alike
TEMPER = 25.0  # frames that count as one look: sounds last about a quarter of a second


@dataclass(frozen=True, eq=False)
class GaussianJudge:
    """Mixtures of all persons, side by side."""

    name: str
    persons: tuple[str, ...]
    learnt: frozenset[tuple[str, str]]
    hearing: Hearing
    weights: Tensor  # (persons, components)   log
    means: Tensor  # (persons, components, cepstra)
    whiteners: Tensor  # (persons, components, cepstra, cepstra)   inverse Cholesky factors of the covariances

    def hear(self, wave: Tensor, rate: int) -> Tensor:
        """Probabilities (pieces, persons) of the pieces of a wave (samples,) at `rate` Hz."""
        return self.judge(self.hearing.pieces(wave, rate))

    def judge(self, pieces: Pieces) -> Tensor:
        """The same of pieces that were cut before."""
        rows = [self._tempered(frames(pieces, n)) for n in range(len(pieces))]
        return torch.softmax(torch.stack(rows), dim=1) if rows else torch.zeros(0, len(self.persons))

    def _tempered(self, heard: Tensor) -> Tensor:
        """Log likelihood of each person for frames (frames, cepstra), as if they came from fewer looks: (persons,)."""
        return _mixed(heard, self.weights, self.means, self.whiteners).logsumexp(dim=1).sum(dim=-1) / TEMPER

    def parameters(self) -> Tensor:
        """All numbers in one row, for the cache."""
        return torch.cat([self.weights.reshape(-1), self.means.reshape(-1), self.whiteners.reshape(-1)])

    @classmethod
    def restored(
        cls,
        name: str,
        persons: tuple[str, ...],
        learnt: frozenset[tuple[str, str]],
        hearing: Hearing,
        parameters: Tensor,
    ) -> Self:
        """The judge of those numbers.

        Raises:
            ValueError: there are too few or too many of them.
        """
        few, wide = len(persons) * COMPONENTS, hearing.coefficients - 1
        sizes = [few, few * wide, few * wide * wide]
        if parameters.shape != (sum(sizes),):
            raise ValueError(f"{parameters.numel()} numbers are no judge of {len(persons)} persons")
        weights, means, whiteners = torch.split(parameters, sizes)
        shape = (len(persons), COMPONENTS)
        return cls(
            name, persons, learnt, hearing, weights.view(shape), means.view(*shape, wide),
            whiteners.view(*shape, wide, wide),
        )  # fmt: skip


def frames(pieces: Pieces, number: int) -> Tensor:
    """The sounding frames of a piece (frames, cepstra), without the level."""
    return pieces.cepstra[number, 1:, pieces.active[number]].T


def fit(
    name: str,
    persons: tuple[str, ...],
    learnt: frozenset[tuple[str, str]],
    hearing: Hearing,
    pieces: Sequence[Sequence[Pieces]],
) -> GaussianJudge:
    """A judge of what each person sang; nothing is drawn by chance. `pieces` are those of each person's stretches."""
    mixtures = []
    for own in pieces:
        heard = [frames(part, n)[::THINNED] for part in own for n in range(0, len(part), 2)]  # every other: no overlap
        mixtures.append(_mixture(torch.cat(heard)))
    weights, means, whiteners = (torch.stack([mixture[n] for mixture in mixtures]) for n in range(3))
    return GaussianJudge(name, persons, learnt, hearing, weights, means, whiteners)


def _mixture(heard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Expectation and maximisation (Dempster, Laird & Rubin, 1977), from equal parts along the widest direction."""
    heard = heard.double()
    overall = torch.cov(heard.T, correction=0)
    along = (heard - heard.mean(dim=0)) @ torch.linalg.eigh(overall).eigenvectors[:, -1]
    parts = along.argsort().argsort() * COMPONENTS // len(heard)
    shares = F.one_hot(parts, COMPONENTS).double()
    for _ in range(ROUNDS):
        count = shares.sum(dim=0) + 1e-3
        means = shares.T @ heard / count[:, None]
        weights = (count / count.sum()).log()
        whiteners = torch.stack([_whitener(heard - means[n], shares[:, n], overall) for n in range(COMPONENTS)])
        shares = torch.softmax(_mixed(heard, weights[None], means[None], whiteners[None])[0].T, dim=1)
    return weights.float(), means.float(), whiteners.float()


def _whitener(apart: Tensor, shares: Tensor, overall: Tensor) -> Tensor:
    """The inverse Cholesky factor of one component's covariance, drawn towards the overall one."""
    covariance = ((apart * shares[:, None]).T @ apart + PRIOR * overall) / (shares.sum() + PRIOR)
    identity = torch.eye(len(overall), dtype=overall.dtype)
    lower = torch.linalg.cholesky(covariance + RIDGE * identity)
    inverse: Tensor = torch.linalg.solve_triangular(lower, identity, upper=False)
    return inverse


def _mixed(heard: Tensor, weights: Tensor, means: Tensor, whiteners: Tensor) -> Tensor:
    """Log density of frames under each component, with its weight: (persons, components, frames)."""
    white = torch.einsum("pkij,pkjn->pkin", whiteners, (heard[None, None] - means[:, :, None]).transpose(2, 3))
    volume = whiteners.diagonal(dim1=2, dim2=3).log().sum(dim=2) + weights
    constant = 0.5 * heard.shape[1] * math.log(2.0 * math.pi)
    return volume[..., None] - constant - 0.5 * white.square().sum(dim=2)
