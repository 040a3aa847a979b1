"""The bottleneck that lets everything through: content ──▶ z."""

from typing import final

from torch import Tensor

from vocalise.parts.contracts import Bottleneck, Latent


@final
class Continuous(Bottleneck):
    """Lets everything through; the encoder's few channels and slow frames are the bottleneck (Engel et al., 2017)."""

    def __init__(self, config: Bottleneck.Config, *, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, content: Tensor) -> Latent:
        """The content itself."""
        return Latent(z=content, terms={}, facts={})
