"""Games: what a critic minimises, and what a model that sings for it, in the losses of the field.

scores of recordings, scores of songs ──▶ own loss: how badly they are told apart;    model's term: how few pass
"""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Game = Literal["gan", "least_squares", "hinge", "wasserstein"]


def told_apart(game: Game, real: Tensor, sung: Tensor) -> Tensor:
    """What a critic minimises, a scalar; scores of any shapes, greater for what is more like a recording.

    gan (Goodfellow et al., 2014, eq. 1):       -E ln s(D(x)) - E ln(1 - s(D(x̂))),  s the logistic function
    least_squares (Mao et al., 2017, eq. 2):     ½ E (D(x) - 1)² + ½ E D(x̂)²
    hinge (Lim & Ye, 2017):                      E max(0, 1 - D(x)) + E max(0, 1 + D(x̂))
    wasserstein (Arjovsky et al., 2017, eq. 2):  E D(x̂) - E D(x)
    """
    if game == "gan":
        return F.softplus(-real).mean() + F.softplus(sung).mean()
    if game == "least_squares":
        return 0.5 * (real - 1.0).square().mean() + 0.5 * sung.square().mean()
    if game == "hinge":
        return F.relu(1.0 - real).mean() + F.relu(1.0 + sung).mean()
    return sung.mean() - real.mean()


def unconvinced(game: Game, sung: Tensor) -> Tensor:
    """What the model minimises, a scalar: -E ln s(D(x̂)) (not saturating), ½ E (D(x̂) - 1)², or else -E D(x̂)."""
    if game == "gan":
        return F.softplus(-sung).mean()
    if game == "least_squares":
        return 0.5 * (sung - 1.0).square().mean()
    return -sung.mean()
