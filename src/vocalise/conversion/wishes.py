"""What may be asked of a conversion, and what has been found possible before any work is done."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Required, TypedDict

import torch
from torch import Tensor

from vocalise.audio.pitch import Contour
from vocalise.checkpoint import Voice
from vocalise.conversion.abilities import (
    require_breath,
    require_formants,
    require_mixing,
    require_pitch,
    require_voice,
)
from vocalise.conversion.blends import Blend
from vocalise.conversion.curves import Towards, parse_transpose
from vocalise.conversion.hearing import require_rate
from vocalise.conversion.identity import identity_in
from vocalise.errors import ConfigError

COLDEST = 0.01  # temperatures below are as good as 0, and would overflow
HOTTEST = 100.0
FORMANT = 12.0  # semitones that resonances may be moved up or down
BREATH = 24.0  # dB that breath may be louder or fainter

To = str | Mapping[str, float] | Blend | None


class Wishes(TypedDict, total=False):
    """What may be asked of a conversion; see `planned`."""

    to: Required[To]
    temperature: float
    seed: int
    keep_loudness: bool
    transpose: float | str | None
    pitch: Contour | None
    formant: float
    breath: float
    out_rate: int | None


@dataclass(frozen=True)
class Plan:
    """Wishes that have been found possible."""

    identity: Tensor | Blend  # (singers,), or over time
    temperature: float
    seed: int
    keep_loudness: bool
    transpose: float | Towards  # semitones, or how they are found
    pitch: Contour | None
    formant: float  # semitones
    breath: float  # dB
    out_rate: int  # Hz


def planned(
    voice: Voice,
    *,
    to: To,
    temperature: float = 1.0,
    seed: int = 0,
    keep_loudness: bool = True,
    transpose: float | str | None = None,
    pitch: Contour | None = None,
    formant: float = 0.0,
    breath: float = 0.0,
    out_rate: int | None = None,
) -> Plan:
    """Judges wishes.

    Args:
        voice: who is to fulfil them.
        to: a singer's name, a mixture (`ada=0.7,bob=0.3`), a mapping of names to weights, or a `Blend` for a mixture
            that changes; None only for recipes that are not told who sings.
        temperature: divides the logits; 0 takes the likeliest level each time.
        seed: of the decoder's luck.
        keep_loudness: whether the result gets the song's integrated loudness, its true peak at most -1 dBTP.
        transpose: semitones; `auto` for octaves towards the singer's range, which keep the key; `range` for semitones
            towards it, which do not; `mean` for cents; `faithful` to stretch intervals as well, so that the spread is
            the singer's. For recipes that are told the pitch, as is `pitch`. None is as the recipe has it: 0, but for
            those that leave the pitch to a vocoder.
        pitch: a melody instead of the song's own, at least as long; it is transposed as the song's would be.
        formant: semitones by which resonances are moved, -12 to 12, for recipes that can; the tune stays.
        breath: dB by which breath is louder than learnt, -24 to 24, for recipes that tell it from tone.
        out_rate: Hz, of the result; None is the model's rate.

    Raises:
        UnknownSinger: the voice does not know a name.
        ConfigError: a value out of range.
        AudioError: a rate out of range.
        Unsupported: the recipe cannot do what is asked.
    """
    semitones = parse_transpose(voice.model.signal.transpose if transpose is None else transpose)
    if semitones != 0.0:
        require_pitch(voice, "--transpose")
    if pitch is not None:
        require_pitch(voice, "--pitch-in")
    if _within("formant shift", formant, FORMANT, "semitones") != 0.0:
        require_formants(voice)
    if _within("breath", breath, BREATH, "dB") != 0.0:
        require_breath(voice)
    if not (isinstance(temperature, int | float) and 0.0 <= temperature <= HOTTEST):  # false for NaN too
        raise ConfigError(f"The temperature cannot be {temperature!r}: choose 0 (the likeliest) to {HOTTEST:g}.")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError(f"The seed cannot be {seed!r:.60}: give a whole number.")
    return Plan(
        identity=_identity(voice, to),
        temperature=0.0 if temperature < COLDEST else float(temperature),
        seed=seed,
        keep_loudness=keep_loudness,
        transpose=semitones,
        pitch=pitch,
        formant=float(formant),
        breath=float(breath),
        out_rate=voice.model.rate if out_rate is None else require_rate(out_rate, "rate of the result"),
    )


def _within(what: str, value: object, most: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:  # true for NaN too
        raise ConfigError(f"The {what} cannot be {value!r:.40}: give {unit} from {-most:g} to {most:g}.")
    return float(value)


def _identity(voice: Voice, to: To) -> Tensor | Blend:
    if to is None:
        if voice.model.told_who:
            raise ConfigError(f"Say who is to sing; this voice knows {', '.join(voice.names)}.")
        return torch.full((len(voice.singers),), 1.0 / len(voice.singers))
    require_voice(voice)
    if isinstance(to, Blend):
        require_mixing(voice)
        return to.among(voice.singers, lambda name: identity_in(voice, name))
    point = identity_in(voice, to)
    if bool((point > 0.0).sum() > 1):
        require_mixing(voice)
    return point


def range_marks(voice: Voice, identity: Tensor | Blend, seconds: float) -> tuple[float, ...]:
    """The range of who is to sing: 5, 50 and 95 % in Hz, of a mixture between its singers' on a logarithmic scale.

    Empty where nothing is known of it. A mixture that changes has the range of its average over so many seconds.
    """
    point = identity.average(seconds) if isinstance(identity, Blend) else identity
    shares = dict(zip(voice.singers, point.tolist(), strict=True))
    known = {name: shares[name] for name, marks in voice.pitch_ranges.items() if min(marks) > 0.0}
    total = sum(known.values())
    if total <= 0.0:
        return ()
    logs = [sum(known[name] * math.log2(voice.pitch_ranges[name][n]) for name in known) / total for n in range(3)]
    return tuple(2.0**log for log in logs)
