"""`vocalise evaluate`: how good a voice is, measured and judged on songs that it never heard."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalise.apps.commands.options import Data, Device, Exclude, Include, Sampler, Singers, names
from vocalise.apps.console import in_one_line, say, show, watching

if TYPE_CHECKING:
    from vocalise.evaluation import Report

Same = Annotated[
    list[str] | None, typer.Option(help="Two names of one person: ada=ada-live; may be repeated.", metavar="A=B")
]
Speaker = Annotated[
    Path | None, typer.Option(help="A speaker-verification network, as ONNX (needs the extra: evaluate).")
]
Judges = Annotated[str | None, typer.Option(help="Which judges, separated by commas; all by default.")]
Title = Annotated[str, typer.Option(help="Of the page.")]


@in_one_line("Songs that are converted stay; the same command passes them over and goes on.")
def evaluate(
    data: Data,
    voice: Annotated[Path, typer.Option(help="Voice file, e.g. RUN/voice.safetensors.")],
    out: Annotated[Path, typer.Option(help="Folder for sound, tables and page; the same command goes on in it.")],
    against: Annotated[
        list[Path] | None, typer.Option(help="Another voice file, to be compared with; may be repeated.")
    ] = None,
    pairs: Annotated[
        str | None, typer.Option(help="'ada>bob,bob>ada': who sang, and who is to sing. Default: all to all.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Only so many sounding seconds of each song. Default: whole songs.")
    ] = None,
    singers: Singers = None,
    include: Include = None,
    exclude: Exclude = None,
    same: Same = None,
    temperature: Annotated[float, typer.Option(help="Below 1 plays safe, above 1 takes chances.")] = 1.0,
    transpose: Annotated[
        str | None, typer.Option(help="Semitones, auto, range or mean; by default 0, or as the recipe has it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn by chance.")] = 0,
    speaker: Speaker = None,
    judges: Judges = None,
    title: Title = "",
    device: Device = "auto",
    sampler: Sampler = None,
) -> None:
    """Convert held-out songs to every singer and report how good it is: melody, singer, words, sound. One page."""
    from vocalise.evaluation import evaluate as run
    from vocalise.evaluation.plan import parse_pairs, parse_same

    asked = parse_pairs(pairs), parse_same(same or [])
    with watching() as progress:
        report = run(
            [("", path) for path in (voice, *(against or []))],
            data,
            out,
            progress=progress,
            pairs=asked[0],
            seconds=seconds,
            singers=names(singers),
            include=include or (),
            exclude=exclude or (),
            same=asked[1],
            temperature=temperature,
            transpose=transpose,
            seed=seed,
            device=device,
            sampler=sampler,
            speaker=speaker,
            judges=judges,
            title=title,
            command=typed(),
        )
    tell(report, out)


def typed() -> str:
    """The command as it was typed."""
    import shlex

    return shlex.join(["vocalise", *sys.argv[1:]])


def tell(report: "Report", out: Path) -> None:
    """Writes the page, prints the findings, and ends with exit 1 where nothing could be scored."""
    from vocalise.apps.evaluation_page import evaluation_page
    from vocalise.apps.evaluation_table import show_report
    from vocalise.apps.pages import write_page

    page = out / "index.html"
    write_page(page, evaluation_page(report, out))
    show_report(report)
    for clip in report.clips:
        if clip.state != "scored":
            whom = f" as {clip.target}" if clip.target else ""
            say(f"{clip.state}: {clip.system}: {clip.song}{whom}: {clip.why}")
    show(f"page: {page}")
    if all(clip.state != "scored" for clip in report.clips):
        raise typer.Exit(1)
