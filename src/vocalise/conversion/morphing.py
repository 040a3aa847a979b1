"""Morphing: what lies between two recordings, by mixing their latents (Engel et al., 2017, section 4.2).

first  ──encoder──▶ z₁ ──┐
                         ├── (1 - share) z₁ + share z₂ ──▶ decoder ──▶ neither of the two
second ──encoder──▶ z₂ ──┘

A mixture of waves is two singers at once; a mixture of latents is one who sings something in between.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.files import check_writable, read_wave, resampled_length, shown, write_wave
from vocalise.audio.loudness import gain_to
from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.checkpoint import Voice
from vocalise.conversion.abilities import follows_pitch, require_hearing, require_morphing
from vocalise.conversion.blends import Blend
from vocalise.conversion.converter import Outcome
from vocalise.conversion.curves import transposed
from vocalise.conversion.finishing import finished
from vocalise.conversion.hearing import Sound, at_rate, mono, require_rate
from vocalise.conversion.latents import listen
from vocalise.conversion.singing import Song, sing
from vocalise.conversion.wishes import Plan, Wishes, planned
from vocalise.errors import AudioError, ConfigError
from vocalise.progress import Progress, silent
from vocalise.sampling.choice import chosen

BLOCK = 1 << 20  # samples for which shares are worked out at a time

Share = float | Blend  # of the second recording, in [0, 1]; or the weights of both over time


@dataclass(frozen=True)
class Pair:
    """Two recordings of one length at the model's rate, and how much of each there shall be."""

    first: Tensor  # (samples,)
    second: Tensor
    share: Blend

    def shares(self, times: Tensor) -> Tensor:
        """Of the second (n,), at times (n,) in seconds."""
        return self.share.at(times)[:, 1]

    def crossfaded(self, rate: int) -> Tensor:
        """Both waves, one faded into the other: as loud and as silent as their mixture should be."""
        mixed = torch.empty_like(self.first)
        for start in range(0, len(mixed), BLOCK):
            here = slice(start, start + BLOCK)
            times = (torch.arange(len(mixed[here]), dtype=torch.float64) + start) / rate
            mixed[here] = torch.lerp(self.first[here], self.second[here], self.shares(times))
        return mixed


def morph(
    voice: Voice,
    first: Sound,
    second: Sound,
    rate: int,
    *,
    share: Share = 0.5,
    sampler: str | None = None,
    progress: Progress = silent,
    **wishes: Unpack[Wishes],
) -> Tensor:
    """Sings what lies between two recordings; at a share of 0 or 1 it is what converting one of them gives.

    Args:
        voice: one whose latent is continuous (recipes `nsynth`, `usvc`, …).
        first: (samples,) or (channels, samples), floats with full scale at 1.
        second: the same; the shorter of the two is followed by silence.
        rate: Hz, of both.
        share: of the second recording, 0 to 1; or a `Blend` of two names, whose weights change over time.
        sampler: as for `Converter`.
        progress: told the seconds of audio that are done.
        wishes: as for `Converter.convert`; `to` None for voices that are not told who sings. A melody of one's own
            (`pitch`) takes the place of that in between, and `transpose` needs semitones.

    Returns:
        (samples,), float32, as long as the longer one, and as loud as the two faded into each other.

    Raises:
        Unsupported: the voice cannot do it; the message names the recipes that can.
        VocaliseError: as for `Converter.convert`.
    """
    require_hearing(voice)
    require_morphing(voice)
    plan, blend = planned(voice, **wishes), _blend(share)
    if isinstance(plan.transpose, str):
        raise ConfigError(f"--transpose {plan.transpose} has no meaning between two songs: give semitones.")
    waves = [mono(wave) for wave in (first, second)]
    length = max(resampled_length(len(wave), require_rate(rate), plan.out_rate) for wave in waves)
    heard = [at_rate(wave, rate, voice.model.rate, _longest(waves, rate, voice.model.rate)) for wave in waves]
    sung = _sung(replace(voice, model=chosen(voice.model, sampler)), Pair(heard[0], heard[1], blend), plan, progress)
    return at_rate(sung, voice.model.rate, plan.out_rate, length)


