"""What an evaluation found, in sentences for musicians: first the verdict, then what it rests on, then its limits.

    report ──by system: verdict, headlines, symptoms──between systems──what it is worth──▶ sayings

Every sentence comes out of figures and the catalogue's thresholds. Means do not hide failures: how many clips fail is
said beside each of them, and what could not be measured is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from vocalise.evaluation.catalogue import BY_NAME, HEADLINES, Measure
from vocalise.evaluation.comparing import rivalry
from vocalise.evaluation.limits import limits
from vocalise.evaluation.records import Clip, Interval, Level, Report, Row, Saying
from vocalise.evaluation.summary import CONVERSIONS, RECONSTRUCTIONS, Tally, tally, verdicts
from vocalise.evaluation.symptoms import explained
from vocalise.evaluation.wording import between, capital, count, listed

# What a headline figure means to who listens, when it is good, fair, and poor.
MEANINGS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "melody_kept": (
            "the tune is the source's",
            "the tune can be recognised, with wrong notes in it",
            "the tune is lost",
        ),
        "frame_error": (
            "it sings where the source sings, and no note is far off",
            "notes break off, crack, or sound where there should be none",
            "much of the singing is missing, cracked, or on other notes altogether",
        ),
        "target_heard": (
            "the target is recognised",
            "the target is recognised now and then",
            "the target is not recognised",
        ),
        "source_heard": (
            "nothing gives the source singer away",
            "the source singer shines through",
            "it still sounds like the source singer",
        ),
        "content_kept": (
            "the words are those of the source",
            "some of the words are slurred",
            "the words are lost",
        ),
        "loudness_correlation": (
            "loud and soft moments are where the source has them",
            "the shape of loud and soft is blurred",
            "loud and soft no longer follow the song",
        ),
        "length_error": (
            "it is as long as the source",
            "it is a little longer or shorter than the source, and will not stay together with an accompaniment",
            "it is not as long as the source",
        ),
        "silence": (
            "it is heard wherever the source is",
            "it falls silent here and there while the source sings",
            "it is silent for much of the song",
        ),
        "clicks": (
            "there are no clicks",
            "there are clicks now and then",
            "it crackles",
        ),
    }
)
_WORDS = MappingProxyType({"good": 0, "fair": 1, "poor": 2})
_SURELY_WORSE: tuple[str, ...] = ("melody_kept", "content_kept", "target_heard")  # of a reconstruction, the easier task


def say(report: Report) -> tuple[Saying, ...]:
    """All findings: of each system, verdict first; then the comparisons; then what limits the evaluation itself.

    The words about a system do not repeat its name, which is in `Saying.system`.
    """
    sayings: list[Saying] = []
    for system in report.systems:
        sayings += _of_system(report, system.name)
    return (*sayings, *rivalry(report), *limits(report))


def _of_system(report: Report, system: str) -> Iterator[Saying]:
    clips = [clip for clip in report.clips if clip.system == system]
    conversions = [clip for clip in clips if clip.kind == "conversion" and clip.state != "skipped"]
    rows = {row.group: row for row in report.rows if row.system == system}
    yield _verdict(system, conversions)
    scored = [clip for clip in conversions if clip.state == "scored"]
    if CONVERSIONS in rows and scored:
        for measure in HEADLINES:
            if measure.name in rows[CONVERSIONS].figures:
                yield _headline(system, measure, rows[CONVERSIONS].figures, scored)
        for sign, shown in explained(scored):
            words = f"In {len(shown)} of {count(len(scored), 'conversion')} {sign.words} ({listed(shown)})."
            yield Saying(level=sign.level, system=system, words=words)
        yield from _truth(system, rows[CONVERSIONS])
        yield from _targets(system, rows)
    yield from _reconstructions(system, clips, rows)
    yield from _model(report, system)
    yield from _undone(system, clips)


def _verdict(system: str, conversions: Sequence[Clip]) -> Saying:
    """The first sentence: how many succeed, and where most of the others fail."""
    told = tally(conversions)
    if not told.clips:
        return Saying(level="note", system=system, words="There is no conversion to judge.")
    if told.failed == told.clips:
        which = f"None of {told.clips} conversions could" if told.clips > 1 else "The only conversion could not"
        return Saying(level="poor", system=system, words=f"{which} be made or read.")
    asked = {name for clip in conversions for name in verdicts(clip)}
    missing = [one.title for one in HEADLINES if one.name not in asked]
    words = _success(told, " that was measured" if missing else "")
    if told.poor:
        words += f" What fails most often: {_listed_failures(told.poor)}."
    if told.failed:
        words += f" {count(told.failed, 'conversion')} could not be made or read, and counted as failed."
    if missing:
        words += f" Not measured, and therefore open: {', '.join(missing)}."
    level: Level = "good" if told.succeeded == told.clips else "fair" if 2 * told.succeeded >= told.clips else "poor"
    return Saying(level="fair" if level == "good" and missing else level, system=system, words=words)


def _success(told: Tally, which: str) -> str:
    if told.clips == 1:
        fate = f"succeeds: no headline figure{which} is a failure" if told.succeeded else "fails"
        return f"The only conversion {fate}{', and all of them are good' if told.good else ''}."
    if told.good == told.clips:
        return f"All {told.clips} conversions succeed, and are good on every headline figure{which}."
    if not told.succeeded:
        return f"None of {told.clips} conversions succeeds: each fails on a headline figure at least."
    words = (
        f"{told.succeeded} of {told.clips} conversions succeed, which is to say that no headline figure{which} is a "
    )
    return f"{words}failure; {told.good or 'none'} of them {'is' if told.good < 2 else 'are'} good on every one."


def _listed_failures(poor: Sequence[tuple[str, int]]) -> str:
    shown = [f"{BY_NAME[name].title} ({number})" for name, number in poor[:3]]
    return ", ".join(shown) + (f", and {count(len(poor) - 3, 'other figure')}" if len(poor) > 3 else "")


def _headline(system: str, measure: Measure, figures: Mapping[str, Interval], scored: Sequence[Clip]) -> Saying:
    """A headline figure: what it means, its interval, what counts as good, what must stand beside it, and who fails."""
    found = figures[measure.name]
    poor = sum(verdicts(clip).get(measure.name) == "poor" for clip in scored)
    level: Level = measure.verdict(found.value)
    level = "fair" if poor and level == "good" else level
    words = f"{MEANINGS[measure.name][_WORDS[level]]}: {measure.title} {measure.shown(found.value)} "
    words += f"({between(measure, found)}; good is {measure.shown(measure.good)} or "
    words += "less)." if measure.better == "lower" else "more)."
    beside = [
        f"{BY_NAME[name].title} {BY_NAME[name].shown(figures[name].value)}"
        for name in measure.beside
        if name in figures
    ]
    words += f" Beside it: {', '.join(beside)}." if beside else ""
    if poor and level != "poor":
        words += f" The mean hides that it fails in {poor} of {count(found.clips, 'conversion')}."
    return Saying(level=level, system=system, words=capital(words))


def _truth(system: str, row: Row) -> Iterator[Saying]:
    """Whether a conversion is nearer to the target's own take than doing nothing, and than another singer."""
    figures, measure = row.figures, BY_NAME["mel_to_truth"]
    if not {"mel_to_truth", "mel_source_to_truth"} <= set(figures):
        return
    ours, nothing = figures["mel_to_truth"].value, figures["mel_source_to_truth"].value
    words = f"The target's own take of the song is {measure.shown(ours)} away"
    if ours >= nothing:
        words += f"; the source, with nothing done to it, is no further ({measure.shown(nothing)})."
        yield Saying(level="poor", system=system, words=words)
        return
    words += f", the source {measure.shown(nothing)}"
    rival = figures.get("mel_other_to_truth")
    level: Level = "note" if rival is None else "good" if ours <= rival.value else "fair"
    words += f", the nearest other singer {measure.shown(rival.value)}." if rival is not None else "."
    if level == "fair":
        words += " Another person sounds more like the target than the conversion does."
    yield Saying(level=level, system=system, words=words)


