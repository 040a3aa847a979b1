"""Who takes the voice out of a mix: a network of Demucs (Rouard et al., 2023, "Hybrid Transformers"), read from disk.

file (.safetensors) ──only known networks, only weights──▶ network;   mix (channels, samples) ──▶ voice, as large

The package `demucs` (MIT; extra `songs`) brings the networks; nothing is ever fetched, and nothing is unpickled.
"""

import importlib
import json
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vocalise.devices import choose_device
from vocalise.errors import ConfigError
from vocalise.progress import Progress, silent

NETWORKS = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
VOICE = "vocals"  # what Demucs calls it
EXTRA = "Whole songs need the package demucs, which is not installed: pip install 'vocalise[songs]'."
REMEDY = "give a file as demucs 4.1 has them, such as 955717e8.safetensors of its model htdemucs"


class Separator(Protocol):
    """Anything that can take the voice out of a mix."""

    rate: int  # Hz, of what it hears
    channels: int  # that it hears

    def voice(self, mix: Tensor, *, progress: Progress = silent) -> Tensor:
        """The voice in a mix (channels, samples), of the same shape."""


class DemucsSeparator:
    """A network of Demucs as a separator; the same mix gives the same voice."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        """Takes a network that has its weights.

        Raises:
            ConfigError: it knows no voice.
        """
        known: Any = network.to(device).eval()
        self._network, self._device = known, device
        sources = list(known.sources)
        if VOICE not in sources:
            raise ConfigError(f"This separator finds {', '.join(map(str, sources))}, and no {VOICE}: {REMEDY}.")
        self._place = sources.index(VOICE)
        self.rate, self.channels = int(known.samplerate), int(known.audio_channels)

    @torch.no_grad()
    def voice(self, mix: Tensor, *, progress: Progress = silent) -> Tensor:
        """The voice in a mix (channels, samples), of the same shape, on the CPU; `progress` is told seconds."""
        from demucs.apply import apply_model

        seconds = mix.shape[-1] / self.rate

        def told(facts: Mapping[str, Any]) -> None:
            progress("taking the voice out", min(seconds, facts["segment_offset"] / self.rate), seconds)

        # As its own interface does: the network was trained on mixes of one loudness, without an offset.
        middle = mix.mean(dim=0)
        offset, spread = middle.mean(), middle.std(correction=0).clamp(min=1e-8)
        even = ((mix - offset) / spread)[None]
        # Without its random shifts, or the same song would not give the same samples.
        parts: Tensor = apply_model(self._network, even, shifts=0, device=self._device, callback=told)
        return (parts[0, self._place] * spread + offset).cpu()


def load_separator(path: str | os.PathLike[str], device: str = "auto") -> DemucsSeparator:
    """Reads a separator from a safetensors file as demucs 4.1 publishes them: weights, and in the header their network.

    Args:
        path: the file.
        device: auto, cuda, mps or cpu.

    Raises:
        ConfigError: demucs is not installed, there is no such file, or it is no separator, or a damaged one.
    """
    place = choose_device(device)
    facts, weights = _read(Path(path))
    kind = facts.get("klass", "")
    if kind not in NETWORKS or "structure" in facts:  # the header names a Python class, and must not name any other
        raise ConfigError(f"{path} is no separator that is known (its network is {kind!r:.60}): {REMEDY}.")
    try:
        importlib.import_module("demucs")
    except ImportError:
        raise ConfigError(EXTRA) from None
    module, _, name = kind.rpartition(".")
    try:
        with torch.device("meta"):  # however large it says it is, it takes no room before the weights are there
            network = getattr(importlib.import_module(module), name)(
                *_plain(json.loads(facts["args"])), **_plain(json.loads(facts["kwargs"]))
            )
        network.load_state_dict({key: one.float() for key, one in weights.items()}, assign=True)
    except ImportError as error:
        raise ConfigError(f"demucs cannot be used: {error!s:.200}. Install 'vocalise[songs]' anew.") from None
    except Exception as error:  # whatever a damaged or hostile header leads to
        raise ConfigError(f"{path} is damaged ({' '.join(str(error).split())[:160]}): {REMEDY}.") from None
    return DemucsSeparator(network, place)


def _read(path: Path) -> tuple[Mapping[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    if not path.is_file():
        raise ConfigError(f"There is no separator {path}: {REMEDY}.")
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
        return facts, load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"{path} is no safetensors file ({error!s:.100}): {REMEDY}.") from None


def _plain(value: Any) -> Any:
    """What the header says in JSON; a fraction has a form of its own there."""
    if isinstance(value, dict):
        if value.get("_type") == "fraction":
            return Fraction(value["numerator"], value["denominator"])
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
