"""`vocalise morph`: what lies between two recordings."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.commands.options import Device, Sampler
from vocalise.apps.console import in_one_line, say, show, watching


@in_one_line("Nothing was written; the same command begins again.")
def morph(
    first: Annotated[Path, typer.Argument(help="Sound file.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
    out: Annotated[Path, typer.Option(help="File to write; as long as the longer of the two.")],
    voice: Annotated[
        Path | None, typer.Option(help="Voice file, e.g. of the recipe nsynth; by default the one that comes along.")
    ] = None,
    share: Annotated[float, typer.Option(help="Of the second recording: 0 is the first alone, 1 the second.")] = 0.5,
    share_curve: Annotated[
        Path | None, typer.Option(help="Share over time instead (CSV: time_s,first,second, a weight for each).")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Who sings, for voices that are told: a name, or a mixture: ada=0.7,bob=0.3.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Below 1 plays safe, above 1 takes chances.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 0,
    transpose: Annotated[float, typer.Option(help="Semitones, for voices that are told the pitch.")] = 0.0,
    keep_loudness: Annotated[bool, typer.Option(help="As loud as the two faded into each other.")] = True,
    rate: Annotated[int | None, typer.Option(help="Hz of the result; by default the model's.")] = None,
    device: Device = "auto",
    sampler: Sampler = None,
) -> None:
    """Sing what lies between two recordings, by mixing what the voice keeps of each."""
    from vocalise.checkpoint import default_voice, load_voice
    from vocalise.conversion import read_blend_csv
    from vocalise.conversion.morphing import morph_files
    from vocalise.devices import choose_device
    from vocalise.sampling.choice import announce

    place = choose_device(device)
    given = default_voice(device=place) if voice is None else load_voice(voice, device=place)
    with watching() as progress:
        announce(given.model, progress, sampler)
        outcome = morph_files(
            given,
            first,
            second,
            out,
            share=share if share_curve is None else read_blend_csv(share_curve),
            sampler=sampler,
            progress=progress,
            to=to,
            temperature=temperature,
            seed=seed,
            transpose=transpose,
            keep_loudness=keep_loudness,
            out_rate=rate,
        )
    show(f"{out}: {outcome.seconds:.1f} s.")
    if outcome.silent:
        say("It is silent, as both recordings are below -60 dBFS there.")
