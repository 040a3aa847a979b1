"""`vocalise voices`: whom a voice file offers, what stands behind each of them, and whom to thank."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalise.apps.console import in_one_line, show

if TYPE_CHECKING:
    from vocalise.checkpoint import Voice


@in_one_line("Nothing was lost.")
def voices(
    voice: Annotated[Path | None, typer.Option(help="Voice file; by default the voice that comes along.")] = None,
) -> None:
    """Show who may be asked to sing, with range and origin, and the licence, credits and figures of the voice."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from vocalise.apps.tables import wide_console
    from vocalise.checkpoint import default_voice, load_voice

    shown = default_voice() if voice is None else load_voice(voice)
    table = Table("--to", "sings", "learned from", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in shown.names:
        table.add_row(*map(Text, (name, span(shown, name), origin(shown, name))))
    wide_console().print(table)
    card = shown.card
    figures = ", ".join(f"{name} {value:.3g}" for name, value in card.figures.items())
    facts = {
        "recipe": f"{shown.recipe.name}, {shown.model.rate} Hz, {card.steps} steps",
        "figures": figures,
        "licence": card.licence,
        "consent": card.consent,
        "credits": card.credits,
    }
    for what, words in facts.items():
        if words:
            show(f"{what}: {words}")


def span(voice: "Voice", name: str) -> str:
    """The middle nine tenths of what somebody sings, `165-392 Hz`; of a blend, between its singers' on a log scale."""
    from vocalise.checkpoint.places import ranges

    found = ranges(voice, voice.names, voice.shares())
    return f"{found[name][0]:.0f}-{found[name][2]:.0f} Hz" if name in found else "–"


def origin(voice: "Voice", name: str) -> str:
    """From how much of whose recordings somebody was learned, as far as the card tells."""
    weights = voice.offered.get(name, {name: 1.0})
    if len(weights) > 1:
        return f"a blend of {len(weights)} singers"
    minutes = voice.card.minutes.get(next(iter(weights)))
    if minutes is None:  # a place of its own that a blend was given, or a card that tells nothing
        return "a blend" if voice.card.minutes else "–"
    return f"{minutes:.1f} min"
