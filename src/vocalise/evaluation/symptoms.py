"""What seems to have happened to a conversion, told from figures that fail together.

No figure alone tells a whisper from a wrong song; a few of them do. Each clip is explained by the first symptom that it
shows, the gravest first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vocalise.evaluation.catalogue import BY_NAME
from vocalise.evaluation.records import Clip, Level


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """A way in which conversions go wrong."""

    name: str
    level: Level
    shows: Callable[[Clip], bool]
    words: str  # after "in 3 of 12 conversions"


def value(clip: Clip, name: str, otherwise: float) -> float:
    """A figure, or what stands for one that is absent."""
    return clip.figures.get(name, otherwise)


def fails(clip: Clip, name: str) -> bool:
    """Whether a headline figure is there, and poor."""
    return name in clip.figures and BY_NAME[name].verdict(clip.figures[name]) == "poor"


def _silent(clip: Clip) -> bool:
    return value(clip, "silence", 0.0) >= 0.8


def _another_length(clip: Clip) -> bool:
    return fails(clip, "length_error")


def _whispered(clip: Clip) -> bool:
    sung = value(clip, "voiced_source", 0.0)
    return sung >= 0.2 and value(clip, "voiced", 1.0) <= 0.2 * sung


def _unchanged(clip: Clip) -> bool:
    return value(clip, "mel_to_source", 9.0) <= 1.0 and value(clip, "target_heard", 0.0) < 0.5


def _kept(clip: Clip) -> bool:
    return fails(clip, "source_heard") and not fails(clip, "melody_kept")


def _another_song(clip: Clip) -> bool:
    there = "target_heard" in clip.figures and not fails(clip, "target_heard")
    return there and fails(clip, "melody_kept") and fails(clip, "content_kept")


def _octave(clip: Clip) -> bool:
    gained = value(clip, "chroma50", 0.0) - value(clip, "rpa50", 1.0)
    return fails(clip, "melody_kept") and (value(clip, "octave", 0.0) >= 0.2 or gained >= 0.3)


def _another_key(clip: Clip) -> bool:
    """Its own key is found, and it is not the one that was meant."""
    ceiling = max(0.5, value(clip, "rpa50_ceiling", 1.0))
    off = abs(value(clip, "offset", 0.0) - value(clip, "transposition", 0.0))
    return fails(clip, "melody_kept") and off >= 50.0 and value(clip, "rpa50_transposed", 0.0) >= 0.6 * ceiling


def _no_tune(clip: Clip) -> bool:
    return fails(clip, "melody_kept")


def _mumbled(clip: Clip) -> bool:
    return fails(clip, "content_kept")


def _unsteady(clip: Clip) -> bool:
    return value(clip, "drift", 0.0) > 0.1


def _nobody(clip: Clip) -> bool:
    return fails(clip, "target_heard")


SYMPTOMS: tuple[Symptom, ...] = (
    Symptom(name="silent", level="poor", shows=_silent, words="next to nothing is heard: the output is silent"),
    Symptom(
        name="another length",
        level="poor",
        shows=_another_length,
        words="the result is not as long as the source: it is cut short, drawn out, or runs at another speed",
    ),
    Symptom(
        name="whispered",
        level="poor",
        shows=_whispered,
        words="no pitch is found in what it sings: that is a whisper, or noise, and no song",
    ),
    Symptom(
        name="unchanged",
        level="poor",
        shows=_unchanged,
        words="the result sounds as the source did: the song seems to have been returned unchanged",
    ),
    Symptom(
        name="kept",
        level="poor",
        shows=_kept,
        words="the source singer is still heard: the song is there, but the voice has hardly changed",
    ),
    Symptom(
        name="octave",
        level="poor",
        shows=_octave,
        words="the notes are right and the octave is wrong",
    ),
    Symptom(
        name="another key",
        level="poor",
        shows=_another_key,
        words="the melody is right, but in another key than was meant, or out of tune throughout",
    ),
    Symptom(
        name="another song",
        level="poor",
        shows=_another_song,
        words="the right voice sings another song: neither melody nor words are the source's",
    ),
    Symptom(
        name="no tune",
        level="poor",
        shows=_no_tune,
        words="the melody is not the source's: many notes are wrong, or missing",
    ),
    Symptom(
        name="mumbled",
        level="poor",
        shows=_mumbled,
        words="the tune is there, but the words are not: it is mumbled, or a vowel is held throughout",
    ),
    Symptom(
        name="nobody",
        level="poor",
        shows=_nobody,
        words="the song is there, but the target is not heard",
    ),
    Symptom(
        name="unsteady",
        level="fair",
        shows=_unsteady,
        words="the result falls out of step with the source by more than a tenth of a second",
    ),
)


def symptom(clip: Clip) -> Symptom | None:
    """The gravest that a clip shows; None where there is nothing to explain."""
    if clip.state != "scored":
        return None
    return next((one for one in SYMPTOMS if one.shows(clip)), None)


def explained(clips: Sequence[Clip]) -> list[tuple[Symptom, list[Clip]]]:
    """Each symptom with the clips that it is the gravest of, in the order of `SYMPTOMS`."""
    found = [(one, [clip for clip in clips if symptom(clip) is one]) for one in SYMPTOMS]
    return [(one, shown) for one, shown in found if shown]
