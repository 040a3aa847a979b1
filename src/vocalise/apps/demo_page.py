"""The demo's page: what was sung, what should have become of it, what did, and the figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vocalise.apps.console import span
from vocalise.apps.demo_first import First
from vocalise.apps.pages import picture, render, sound
from vocalise.apps.tables import HEADS
from vocalise.audio.pitch import Contour
from vocalise.measures.pictures import comparison, loss_curves, pitch_curves
from vocalise.measures.pitch import compare_contours
from vocalise.measures.sound import loudness_correlation, real_time_factor
from vocalise.measures.spectra import mel_distance
from vocalise.measures.tracker import track_pitch
from vocalise.parts.contracts import BITS, Unit
from vocalise.training.course import Verdict, maturity
from vocalise.training.journal import Journal

if TYPE_CHECKING:
    from vocalise.apps.demo import Take


LEAST_FOUND = 0.2  # of the source's voiced time, from which on its pitch is compared


@dataclass(frozen=True)
class Shown:
    """What the page tells beside verdict and sound."""

    minutes: float
    recipe: str
    size: str
    rows: Sequence[Sequence[str]]  # of the check's table
    check: str
    run: Path
    first: First | None = None  # what the default voice sang


@dataclass(frozen=True)
class Figure:
    """A row of the table of figures."""

    name: str
    value: str
    beside: str  # what to hold it against
    meaning: str


def demo_page(shown: Shown, verdict: Verdict, take: "Take") -> str:
    """The whole page as HTML."""
    waves = {"source": take.heard, "conversion": take.sung, "truth": take.truth}
    contours = {name: track_pitch(wave, take.rate) for name, wave in waves.items()}
    titles = {
        "source": f"source: {take.source}",
        "conversion": f"conversion: {take.source} → {take.target}",
        "truth": f"truth: {take.target}",
    }
    panels = [(titles[name], wave, take.rate, contours[name]) for name, wave in waves.items()]
    return render(
        "demo.html",
        title="vocalise: the demo",
        shown=shown,
        heads=HEADS,
        verdict=verdict,
        take=take,
        seconds=len(take.heard) / take.rate,
        steps=f"{verdict.step:,}",
        players={name: sound(wave, take.rate) for name, wave in waves.items()},
        first=_first_players(shown.first),
        spectrograms=picture(comparison(panels)),
        curves=picture(pitch_curves({titles[name]: contour for name, contour in contours.items()})),
        losses=picture(_losses(shown.run)),
        losses_say=_losses_say(verdict.unit),
        figures=figures(verdict, take, contours),
        maturity=expectation(verdict.loss, verdict.unit),
    )


def _first_players(first: First | None) -> list[tuple[str, str]]:
    """Captions and players of what the default voice sang."""
    if first is None:
        return []
    source = (f"The source: {first.singer}", sound(first.heard, first.rate))
    return [
        source,
        *((f"As {one.name}, in {one.took:.1f} s of work", sound(one.wave, first.rate)) for one in first.sung),
    ]


def figures(verdict: Verdict, take: "Take", contours: Mapping[str, Contour]) -> list[Figure]:
    """The figures, each with what it is to be held against."""
    rows = [_loss_figure(verdict)]
    of_it = verdict.figures
    if "probe" in of_it:
        chance, ceiling, floor = (_share(of_it[name]) for name in ("chance", "probe_log_mel", "probe_untrained"))
        beside = f"chance {chance}, on the sound itself {ceiling}, untrained encoder {floor}"
        rows.append(
            Figure("singer probe", _share(of_it["probe"]), beside, "how often the singer can be told from the latent")
        )
    return [*rows, *_pitch_figures(contours), *_sound_figures(take)]


def _loss_figure(verdict: Verdict) -> Figure:
    if verdict.unit is BITS:
        beside, meaning = "8 for pure guessing", "how well songs it never heard are predicted"
    else:
        beside, meaning = "6 for two draws of one noise", "how near it comes to songs it never heard"
    return Figure(f"held-out loss, {verdict.unit.words}", _number(verdict.loss), beside, meaning)


def _losses_say(unit: Unit) -> str:
    if unit is BITS:
        return "Bits per sample: lower is better, 8 is pure guessing."
    return "Spectral distance in dB: lower is better, and two draws of one noise are 6 dB apart."


def _pitch_figures(contours: Mapping[str, Contour]) -> list[Figure]:
    pitch = compare_contours(contours["source"], contours["conversion"])
    sung, found = (float(contours[name].voicing.mean()) for name in ("source", "conversion"))
    beside = f"1 is perfect; a pitch is found in {_share(found)} of the conversion, {_share(sung)} of the source"
    enough = found >= LEAST_FOUND * sung  # else it is a correlation of the tracker's mistakes
    return [
        Figure(
            "log-F0 correlation",
            _number(pitch.log_f0_correlation if enough else math.nan),
            beside,
            "whether the melody goes the same way as the source's",
        ),
        Figure(
            "pitch within 50 cents (RPA50)",
            _share(pitch.rpa50),
            "100 % is perfect",
            "share of the sung time in which the pitch is the source's",
        ),
    ]


def _sound_figures(take: "Take") -> list[Figure]:
    loud = loudness_correlation(take.heard, take.sung, take.rate)
    near, far = (_number(mel_distance(take.truth, wave, take.rate)) for wave in (take.sung, take.heard))
    seconds = len(take.heard) / take.rate
    factor = _number(real_time_factor(take.took, seconds))
    return [
        Figure("loudness correlation", _number(loud), "1 is perfect", "whether loud and soft moments are kept"),
        Figure(
            "mel distance, conversion to truth",
            f"{near} dB",
            f"source to truth {far} dB",
            "how far the spectrum is from the target's own rendering",
        ),
        Figure("real-time factor", factor, f"{span(take.took)} for {seconds:.1f} s", "seconds of work for one of song"),
    ]


def expectation(loss: float, unit: Unit) -> str:
    """How far such a training has come, in plain words."""
    told = unit is BITS  # else it is told the tune, and keeps it from the beginning
    return (
        "It has only begun to learn what singing sounds like: expect "
        + ("noise that swells and fades with the song." if told else "the tune, buzzing, without words."),
        "It has learnt the rough colour of a voice: expect "
        + (
            "a whisper, at best a hoarse mumbling, that follows the song but not its tune."
            if told
            else "the tune in a rough voice, with words that blur."
        ),
        "It has learnt the sound of voices well enough to be listened to; words "
        + ("and tune may still blur." if told else "may still blur."),
    )[maturity(loss, unit)]


def _losses(run: Path) -> bytes:
    drawn = run / "figures" / "loss.png"
    return drawn.read_bytes() if drawn.is_file() else loss_curves(Journal(run / "journal.jsonl").rows())


def _number(value: float) -> str:
    return "undefined" if not math.isfinite(value) else f"{value:.2f}"


def _share(value: float) -> str:
    return "undefined" if not math.isfinite(value) else f"{100 * value:.0f} %"
