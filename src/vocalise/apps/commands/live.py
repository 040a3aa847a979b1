"""`vocalise live`: sing into a microphone, and hear somebody else 50 ms later."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalise.apps.console import in_one_line, say, show, watching

if TYPE_CHECKING:
    from vocalise.apps.live_engine import Engine


@in_one_line("The microphone is closed.")
def live(
    to: Annotated[str | None, typer.Option(help="Who sings: a name, or a mixture: ada=0.7,bob=0.3.")] = None,
    voice: Annotated[Path | None, typer.Option(help="Voice file; by default the one that comes along.")] = None,
    source: Annotated[str | None, typer.Option("--input", help="Microphone: its number, or part of its name.")] = None,
    sink: Annotated[str | None, typer.Option("--output", help="Loudspeaker: its number, or part of its name.")] = None,
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="Show the sound card's devices and leave.")
    ] = False,
    simulate: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="IN OUT", help="Sing one file into another in the same way, without a sound card."),
    ] = None,
    block: Annotated[float, typer.Option(help="Milliseconds that the sound card brings at a time, 1 to 100.")] = 5.0,
    transpose: Annotated[str, typer.Option(help="Semitones; auto or range: found after a second of singing.")] = "0",
    formant: Annotated[float, typer.Option(help="Semitones, -12 to 12, by which resonances move.")] = 0,
    breath: Annotated[float, typer.Option(help="dB, -24 to 24, by which breath is louder.")] = 0,
    gain: Annotated[str, typer.Option(help="dB that the microphone is lifted by; auto follows it.")] = "auto",
    seconds: Annotated[float | None, typer.Option(help="How long; by default until Ctrl-C.")] = None,
    seed: Annotated[int, typer.Option(help="Of the noise in the voice.")] = 0,
    threads: Annotated[int, typer.Option(help="Processor cores to sing on.")] = 1,
) -> None:
    """Sing in another voice while you sing: from microphone to loudspeaker. Wear headphones, or it hears itself."""
    if list_devices:
        _show_devices()
        return
    from vocalise.apps.live_setup import engine_of, wished_gain

    lifted = wished_gain(gain)
    engine = engine_of(
        voice,
        block=block,
        gain=lifted,
        threads=threads,
        to=to,
        transpose=transpose,
        formant=formant,
        breath=breath,
        seed=seed,
    )
    if simulate is not None:
        _simulate(engine, *simulate)
    else:
        _perform(engine, source, sink, seconds)


def _perform(engine: "Engine", source: str | None, sink: str | None, seconds: float | None) -> None:
    from vocalise.apps.live_card import playing
    from vocalise.apps.live_screen import in_words, watch

    try:
        with engine.singing(), playing(engine, source=source, sink=sink) as card:
            own = 1000.0 * engine.latency / engine.rate
            say(f"Singing, {own:.0f} ms late; the sound card says that it adds {1000 * card:.0f} ms. Ctrl-C ends it.")
            watch(engine, seconds=seconds)
    except KeyboardInterrupt:
        pass  # this is how it ends
    show(in_words(engine.figures(), engine))


def _simulate(engine: "Engine", source: Path, target: Path) -> None:
    from vocalise.apps.live_engine import simulated
    from vocalise.apps.live_screen import in_words
    from vocalise.audio.files import check_writable, read_wave, write_wave
    from vocalise.errors import AudioError

    check_writable(target, engine.rate)
    if target.exists() and source.exists() and target.samefile(source):
        raise AudioError(f"{target} is the song itself: choose another name, or it would be lost.")
    heard, _ = read_wave(source, rate=engine.rate)
    total = len(heard) / engine.rate
    with watching() as progress:
        sung = simulated(engine, heard, lambda share: progress("singing", share * total, total))
        progress("singing", total, total)
    write_wave(target, sung, engine.rate)
    show(in_words(engine.figures(), engine))


def _show_devices() -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from vocalise.apps.live_card import device_rows
    from vocalise.apps.tables import wide_console

    table = Table("device", "name", "system", "channels", "Hz", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for row in device_rows():
        table.add_row(*map(Text, row))
    wide_console().print(table)
