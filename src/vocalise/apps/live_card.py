"""The sound card: its devices by name and number, and a stream of samples in and out (PortAudio, by sounddevice)."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocalise.apps.live_engine import Engine
from vocalise.errors import AudioError, ConfigError

MOST_OUTPUTS = 2  # channels: both ears hear the same
_TYPE = "float32"


def sound_library() -> ModuleType:
    """The package sounddevice.

    Raises:
        ConfigError: it or the library under it is not installed.
    """
    try:
        import sounddevice
    except ImportError:
        raise ConfigError("Singing live needs the package sounddevice: pip install 'vocalise[live]'.") from None
    except OSError as error:  # it is there, and PortAudio is not
        raise ConfigError(
            f"The package sounddevice finds no PortAudio ({error!s:.120}): install it, on Debian and Ubuntu by "
            "apt install libportaudio2."
        ) from None
    module: ModuleType = sounddevice
    return module


def device_rows() -> list[tuple[str, str, str, str, str]]:
    """Devices as rows: number (with `in`/`out` at the ones taken by default), name, system, channels, rate in Hz."""
    library = sound_library()
    usual = tuple(library.default.device)
    rows = []
    for number, device in enumerate(library.query_devices()):
        marks = [word for word, place in zip(("in", "out"), usual, strict=False) if place == number]
        system = library.query_hostapis(device["hostapi"])["name"]
        channels = f"{device['max_input_channels']} in, {device['max_output_channels']} out"
        name = " ".join([str(number), *marks])
        rows.append((name, str(device["name"]), str(system), channels, f"{device['default_samplerate']:.0f}"))
    return rows


class Card:
    """What the audio thread calls: hands samples to the engine and back, and writes down what the driver says."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._mono = np.zeros(engine.block, np.float32)
        self._column = self._mono[:, None]

    def __call__(
        self, heard: NDArray[np.float32], played: NDArray[np.float32], frames: int, time: Any, gap: Any
    ) -> None:
        """PortAudio's callback: (frames, channels) in, and out."""
        driver = time.outputBufferDacTime - time.inputBufferAdcTime
        self._engine.callback(heard[:, 0], self._mono[:frames], driver if driver > 0.0 else 0.0, bool(gap))
        np.copyto(played, self._column[:frames])


@contextmanager
def playing(engine: Engine, *, source: str | None = None, sink: str | None = None) -> Iterator[float]:
    """Opens the sound card for as long as the context lasts, and yields the latency that it states, in seconds.

    Args:
        engine: what sings.
        source: number of the input device, or a part of its name; None is the system's choice.
        sink: the same for the output.

    Raises:
        ConfigError: sounddevice is not installed.
        AudioError: no such device, or one that cannot be had at the model's rate.
    """
    library = sound_library()
    devices = (_device(source), _device(sink))
    rate = engine.rate
    try:
        outputs = int(library.query_devices(devices[1], "output")["max_output_channels"])
        stream = library.Stream(
            samplerate=rate,
            blocksize=engine.block,
            device=devices,
            channels=(1, max(1, min(MOST_OUTPUTS, outputs))),
            dtype=_TYPE,
            latency="low",
            callback=Card(engine),
        )
    except (library.PortAudioError, ValueError) as error:
        raise AudioError(
            f"The sound card cannot be opened at {rate} Hz (input {source or 'by default'}, output "
            f"{sink or 'by default'}): {error!s:.160}. See vocalise live --list-devices, and choose by --input and "
            "--output."
        ) from None
    with stream:
        yield float(sum(stream.latency))


def _device(name: str | None) -> int | str | None:
    return int(name) if name is not None and name.strip().isdigit() else name
