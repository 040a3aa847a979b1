"""Training of judges, and where they are kept: in the cache, under all that made them."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch

from vocalise.data.cache import Cache, key_of
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece, Split
from vocalise.errors import ConfigError
from vocalise.evaluation.judge.contract import Judge
from vocalise.evaluation.judge.gaussian import GaussianJudge, fit
from vocalise.evaluation.judge.hearing import BAND, FULL, Hearing
from vocalise.evaluation.judge.material import Material, by_person, gather
from vocalise.evaluation.judge.network import NetworkJudge, train
from vocalise.progress import Progress, silent

VERSION = 5  # to be raised whenever the same recordings come to give another judge
KINDS = ("network", "network-band", "gaussian", "gaussian-band")
_KEPT = "judge"
_HEARINGS: Mapping[str, Hearing] = MappingProxyType({"": FULL, "-band": BAND})
_WHAT = "Teaching the judges"


def train_judges(
    prepared: Prepared,
    split: Split,
    *,
    same: Mapping[str, str] | None = None,
    kinds: Sequence[str] = KINDS,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Judge, ...]:
    """Judges who learnt from `split.train` only; none where there are fewer than two persons with ten seconds each.

    They are kept in the cache, so that the next call with the same recordings and settings is instant.

    Args:
        prepared: the audio, genuine recordings only.
        split: what may be learnt from, and what not.
        same: singers who are one person: {"torah-f": "torah-c"}.
        kinds: which judges, of `KINDS`.
        seed: of the networks' weights and batches.
        progress: is told the judges made, and how far the present one is.

    Raises:
        ConfigError: an unknown kind, or a singer of `same` whom the corpus does not have.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(f"There is no judge {kind!r}; the choices are {', '.join(KINDS)}.")
    chosen = by_person(prepared, split.train, same)
    if len(chosen) < 2:
        return ()
    materials: dict[Hearing, Material] = {}
    judges: list[Judge] = []
    for place, kind in enumerate(kinds):
        progress(_WHAT, place, len(kinds), kind)
        key = _key(prepared, chosen, kind, seed)
        judge = _kept(prepared.cache, key, kind)
        if judge is None:
            hearing = _hearing(kind)
            material = materials.get(hearing) or gather(prepared, chosen, hearing)
            materials[hearing] = material
            if len(material.persons) < 2:
                return ()
            judge = _taught(kind, material, seed, _within(progress, place, len(kinds), kind))
            _keep(prepared.cache, key, judge)
        judges.append(judge)
    progress(_WHAT, len(kinds), len(kinds))
    return tuple(judges)


def _taught(
    kind: str, material: Material, seed: int, report: Callable[[int, int, str], None]
) -> GaussianJudge | NetworkJudge:
    everything = (kind, material.persons, material.learnt, _hearing(kind), material.pieces)
    if _family(kind) is GaussianJudge:
        return fit(*everything)
    return train(*everything, seed=seed, report=report)


def _within(progress: Progress, place: int, kinds: int, kind: str) -> Callable[[int, int, str], None]:
    return lambda done, total, note: progress(_WHAT, place + done / total, kinds, f"{kind}: {note}" if note else kind)


def _family(kind: str) -> type[GaussianJudge] | type[NetworkJudge]:
    return GaussianJudge if kind.startswith("gaussian") else NetworkJudge


def _hearing(kind: str) -> Hearing:
    return _HEARINGS["-band" if kind.endswith("-band") else ""]


def _key(prepared: Prepared, chosen: Mapping[str, Sequence[Piece]], kind: str, seed: int) -> str:
    """Everything that the judge depends on; the singer's name is that of the person."""
    pieces = [
        (person, one.recording.digest, one.recording.song, one.start, one.stop)
        for person, own in chosen.items()
        for one in own
    ]
    settings = json.dumps([pieces, dataclasses.asdict(_hearing(kind))])
    corpus = prepared.corpus.fingerprint
    return key_of("judge", VERSION, kind, corpus, prepared.rate, prepared.level, settings, seed)


def _keep(cache: Cache, key: str, judge: GaussianJudge | NetworkJudge) -> None:
    facts = {"persons": list(judge.persons), "learnt": sorted(judge.learnt)}
    with contextlib.suppress(OSError):  # a judge that cannot be kept is made again next time
        cache.store(_KEPT, key, judge.parameters().numpy(), facts)


def _kept(cache: Cache, key: str, kind: str) -> GaussianJudge | NetworkJudge | None:
    """The judge as it was kept, or None where it is not there whole."""
    facts = cache.facts(_KEPT, key)
    if facts is None:
        return None
    try:
        persons = tuple(facts["persons"])
        learnt = frozenset((person, song) for person, song in facts["learnt"])
        parameters = torch.from_numpy(cache.array(_KEPT, key).copy())
        return _family(kind).restored(kind, persons, learnt, _hearing(kind), parameters)
    except (OSError, KeyError, TypeError, ValueError):
        return None
