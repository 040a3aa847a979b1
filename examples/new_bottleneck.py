"""A new part, complete: a bottleneck that adds noise to the latent, and a recipe that names it.

Subclassing a family is all there is to it: the part can be written to a recipe and read back, `--set` reaches its
fields, and the contract tests find it. In the house it would stand in `parts/bottlenecks.py`.
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from vocalise.config import Positive
from vocalise.parts.contracts import Bottleneck, Latent
from vocalise.recipes import Recipe, recipe


@final
class Noisy(Bottleneck):
    """Lets content through a noisy channel: what is weaker than the noise is lost. The decoder learns to do without."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Bottleneck.Config):
        """How noisy."""

        level: Positive = 0.1  # standard deviation of the noise

    def __init__(self, config: Config, *, channels: int) -> None:
        super().__init__()
        self.level, self.channels = config.level, channels

    def forward(self, content: Tensor) -> Latent:
        """The content, noisy while training; its power goes to the journal."""
        noise = self.level * torch.randn_like(content) if self.training else torch.zeros_like(content)
        return Latent(z=content + noise, terms={}, facts={"power": content.square().mean().detach()})


def noisy_usvc(level: float = 0.1) -> Recipe:
    """`usvc` (Nachmani & Wolf, 2019) with noise in its bottleneck."""
    ancestor = recipe("usvc", "tiny")
    return replace(ancestor, name="noisy", model=replace(ancestor.model, bottleneck=Noisy.Config(level=level)))


if __name__ == "__main__":
    print(noisy_usvc().model.build(singers=2))
