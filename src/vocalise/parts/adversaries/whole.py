"""What adversaries may ask of the whole model, and the models that those who listen to the song must refuse.

model ──▶ does it sing waves, all at once, so that gradients go through the song?
"""

import typing

from torch import Tensor

from vocalise.errors import ConfigError
from vocalise.parts.contracts import Condition, Decoder, Encoder, Latent, Model, Signal


class Whole(Model, typing.Protocol):
    """The assembled model: how it sings, what it is told, and what it hears (written out in `autoencoder`)."""

    @property
    def signal(self) -> Signal: ...  # noqa: D102
    @property
    def encoder(self) -> Encoder: ...  # noqa: D102
    @property
    def condition(self) -> Condition: ...  # noqa: D102
    @property
    def decoder(self) -> Decoder: ...  # noqa: D102
    def encode(self, wave: Tensor, analysis: Tensor | None = None, before: Tensor | None = None) -> Latent: ...  # noqa: D102


def require_audible(model: Whole, who: str) -> None:
    """Refuses a model whose song cannot be heard while it learns.

    Raises:
        ConfigError: the decoder is autoregressive.
    """
    if model.decoder.autoregressive:
        raise ConfigError(
            f"{who} listens to what the model sings, but {type(model.decoder).__name__} sings sample after sample: in "
            f"training it only foretells each from the recording, and no gradient goes through that. Choose a "
            f"decoder that sings all at once, such as Parallel, or leave {who} out."
        )


def require_wave(model: Whole, who: str) -> None:
    """Refuses a model whose signal is no wave.

    Raises:
        ConfigError: it is not.
    """
    if (model.signal.channels, model.signal.hop) != (1, 1):
        raise ConfigError(
            f"{who} listens to waves, but {type(model.signal).__name__} has {model.signal.channels} channels every "
            f"{model.signal.hop} samples: choose the signal Wave, or leave {who} out."
        )
