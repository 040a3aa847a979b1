"""`vocalise score`: measures songs that any other tool converted, as `evaluate` measures ours."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.commands.evaluate import Judges, Same, Speaker, Title, tell, typed
from vocalise.apps.console import in_one_line, watching


@in_one_line("Nothing was changed; start it again when you like.")
def score(
    source: Annotated[Path, typer.Option(help="The songs: a folder for each singer, or files of one, or one file.")],
    converted: Annotated[Path, typer.Option(help="What became of them; names begin as the songs', folders mirror.")],
    target: Annotated[
        Path | None, typer.Option(help="Genuine recordings of the target, or a folder for each of several.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="Another tool's results, to be compared with.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables and page. Default: ./<name of CONVERTED>-scored.")
    ] = None,
    transpose: Annotated[
        str, typer.Option(help="How much higher it is meant to be: semitones, cents (700c), or auto.")
    ] = "0",
    same: Same = None,
    speaker: Speaker = None,
    judges: Judges = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn by chance.")] = 0,
    title: Title = "",
) -> None:
    """Measure any tool's conversions: what is kept of the song and, with --target, whom it sounds like. One page."""
    from vocalise.evaluation import score_folders
    from vocalise.evaluation.outside import parse_cents
    from vocalise.evaluation.plan import parse_same

    folder = out or Path(f"{converted.absolute().stem}-scored")
    cents, persons = parse_cents(transpose), parse_same(same or [])
    with watching() as progress:
        report = score_folders(
            source,
            converted,
            folder,
            target=target,
            against=against,
            transpose=cents,
            same=persons,
            speaker=speaker,
            judges=judges,
            seed=seed,
            title=title,
            command=typed(),
            progress=progress,
        )
    tell(report, folder)
