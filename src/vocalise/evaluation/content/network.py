"""The listener's network: three convolutions over 250 ms, small enough to be taught in seconds on one core.

features (13, frames) ──conv 5──▶ 96 ──conv 3, dilated 2──▶ 96 ──conv 3, dilated 4──▶ 48 ──▶ a score for every sound
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.evaluation.content.features import CEPSTRA
from vocalise.evaluation.content.sounds import SOUNDS
from vocalise.progress import Progress, silent

_WIDTH, _NARROW = 96, 48
_WINDOW = 200  # frames learnt at a time
_BATCH = 32
_RATE = 3e-3
_RISE = 0.2  # share of the steps over which the rate rises
_SMOOTHING = 0.05  # of the labels (Szegedy et al., 2016)


class Network(nn.Module):
    """Scores for every sound at every frame; `forward` takes (n, 13, frames) and gives (n, sounds, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(CEPSTRA, _WIDTH, 5, padding=2),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv1d(_WIDTH, _WIDTH, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv1d(_WIDTH, _NARROW, 3, padding=4, dilation=4),
            nn.ReLU(),
            nn.Conv1d(_NARROW, len(SOUNDS), 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Unnormalised log probabilities."""
        scores: Tensor = self.layers(features)
        return scores

    def packed(self) -> Tensor:
        """All weights in a row."""
        return nn.utils.parameters_to_vector(self.parameters()).detach()

    @classmethod
    def unpacked(cls, weights: Tensor) -> "Network":
        """The network of such a row.

        Raises:
            ValueError: there are more or fewer weights than it has.
        """
        with torch.random.fork_rng(devices=[]):
            network = cls()
        if weights.shape != (count := sum(one.numel() for one in network.parameters()),):
            raise ValueError(f"The listener has {count} weights, not {tuple(weights.shape)}.")
        nn.utils.vector_to_parameters(weights, network.parameters())
        return network.eval().requires_grad_(False)


def train(
    features: Sequence[Tensor], sounds: Sequence[Tensor], *, rounds: int, seed: int, progress: Progress = silent
) -> Network:
    """Teaches a new network by cross entropy; torch's global generator is put back afterwards.

    Args:
        features: (13, frames) of every take.
        sounds: (frames,) what is sung in it.
        rounds: how often all is heard.
        seed: of the weights, the order and the dropout.
        progress: told the rounds.
    """
    places = [(take, at) for take, one in enumerate(sounds) for at in range(0, len(one) - _WINDOW + 1, _WINDOW)]
    rng = np.random.default_rng([seed, 2])
    # Weights and dropout draw from the CPU's global generator, which alone is seeded; devices=[] spares the others.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        network = Network()
        optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-3)
        batches = [
            batch for _ in range(rounds) for batch in np.array_split(rng.permutation(places), -(-len(places) // _BATCH))
        ]
        for step, batch in enumerate(batches):
            progress("teaching the listener", step, len(batches))
            for group in optimiser.param_groups:
                group["lr"] = _RATE * _slope((step + 1) / len(batches))
            heard = torch.stack([features[take][:, at : at + _WINDOW] for take, at in batch])
            sung = torch.stack([sounds[take][at : at + _WINDOW] for take, at in batch])
            loss = F.cross_entropy(network(heard), sung, label_smoothing=_SMOOTHING)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
        progress("teaching the listener", len(batches), len(batches))
    return network.eval().requires_grad_(False)


def _slope(done: float) -> float:
    """The learning rate's share of its highest: up and down along cosines (Smith & Topin, 2018)."""
    if done < _RISE:
        return 0.5 - 0.48 * math.cos(math.pi * done / _RISE)
    return 0.5 + 0.5 * math.cos(math.pi * (done - _RISE) / (1.0 - _RISE))
