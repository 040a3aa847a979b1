"""From what is wished on the command line to an engine that is ready to sing."""

import contextlib
import math
from functools import partial
from pathlib import Path
from typing import Unpack

import torch

from vocalise.apps.live_engine import Engine, warmed
from vocalise.autoencoder import Autoencoder
from vocalise.conversion import Converter, Wishes, planned
from vocalise.conversion.abilities import require_live
from vocalise.conversion.streaming import begun
from vocalise.errors import ConfigError

BLOCKS = (1.0, 100.0)  # milliseconds
GAINS = (-40.0, 60.0)  # dB


def wished_gain(gain: str) -> float | None:
    """dB as a factor; None for `auto`.

    Raises:
        ConfigError: neither `auto` nor a number from -40 to 60.
    """
    if gain.strip() == "auto":
        return None
    try:
        level = float(gain)
    except ValueError:
        level = math.nan
    if not GAINS[0] <= level <= GAINS[1]:
        raise ConfigError(f"The gain cannot be {gain!r:.40}: give dB from {GAINS[0]:g} to {GAINS[1]:g}, or auto.")
    return float(10.0 ** (level / 20.0))


def engine_of(
    path: Path | None, *, block: float, gain: float | None, threads: int = 1, **wishes: Unpack[Wishes]
) -> Engine:
    """An engine for a voice file, or for the voice that comes along, on the processor.

    Args:
        path: of the voice; None is the one that comes along.
        block: milliseconds that the sound card brings at a time, about; a part of a frame or whole frames.
        gain: factor for the microphone; None follows it.
        threads: of PyTorch; a block is too little work for two.
        wishes: as for a conversion.

    Raises:
        VocaliseError: no such voice, one that cannot sing live, or a wish that cannot be fulfilled.
    """
    if not BLOCKS[0] <= block <= BLOCKS[1]:  # false for NaN too
        raise ConfigError(f"A block cannot last {block:g} ms: choose {BLOCKS[0]:g} to {BLOCKS[1]:g} ms.")
    if not 1 <= threads <= 64:
        raise ConfigError(f"Nobody sings on {threads} cores: choose 1 to 64.")
    torch.set_num_threads(threads)
    voice = Converter.load(path, "cpu").voice
    require_live(voice)
    plan = planned(voice, **wishes)
    begin = partial(begun, voice, quicker(voice.model, threads), plan)
    samples = block_of(block * voice.model.rate / 1000.0, voice.model.hop)
    return Engine(warmed(begin), block=samples, level=voice.recipe.material.level, gain=gain)


def block_of(samples: float, hop: int) -> int:
    """The block nearest to so many samples that fits frames of `hop` samples: others would be up to a frame later."""
    parts = [hop // n for n in range(1, hop + 1) if hop % n == 0]
    multiples = [hop * n for n in range(2, math.ceil(samples / hop) + 2)]
    return min(parts + multiples, key=lambda block: (abs(math.log(block / samples)), block))


def quicker(model: Autoencoder, threads: int) -> Autoencoder:
    """The model as it sings a few columns soonest: compiled, or else by ONNX Runtime where that is installed."""
    from vocalise.sampling.columns import by_columns

    with contextlib.suppress(ConfigError):
        return by_columns(model, compiled=True)
    with contextlib.suppress(ConfigError):
        return by_columns(model, threads=threads)
    return by_columns(model)  # PyTorch then does what it can
