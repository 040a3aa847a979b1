"""The ears of an evaluation: judges of singers, the listener for sounds of speech, a speaker network; all taught apart.

genuine recordings ──▶ judges, examined on what they never heard        rendered choir ──▶ listener
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vocalise.data.cache import Cache
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece, Split
from vocalise.errors import ConfigError
from vocalise.evaluation.content import PhoneListener, phone_listener
from vocalise.evaluation.judge import KINDS, Judge, examine, train_judges
from vocalise.evaluation.plan import person
from vocalise.evaluation.recognition import Speakers
from vocalise.evaluation.records import Examination
from vocalise.evaluation.scene import Take
from vocalise.evaluation.speaker import SpeakerNetwork
from vocalise.progress import Progress, silent

RATE = 16_000  # Hz, of all that is judged and scored
POINTS = 6  # real recordings of a person that a speaker network hears
STRETCH = 10.0  # seconds of each


@dataclass(frozen=True, kw_only=True)
class Ears:
    """Who listens, and how far each can be trusted."""

    judges: tuple[Judge, ...] = ()
    examinations: tuple[Examination, ...] = ()
    listener: PhoneListener | None = None
    speakers: Speakers | None = None
    took: Mapping[str, float] = field(default_factory=dict)  # seconds that each needed to be ready

    @property
    def persons(self) -> tuple[str, ...]:
        """Whom the judges tell apart."""
        return self.judges[0].persons if self.judges else ()


def parse_judges(text: str | None) -> tuple[str, ...]:
    """`network,gaussian` as kinds of judges; all of them by default.

    Raises:
        ConfigError: there is no such judge.
    """
    names = KINDS if text is None else tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    for name in names:
        if name not in KINDS:
            raise ConfigError(f"--judges: there is no judge {name!r:.40}; the choices are {', '.join(KINDS)}.")
    return names


def teach(
    prepared: Prepared | None,
    split: Split,
    *,
    same: Mapping[str, str],
    kinds: Sequence[str] = KINDS,
    network: SpeakerNetwork | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Ears:
    """Trains and examines what is not in the cache yet.

    Args:
        prepared: genuine recordings at 16 kHz; None where there are none to learn singers from.
        split: what is learnt from, and what judges are examined on.
        same: names that stand for a person of another name.
        kinds: of judges.
        network: a speaker network, if there is one.
        seed: of all that is drawn by chance.
        progress: told what is being trained.
    """
    begun = time.perf_counter()
    listener = phone_listener(prepared.cache if prepared else _cache(), seed=seed, progress=progress)
    took = {"listener": time.perf_counter() - begun}
    if prepared is None:
        return Ears(listener=listener, took=took)
    begun = time.perf_counter()
    same = {name: whose for name, whose in same.items() if name in prepared.singers}
    judges = train_judges(prepared, split, same=same, kinds=kinds, seed=seed, progress=progress)
    examinations = []
    for number, judge in enumerate(judges):
        progress("examining the judges", number, len(judges), judge.name)
        examinations.append(examine(judge, prepared, split.held_out, same=same))
    progress("examining the judges", len(judges), len(judges))
    took["judges"] = time.perf_counter() - begun
    speakers = None if network is None else Speakers.learn(network, _takes(prepared, split, same))
    return Ears(judges=tuple(judges), examinations=tuple(examinations), listener=listener, speakers=speakers, took=took)


def _cache() -> Cache | None:
    """The user's cache; without one, whatever is taught is taught again the next time."""
    try:
        return Cache.open()[0]
    except OSError:
        return None


def _takes(prepared: Prepared, split: Split, same: Mapping[str, str]) -> dict[str, list[Take]]:
    """Some real stretches of every person, spread over all that there is to learn from."""
    tiles: dict[str, list[tuple[Piece, int]]] = {}
    length = round(STRETCH * prepared.rate)
    for piece in split.train or split.held_out:
        if piece.recording.digest in prepared.lengths:
            first, last = prepared.span(piece)
            starts = range(0, max(1, last - first - length + 1), length)
            tiles.setdefault(person(piece.recording.singer, same), []).extend((piece, start) for start in starts)
    takes: dict[str, list[Take]] = {}
    for name, own in tiles.items():
        count = min(POINTS, len(own))
        for piece, start in (own[(2 * number + 1) * len(own) // (2 * count)] for number in range(count)):
            first, last = prepared.span(piece)
            wave = prepared.excerpt(piece, start, min(length, last - first - start))
            takes.setdefault(name, []).append(Take(wave, prepared.rate))
    return takes
