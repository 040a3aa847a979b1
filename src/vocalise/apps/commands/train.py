"""`vocalise train`: learns voices from recordings."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.commands.options import Data, Device, Exclude, Include, Sampler, Singers, names
from vocalise.apps.console import in_one_line, say, show, watching


@in_one_line("What is in the run folder stays: the same command goes on from the last checkpoint.")
def train(
    recipe: Annotated[str, typer.Argument(help="What to train; `vocalise recipes` shows them all.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Run folder; the same command again goes on where it ended.")],
    size: Annotated[str, typer.Option(help="paper, medium, small or tiny.")] = "small",
    steps: Annotated[int | None, typer.Option(help="How long, in steps.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Or in minutes, which become steps by a measurement.")] = None,
    device: Device = "auto",
    sampler: Sampler = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A field by path, e.g. model.encoder.channels=64; may be repeated."),
    ] = None,
    singers: Singers = None,
    include: Include = None,
    exclude: Exclude = None,
    licence: Annotated[str, typer.Option(help="Of the recordings; goes into the voice file's card.")] = "",
    consent: Annotated[str, typer.Option(help="Who agreed, to what; goes into the card.")] = "",
    seed: Annotated[int, typer.Option(help="Of everything drawn by chance.")] = 0,
) -> None:
    """Train a recipe on folders of singing. Ctrl-C saves; the same command goes on."""
    from vocalise import recipes
    from vocalise.config import override
    from vocalise.data.corpus import Corpus
    from vocalise.training.loop import train as run

    chosen = recipes.recipe(recipe, size)
    for setting in settings or []:
        chosen = override(chosen, setting)
    corpus = Corpus.open(
        data,
        singers=names(singers),
        include=include or (),
        exclude=exclude or (),
        rate=chosen.model.signal.build().rate,
    )
    warnings = sum(finding.level != "note" for finding in corpus.findings)
    if warnings:
        say(f"{warnings} warnings about the recordings; vocalise check {data} tells them.")
    with watching() as progress:
        verdict = run(
            chosen,
            corpus,
            out,
            steps=steps,
            minutes=minutes,
            device=device,
            sampler=sampler,
            licence=licence,
            consent=consent,
            seed=seed,
            progress=progress,
        )
    show(verdict.words)
    if not verdict.finished:
        say("To go on, type the same command again.")
        raise typer.Exit(130)
    if verdict.voice is not None:
        show(f"Next: vocalise convert SONG --voice {verdict.voice} --to {corpus.singers[0]!r} --out SUNG.wav")
