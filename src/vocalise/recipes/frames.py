"""Systems that draw spectral frames one at a time, and leave the singing to a vocoder."""

import types
from collections.abc import Mapping
from dataclasses import replace

from vocalise.autoencoder import Autoencoder
from vocalise.parts import Conditioner, Continuous, FrameCritic, Framewise, Gaussian, Reconstruction, Spectral, World
from vocalise.recipes.records import WIDTHS, Material, Optimiser, Recipe, Size

# Frames come in excerpts of 16, since recordings are drawn in excerpts.
_MATERIAL = Material(samples=None, seconds=0.08, batch=16)


def autoencoder(size: Size = "paper") -> Recipe:
    """The plain autoencoder (Hinton & Salakhutdinov, 2006), on spectral frames: 1000, 500, 250 units, 30 numbers.

    What it leaves out it could not fit into 30 numbers a frame; nobody is told who sings, so it sings as it hears. With
    linear parts it finds the span of the first principal components. Rectifiers and Adam are in the place of layerwise
    training, which they made needless.
    """
    width = WIDTHS[size]
    return Recipe(
        name="autoencoder",
        model=Autoencoder.Config(
            signal=World.Config(transpose=0),
            encoder=Framewise.Config(convolutions=(), layers=(1000, 500, 250), channels=30).scaled(width),
            bottleneck=Continuous.Config(),
            condition=Conditioner.Config(voice=0),
            decoder=Spectral.Config(convolutions=(), layers=(250, 500, 1000)).scaled(width),
        ),
        protocols=(Reconstruction.Config(),),
        optimiser=Optimiser(rate=1e-3, decays=100, decay=0.97, clip=1e4),
        material=_MATERIAL,
        steps=60_000,
    )


# The sizes of `vaevc`: (encoder, channels of the latent and of the voice, decoder, learning rate). The published code
# has convolutions along frequency; the two smallest have layers over whole frames instead, as the paper itself, which
# processors compute many times as fast.
VAEVC_SIZES: Mapping[Size, tuple[Framewise.Config, int, Spectral.Config, float]] = types.MappingProxyType(
    {
        "paper": (Framewise.Config(), 128, Spectral.Config(), 1e-4),
        "medium": (Framewise.Config().scaled(0.5), 128, Spectral.Config(across=257).scaled(0.5), 2e-4),
        "small": (
            Framewise.Config(convolutions=(), layers=(384, 384)),
            64,
            Spectral.Config(convolutions=(), layers=(384, 384)),
            1e-3,
        ),
        "tiny": (
            Framewise.Config(convolutions=(), layers=(16,)),
            8,
            Spectral.Config(convolutions=(), layers=(16,)),
            1e-3,
        ),
    }
)


def vaevc(size: Size = "paper") -> Recipe:
    """Voice conversion by a variational autoencoder (Hsu et al., 2016): the frame's content, and who sings it.

    To `autoencoder` it adds a voice that the decoder is told, and noise in the latent, which makes all that it is told
    otherwise too dear to send. Melody, energy and breath go round the network; the melody is moved to the asked
    singer's mean. Numbers are those of the published code, with WORLD in the place of STRAIGHT, but for the price of a
    nat: 1 as published lets twelve singers' latents keep who sang (docs/journal.md).
    """
    ancestor, (encoder, channels, decoder, rate) = autoencoder(size), VAEVC_SIZES[size]
    return replace(
        ancestor,
        name="vaevc",
        model=replace(
            ancestor.model,
            signal=World.Config(),
            encoder=encoder,
            bottleneck=Gaussian.Config(channels=channels),
            condition=Conditioner.Config(voice=channels),
            decoder=decoder,
        ),
        weights={"decoder": 1.0, "kl": 8.0},
        optimiser=Optimiser(rate=rate, decays=100, decay=0.97, betas=(0.5, 0.999), clip=1e4),
    )


# The sizes of its critic; published are 5 turns a step, and 100 at each of the first 25 and every 100th.
_CRITICS: Mapping[Size, FrameCritic.Config] = types.MappingProxyType(
    {
        "paper": FrameCritic.Config(teaches="decoder"),
        "medium": FrameCritic.Config(teaches="decoder"),
        "small": FrameCritic.Config(teaches="decoder", widths=(8, 16, 32), turns=2, many=10, eager=10),
        "tiny": FrameCritic.Config(teaches="decoder").scaled(WIDTHS["tiny"]),
    }
)


def vawgan(size: Size = "paper") -> Recipe:
    """Its frames judged by a Wasserstein critic (Hsu et al., 2017); told the pitch, for singing (Lu et al., 2020).

    To `vaevc` it adds a critic of converted frames, for every pair of singers, from a quarter of the run on (weights
    clipped at k = 0.01, under γ / k = 5000; with `kind=penalty` the weight is to be 1 to 50), frames bounded to ±1, and
    a decoder that is told the pitch, so that the latent need not carry it.
    """
    ancestor, (_, channels, decoder, _) = vaevc(size), VAEVC_SIZES[size]
    return replace(
        ancestor,
        name="vawgan",
        model=replace(
            ancestor.model,
            condition=Conditioner.Config(voice=channels, pitch=True),
            decoder=replace(decoder, bounded=True),
        ),
        adversaries=(_CRITICS[size],),
        weights={**ancestor.weights, FrameCritic.name: 5000.0},
        optimiser=replace(ancestor.optimiser, betas=(0.0, 0.9)),
    )
