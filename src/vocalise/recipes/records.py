"""What a recipe is made of: a model, who works against it, what it is taught, and how it learns."""

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import Field

from vocalise.autoencoder import Autoencoder
from vocalise.config import Count, Positive, Share
from vocalise.parts import Backtranslation, Conversion, PerSinger, Reconstruction
from vocalise.parts.contracts import Adversary, Protocol

Size = Literal["paper", "medium", "small", "tiny"]
SIZES: tuple[Size, ...] = get_args(Size)
WIDTHS: Mapping[Size, float] = types.MappingProxyType({"paper": 1.0, "medium": 0.5, "small": 0.25, "tiny": 0.0625})


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """Adam, its schedule over the run, and what keeps it steady."""

    rate: Positive = 1e-3
    decay: Share = 0.98  # the rate is multiplied by it `decays` times in a run, evenly
    decays: Count = 300  # once in 1,000 of 300,000 steps
    milestones: tuple[tuple[float, float], ...] = ()  # instead: (share of the run, rate from there on)
    betas: tuple[float, float] = (0.9, 0.999)
    clip: Positive = 1.0  # greatest norm of the gradient
    average: Share = 0.0  # window of a moving average of the weights, as a share of the run; 0: none

    def rate_at(self, share: float) -> float:
        """The learning rate when so much of the run is done, share in [0, 1]."""
        if self.milestones:
            return next((rate for start, rate in reversed(self.milestones) if share >= start), self.rate)
        return float(self.rate * self.decay ** int(share * self.decays))


@dataclass(frozen=True, kw_only=True)
class Material:
    """How recordings become batches."""

    samples: Count | None = 16_000  # of an excerpt: a second
    seconds: Positive | None = None  # of an excerpt instead, rounded to whole frames, for recipes of any rate
    batch: Annotated[int, Field(ge=1, le=4096)] = 8
    # What a recording lacks above its bandwidth is imagined after the others; with `file` it belongs to its sound, and
    # only what its rate could not hold is imagined.
    bandwidth: Literal["measured", "file"] = "measured"
    level: Share = 0.95  # each recording's peak; quiet ones would waste the μ-law's levels
    held_out: Annotated[float, Field(ge=0.0, le=0.5)] = 0.1  # share of each singer's time

    def __post_init__(self) -> None:
        """Refuses an excerpt of two lengths."""
        if self.samples is not None and self.seconds is not None:
            raise ValueError("an excerpt has samples or seconds, not both: set the other to null first")

    def excerpt(self, *, rate: int, hop: int) -> int:
        """Samples of an excerpt at `rate` Hz: as they are, or from seconds (1 if neither is set) in whole frames."""
        if self.samples is not None:
            return self.samples
        return max(1, round((self.seconds or 1.0) * rate / hop)) * hop


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole system: the model, who works against it, what it is taught, and how terms are weighed."""

    name: str
    model: Autoencoder.Config
    adversaries: tuple[Adversary.Config, ...] = ()
    protocols: tuple[Protocol.Config, ...] = (Reconstruction.Config(),)
    weights: Mapping[str, float] = field(default_factory=lambda: {"decoder": 1.0})  # of each term, by its name
    optimiser: Optimiser = Optimiser()
    material: Material = Material()
    steps: Count = 300_000  # as published; shorter runs scale every schedule

    def __post_init__(self) -> None:
        """Refuses a recipe whose pieces cannot work together."""
        if not self.protocols:
            raise ValueError("a recipe needs at least one protocol")
        mixing = next((type(one).part.__name__ for one in self.protocols if _mixes(one)), None)
        if isinstance(self.model.decoder, PerSinger.Config) and mixing is not None:
            raise ValueError(
                f"{mixing} has mixtures of singers sing, and PerSinger can sing none: set its mixing to false (0), or "
                "take one decoder that is told the voice"
            )


def _mixes(protocol: Protocol.Config) -> bool:
    return isinstance(protocol, Backtranslation.Config | Conversion.Config) and bool(protocol.mixing)
