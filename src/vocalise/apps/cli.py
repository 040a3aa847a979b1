"""The command line: one command for each thing that `vocalise` can be told to do, each in a module of its own.

Nothing heavy is imported here or at the top of a command's module, so that `vocalise --help` answers at once.
"""

import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from typing import Annotated

import typer

from vocalise.apps.commands.check import check
from vocalise.apps.commands.choir import choir
from vocalise.apps.commands.convert import convert
from vocalise.apps.commands.demo import demo
from vocalise.apps.commands.doctor import doctor
from vocalise.apps.commands.enrol import enrol, forget
from vocalise.apps.commands.evaluate import evaluate
from vocalise.apps.commands.export import export
from vocalise.apps.commands.listen import listen
from vocalise.apps.commands.live import live
from vocalise.apps.commands.morph import morph
from vocalise.apps.commands.recipes import recipes
from vocalise.apps.commands.score import score
from vocalise.apps.commands.sing import sing
from vocalise.apps.commands.studio import studio
from vocalise.apps.commands.train import train
from vocalise.apps.commands.voices import voices
from vocalise.apps.console import say, show

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: tuple[Callable[..., None], ...] = (
    *(check, choir, train, convert, sing, morph, live, voices),
    *(enrol, forget, export, evaluate, score, recipes, demo, studio, doctor),
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(listen, name="listen")


def _version(wanted: bool) -> None:
    if wanted:
        try:
            show(f"vocalise {version('vocalise')}")
        except PackageNotFoundError:
            show("vocalise (not installed)")
        raise typer.Exit


@app.callback()
def vocalise(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Learns to sing from singing alone: give it folders of recordings, and it sings anybody's song in those voices.

    Three commands lead from recordings to a song: check, train, convert. To hear it work first: demo.
    """


def main() -> None:
    """Runs the command line."""
    # PyTorch's threads wait for each other in a busy loop. Where another program needs the processor too, that made a
    # training step 5 times and singing 20 times as slow (two cores, three busy programs); so they spin only briefly.
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a singer's name need not fit the terminal's encoding
    try:
        app(prog_name="vocalise")
    except KeyboardInterrupt:
        say("vocalise: interrupted.")
        sys.exit(130)


if __name__ == "__main__":
    main()
