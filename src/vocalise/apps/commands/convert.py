"""`vocalise convert`: songs in, the same songs by someone else out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalise.apps.commands.options import Device, Sampler
from vocalise.apps.console import in_one_line, say, show, watching

if TYPE_CHECKING:
    from vocalise.conversion import Ledger


@in_one_line("Songs that are finished stay; the same command passes them over and goes on.")
def convert(
    songs: Annotated[list[Path], typer.Argument(help="Sound files or folders of them.")],
    out: Annotated[Path, typer.Option(help="File to write; a folder for several songs (or FOLDER/*.flac).")],
    voice: Annotated[
        Path | None, typer.Option(help="Voice file, e.g. RUN/voice.safetensors; by default the one that comes along.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Who sings: a name, or a mixture: ada=0.7,bob=0.3.")] = None,
    to_curve: Annotated[
        Path | None, typer.Option(help="Who sings when (CSV: time_s and a column of weights for each name).")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Below 1 plays safe, above 1 takes chances.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 0,
    keep_loudness: Annotated[bool, typer.Option(help="As loud as the song.")] = True,
    rate: Annotated[int | None, typer.Option(help="Hz of the result; by default the model's.")] = None,
    transpose: Annotated[
        str | None,
        typer.Option(
            help="Semitones; auto: octaves towards the singer's range; range: semitones, in another key; mean: all the "
            "way; faithful: stretched too. By default 0, or as the recipe has it."
        ),
    ] = None,
    formant: Annotated[
        float, typer.Option(help="Semitones, -12 to 12, by which resonances move and the tune not.")
    ] = 0,
    breath: Annotated[float, typer.Option(help="dB, -24 to 24, by which breath is louder.")] = 0,
    pitch_out: Annotated[Path | None, typer.Option(help="Write the pitch measured in the song to this CSV.")] = None,
    pitch_in: Annotated[Path | None, typer.Option(help="Sing this melody (CSV) instead.")] = None,
    separator: Annotated[
        Path | None,
        typer.Option(
            help="Whole songs: a network (.safetensors, as demucs 4.1 has them) that takes the voice out of the mix; "
            "the voice is converted and put back. Needs the extra songs."
        ),
    ] = None,
    device: Device = "auto",
    sampler: Sampler = None,
    overwrite: Annotated[bool, typer.Option(help="Replace results that are already there.")] = False,
) -> None:
    """Convert songs to another singer's voice; every result is exactly as long as its song."""
    from vocalise.conversion import Converter, convert_files, load_separator, read_blend_csv, read_pitch_csv
    from vocalise.errors import ConfigError
    from vocalise.sampling.choice import announce

    if to is not None and to_curve is not None:
        raise ConfigError(f"Both --to {to!r:.60} and --to-curve say who sings: give one of them.")
    pitch = None if pitch_in is None else read_pitch_csv(pitch_in)
    taker = None if separator is None else load_separator(separator, device)
    converter = Converter.load(voice, device, sampler=sampler)
    with watching() as progress:
        announce(converter.voice.model, progress, sampler)
        ledger = convert_files(
            converter,
            songs,
            out,
            overwrite=overwrite,
            pitch_out=pitch_out,
            separator=taker,
            progress=progress,
            to=to if to_curve is None else read_blend_csv(to_curve),
            temperature=temperature,
            seed=seed,
            keep_loudness=keep_loudness,
            out_rate=rate,
            transpose=transpose,
            pitch=pitch,
            formant=formant,
            breath=breath,
        )
    _tell(ledger)
    if not ledger.ok:
        raise typer.Exit(1)


def _tell(ledger: "Ledger") -> None:
    """The ledger as a table, and the failures again as lines on standard error."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from vocalise.apps.tables import wide_console
    from vocalise.audio.sources import shown

    table = Table("song", "result", "length", "times as long", "state", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for entry in ledger.entries:
        target = "–" if entry.target is None or entry.state != "converted" else shown(entry.target)
        length = f"{entry.seconds:.1f} s" if entry.seconds else "–"
        factor = f"{entry.took / entry.seconds:.1f}" if entry.seconds else "–"
        table.add_row(*map(Text, (shown(entry.source), target, length, factor, entry.state)))
    wide_console().print(table)
    counts = ", ".join(f"{len(ledger.of(state))} {state}" for state in ("converted", "skipped", "failed"))
    show(f"{counts}.")
    for entry in ledger.entries:
        if entry.why:
            say(f"{entry.state}: {shown(entry.source)}: {entry.why}")