def _targets(system: str, rows: Mapping[str, Row]) -> Iterator[Saying]:
    """Whose voice is reached least, where there is a choice."""
    found = {
        group.removeprefix("to "): row.figures["target_heard"].value
        for group, row in rows.items()
        if group.startswith("to ") and "target_heard" in row.figures
    }
    if len(found) < 2:
        return
    measure = BY_NAME["target_heard"]
    worst, best = min(found, key=lambda name: found[name]), max(found, key=lambda name: found[name])
    if measure.verdict(found[worst]) != measure.verdict(found[best]):
        words = f"Voices differ: {worst} is heard in {measure.shown(found[worst])} of the pieces that should be "
        words += f"{worst}'s, {best} in {measure.shown(found[best])}."
        yield Saying(level="note", system=system, words=words)


def _reconstructions(system: str, clips: Sequence[Clip], rows: Mapping[str, Row]) -> Iterator[Saying]:
    """How singers come back as themselves; worse than as others is a sign of a fault."""
    own = tally(clip for clip in clips if clip.kind == "reconstruction")
    if own.clips:
        words = f"Of reconstructions, in which singers sing as themselves, {own.succeeded} of {own.clips} succeed."
        level: Level = "good" if own.succeeded == own.clips else "fair" if 2 * own.succeeded >= own.clips else "poor"
        yield Saying(level=level, system=system, words=words)
    if not {CONVERSIONS, RECONSTRUCTIONS} <= set(rows):
        return
    easy, hard = rows[RECONSTRUCTIONS].figures, rows[CONVERSIONS].figures
    for measure in (BY_NAME[name] for name in _SURELY_WORSE):
        if measure.name in easy and measure.name in hard:
            one, other = easy[measure.name].value, hard[measure.name].value
            if other - one >= 0.05:
                words = f"Reconstructions, which are the easier task, do worse than conversions: {measure.title} "
                words += f"{measure.shown(one)} against {measure.shown(other)}. The songs or singers differ, or "
                words += "something is wrong with the voice."
                yield Saying(level="note", system=system, words=words)


