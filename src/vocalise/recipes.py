"""The table of the field: each system is a function of a few lines that says how it differs from its ancestor.

| recipe    | encoder | condition         | decoder  | adversaries     | protocols                        |
|-----------|---------|-------------------|----------|-----------------|----------------------------------|
| `wavenet` | Blank   | voice             | WaveNet  |                 | reconstruction                   |
| `nsynth`  | Dilated | content           | WaveNet  |                 | reconstruction                   |
| `usvc`    | Dilated | content + voice   | WaveNet  | SingerConfusion | reconstruction → backtranslation |
| `aria`    | Mel     | + pitch, loudness | Parallel | five of them    | reconstruction, then conversion  |

All have a Continuous bottleneck; `aria` hears and sings waves, the others a MuLaw signal. A size scales widths and
keeps depths; `usvc` and `aria` have tables of sizes of their own.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, cast, get_args

from pydantic import Field

from vocalise.autoencoder import Autoencoder
from vocalise.config import Count, Positive, Share
from vocalise.errors import ConfigError
from vocalise.parts import (
    Backtranslation,
    Blank,
    Conditioner,
    Consistency,
    Continuous,
    Conversion,
    Critic,
    Dilated,
    Mel,
    MuLaw,
    Parallel,
    PitchConfusion,
    Reconstruction,
    SingerConfusion,
    SungBy,
    Wave,
    WaveNet,
)
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


def wavenet(size: Size = "paper") -> Recipe:
    """WaveNet told the singer (van den Oord et al., 2016): samples of nobody's song.

    The paper gives neither widths nor optimiser; both are those of `usvc`.
    """
    return Recipe(
        name="wavenet",
        model=Autoencoder.Config(
            signal=MuLaw.Config(),
            encoder=Blank.Config(),
            bottleneck=Continuous.Config(),
            condition=Conditioner.Config(voice=64),
            decoder=WaveNet.Config().scaled(WIDTHS[size]),
        ),
    )


def nsynth(size: Size = "paper") -> Recipe:
    """NSynth's autoencoder (Engel et al., 2017): an encoder takes the place of the condition; nobody is told who sings.

    Numbers are those of the published code: 16 channels at 31.25 Hz; 30 layers of 3 taps, 512 residual and 256 skip
    channels. Our signal spans ±1/2 where theirs spans ±1; the first convolution absorbs the factor.
    """
    ancestor, width = wavenet(size), WIDTHS[size]
    return replace(
        ancestor,
        name="nsynth",
        model=replace(
            ancestor.model,
            encoder=Dilated.Config(channels=16, hop=512).scaled(width),
            condition=Conditioner.Config(voice=0),
            decoder=WaveNet.Config(blocks=3, kernel=3, residual=512, skip=256).scaled(width),
        ),
        optimiser=Optimiser(
            rate=2e-4,
            milestones=((0.0, 2e-4), (0.45, 4e-4 / 3), (0.6, 6e-5), (0.75, 4e-5), (0.9, 2e-5)),
            average=0.05,  # an average with decay 0.9999 over 200,000 steps
        ),
        material=Material(samples=6144, batch=32),
        steps=200_000,
    )


# The sizes of `usvc`: (encoder, decoder, material, learning rate). Below the published one decoders have widths and
# depths of their own. The two smallest are for processors, where a second of sound costs the same in any batch: short
# excerpts and small batches buy more updates for the same time, and narrow networks bear a higher rate.
USVC_SIZES: Mapping[Size, tuple[Dilated.Config, WaveNet.Config, Material, float]] = types.MappingProxyType(
    {
        "paper": (Dilated.Config(), WaveNet.Config(), Material(), 1e-3),
        "medium": (Dilated.Config(width=64), WaveNet.Config(residual=64, skip=128), Material(batch=4), 1e-3),
        "small": (
            Dilated.Config(blocks=2, width=32),
            WaveNet.Config(blocks=3, residual=32, skip=64),
            Material(samples=8000, batch=2),
            4e-3,
        ),
        "tiny": (
            Dilated.Config(blocks=1, layers=6, width=8, channels=16),
            WaveNet.Config(blocks=1, layers=6, residual=8, skip=16),
            Material(samples=8000, batch=2),
            4e-3,
        ),
    }
)


def usvc(size: Size = "paper") -> Recipe:
    """Unsupervised singing voice conversion (Nachmani & Wolf, 2019): our main system.

    One encoder with more channels at 20 Hz, one decoder told the singer by an embedding, a confusion network on the
    latent (λ = 0.01), four versions of every take, and backtranslation with mixed singers from two thirds of
    the run on.
    """
    ancestor = nsynth(size)
    encoder, decoder, material, rate = USVC_SIZES[size]
    return replace(
        ancestor,
        name="usvc",
        model=replace(ancestor.model, encoder=encoder, condition=Conditioner.Config(voice=64), decoder=decoder),
        adversaries=(SingerConfusion.Config().scaled(WIDTHS[size]),),
        protocols=(
            Reconstruction.Config(augment=("original", "reverse", "invert", "reverse_invert")),
            Backtranslation.Config(),
        ),
        weights={"decoder": 1.0, SingerConfusion.name: 0.01},
        optimiser=Optimiser(rate=rate),
        material=material,
        steps=300_000,
    )


# The sizes of `aria`: (encoder, decoder, material). The decoder of `paper` has 13 million weights, of `medium` 3.5.
ARIA_SIZES: Mapping[Size, tuple[Mel.Config, Parallel.Config, Material]] = types.MappingProxyType(
    {
        "paper": (Mel.Config(width=384, blocks=6), Parallel.Config(), Material(samples=None, seconds=1.5, batch=16)),
        "medium": (Mel.Config(), Parallel.Config(width=256), Material(samples=None, seconds=1.5, batch=16)),
        "small": (
            Mel.Config(width=192, expansion=2),
            Parallel.Config(width=192, blocks=6),
            Material(samples=None, seconds=1.5, batch=12),
        ),
        "tiny": (
            Mel.Config(width=16, blocks=2, channels=8, window=0.5),
            Parallel.Config(width=16, blocks=2, bands=32),
            Material(samples=None, seconds=0.5, batch=2),
        ),
    }
)


# Conversions, and who judges them, come when a recording can be copied; until then a critic only costs time.
ARIA_ADVERSARIES: tuple[Adversary.Config, ...] = (
    SingerConfusion.Config(uniform=True),
    PitchConfusion.Config(flat=True),
    Critic.Config(start=0.5, every=2),
    SungBy.Config(every=2),
    Consistency.Config(start=0.5),
)


def aria(size: Size = "paper") -> Recipe:
    """Ours: exact pitch, every rate, live; after Nachmani & Wolf, 2019, whose loop of ideas it keeps.

    What `usvc` carries through the latent it is told: melody and dynamics. So the encoder hears only the shape of the
    spectrum, without level and long-term colour, the confusion has less to do, and the decoder sings all samples at
    once, as harmonics and noise through filters. Every sample is 40 ms behind what is heard, so it can run live.
    """
    encoder, decoder, material = ARIA_SIZES[size]
    return Recipe(
        name="aria",
        model=Autoencoder.Config(
            signal=Wave.Config(),
            encoder=encoder,
            bottleneck=Continuous.Config(),
            condition=Conditioner.Config(voice=64, pitch=True, loudness=True),
            decoder=decoder,
        ),
        adversaries=tuple(one.scaled(0.05 if size == "tiny" else 1.0) for one in ARIA_ADVERSARIES),
        protocols=(Reconstruction.Config(), Conversion.Config(start=0.5, every=8)),
        weights={
            "decoder": 1.0,
            SingerConfusion.name: 0.5,
            PitchConfusion.name: 0.5,
            Critic.name: 0.5,
            SungBy.name: 1.0,
            Consistency.name: 1.0,
        },
        optimiser=Optimiser(rate=1e-3, decay=0.99, betas=(0.8, 0.99), average=0.05),
        material=material,
        steps=100_000,
    )


RECIPES: Mapping[str, Callable[[Size], Recipe]] = types.MappingProxyType(
    {function.__name__: function for function in (wavenet, nsynth, usvc, aria)}
)


def recipe(name: str, size: str = "paper") -> Recipe:
    """The recipe of a system at a size.

    Raises:
        ConfigError: there is no such recipe or size; the message names those that are.
    """
    if name not in RECIPES:
        raise ConfigError(f"There is no recipe {name!r}; the choices are {', '.join(RECIPES)}.")
    if size not in WIDTHS:
        raise ConfigError(f"There is no size {size!r}; the choices are {', '.join(WIDTHS)}.")
    return RECIPES[name](cast(Size, size))
