"""What is seen while somebody sings live: two level meters, the note that is heard, and whether the singer keeps up."""

import math
import sys
import time
from collections.abc import Callable

from vocalise.apps.console import say
from vocalise.apps.live_engine import Engine
from vocalise.apps.live_figures import Figures

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
WIDTH, LOWEST = 40, -60.0  # characters of a meter, and dBFS at its left end
GLANCE, LINE = 0.1, 15.0  # seconds between two looks at a terminal, and between two lines elsewhere


def meter(peak: float) -> str:
    """A peak as a bar: nothing at -60 dBFS, full at 0."""
    level = 20.0 * math.log10(peak) if peak > 0.0 else -math.inf
    filled = round(WIDTH * min(1.0, max(0.0, 1.0 - level / LOWEST)))
    return "█" * filled + "·" * (WIDTH - filled) + (f" {level:4.0f} dB" if level > LOWEST else "    – dB")


def note(pitch: float) -> str:
    """The name of a pitch in Hz, and how many cents it is off: `A4 +12`; a dash for no pitch."""
    if pitch <= 0.0:
        return "–"
    cents = 1200.0 * math.log2(pitch / 440.0)
    place = round(cents / 100.0)
    return f"{NOTES[(place + 9) % 12]}{4 + (place + 9) // 12} {cents - 100.0 * place:+.0f}"


def in_words(figures: Figures, engine: Engine) -> str:
    """How it went, in one line."""
    milliseconds = 1000.0 / engine.rate
    parts = [
        f"{figures.seconds:.0f} s sung",
        f"latency {engine.latency * milliseconds:.0f} ms without the sound card's"
        + (f", {1000 * figures.latency:.0f} ms with it" if figures.latency is not None else ""),
        f"a block of {engine.stream.hop * milliseconds:.0f} ms took {1000 * figures.median:.2f} ms (median), 99 % at "
        f"most {1000 * figures.most:.2f} ms ({100 * figures.share:.0f} % of it), the worst {1000 * figures.worst:.1f}",
        f"{figures.late} under-runs" + (f", {figures.lost / engine.rate:.1f} s lost" if figures.lost else ""),
    ]
    if figures.gaps:
        parts.append(f"the sound card had {figures.gaps} gaps of its own")
    return "; ".join(parts) + "."


def watch(engine: Engine, *, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
    """Shows how it goes until so many seconds have passed, or until it is interrupted."""
    until = math.inf if seconds is None else clock() + seconds
    if sys.stderr.isatty():
        _on_a_terminal(engine, until, clock)
        return
    told = clock()
    while clock() < until:
        time.sleep(GLANCE)
        engine.check()
        if clock() - told >= LINE:
            told = clock()
            say(in_words(engine.figures(), engine))


def _on_a_terminal(engine: Engine, until: float, clock: Callable[[], float]) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while clock() < until:
            figures = engine.figures()
            lines = (
                f"heard {meter(engine.heard_peak)}  {note(engine.stream.pitch)}",
                f"sung  {meter(engine.sung_peak)}",
                f"{1000 * figures.median:.2f} ms a block, 99 % {1000 * figures.most:.2f} ms; {figures.late} under-runs",
            )
            live.update(Text("\n".join(lines)), refresh=True)
            engine.heard_peak = engine.sung_peak = 0.0
            time.sleep(GLANCE)
            engine.check()
