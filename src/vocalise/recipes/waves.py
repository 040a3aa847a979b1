"""Systems that sing sample by sample: WaveNet and those that put an encoder before it."""

import types
from collections.abc import Mapping
from dataclasses import replace

from vocalise.autoencoder import Autoencoder
from vocalise.parts import (
    Backtranslation,
    Blank,
    Conditioner,
    Continuous,
    Dilated,
    MuLaw,
    PitchConfusion,
    Reconstruction,
    SingerConfusion,
    Strided,
    VectorQuantizer,
    WaveNet,
)
from vocalise.recipes.records import WIDTHS, Material, Optimiser, Recipe, Size


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


def pitchnet(size: Size = "paper") -> Recipe:
    """PitchNet (Deng et al., 2020): `usvc` told the melody, and taught to keep it out of the latent.

    The decoder is told the pitch 160 times a second, 8 columns for each frame, for 20 a second would lose vibrato; a
    second adversary looks for the pitch in the latent, μ = 0.1. So the tune is told, and can be another one than was
    heard. Theirs is in Hz from 48 to 1568 and its adversary's error negated; ours is in octaves, and what the model
    learns is to leave the adversary with a constant guess, which is bounded (`adversaries.1.flat=false` negates).
    """
    ancestor = usvc(size)
    return replace(
        ancestor,
        name="pitchnet",
        model=replace(ancestor.model, condition=Conditioner.Config(voice=64, pitch=True, columns=8)),
        adversaries=(*ancestor.adversaries, PitchConfusion.Config(flat=True, memory=256).scaled(WIDTHS[size])),
        weights={**ancestor.weights, PitchConfusion.name: 2.0},
    )


def vqvae(size: Size = "paper") -> Recipe:
    """VQ-VAE (van den Oord et al., 2017): what passes from encoder to decoder is the number of a code, 250 a second.

    No adversary: a code that has to serve all singers has no room for any of them, and who sings is told as a one-hot
    vector. β = 0.25. Jitter and schedule are those of Chorowski et al., 2019; the widths of the decoder are `usvc`'s,
    for the paper gives none.
    """
    ancestor, (_, decoder, material, rate) = nsynth(size), USVC_SIZES[size]
    return replace(
        ancestor,
        name="vqvae",
        model=replace(
            ancestor.model,
            encoder=Strided.Config().scaled(WIDTHS[size]),
            bottleneck=VectorQuantizer.Config(),
            condition=Conditioner.Config(voice="one-hot"),
            decoder=decoder,
        ),
        weights={"decoder": 1.0, "commitment": 0.25},
        optimiser=Optimiser(
            rate=0.4 * rate,
            milestones=tuple((share, 0.4 * rate / fold) for share, fold in ((0.0, 1), (0.4, 2), (0.6, 4), (0.8, 8))),
            average=0.05,
        ),
        material=replace(material, samples=5120, batch=64) if size == "paper" else material,
        steps=1_000_000,
    )
