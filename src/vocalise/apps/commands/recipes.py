"""`vocalise recipes`: the table of the field."""

from typing import TYPE_CHECKING

from vocalise.apps.console import in_one_line, show

if TYPE_CHECKING:
    from vocalise.autoencoder import Autoencoder
    from vocalise.recipes import Size


@in_one_line("Nothing was lost.")
def recipes() -> None:
    """Show the table of the field: every recipe, its parts by family, its sizes and its paper."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from vocalise.apps.tables import wide_console
    from vocalise.recipes import RECIPES, SIZES

    families = ("signal", "encoder", "bottleneck", "condition", "decoder", "adversaries", "protocols")
    table = Table("recipe", *families, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    counts = Table("parameters", *SIZES, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in RECIPES:
        table.add_row(*map(Text, parts(name)))
        counts.add_row(name, *(f"{parameters(name, size):,}" for size in SIZES))
    console = wide_console()
    console.print(table)
    console.print(counts)
    for name, make in RECIPES.items():
        show(f"{name}: {(make.__doc__ or '').strip().splitlines()[0]}")
    show("\nEvery field can be set: vocalise train usvc DATA --out RUN --set model.encoder.channels=64")


def parts(name: str) -> list[str]:
    """A recipe's name and the members of each family that it uses."""
    from vocalise.parts import PerSinger
    from vocalise.recipes import RECIPES

    recipe = RECIPES[name]("paper")
    model = skeleton(name, "paper")
    told = {
        "content": model.latent_channels > 0,
        "voice": model.condition.uses_voice,
        "pitch": model.condition.uses_pitch,
    }
    signal, encoder, bottleneck, decoder = (
        type(part).__name__ for part in (model.signal, model.encoder, model.bottleneck, model.decoder)
    )
    if isinstance(recipe.model.decoder, PerSinger.Config):
        decoder += f"({type(recipe.model.decoder.decoder).part.__name__})"
    adversaries = ", ".join(type(one).part.__name__ for one in recipe.adversaries)
    protocols = " → ".join(type(one).part.__name__ for one in recipe.protocols)
    condition = " + ".join(word for word, used in told.items() if used)
    return [name, signal, encoder, bottleneck, condition or "–", decoder, adversaries or "–", protocols]


def skeleton(name: str, size: "Size") -> "Autoencoder":
    """The model of a recipe for six singers, without its weights."""
    import torch

    from vocalise.recipes import RECIPES

    with torch.device("meta"):
        return RECIPES[name](size).model.build(singers=6)


def parameters(name: str, size: "Size") -> int:
    """How many numbers the model of a recipe learns, with six singers."""
    return sum(weight.numel() for weight in skeleton(name, size).parameters())
