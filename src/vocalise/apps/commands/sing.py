"""`vocalise sing`: a song of nobody's, by a voice that needs none to hear."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.commands.options import Device, Sampler
from vocalise.apps.console import in_one_line, say, show, watching


@in_one_line("Nothing was written; the same command begins again.")
def sing(
    voice: Annotated[Path, typer.Option(help="Voice file of the recipe wavenet.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    seconds: Annotated[float, typer.Option(help="How long.")] = 5.0,
    singer: Annotated[
        str | None, typer.Option(help="Who sings: a name, or a mixture: ada=0.7,bob=0.3; none if nobody is known.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Below 1 plays safe, above 1 takes chances.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 0,
    rate: Annotated[int | None, typer.Option(help="Hz of the result; by default the model's.")] = None,
    device: Device = "auto",
    sampler: Sampler = None,
) -> None:
    """Sing what nobody sang before: samples of a voice that hears no song."""
    from vocalise.checkpoint import load_voice
    from vocalise.conversion.improvising import improvise_file
    from vocalise.devices import choose_device
    from vocalise.sampling.choice import announce

    given = load_voice(voice, device=choose_device(device))
    with watching() as progress:
        announce(given.model, progress, sampler)
        outcome = improvise_file(
            given,
            out,
            seconds=seconds,
            to=singer,
            temperature=temperature,
            seed=seed,
            out_rate=rate,
            sampler=sampler,
            progress=progress,
        )
    show(f"{out}: {outcome.seconds:.1f} s.")
    if outcome.silent:
        say("It is silent: it stays below -60 dBFS. Try another --seed, a --temperature of 1, or a longer training.")
