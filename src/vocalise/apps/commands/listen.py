"""`vocalise listen`: a blind listening test, made as a page, and its results."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalise.apps.console import in_one_line, say, show, watching
from vocalise.errors import ConfigError

if TYPE_CHECKING:
    from vocalise.evaluation.listening import Listening, Material, Question, Setting

listen = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Let people judge: make a blind listening test as a page, and work out its results.",
)


@listen.command()
@in_one_line("No test was written.")
def make(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Output of `vocalise evaluate`, or a folder of sound files for each system."),
    ],
    out: Annotated[Path, typer.Option(help="The page to write; its key goes beside it.")],
    kind: Annotated[str, typer.Option(help="mos (scores), abx (choices) or both.")] = "mos",
    question: Annotated[
        list[str] | None,
        typer.Option(help="Only this: quality, similarity, voice or systems; may be repeated."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(help="The songs as they were sung, under the same names (for folders of sound files)."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="Real recordings of the target; TARGET/<singer>/ where there are several.")
    ] = None,
    clips: Annotated[int, typer.Option(help="Phrases of each system, of as many songs as there are.")] = 6,
    seconds: Annotated[float, typer.Option(help="Of each phrase, at most.")] = 6.0,
    points: Annotated[int, typer.Option(help="Points of the similarity scale: 5, or 4 from sure to sure.")] = 5,
    rate: Annotated[
        int | None, typer.Option(help="Hz of all sounds; by default the lowest of all, so that bandwidth is no cue.")
    ] = None,
    title: Annotated[str, typer.Option(help="Heading of the page; it should not tell what is compared.")] = "",
    language: Annotated[str, typer.Option(help="What the page speaks: en or ko.")] = "en",
    seed: Annotated[int, typer.Option(help="The same seed makes the same test.")] = 0,
) -> None:
    """Make a listening test: a page to send to listeners, and a key to keep.

    Real recordings and bad anchors are hidden among the conversions, everything is equally loud, the order is by lot
    for each listener, and the page tells nobody which system is which. It works from disk, without a network.
    """
    from vocalise.apps.listen_page import listen_page
    from vocalise.apps.pages import write_page
    from vocalise.evaluation.listening import Setting, design, gather, key_path, write_key

    if out.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--out {out}: give the page a name that ends in .html.")
    material = gather(folders, source=source, target=target)
    setting = Setting(
        questions=_questions(material, kind, question),
        clips=clips,
        seconds=seconds,
        rate=_checked_rate(rate),
        points=points,
        seed=seed,
        title=title,
        command=shlex.join(["vocalise", *sys.argv[1:]]),
        software=_software(),
    )
    with watching() as progress:
        listening = design(material, setting, progress=progress)
    page = listen_page(listening, language=language)
    write_key(key_path(out), listening.key)
    write_page(out, page)
    _tell(listening, setting)
    show(str(out))


def _checked_rate(rate: int | None) -> int | None:
    if rate is not None and not 8000 <= rate <= 48000:
        raise ConfigError(f"--rate {rate}: choose 8000 to 48000 Hz.")
    return rate


def _software() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"vocalise {version('vocalise')}"
    except PackageNotFoundError:
        return "vocalise (not installed)"


def _questions(material: "Material", kind: str, wanted: list[str] | None) -> "tuple[Question, ...]":
    """What is asked: all that is wanted by name, or whatever of the kind this material can answer."""
    from vocalise.evaluation.listening import KINDS, QUESTIONS, obstacles

    if kind not in KINDS:
        raise ConfigError(f"--kind {kind}: choose {', '.join(KINDS)}.")
    for name in wanted or ():
        if name not in QUESTIONS:
            raise ConfigError(f"--question {name}: choose {', '.join(QUESTIONS)}.")
    if wanted:
        return tuple(name for name in QUESTIONS if name in wanted)
    missing = obstacles(material)
    for name in KINDS[kind]:
        if name in missing:
            say(f"The question {name!r} is left out: {missing[name]}.")
    asked = tuple(name for name in KINDS[kind] if name not in missing)
    if not asked:
        raise ConfigError(f"--kind {kind}: none of its questions can be asked of this; try --kind mos.")
    return asked


def _tell(listening: "Listening", setting: "Setting") -> None:
    """What was made, for the experimenter."""
    key = listening.key
    trials = [trial for trial in key.trials if not trial.practice]
    phrases = len({trial.item for trial in trials})
    songs = len({(trial.song, trial.source) for trial in trials})
    say(
        f"{len(trials)} questions ({', '.join(key.asked)}) on {phrases} phrases of {songs} "
        f"song{'s' if songs != 1 else ''}, by {', '.join(key.systems)}; about "
        f"{listening.minutes:.0f} minutes for a listener. All sounds have {key.rate} Hz and {key.level:.0f} LUFS."
    )
    if phrases < setting.clips:
        say(f"There are only {phrases} phrases that all systems sang; --clips asked for {setting.clips}.")
    say("Send the page to your listeners, and keep the key to yourself: it says what is what.")


@listen.command()
@in_one_line("Nothing was written.")
def results(
    key: Annotated[Path, typer.Argument(help="The key of the test: TEST.key.json.")],
    answers: Annotated[list[Path], typer.Argument(help="What listeners sent: answers-*.json, or folders of them.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for results.json, results.csv and a page; by default nothing is written."),
    ] = None,
    leave_out_failed: Annotated[
        bool, typer.Option("--leave-out-failed", help="Without the listeners who fail the checks.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Work out the results: mean opinion scores with intervals, shares of choices, and who failed the checks."""
    from vocalise.apps.listen_results import results_page, show_results
    from vocalise.apps.pages import write_page
    from vocalise.evaluation.listening import evaluate_answers, read_key, read_sheets
    from vocalise.evaluation.listening.tables import write_results

    paths = [path for given in answers for path in (sorted(given.glob("*.json")) if given.is_dir() else [given])]
    wanted = read_key(key)
    sheets, refused = read_sheets([path for path in paths if path.resolve() != key.resolve()], wanted)
    for words in refused:
        say(f"refused: {words}")
    found = evaluate_answers(wanted, sheets, refused=refused, leave_out=leave_out_failed, seed=seed)
    show_results(found)
    if out is not None:
        write_results(found, out)
        write_page(out / "results.html", results_page(found))
        show(str(out / "results.html"))
