"""The demo's first song, which takes seconds: a virtual singer whom the default voice never heard, sung as others."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vocalise.audio.files import read_wave, write_wave
from vocalise.checkpoint import has_default_voice
from vocalise.conversion import Converter
from vocalise.data.choir import compose, perform, singers
from vocalise.data.choir.singers import MORE_NAMES, PRESETS
from vocalise.progress import Progress

SINGER = len(PRESETS) + len(MORE_NAMES)  # the last one, whom no corpus of ours has had
SEED = 1000  # of the song and of the singer
SECONDS = 12.0
SHOWN = 3  # voices


@dataclass(frozen=True)
class Sung:
    """The song by one of those whom the default voice offers."""

    name: str
    wave: Tensor  # (samples,)
    took: float  # seconds of work


@dataclass(frozen=True)
class First:
    """A song as it was sung, and by others."""

    song: str
    singer: str
    heard: Tensor  # (samples,)
    rate: int  # Hz
    sung: tuple[Sung, ...]


def first_song(folder: Path, device: str, *, say: Callable[[str], None], progress: Progress) -> First | None:
    """Renders a song and converts it with the default voice; None where the package carries none.

    Raises:
        VocaliseError: the voice is damaged, or a file cannot be written.
    """
    if not has_default_voice():
        return None
    converter = Converter.load(device=device)
    rate = converter.rate
    song, singer = compose(1.0, SEED)[0], singers(SINGER, SEED)[-1]
    progress("rendering a song", 0, 1)
    heard = perform(song, singer, rate, SEED).wave[: round(SECONDS * rate)]
    progress("rendering a song", 1, 1)
    write_wave(folder / "first-source.flac", heard, rate)
    found = []
    for name in chosen(converter.singers):
        path = folder / f"first-as-{name}.flac"
        begun = time.perf_counter()
        sung = converter.convert(heard, rate, to=name, transpose="auto", progress=progress)
        took = time.perf_counter() - begun
        write_wave(path, sung, rate)
        found.append(Sung(name, read_wave(path)[0], took))
        say(f"the default voice sang {len(heard) / rate:.0f} s as {name} in {took:.1f} s: {path}")
    return First(song.name, singer.name, heard, rate, tuple(found))


def chosen(names: tuple[str, ...]) -> tuple[str, ...]:
    """A few of those who are offered, from the first to the last."""
    last = len(names) - 1
    return tuple(dict.fromkeys(names[round(last * n / (SHOWN - 1))] for n in range(SHOWN)))
