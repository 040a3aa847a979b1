"""What to mend, in plain words: the doctor's figures turned into findings with remedies."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vocalise.data.checkup import Checkup
from vocalise.data.corpus import Corpus
from vocalise.data.quality import Quality
from vocalise.data.records import Finding, Recording, legible

LITTLE, FEW = 10.0, 1.0  # minutes of a singer: enough to learn a voice well; hardly enough to learn it at all
QUIET = -40.0  # dBFS
NOISY = 25.0  # dB between singing and noise
PAUSES = 0.5  # share of the time that is silent
WIDE = 0.8  # of half the training rate
SUNG = 0.3  # share of the loud moments that should have a pitch
UNEVEN = 5.0  # times as much of one singer as of another


def advise(corpus: Corpus, singers: Sequence[Checkup], heard: Mapping[Recording, Quality]) -> Iterator[Finding]:
    """The findings of a checkup, most of them about one singer."""
    if not singers:
        remedy = "record some singing; ten minutes of each singer are a good start"
        yield Finding("error", None, corpus.folder, "There is nothing here that can be trained on.", remedy)
        return
    for one in singers:
        yield from _about_sound(one, corpus.rate)
        yield from _about_singing(one)
    yield from _about_quantity(singers)
    yield from _about_files(heard)
    yield from _about_all(singers)


def _about_quantity(singers: Sequence[Checkup]) -> Iterator[Finding]:
    remedy = f"record {LITTLE:.0f} minutes or more of each"
    few = [f"{one.singer} ({60 * one.minutes:.0f} s)" for one in singers if one.minutes < FEW]
    if few:
        yield Finding("warning", None, None, f"{', '.join(few)}: too little to learn a voice from.", remedy)
    some = [f"{one.singer} ({one.minutes:.1f} min)" for one in singers if FEW <= one.minutes < LITTLE]
    if some:
        yield Finding("note", None, None, f"{', '.join(some)}: such voices are learnt roughly.", remedy)


def _about_sound(one: Checkup, rate: int) -> Iterator[Finding]:
    if one.silence > PAUSES:
        message = f"{100 * one.silence:.0f} % of {one.singer}'s recordings are silence; it is passed over in training."
        yield Finding("note", one.singer, None, message, "cut long pauses out to save time and space")
    if one.clipped_files:
        share = "less than 0.01" if one.clipped < 1e-4 else f"{100 * one.clipped:.2f}"
        message = f"{one.singer}: {one.clipped_files} of {one.files} files clipped ({share} % of the samples)."
        yield Finding(
            "warning", one.singer, None, message, "record again at a lower gain; lowering it now does not help"
        )
    if one.level is not None and one.level < QUIET:
        message = f"{one.singer} is very quiet ({one.level:.0f} dBFS): it is raised in training, with all its noise."
        yield Finding("note", one.singer, None, message, "record at a higher gain")
    if one.level is not None and one.noise is not None and one.level - one.noise < NOISY and not one.company.likely:
        apart = one.level - one.noise
        message = (
            f"{one.singer}: the quietest moments are only {apart:.0f} dB below the singing (noise, echo, or no pause)."
        )
        yield Finding("note", one.singer, None, message, "record in a quiet and dry room, nearer to the microphone")
    if one.bandwidth is not None and one.bandwidth < WIDE * rate / 2:
        top = one.bandwidth / 1000
        message = f"{one.singer}'s recordings hold nothing above {top:.1f} kHz: the voice will sound muffled."
        yield Finding("warning", one.singer, None, message, "find recordings that were compressed less, or record anew")


def _about_singing(one: Checkup) -> Iterator[Finding]:
    if one.company.likely:
        message = f"{one.singer} is likely mixed or accompanied: {'; '.join(one.company.reasons)}."
        remedy = "use recordings of the voice alone, or separate the voice first"
        yield Finding("warning", one.singer, None, message, remedy)
    if one.voiced < SUNG:
        message = f"Only {100 * one.voiced:.0f} % of {one.singer}'s loud moments have a pitch: is this singing?"
        yield Finding("warning", one.singer, None, message, "listen to it; take away what is no singing")


def _about_files(heard: Mapping[Recording, Quality]) -> Iterator[Finding]:
    """Single files that differ from the rest of their singer's: a wrong label, another microphone."""
    for singer in sorted({recording.singer for recording in heard}):
        own = [recording for recording in heard if recording.singer == singer]
        if len(own) < 4:
            continue
        usual = float(np.median([heard[one].level for one in own]))
        for one in own:
            if heard[one].level < usual - 20.0:
                message = (
                    f"{legible(one.path)} is {usual - heard[one].level:.0f} dB quieter than {singer}'s other files."
                )
                yield Finding("note", singer, one.path, message, "listen to it")


def _about_all(singers: Sequence[Checkup]) -> Iterator[Finding]:
    if len(singers) == 1:
        message = (
            f"{singers[0].singer} is the only singer: a voice can be learnt, but nothing to convert it from or to."
        )
        yield Finding("warning", None, None, message, "add a folder of another singer")
        return
    most, least = (pick(singers, key=lambda one: one.minutes) for pick in (max, min))
    if most.minutes > UNEVEN * least.minutes:
        message = f"{most.singer} has {most.minutes / least.minutes:.0f} times as much as {least.singer}."
        remedy = f"training draws from all alike, so {least.singer} will be heard over and over; record more"
        yield Finding("note", None, None, message, remedy)
