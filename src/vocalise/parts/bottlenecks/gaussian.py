"""Gaussian: a point drawn from a cloud that the encoder describes, at the price of the cloud's distance to the prior.

content ──▶ μ, lg σ² ──▶ z = μ + σ ⊙ ε, ε ~ N(0, I)        penalty: KL( N(μ, σ²) ‖ N(0, I) ) in nats a frame
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from vocalise.config import Count
from vocalise.parts.contracts import Bottleneck, Latent

_LIMIT = 20.0  # of ln σ²: beyond it numbers overflow, and nothing has been learnt
_ACTIVE = 0.01  # nats a frame from which on a channel counts as used


@final
class Gaussian(Bottleneck):
    """Variational bottleneck (Kingma & Welling, 2014; for voices Hsu et al., 2016): draws in training, else the mean.

    KL = ½ Σ_c ( μ_c² + σ_c² - 1 - ln σ_c² ),  the mean over frames, under the term `kl`
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Bottleneck.Config):
        """Size of the latent; Hsu et al.'s code has 128."""

        channels: Count = 128

    def __init__(self, config: Config, *, channels: int) -> None:
        super().__init__()
        self.channels = config.channels
        self.cloud = nn.Conv1d(channels, 2 * config.channels, 1)

    def forward(self, content: Tensor) -> Latent:
        """(batch, channels, frames) -> z, the term `kl`, and how many channels say anything."""
        mean, log_variance = self.cloud(content).chunk(2, dim=1)
        log_variance = log_variance.clamp(-_LIMIT, _LIMIT)
        cost = divergence(mean.float(), log_variance.float())
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean) if self.training else mean
        active = (cost.detach().mean(dim=(0, 2)) > _ACTIVE).sum().float()
        return Latent(z=z, terms={"kl": cost.sum(dim=1).mean()}, facts={"active_channels": active})


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL( N(μ, σ²) ‖ N(0, 1) ) of each number, in nats (Kingma & Welling, 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)
