"""Made-up clips and reports: figures of a conversion that is good in every way, and what may be wrong with it."""

from collections.abc import Sequence
from dataclasses import replace

from vocalise.evaluation.comparing import compare
from vocalise.evaluation.records import Clip, Examination, Report, System
from vocalise.evaluation.summary import summarise

GOOD = {
    "melody_kept": 0.97,
    "rpa50": 0.93,
    "rpa50_ceiling": 0.96,
    "chroma50": 0.94,
    "chroma50_ceiling": 0.97,
    "frame_error": 0.06,
    "frame_error_ceiling": 0.04,
    "octave": 0.0,
    "offset": 1.5,
    "transposition": 0.0,
    "rpa50_transposed": 0.93,
    "voiced_source": 0.8,
    "voiced": 0.79,
    "target_heard": 0.95,
    "target_ceiling": 0.98,
    "source_heard": 0.01,
    "content_kept": 0.85,
    "content_distance": 0.3,
    "content_same": 0.25,
    "content_unrelated": 0.9,
    "loudness_correlation": 0.95,
    "mel_to_source": 7.5,
    "length_error": 0.0,
    "silence": 0.0,
    "clicks": 0.0,
    "clicks_source": 0.0,
    "drift": 0.01,
}
ABLE = Examination(
    judge="network",
    persons=("ada", "bob"),
    accuracy=0.95,
    confusion=((38, 2), (2, 38)),
    pieces=80,
    disjoint=True,
)


def clip(song: str = "song 1", *, system: str = "ours", source: str = "ada", target: str = "bob", **figures) -> Clip:
    """A good conversion, but for these figures; those that are None it does not have."""
    found = {name: value for name, value in {**GOOD, **figures}.items() if value is not None}
    return Clip(system=system, song=song, source=source, target=target, seconds=20.0, figures=found)


def clips(count: int = 8, **about) -> tuple[Clip, ...]:
    """So many such conversions, each of another song."""
    return tuple(clip(f"song {number}", **about) for number in range(1, count + 1))


def failed(one: Clip, why: str, state: str = "failed") -> Clip:
    """The clip that could not be made."""
    return replace(one, state=state, why=why, figures={}, heard={})


def report(found: Sequence[Clip], *, judges: Sequence[Examination] = (ABLE,)) -> Report:
    """A report of these clips, with its rows, and the differences of the first two systems."""
    systems = tuple(dict.fromkeys(one.system for one in found))
    return Report(
        title="An evaluation",
        made="2026-01-01T00:00:00+00:00",
        command="vocalise evaluate --voice ours.voice songs --out report",
        software="vocalise 0.1.0",
        machine="2 cores",
        seed=0,
        data="0123",
        persons=("ada", "bob"),
        systems=tuple(System(name=name, path=f"{name}.voice") for name in systems),
        clips=tuple(found),
        rows=summarise(found, draws=200),
        differences=compare(found, *systems[:2], draws=200) if len(systems) > 1 else (),
        judges=tuple(judges),
    )
