"""Who is heard in a conversion: what several judges say, made into figures by the one that is hardest to please.

take ──judge──▶ pieces of 3 s × persons ──who is likeliest──▶ shares ──the strictest judge──▶ target heard, source heard
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.evaluation.judge import Judge
from vocalise.evaluation.records import Examination
from vocalise.evaluation.scene import Scene, Take
from vocalise.evaluation.speaker import SpeakerNetwork, likeness

TRUSTED = 0.8  # of real, held-out pieces told right, as a mean over persons; a judge below it has no say


@dataclass(frozen=True)
class Speakers:
    """A speaker network and its points (takes, dim) for real recordings of persons."""

    network: SpeakerNetwork
    points: Mapping[str, Tensor]

    @classmethod
    def learn(cls, network: SpeakerNetwork, takes: Mapping[str, Sequence[Take]]) -> "Speakers":
        """Embeds real recordings of persons, several of each, or there is no ceiling; silence is left out."""
        points = {}
        for person, recordings in takes.items():
            embedded = [network.embed(take.wave, take.rate) for take in recordings]
            known = [point for point in embedded if bool(point.isfinite().all())]
            if known:
                points[person] = torch.stack(known)
        return cls(network, points)


def heard(take: Take, judges: Sequence[Judge]) -> dict[str, tuple[float, ...]]:
    """By judge, the share of pieces in which each person is the likeliest; a judge that hears nobody is absent."""
    shares = {}
    for judge in judges:
        pieces = _pieces(take, judge)
        if len(pieces):
            counts = torch.bincount(pieces.argmax(dim=1), minlength=len(judge.persons))
            shares[judge.name] = tuple((counts.double() / len(pieces)).tolist())
    return shares


def trusted(judges: Sequence[Judge], examinations: Sequence[Examination]) -> tuple[Judge, ...]:
    """The judges that can hear: those examined on real recordings, and found right often enough."""
    passed = {one.judge for one in examinations if one.accuracy >= TRUSTED}
    return tuple(judge for judge in judges if judge.name in passed)


def judged(scene: Scene, judges: Sequence[Judge], examinations: Sequence[Examination]) -> dict[str, float]:
    """`target_heard` by the strictest judge, with its ceiling, and `source_heard` by the one that says so most.

    Where a song sounds and the conversion does not, nobody is heard: that is no success of hiding the source singer,
    but a failure to let the target sing.
    """
    judges = trusted(judges, examinations)
    shares = heard(scene.converted, judges)
    figures = {}
    strictest = min(
        (judge for judge in judges if scene.target in judge.persons and _should_be_heard(scene, judge)),
        key=lambda judge: _share(shares, judge, scene.target),
        default=None,
    )
    if strictest is not None:
        figures["target_heard"] = _share(shares, strictest, scene.target)
        examination = next(one for one in examinations if one.judge == strictest.name)
        figures["target_ceiling"] = ceiling(examination, str(scene.target))
    if not scene.same_singer:
        asked = [judge for judge in judges if scene.source_singer in judge.persons and judge.name in shares]
        if asked:
            figures["source_heard"] = max(_share(shares, judge, scene.source_singer) for judge in asked)
    return figures


def ceiling(examination: Examination, person: str) -> float:
    """The share of a person's real, held-out pieces that a judge told right; NaN where there are none."""
    if person not in examination.persons:
        return math.nan
    place = examination.persons.index(person)
    row = examination.confusion[place]
    return row[place] / sum(row) if sum(row) else math.nan


def compared(scene: Scene, speakers: Speakers) -> dict[str, float]:
    """Cosines of the conversion with the mean of real recordings of target and source; the ceiling is the target's own.

    The ceiling is the mean over the target's recordings of the cosine of each with the mean of the others; NaN of one.
    """
    point = speakers.network.embed(scene.converted.wave, scene.rate)
    figures = {}
    if scene.target in speakers.points:
        points = F.normalize(speakers.points[str(scene.target)].double(), dim=-1)
        figures["speaker_target"] = likeness(point, points.mean(dim=0))
        figures["speaker_ceiling"] = _ceiling(points)
    if scene.source_singer in speakers.points and not scene.same_singer:
        points = F.normalize(speakers.points[str(scene.source_singer)].double(), dim=-1)
        figures["speaker_source"] = likeness(point, points.mean(dim=0))
    return figures


def _pieces(take: Take, judge: Judge) -> Tensor:
    return take.once(("heard", judge.name, judge.persons), lambda: judge.hear(take.wave, take.rate))


def _should_be_heard(scene: Scene, judge: Judge) -> bool:
    """Whether there is a singer to be heard: in the conversion, or else in the source."""
    return len(_pieces(scene.converted, judge)) > 0 or len(_pieces(scene.source, judge)) > 0


def _share(shares: Mapping[str, tuple[float, ...]], judge: Judge, person: str | None) -> float:
    return shares[judge.name][judge.persons.index(str(person))] if judge.name in shares else 0.0


def _ceiling(points: Tensor) -> float:
    if len(points) < 2:
        return math.nan
    rest = (points.sum(dim=0) - points) / (len(points) - 1)
    return float(F.cosine_similarity(points, rest, dim=-1).mean())
