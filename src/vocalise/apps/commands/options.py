"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(help="Folder of recordings: DATA/<singer>/**/*, or with a singers.csv.")]
Singers = Annotated[str | None, typer.Option(help="Only these singers, separated by commas.")]
Include = Annotated[list[str] | None, typer.Option(help="Only files like this, e.g. '*/sing/*'; may be repeated.")]
Exclude = Annotated[list[str] | None, typer.Option(help="No files like this; may be repeated.")]
Device = Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")]

Sampler = Annotated[
    str | None, typer.Option(help="Who sings sample by sample: auto (the fastest), native, cuda, torch.")
]


def names(singers: str | None) -> list[str] | None:
    """`ada,bob` as a list."""
    return [name.strip() for name in singers.split(",") if name.strip()] if singers else None
