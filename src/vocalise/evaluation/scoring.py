"""From a scene to its figures, by the names of the catalogue.

    scene ──melody | recognition | content | sound | truth | integrity──▶ {figure: value}

What nothing defines is absent. What is undefined because the conversion failed altogether (it is silent, and the source
is not) is no figure missing but a failure, and headline figures then say so.
"""

import math
from collections.abc import Callable, Sequence

from torch import Tensor

from vocalise.evaluation.catalogue import MEASURES
from vocalise.evaluation.content import PhoneListener
from vocalise.evaluation.judge import Judge
from vocalise.evaluation.recognition import Speakers, compared, judged
from vocalise.evaluation.records import Examination
from vocalise.evaluation.scene import Scene, Take
from vocalise.measures.cepstra import mcd_logmel, mcd_world
from vocalise.measures.joins import clicks, noise_floor, silent_share
from vocalise.measures.pitch import PitchFigures, compare_contours
from vocalise.measures.sound import loudness_correlation, real_time_factor
from vocalise.measures.spectra import mel_distance, stft_distance

# Figures of clips: all but those of voice files and those that hold for every clip of a report.
CLIP_MEASURES = tuple(
    measure for measure in MEASURES if measure.group != "model" and measure.name not in ("mel_floor", "bin_floor")
)
DEPTH = 35.0  # dB below a wave's own active frames: what is fainter there (an MP3's empty bands) is not compared
LOW_CEILING = 0.5  # where two trackers agree on less, the melody is not excused any further by their disagreement
_CEILINGS = ("rpa50", "chroma50", "log_f0_correlation", "median_cents", "gross", "voicing_error", "frame_error")


def score(
    scene: Scene,
    judges: Sequence[Judge] = (),
    examinations: Sequence[Examination] = (),
    listener: PhoneListener | None = None,
    *,
    speakers: Speakers | None = None,
) -> dict[str, float]:
    """All figures of a clip that something defines.

    Args:
        scene: the conversion, with what belongs to it.
        judges: those that know who sings; without them nobody says who is heard.
        examinations: of these judges, on held-out real recordings; without one a judge has no say.
        listener: the one that knows what is sung.
        speakers: a speaker network, with points of real recordings.

    Returns:
        Finite figures by names of `CLIP_MEASURES`, in their order.
    """
    found = melody(scene) | judged(scene, judges, examinations) | sound(scene) | truth(scene) | integrity(scene)
    if listener is not None:
        found |= content(scene, listener)
    if speakers is not None:
        found |= compared(scene, speakers)
    if scene.took is not None:
        found["real_time_factor"] = real_time_factor(scene.took, scene.source.seconds)
    return {
        one.name: float(found[one.name])
        for one in CLIP_MEASURES
        if one.name in found and math.isfinite(found[one.name])
    }


def melody(scene: Scene) -> dict[str, float]:
    """How the conversion's pitch follows the source's, beside how two trackers agree on the source itself.

    `melody_kept` is the share within 50 cents (less the transposition that was meant) over that agreement, at most 1;
    an agreement below a half counts as a half, so that noise which hides the melody from trackers flatters nobody.
    """
    follows = compare_contours(scene.source.contour, scene.contour, transposition=scene.transposition)
    moved = compare_contours(scene.source.contour, scene.contour, transposition=None)
    agree = scene.source.once("ceiling", lambda: _agreement(scene.source))
    figures = {
        **{name: getattr(follows, name) for name in (*_CEILINGS, "octave", "offset", "transposition", "log_f0_rmse")},
        **{f"{name}_ceiling": getattr(agree, name) for name in _CEILINGS},
        "rpa50_transposed": moved.rpa50,
        "voiced_source": follows.voiced_reference,
        "voiced": follows.voiced_estimate,
    }
    ceiling = LOW_CEILING if math.isnan(agree.rpa50) else max(LOW_CEILING, agree.rpa50)
    # Python's min(1, nan) is 1, which would make a perfect melody of none.
    figures["melody_kept"] = math.nan if math.isnan(follows.rpa50) else min(1.0, follows.rpa50 / ceiling)
    return figures


def _agreement(source: Take) -> PitchFigures:
    return compare_contours(source.contour, source.conditioning_contour)


