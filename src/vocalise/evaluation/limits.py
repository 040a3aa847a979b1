"""What an evaluation cannot tell, in sentences: judges that cannot hear, trackers that disagree, songs that are few."""

import math
from collections.abc import Iterator, Sequence

from vocalise.evaluation.catalogue import BY_NAME
from vocalise.evaluation.recognition import TRUSTED
from vocalise.evaluation.records import Clip, Examination, Report, Saying
from vocalise.evaluation.scoring import LOW_CEILING
from vocalise.evaluation.wording import count

FEW_SONGS = 6  # below it a bootstrap over songs is too narrow: see `measures.intervals.bootstrap`
FEW_CLIPS = 5  # conversions of a system
SHORT = 60.0  # seconds of song, below which everything is a matter of luck
AGREEING = 0.85  # of the sung time, within 50 cents; two trackers agree on more in clean recordings
MISTAKEN = 0.2  # of a person's real pieces, taken for one other person
BLURRED = 0.8  # of the distance between other words, that lies between the same words of two singers


def limits(report: Report) -> Iterator[Saying]:
    """What everybody should know before believing any of the figures."""
    scored = [clip for clip in report.clips if clip.state == "scored"]
    yield from _judges(report, scored)
    yield from _trackers(scored)
    yield from _words(scored)
    yield from _songs(scored)


def _judges(report: Report, scored: Sequence[Clip]) -> Iterator[Saying]:
    able = [one for one in report.judges if one.accuracy >= TRUSTED]
    for one in report.judges:
        if one not in able:
            yield Saying(level="fair", system="", words=_unable(one))
    if scored and not any({"target_heard", "source_heard"} & set(clip.figures) for clip in scored):
        words = "No judge says who sings: "
        words += (
            "none can tell the real recordings apart." if report.judges else "there was nobody to learn singers from."
        )
        yield Saying(level="poor", system="", words=f"{words} A conversion may be anybody's voice.")
    if able:
        told = ", ".join(f"{one.judge} {_percent(one.accuracy)} of {count(one.pieces, 'piece')}" for one in able)
        words = f"Who sings is judged by listeners that tell real, held-out recordings right: {told}."
        yield Saying(level="note", system="", words=words)
    if any(not one.disjoint for one in able):
        words = "Some of these recordings are of songs from which the judges learnt another part: they may know a song "
        words += "or a room where they seem to know a singer."
        yield Saying(level="note", system="", words=words)
    yield from _mistaken(able)


def _unable(one: Examination) -> str:
    found = "could not be examined on real recordings" if math.isnan(one.accuracy) else ""
    found = found or f"tells only {_percent(one.accuracy)} of real, held-out recordings right"
    return f"The judge {one.judge} {found} ({_percent(TRUSTED)} is asked for): it has no say."


def _mistaken(able: Sequence[Examination]) -> Iterator[Saying]:
    """Persons whom a judge mistakes for one another although they really sing."""
    seen: dict[tuple[str, str], float] = {}
    for one in able:
        for person, row in zip(one.persons, one.confusion, strict=True):
            whole = max(1, sum(row))
            for other, pieces in zip(one.persons, row, strict=True):
                if person != other and pieces / whole >= MISTAKEN:
                    seen[person, other] = max(seen.get((person, other), 0.0), pieces / whole)
    for (person, other), share in seen.items():
        words = f"Even in real recordings {person} is taken for {other} in {_percent(share)} of the pieces by a judge: "
        words += f"do not expect more of conversions to {person}."
        yield Saying(level="note", system="", words=words)


def _trackers(scored: Sequence[Clip]) -> Iterator[Saying]:
    agreement = _mean(scored, "rpa50_ceiling")
    if agreement is None or agreement >= AGREEING:
        return
    words = f"Even on the sources themselves two pitch trackers agree in only {_percent(agreement)} of the sung time: "
    words += "the recordings are noisy, or hardly sung. "
    words += (
        "Most of what is said about melody is guesswork here."
        if agreement < LOW_CEILING
        else "Read all pitch figures against that ceiling."
    )
    yield Saying(level="fair" if agreement < LOW_CEILING else "note", system="", words=words)


def _words(scored: Sequence[Clip]) -> Iterator[Saying]:
    same, unrelated = _mean(scored, "content_same"), _mean(scored, "content_unrelated")
    if same is not None and unrelated is not None and same >= BLURRED * unrelated:
        measure = BY_NAME["content_distance"]
        words = "The listener for words hardly tells other words from the same: the song against itself at another "
        words += f"place is {measure.shown(unrelated)} away, the same words by two voices {measure.shown(same)}. "
        words += "What is said about content is not to be relied on here."
        yield Saying(level="fair", system="", words=words)


def _songs(scored: Sequence[Clip]) -> Iterator[Saying]:
    if not scored:
        return
    songs = len({clip.song for clip in scored})
    if songs == 1:
        words = "All clips are of one song: there are no intervals, and another song may fare otherwise."
        yield Saying(level="note", system="", words=words)
    elif songs < FEW_SONGS:
        words = f"All clips are of {songs} songs: with fewer than {FEW_SONGS} the intervals are too narrow, and the "
        words += "truth lies outside them more often than one time in twenty."
        yield Saying(level="note", system="", words=words)
    for system in dict.fromkeys(clip.system for clip in scored):
        number = sum(clip.system == system and clip.kind == "conversion" for clip in scored)
        if number < FEW_CLIPS:
            words = f"Of {system} only {count(number, 'conversion')} could be scored: take the means as examples."
            yield Saying(level="note", system="", words=words)
    sung = sum({(clip.song, clip.source): clip.seconds for clip in scored}.values())
    if sung < SHORT:
        words = f"All of it rests on {sung:.0f} s of singing: that is little, and luck has a part in it."
        yield Saying(level="note", system="", words=words)


def _mean(clips: Sequence[Clip], name: str) -> float | None:
    values = [clip.figures[name] for clip in clips if name in clip.figures]
    return sum(values) / len(values) if values else None


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"
