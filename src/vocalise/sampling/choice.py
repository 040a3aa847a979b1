"""Which sampler sings: the fastest that serves on the model's device, or the one that was asked for.

model ──every WaveNet in it──▶ native (processor), cuda (graphics card), torch (anywhere) ──▶ a twin that sings faster

Twins share their weights with the model and keep its contract, so nobody else needs to know which of them sings.
"""

import copy
import os
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn

from vocalise.autoencoder import Autoencoder
from vocalise.errors import ConfigError, VocaliseError
from vocalise.parts.contracts import Decoder
from vocalise.parts.decoders import PerSinger, WaveNet
from vocalise.progress import Progress
from vocalise.sampling.accelerate import PRECISIONS, Precision

Kind = Literal["native", "cuda", "torch"]
SAMPLERS = ("auto", *get_args(Kind))
VARIABLE = "VOCALISE_SAMPLER"
# The fastest that keeps every trained voice that was measured what it is (docs/journal.md): 5e-5 nat of mean divergence
# are allowed to bf16, which holds on two of three, and 5e-4 to int8, which holds on none.
PRECISION: Precision = "float32"


@dataclass(frozen=True)
class Choice:
    """Which kind of sampler sings on a device, and why."""

    kind: Kind
    why: str  # one sentence
    fallback: bool = False  # whether a faster one was looked for in vain


def chosen(model: Autoencoder, sampler: str | None = None, precision: Precision | None = None) -> Autoencoder:
    """The model with the fastest hands that serve where it is; weights are shared, so training moves both.

    Decoders of other kinds are left as they are: they sing all samples at once (see `accelerate`).

    Args:
        model: left as it is.
        sampler: one of `SAMPLERS`; None reads `VOCALISE_SAMPLER`, and is `auto` without it.
        precision: of the native and the CUDA sampler; None is `PRECISION`.

    Raises:
        ConfigError: an unknown sampler or precision, or one that was asked for by name and cannot serve.
    """
    if precision is not None and precision not in PRECISIONS:
        raise ConfigError(f"There is no precision {precision!r:.40}; the choices are {', '.join(PRECISIONS)}.")
    wanted = named(sampler)
    if not sings_by_steps(model.decoder):
        return model
    choice = choice_for(model.device, wanted)
    if choice.kind == "torch":
        return model
    finest = precision or PRECISION
    try:
        twin = model.with_decoder(_replaced(model.decoder, choice.kind, finest))
        if choice.kind == "native" and finest == "int8":
            _rehearse(twin)
        return twin
    except VocaliseError:
        if wanted != "auto":
            raise
        return model  # sizes for which there is no compiled form, or weights that are no numbers


def named(sampler: str | None) -> str:
    """What was asked for, by an option or else by the environment.

    Raises:
        ConfigError: there is no such sampler.
    """
    asked = sampler if sampler is not None else os.environ.get(VARIABLE, "").strip() or "auto"
    if asked not in SAMPLERS:
        origin = "--sampler" if sampler is not None else VARIABLE
        raise ConfigError(f"{origin} {asked!r:.40} is no sampler; the choices are {', '.join(SAMPLERS)}.")
    return asked


def choice_for(device: torch.device, sampler: str = "auto") -> Choice:
    """What serves a WaveNet on a device.

    Raises:
        ConfigError: what was asked for by name cannot serve.
    """
    if sampler == "torch":
        return Choice("torch", "The PyTorch stepper was asked for.")
    if sampler in ("auto", "native") and device.type == "cpu":
        from vocalise.sampling import native

        if native.available() is not None:
            return Choice("native", native.why())
        return _without(sampler, native.why(), "take --sampler torch")
    if sampler in ("auto", "cuda") and device.type == "cuda":
        from vocalise.sampling import cuda

        if cuda.available() is not None:
            return Choice("cuda", cuda.why())
        return _without(sampler, cuda.why(), "take --sampler torch")
    if sampler == "auto":
        return Choice("torch", f"There is no faster sampler than the PyTorch stepper on {device.type}.")
    home = {"native": "cpu", "cuda": "cuda"}[sampler]
    raise ConfigError(
        f"--sampler {sampler} sings on {home}, and the model is on {device.type}: take --device {home}, or one of the "
        f"samplers auto and torch."
    )


def _without(sampler: str, why: str, remedy: str) -> Choice:
    if sampler != "auto":
        raise ConfigError(f"--sampler {sampler} cannot sing here: {why} Or {remedy}; auto does so by itself.")
    return Choice("torch", f"The PyTorch stepper sings, many times slower: {why}", fallback=True)


def announce(model: Autoencoder, progress: Progress, sampler: str | None = None) -> None:
    """Gives notice where singing is slow for want of a faster sampler; to be called once, before the work.

    Raises:
        ConfigError: as for `chosen`.
    """
    choice = choice_for(model.device, named(sampler)) if sings_by_steps(model.decoder) else None
    if choice is not None and choice.fallback:
        progress("notice", 0.0, 0.0, choice.why)


def sings_by_steps(decoder: Decoder) -> bool:
    """Whether a plain WaveNet sings, by itself or for one singer of several."""
    hands = decoder.hands if isinstance(decoder, PerSinger) else [decoder]
    return any(isinstance(one, WaveNet) for one in hands)


def _rehearse(model: Autoencoder) -> None:
    """Lets every compiled WaveNet of 8 bits hear how far its channels go in this voice."""
    from vocalise.sampling.native import NativeWaveNet
    from vocalise.sampling.rehearsal import rehearsal

    decoder = model.decoder
    hands = list(enumerate(decoder.hands)) if isinstance(decoder, PerSinger) else [(None, decoder)]
    for singer, one in hands:
        if isinstance(one, NativeWaveNet):
            one.calibrate(rehearsal(model, singer))


def _replaced(decoder: Decoder, kind: Kind, precision: Precision) -> Decoder:
    """A decoder whose WaveNets are replaced by faster ones."""
    if isinstance(decoder, PerSinger):
        twin = copy.copy(decoder)
        twin.hands = [_replaced(one, kind, precision) for one in decoder.hands]
        twin._modules = {**decoder._modules, "decoders": nn.ModuleList(twin.hands)}
        return twin
    if not isinstance(decoder, WaveNet):
        return decoder
    if kind == "native":
        from vocalise.sampling.native import NativeWaveNet

        return NativeWaveNet(decoder, precision=precision)
    from vocalise.sampling.cuda import fastest

    return fastest(decoder, precision=precision)