def content(scene: Scene, listener: PhoneListener) -> dict[str, float]:
    """What is sung, by a listener for sounds of speech; of silence in place of a song, nothing is kept."""
    source, converted, rate = scene.source, scene.aligned, scene.rate
    found = listener.compare(source.wave, converted.wave, rate)
    figures = {
        "content_kept": found.kept,
        "content_distance": found.distance,
        "content_same": found.same,
        "content_unrelated": found.unrelated,
    }
    if source.sounds and not converted.sounds:
        figures["content_kept"] = 0.0
    if scene.syllables:
        syllables = scene.syllables
        told = listener.recognise(converted.wave, rate, syllables)
        best = source.once("syllables", lambda: listener.recognise(source.wave, rate, syllables))
        figures |= {"syllables": told.share, "syllables_source": best.share, "syllables_chance": best.chance}
    return figures


def sound(scene: Scene) -> dict[str, float]:
    """Loudness, and distances to the source, of which who sings is part."""
    source, converted, rate = scene.source.wave, scene.aligned.wave, scene.rate
    contours = scene.source.contour, scene.contour
    return {
        "loudness_correlation": _loudness(source, converted, rate),
        "mel_to_source": mel_distance(source, converted, rate, depth=DEPTH),
        "mcd_world_to_source": mcd_world(source, converted, rate, contours=contours, depth=DEPTH),
        "mcd_logmel_to_source": mcd_logmel(source, converted, rate, depth=DEPTH),
        "stft_to_source": stft_distance(source, converted, rate).total,
        "noise": noise_floor(scene.converted.wave, rate),
        "noise_source": scene.source.once("noise", lambda: noise_floor(source, rate)),
    }


def _loudness(source: Tensor, converted: Tensor, rate: int) -> float:
    """A conversion that does not vary where the source does has lost all that a correlation could tell."""
    found = loudness_correlation(source, converted, rate)
    if math.isnan(found) and loudness_correlation(source, source, rate) > 0.0:
        return 0.0
    return found


def truth(scene: Scene) -> dict[str, float]:
    """Distances to the target's own take, beside those of doing nothing and of the nearest rival's take."""
    if scene.truth is None:
        return {}
    warped = not scene.simultaneous
    figures = {"truth_warped": float(warped)}
    for name, distance in _DISTANCES:
        figures[f"{name}_to_truth"] = distance(scene.truth, scene.aligned, warped)
        figures[f"{name}_source_to_truth"] = _apart(name, distance, scene.truth, scene.source, warped)
        rivals = [_apart(name, distance, scene.truth, rival, warped) for rival in scene.rivals]
        figures[f"{name}_other_to_truth"] = min((found for found in rivals if math.isfinite(found)), default=math.nan)
    return figures


Distance = Callable[[Take, Take, bool], float]


def _mel(truth: Take, other: Take, warped: bool) -> float:
    return mel_distance(truth.wave, other.wave, truth.rate, warped=warped, depth=DEPTH)


def _world(truth: Take, other: Take, warped: bool) -> float:
    contours = truth.contour, other.contour
    return mcd_world(truth.wave, other.wave, truth.rate, warped=warped, contours=contours, depth=DEPTH)


def _logmel(truth: Take, other: Take, warped: bool) -> float:
    return mcd_logmel(truth.wave, other.wave, truth.rate, warped=warped, depth=DEPTH)


_DISTANCES: tuple[tuple[str, Distance], ...] = (("mel", _mel), ("mcd_world", _world), ("mcd_logmel", _logmel))


def _apart(name: str, distance: Distance, truth: Take, other: Take, warped: bool) -> float:
    """A distance between real takes, which all conversions to this truth share."""
    return truth.once((name, other, warped), lambda: distance(truth, other, warped))


def integrity(scene: Scene) -> dict[str, float]:
    """Whether it is a whole recording: as long as the source, nowhere silent, without clicks, in time."""
    source, converted = scene.source, scene.converted
    own = source.once("clicks", lambda: _rate(clicks(source.wave, source.rate), source))
    return {
        "length_error": abs(converted.seconds - source.seconds),
        "silence": silent_share(source.wave, scene.aligned.wave, scene.rate),
        "clicks": max(0.0, _rate(clicks(converted.wave, converted.rate), converted) - own),
        "clicks_source": own,
        "drift": scene.alignment.drift,
    }


def _rate(times: Tensor, take: Take) -> float:
    return times.numel() / take.seconds if take.seconds else math.nan
