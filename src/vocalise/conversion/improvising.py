"""Improvising: songs of nobody's, by voices that hear nothing (recipe `wavenet`).

who ──condition──▶ decoder, one sample after another from silence on ──▶ a song that was never sung
"""

import math
import os
from collections.abc import Iterator
from typing import Required, TypedDict, Unpack

import torch
from torch import Tensor

from vocalise.audio.files import check_writable, write_wave
from vocalise.audio.phrases import silent_stretches
from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import Voice
from vocalise.conversion.abilities import require_improvising
from vocalise.conversion.converter import Outcome
from vocalise.conversion.hearing import at_rate
from vocalise.conversion.phrases import phrase_seed
from vocalise.conversion.singing import CHUNK
from vocalise.conversion.wishes import To, planned
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Chance, Controls
from vocalise.progress import Progress, silent
from vocalise.sampling.choice import chosen

LONGEST = 3600.0  # seconds
LOUDNESS = -25.0  # dB that a voice is told which is told the loudness


class Invention(TypedDict, total=False):
    """What may be asked of a song of nobody's; see `improvise`."""

    seconds: Required[float]
    to: To
    temperature: float
    seed: int
    out_rate: int | None
    sampler: str | None


def improvise(
    voice: Voice,
    *,
    seconds: float,
    to: To = None,
    temperature: float = 1.0,
    seed: int = 0,
    out_rate: int | None = None,
    sampler: str | None = None,
    progress: Progress = silent,
) -> Tensor:
    """Sings what nobody sang before.

    The same voice, wishes and seed give the same samples, bit for bit, on one device and number of threads; and more
    seconds begin with those of fewer.

    Args:
        voice: one that hears nothing (recipe `wavenet`).
        seconds: how long, above 0, up to an hour.
        to: who sings, a name or a mixture; None for voices that are not told.
        temperature: divides the logits; 0 takes the likeliest level each time, which is usually silence.
        seed: of the decoder's luck.
        out_rate: Hz of the result; None is the model's rate.
        sampler: as for `Converter`.
        progress: told the seconds of audio that are done.

    Returns:
        (samples,), float32: exactly round(seconds * out_rate) of them, at the level of training.

    Raises:
        Unsupported: the voice needs a song to hear; the message names the recipes that do not.
        UnknownSinger: the voice does not know a name.
        ConfigError: a value out of range.
    """
    require_improvising(voice)
    lasts = _lasting(seconds)
    plan = planned(voice, to=to, temperature=temperature, seed=seed, out_rate=out_rate)
    length, rate = round(lasts * plan.out_rate), voice.model.rate
    if not length:
        raise ConfigError(f"{lasts:g} seconds are less than one sample: give more.")
    if not isinstance(plan.identity, Tensor):
        raise ConfigError("A mixture that changes belongs to a song: give a name, or a mixture that stays.")
    samples = math.ceil(length * rate / plan.out_rate)
    parts = []
    for part in _sung(chosen(voice.model, sampler), plan.identity, samples, Chance(_luck(plan.seed), plan.temperature)):
        parts.append(part)
        done = sum(map(len, parts))
        progress("singing", min(done, samples) / rate, samples / rate)
    sung = torch.cat(parts)[:samples]
    return at_rate(sung, rate, plan.out_rate, length)


def improvise_file(
    voice: Voice, target: str | os.PathLike[str], *, progress: Progress = silent, **wishes: Unpack[Invention]
) -> Outcome:
    """The same into a sound file, which is written whole or not at all; `wishes` are those of `improvise`.

    Raises:
        AudioError: the target cannot be written.
        VocaliseError: as for `improvise`.
    """
    wanted = wishes.get("out_rate")
    rate = voice.model.rate if wanted is None else wanted
    check_writable(target, rate)
    sung = improvise(voice, progress=progress, **wishes)
    write_wave(target, sung, rate)
    return Outcome(len(sung) / rate, silent=unheard(sung, rate))


def unheard(wave: Tensor, rate: int) -> bool:
    """Whether a wave (samples,) stays below -60 dBFS from end to end."""
    stretches = silent_stretches(wave, rate)
    return not bool(wave.any()) or any(len(one) >= len(wave) for one in stretches)


def _lasting(seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.0 < seconds <= LONGEST:
        raise ConfigError(f"It cannot sing for {seconds!r:.40} seconds: give more than 0, and {LONGEST:g} at most.")
    return float(seconds)


def _luck(seed: int) -> tuple[torch.Generator, ...]:
    return (torch.Generator().manual_seed(phrase_seed(seed, 0)),)


@torch.no_grad()
def _sung(model: Autoencoder, identity: Tensor, samples: int, chance: Chance) -> Iterator[Tensor]:
    """Waves (n,) one after the other, so many samples or a little more in all."""
    state, columns = model.decoder.begin(1), model.hop // model.condition.hop
    for start in range(0, math.ceil(samples / model.hop), CHUNK):
        frames = min(CHUNK, math.ceil(samples / model.hop) - start)
        nothing = torch.zeros(1, frames * columns, device=model.device)
        who = identity[None, :, None].to(model.device)
        controls = Controls(who, nothing, nothing, torch.full_like(nothing, LOUDNESS))
        z = torch.zeros(1, model.latent_channels, frames, device=model.device)
        signal = model.decoder.extend(state, model.condition(z, controls), controls, chance)
        if model.decoder.lookahead and start + CHUNK >= math.ceil(samples / model.hop):
            signal = torch.cat([signal, model.decoder.finish(state, chance)], dim=2)
        yield model.signal.to_wave(signal, signal.new_zeros(1, 0))[0].float().cpu()