def morph_files(
    voice: Voice,
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    share: Share = 0.5,
    sampler: str | None = None,
    progress: Progress = silent,
    **wishes: Unpack[Wishes],
) -> Outcome:
    """The same from two sound files into a third, which is written whole or not at all.

    Raises:
        AudioError: a file cannot be read or written, or the target is one of the two.
        VocaliseError: as for `morph`.
    """
    plan, rate = planned(voice, **wishes), voice.model.rate
    check_writable(target, plan.out_rate)
    there = Path(target)
    if there.exists() and any(Path(one).exists() and there.samefile(one) for one in (first, second)):
        raise AudioError(f"{shown(target)} is one of the two songs: choose another name, or it would be lost.")
    waves = [read_wave(path, rate=rate)[0] for path in (first, second)]
    wishes["out_rate"] = plan.out_rate
    sung = morph(voice, waves[0], waves[1], rate, share=share, sampler=sampler, progress=progress, **wishes)
    write_wave(target, sung, plan.out_rate)
    return Outcome(len(sung) / plan.out_rate, silent=not bool(sung.any()))


def _blend(share: Share) -> Blend:
    if isinstance(share, Blend):
        if len(share.names) != 2:
            raise ConfigError(f"A morph is between two recordings; this curve has weights for {len(share.names)}.")
        return share
    part = _part(share)
    weights = torch.tensor([[1.0 - part, part]], dtype=torch.float64)
    return Blend(("first", "second"), torch.zeros(1, dtype=torch.float64), weights)


def _part(share: object) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0.0 <= share <= 1.0:
        raise ConfigError(f"The share of the second recording cannot be {share!r:.40}: give a number from 0 to 1.")
    return float(share)


def _longest(waves: list[Tensor], rate: int, to_rate: int) -> int:
    return max(resampled_length(len(wave), rate, to_rate) for wave in waves)


def _sung(voice: Voice, pair: Pair, plan: Plan, progress: Progress) -> Tensor:
    model, heard = voice.model, pair.crossfaded(voice.model.rate)
    level = voice.recipe.material.level
    latents = [listen(model, wave, gain=gain_to(wave, level)) for wave in (pair.first, pair.second)]
    centres = (torch.arange(latents[0].shape[-1], dtype=torch.float64) + 0.5) * model.hop / model.rate
    gain = gain_to(heard, level)
    song = Song(
        heard,
        gain,
        plan.identity,
        _melody(voice, pair, plan, progress),
        plan.temperature,
        plan.seed,
        formant=plan.formant,
        breath=plan.breath,
        latent=torch.lerp(latents[0], latents[1], pair.shares(centres)),
    )
    sung = sing(model, song, progress)
    return finished(sung, heard, model.rate, gain=gain, keep_loudness=plan.keep_loudness)


def _melody(voice: Voice, pair: Pair, plan: Plan, progress: Progress) -> Contour | None:
    """The melody in between: in octaves where both sing, else that of whoever does."""
    if not follows_pitch(voice.model):
        return None
    semitones = plan.transpose if isinstance(plan.transpose, float) else 0.0
    if plan.pitch is not None:
        return transposed(plan.pitch, semitones)
    rate, seconds = voice.model.rate, len(pair.first) / voice.model.rate
    one, other = (
        pitch_contour(
            wave, rate, glance=True, progress=lambda done: progress("measuring pitch", done * seconds, seconds)
        )
        for wave in (pair.first, pair.second)
    )
    frames = max(len(one.pitch), len(other.pitch))
    share = pair.shares(torch.arange(frames, dtype=torch.float64) * one.hop)
    pitches, voicings = zip(
        *((_filled(c.pitch, frames), _filled(c.voicing, frames)) for c in (one, other)), strict=True
    )
    here = torch.stack([(1.0 - share) * voicings[0], share * voicings[1]])
    told = here / here.sum(dim=0).clamp(min=1e-6)
    octaves = torch.stack([pitch.clamp(min=1.0).log2() for pitch in pitches])
    voicing = (here.sum(dim=0) >= 0.5).to(one.voicing)
    between = Contour(pitch=torch.exp2((told * octaves).sum(dim=0)) * voicing, voicing=voicing, hop=one.hop)
    return transposed(between, semitones)


def _filled(line: Tensor, frames: int) -> Tensor:
    return F.pad(line, (0, frames - len(line)))
