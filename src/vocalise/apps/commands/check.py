"""`vocalise check`: the doctor looks at recordings before hours go into training."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalise.apps.commands.options import Data, Device, Exclude, Include, Singers, names
from vocalise.apps.console import in_one_line, say, show, watching
from vocalise.errors import VocaliseError

if TYPE_CHECKING:
    from vocalise.apps.estimate import Estimate
    from vocalise.data.check import Report


@in_one_line("Nothing was changed; start it again when you like.")
def check(
    data: Data,
    singers: Singers = None,
    include: Include = None,
    exclude: Exclude = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
    page: Annotated[
        Path | None, typer.Option(help="Write an HTML page with pictures of each singer to this file.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="Whose cost is estimated.")] = "usvc",
    size: Annotated[str, typer.Option(help="At which size.")] = "small",
    device: Device = "auto",
) -> None:
    """Look at recordings: what they are like, what to mend, what training would cost. Exit 1 if they cannot be used."""
    try:
        report, cost = _examine(data, names(singers), include or (), exclude or (), recipe, size, device)
    except VocaliseError as error:
        if as_json:
            show(json.dumps({"folder": str(data), "trainable": False, "error": str(error)}, indent=2))
        raise
    if as_json:
        facts = report.facts() | {"estimate": None if cost is None else cost.facts()}
        show(json.dumps(facts, indent=2, allow_nan=False))
    else:
        from vocalise.apps.tables import show_checkup

        show_checkup(report, cost)
    if page is not None:
        from vocalise.apps.checkup_page import checkup_page
        from vocalise.apps.pages import write_page

        write_page(page, checkup_page(report, cost))
        say(f"The page is {page}")
    if not report.trainable:
        raise typer.Exit(1)


def _examine(
    data: Path,
    singers: list[str] | None,
    include: "list[str] | tuple[str, ...]",
    exclude: "list[str] | tuple[str, ...]",
    recipe: str,
    size: str,
    device: str,
) -> "tuple[Report, Estimate | None]":
    """The report, and what training would cost (None where nothing can be trained on)."""
    from vocalise import recipes
    from vocalise.apps.estimate import estimate
    from vocalise.data.check import examine
    from vocalise.data.corpus import Corpus
    from vocalise.devices import choose_device

    chosen, place = recipes.recipe(recipe, size), choose_device(device)
    rate = chosen.model.signal.build().rate
    corpus = Corpus.open(data, singers=singers, include=include, exclude=exclude, rate=rate)
    with watching() as progress:
        report = examine(corpus, progress=progress)
        if not report.trainable:
            return report, None
        progress("measuring this machine", 0, 1)
        cost = estimate(report.corpus, chosen, size, place)
        progress("measuring this machine", 1, 1)
    return report, cost
