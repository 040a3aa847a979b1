"""`vocalise demo`: from nothing to a converted song, and a page to hear it on."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.commands.options import Device
from vocalise.apps.console import in_one_line, say, show, watching


@in_one_line("What is finished stays: the same command goes on from there.")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the choir, the run and the page.")] = Path("demo"),
    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = 4.5,
    recipe: Annotated[str, typer.Option(help="What to train: aria or usvc.")] = "aria",
    device: Device = "auto",
) -> None:
    """Sing with the voice that comes along; then render a choir, train on it for some minutes, and write a page."""
    from vocalise.apps.demo import Setting, perform_demo

    with watching() as progress:
        setting = Setting(folder=out, minutes=minutes, device=device, recipe=recipe)
        page = perform_demo(setting, say=say, progress=progress)
    if page is None:
        say("To go on, type the same command again.")
        raise typer.Exit(130)
    show(str(page))
