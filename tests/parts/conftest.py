"""A model that sings all at once, small enough for tests, and one pass of it over three singers' tones."""

from collections.abc import Callable

import pytest
import torch

from tests.material import Made
from vocalise.autoencoder import Autoencoder
from vocalise.parts import Conditioner, Continuous, Mel, Parallel, Wave
from vocalise.parts.contracts import Outcome

RATE, HOP = 16_000, 160


def little_model(rate: int = RATE) -> Autoencoder:
    """A parallel model of three singers."""
    torch.manual_seed(0)
    return Autoencoder.Config(
        signal=Wave.Config(rate=rate),
        encoder=Mel.Config(width=16, blocks=1, channels=6),
        bottleneck=Continuous.Config(),
        condition=Conditioner.Config(voice=4, pitch=True, loudness=True),
        decoder=Parallel.Config(width=16, blocks=1, bands=32),
    ).build(singers=3)


@pytest.fixture
def model() -> Autoencoder:
    return little_model()


@pytest.fixture
def tones() -> Made:
    """A third of a second of each of three singers."""
    return Made(singers=3, samples=32 * HOP, hop=HOP)


@pytest.fixture
def sing(model: Autoencoder, tones: Made) -> Callable[[], Outcome]:
    """A pass over a fresh lesson."""
    return lambda: model(tones.lesson(3))