def _model(report: Report, system: str) -> Iterator[Saying]:
    """What a fresh classifier still finds of the singer in what the bottleneck lets through."""
    figures = next((one.figures for one in report.systems if one.name == system), {})
    if {"probe", "probe_chance"} <= set(figures):
        measure = BY_NAME["probe"]
        words = f"From what passes the bottleneck, a classifier tells the singer in {measure.shown(figures['probe'])} "
        words += f"of cases; by chance that is {measure.shown(figures['probe_chance'])}"
        for name, what in (("probe_untrained", "of an untrained encoder"), ("probe_log_mel", "of the sound itself")):
            words += f", {what} {measure.shown(figures[name])}" if name in figures else ""
        yield Saying(level="note", system=system, words=f"{words}.")


def _undone(system: str, clips: Sequence[Clip]) -> Iterator[Saying]:
    """What failed, and what was passed over, by name and cause."""
    levels: tuple[tuple[str, Level, str], ...] = (("failed", "poor", "failed"), ("skipped", "note", "passed over"))
    for state, level, word in levels:
        for why in dict.fromkeys(clip.why for clip in clips if clip.state == state):
            shown = [clip for clip in clips if clip.state == state and clip.why == why]
            cause = f": {why}" if why else ", for no stated cause"
            words = f"{count(len(shown), 'clip')} {word} ({listed(shown)}){cause.rstrip('.')}."
            yield Saying(level=level, system=system, words=words)
