"""`vocalise enrol` and `vocalise forget`: a place in a voice for one more singer, or for one fewer."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.commands.options import Device
from vocalise.apps.console import in_one_line, show, watching

FitTo = Annotated[
    Path | None, typer.Option(help="Voice file to begin with; by default the voice that comes along with vocalise.")
]


@in_one_line("Nothing was written; the voice that was given is as it was.")
def enrol(
    recordings: Annotated[
        list[Path], typer.Argument(help="Sound files of one singer, or folders; a minute is enough.")
    ],
    singer: Annotated[str, typer.Option(help="The new singer's name.")],
    out: Annotated[Path, typer.Option(help="Voice file to write.")],
    voice: FitTo = None,
    fine_tune: Annotated[
        bool,
        typer.Option(
            "--fine-tune", help="Let the decoder learn too: needed for voices unlike all others; others change."
        ),
    ] = False,
    steps: Annotated[int, typer.Option(help="How long, in steps.")] = 400,
    device: Device = "auto",
    licence: Annotated[str, typer.Option(help="Of the recordings; goes into the voice file's card.")] = "",
    consent: Annotated[str, typer.Option(help="Who agreed, to what; goes into the card.")] = "",
    seed: Annotated[int, typer.Option(help="Of everything drawn by chance.")] = 0,
) -> None:
    """Give one more singer a place in a trained voice, fitted while everything else stays as it is."""
    from vocalise.checkpoint import default_voice, load_voice, save_voice
    from vocalise.errors import ConfigError
    from vocalise.training.enrolling import Lessons
    from vocalise.training.enrolling import enrol as fit

    if not 1 <= steps <= 1 << 20:
        raise ConfigError(f"--steps cannot be {steps}: give 1 or more.")
    lessons = Lessons(steps=steps, fine_tune=fine_tune, seed=seed)
    given = default_voice() if voice is None else load_voice(voice)
    with watching() as progress:
        found = fit(
            given,
            singer,
            recordings,
            lessons=lessons,
            device=device,
            licence=licence,
            consent=consent,
            progress=progress,
        )
    save_voice(out, found.voice)
    where = "on recordings held out" if found.held_out else "on the recordings themselves"
    show(
        f"{singer} has a place: {found.unit.shown(found.after)} {where}; from the place of {found.nearest}, who is "
        f"nearest of the others, it is {found.unit.shown(found.before)}."
    )
    if fine_tune:
        show("The decoder has learned too: other singers of this file may sound different now.")
    elif not given.model.decoder.per_singer:
        show(f"If that does not sound like {singer}: --fine-tune comes much nearer to voices unlike all others.")
    show(f"Next: vocalise convert SONG --voice {out} --to {singer!r} --out SUNG.wav")


@in_one_line("Nothing was written; the voice that was given is as it was.")
def forget(
    voice: Annotated[Path, typer.Option(help="Voice file.")],
    singer: Annotated[str, typer.Option(help="Whose place to take out.")],
    out: Annotated[Path, typer.Option(help="Voice file to write.")],
) -> None:
    """Take a singer's place out of a voice. What all other weights learned from the recordings stays in them."""
    from vocalise.checkpoint import forgotten, load_voice, save_voice

    given = load_voice(voice)
    left = forgotten(given, singer)
    save_voice(out, left)
    show(f"{out} has no place for {singer} any more; it offers {', '.join(left.names)}.")
    show(
        "What the other weights learned from the recordings stays in them, and the card still says so: "
        "only training without those recordings makes a voice that never heard them."
    )
