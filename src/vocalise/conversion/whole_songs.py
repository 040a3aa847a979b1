"""Whole songs: the voice is taken out of the mix, sung by someone else, and put back where and as loud as it was.

mix ──separator──▶ voice ──to one channel──▶ Converter ──▶ sung ──level of each channel──▶ + ──▶ song
 └────────────── mix − voice: the accompaniment, in all its channels ─────────────────────┘
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor

from vocalise.audio.files import check_writable, read_channels, resample, resampled_length, shown, write_wave
from vocalise.audio.pitch import pitch_contour
from vocalise.conversion.converter import Converter, Outcome
from vocalise.conversion.curves import write_pitch_csv
from vocalise.conversion.hearing import at_rate, require_rate
from vocalise.conversion.separators import Separator
from vocalise.conversion.together import FAILURES, Request, Result
from vocalise.conversion.wishes import Wishes
from vocalise.errors import AudioError
from vocalise.progress import Progress, silent

FAINT = 1e-3  # RMS, -60 dBFS: below it there is no voice in a mix
NO_VOICE = "no voice was found in it: the accompaniment is left as it was"


@dataclass(frozen=True)
class Parts:
    """A mix that was taken apart; the accompaniment and the voice add up to it."""

    accompaniment: Tensor  # (channels, samples)
    lead: Tensor  # (samples,): the voice in one channel
    gains: Tensor  # (channels,): how loud the voice is in each of them, against `lead`
    rate: int  # Hz

    @property
    def has_voice(self) -> bool:
        """Whether anything was found that could be converted."""
        return float(self.lead.double().square().mean().sqrt()) > FAINT


def taken_apart(mix: Tensor, rate: int, separator: Separator, *, progress: Progress = silent) -> Parts:
    """Takes the voice out of a mix.

    Args:
        mix: (channels, samples), full scale at 1.
        rate: Hz, of the mix.
        separator: which hears the mix at its own rate and with its own number of channels.
        progress: told the seconds of audio that are done.

    Raises:
        AudioError: a mix without samples, or with more channels than the separator hears.
    """
    if mix.ndim != 2 or not mix.numel():
        raise AudioError(f"A mix of shape {tuple(mix.shape)} cannot be taken apart: give (channels, samples).")
    if len(mix) > separator.channels:
        raise AudioError(
            f"A mix of {len(mix)} channels cannot be taken apart: the separator hears {separator.channels}. "
            "Export it in stereo."
        )
    mix = mix.float()
    heard = resample(mix, rate, separator.rate)
    alike = heard.expand(separator.channels, -1) if len(heard) == 1 else heard
    found = separator.voice(alike.contiguous(), progress=progress)
    voice = found.mean(dim=0, keepdim=True) if len(mix) == 1 else found[: len(mix)]
    voice = torch.stack([at_rate(one, separator.rate, rate, mix.shape[1]) for one in voice])
    lead, gains = _in_one_channel(voice)
    return Parts(mix - voice, lead, gains, rate)


def _in_one_channel(voice: Tensor) -> tuple[Tensor, Tensor]:
    """A voice (channels, samples) in one channel (samples,), and how loud it is in each (channels,) against that."""
    energy = voice.double().square().sum(dim=1)
    loudest = voice[int(energy.argmax())]
    # A channel that is turned over would cancel the others out.
    signs = torch.where((voice.double() @ loudest.double()) < 0.0, -1.0, 1.0).float()
    lead = (voice * signs[:, None]).mean(dim=0)
    whole = float(lead.double().square().sum())
    gains = signs * (energy / whole).sqrt().float() if whole > 0.0 else torch.zeros(len(voice))
    return lead, gains


def put_back(sung: Tensor, parts: Parts) -> Tensor:
    """What was sung (samples,) among the accompaniment: (channels, samples).

    All of it is turned down where the sum would be beyond full scale and the mix was not: the balance stays.
    """
    song = parts.accompaniment + parts.gains[:, None] * sung
    before = parts.accompaniment + parts.gains[:, None] * parts.lead
    most = max(1.0, float(before.abs().max()))
    return song * min(1.0, most / max(float(song.abs().max()), 1e-9))


def convert_mix(
    converter: Converter,
    mix: Tensor,
    rate: int,
    separator: Separator,
    *,
    progress: Progress = silent,
    **wishes: Unpack[Wishes],
) -> Tensor:
    """Converts the voice in a mix, and leaves the accompaniment.

    Args:
        converter: who sings.
        mix: (channels, samples), full scale at 1.
        rate: Hz, of the mix.
        separator: who takes the voice out, as `load_separator` reads one.
        progress: told the seconds of audio that are done.
        wishes: as for `Converter.convert`; `out_rate` is the mix's own unless it is said. A `transpose` that changes
            the key leaves the accompaniment where it is.

    Returns:
        (channels, samples), float32, as many channels as the mix and as long; the voice has the loudness it had. The
        mix itself where no voice is found.

    Raises:
        AudioError: the mix has no samples, or more channels than the separator hears.
        VocaliseError: as for `Converter.convert`.
    """
    return _finished(converter, taken_apart(mix, require_rate(rate), separator, progress=progress), progress, wishes)


def _finished(converter: Converter, parts: Parts, progress: Progress, wishes: Wishes) -> Tensor:
    out_rate = wishes.get("out_rate") or parts.rate
    wanted: Wishes = {**wishes, "out_rate": parts.rate}
    if parts.has_voice:
        song = put_back(converter.convert(parts.lead, parts.rate, progress=progress, **wanted), parts)
    else:
        converter.plan(**wanted)  # a wish that cannot be fulfilled is no less wrong
        song = parts.accompaniment + parts.gains[:, None] * parts.lead
    length = resampled_length(song.shape[1], parts.rate, out_rate)
    return torch.stack([at_rate(one, parts.rate, out_rate, length) for one in song])


def convert_mixes(
    converter: Converter,
    separator: Separator,
    requests: Iterable[Request],
    progress: Callable[[Sequence[int]], Progress],
) -> Iterator[Result]:
    """Converts files with accompaniment one by one, and goes on after a failure.

    Args:
        converter: who sings.
        separator: who takes the voice out.
        requests: asked one by one, each when its turn has come.
        progress: gives what is told of the request of that number, in seconds of audio.
    """
    for request in requests:
        begun = time.perf_counter()
        try:
            outcome, why = _converted(converter, separator, request, progress([request.number]))
            yield Result(request.number, outcome, took=time.perf_counter() - begun, why=why)
        except FAILURES as error:
            yield Result(request.number, error=error)


def _converted(converter: Converter, separator: Separator, request: Request, progress: Progress) -> tuple[Outcome, str]:
    """What became of a file, and what is to be said of it."""
    mix, rate = read_channels(request.source)
    out_rate = request.wishes.get("out_rate") or rate
    for written in (request.target, request.pitch_out) if request.makes_folder else ():
        if written is not None:
            written.parent.mkdir(parents=True, exist_ok=True)
    check_writable(request.target, out_rate, len(mix))
    if request.target.exists() and request.target.samefile(request.source):
        raise AudioError(f"{shown(request.target)} is the song itself: choose another name, or it would be lost.")
    parts = taken_apart(mix, rate, separator, progress=progress)
    if request.pitch_out is not None:
        heard = at_rate(parts.lead, rate, converter.rate, resampled_length(len(parts.lead), rate, converter.rate))
        write_pitch_csv(request.pitch_out, pitch_contour(heard, converter.rate, glance=True))
    write_wave(request.target, _finished(converter, parts, progress, request.wishes), out_rate)
    return Outcome(mix.shape[1] / rate, silent=False), "" if parts.has_voice else NO_VOICE
