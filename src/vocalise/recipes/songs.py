"""Systems that sing all samples at once, told the melody."""

import types
from collections.abc import Mapping

from vocalise.autoencoder import Autoencoder
from vocalise.parts import (
    Conditioner,
    Consistency,
    Continuous,
    Conversion,
    Critic,
    Mel,
    Parallel,
    PitchConfusion,
    Reconstruction,
    SingerConfusion,
    SungBy,
    Wave,
)
from vocalise.parts.contracts import Adversary
from vocalise.recipes.records import Material, Optimiser, Recipe, Size

# The sizes of `aria`: (encoder, decoder, material). The decoder of `paper` has 13 million weights, of `medium` 3.5.
ARIA_SIZES: Mapping[Size, tuple[Mel.Config, Parallel.Config, Material]] = types.MappingProxyType(
    {
        "paper": (Mel.Config(width=384, blocks=6), Parallel.Config(), Material(samples=None, seconds=1.5, batch=16)),
        "medium": (Mel.Config(), Parallel.Config(width=256), Material(samples=None, seconds=1.5, batch=16)),
        "small": (
            Mel.Config(width=192, expansion=2),
            Parallel.Config(width=192, blocks=6),
            Material(samples=None, seconds=1.5, batch=4),
        ),
        "tiny": (
            Mel.Config(width=16, blocks=2, channels=8, lead=1.0),
            Parallel.Config(width=16, blocks=2, bands=32),
            Material(samples=None, seconds=0.5, batch=2),
        ),
    }
)


# Conversions, and who judges them, come when a recording can be copied; until then a critic only costs time.
ARIA_ADVERSARIES: tuple[Adversary.Config, ...] = (
    SingerConfusion.Config(uniform=True),
    PitchConfusion.Config(flat=True),
    Critic.Config(start=0.7, every=2),
    SungBy.Config(every=2),
    Consistency.Config(start=0.7),
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
        protocols=(Reconstruction.Config(), Conversion.Config(start=0.7, every=8)),
        weights={
            "decoder": 1.0,
            SingerConfusion.name: 0.1,
            PitchConfusion.name: 0.1,
            Critic.name: 0.25,
            SungBy.name: 0.5,
            Consistency.name: 1.0,
        },
        optimiser=Optimiser(rate=1e-3, decay=0.99, betas=(0.8, 0.99), average=0.05),
        material=material,
        steps=100_000,
    )
