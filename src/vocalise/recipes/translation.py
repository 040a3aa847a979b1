"""Universal Music Translation: between the autoencoder of one voice and the conversion of many."""

from dataclasses import replace

from vocalise.parts import PerSinger, Reconstruction, SingerConfusion
from vocalise.recipes.records import WIDTHS, Material, Optimiser, Recipe, Size
from vocalise.recipes.waves import USVC_SIZES, nsynth


def umt(size: Size = "paper") -> Recipe:
    """Universal Music Translation (Mor et al., 2018): one ear for all, and a decoder of its own for each singer.

    To `nsynth` it adds a confusion network on the latent (λ = 0.01), which learns from clean takes, and an encoder that
    hears a stretch of each take up to half a semitone out of tune. Nobody is told who sings: the singer's decoder is
    chosen. Numbers are those of the published script, but with the paper's ten layers a block; below the published size
    those of `usvc`.
    """
    ancestor = nsynth(size)
    encoder, decoder, material, rate = USVC_SIZES[size]
    return replace(
        ancestor,
        name="umt",
        model=replace(ancestor.model, encoder=encoder, decoder=PerSinger.Config(decoder=decoder)),
        adversaries=(SingerConfusion.Config(clean=True).scaled(WIDTHS[size]),),
        protocols=(Reconstruction.Config(perturb=0.5),),
        weights={"decoder": 1.0, SingerConfusion.name: 0.01},
        optimiser=Optimiser(rate=rate, decay=0.995),  # once in 1,000 steps
        material=Material(samples=12_000, batch=32) if size == "paper" else material,
        steps=300_000,
    )
