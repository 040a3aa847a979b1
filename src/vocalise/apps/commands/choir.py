"""`vocalise choir`: renders singers who belong to nobody."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.console import in_one_line, show, watching


@in_one_line("Files that are finished stay; the same command writes them all again.")
def choir(
    out: Annotated[Path, typer.Argument(help="Folder to write OUT/<singer>/<song>.wav to.")],
    singers: Annotated[int, typer.Option(help="How many singers.")] = 6,
    minutes: Annotated[float, typer.Option(help="Minutes of singing of each.")] = 3.0,
    seed: Annotated[int, typer.Option(help="Of songs and noise; the same seed gives the same files.")] = 0,
    rate: Annotated[int, typer.Option(help="Hz, 16000 to 48000.")] = 16_000,
) -> None:
    """Render a choir of virtual singers, every one of whom sings every song, with the true pitch beside each file."""
    from vocalise.data.choir import render_choir

    with watching() as progress:
        render_choir(
            out,
            singers=singers,
            minutes=minutes,
            seed=seed,
            rate=rate,
            progress=lambda share: progress("rendering", share * singers, singers, "singers"),
        )
    show(f"{singers} singers have sung {minutes:g} minutes each to {out}. Next: vocalise check {out}")
