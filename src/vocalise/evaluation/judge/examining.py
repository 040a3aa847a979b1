"""The examination of a judge on genuine recordings that it never heard: what its verdicts are worth."""

import math
from collections.abc import Mapping, Sequence

import torch

from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece
from vocalise.evaluation.judge.contract import Judge
from vocalise.evaluation.judge.material import by_person, wave_of
from vocalise.evaluation.records import Examination


def examine(
    judge: Judge, prepared: Prepared, pieces: Sequence[Piece], *, same: Mapping[str, str] | None = None
) -> Examination:
    """How often a judge is right about held-out pieces, three seconds at a time.

    The accuracy is the mean over those persons of the judge who are heard in `pieces`, and NaN where nobody is.

    Args:
        judge: who is examined.
        prepared: the audio.
        pieces: genuine recordings, held out; those of persons whom the judge does not know are passed over.
        same: singers who are one person, as in `train_judges`.

    Raises:
        ConfigError: `same` names a singer who is not in the corpus.
    """
    confusion = torch.zeros(len(judge.persons), len(judge.persons), dtype=torch.long)
    disjoint = True
    for person, own in by_person(prepared, pieces, same).items():
        if person not in judge.persons:
            continue
        row = judge.persons.index(person)
        for piece in own:
            verdicts = judge.hear(wave_of(prepared, piece), prepared.rate).argmax(dim=1)
            confusion[row] += torch.bincount(verdicts, minlength=len(judge.persons))
            disjoint = disjoint and (person, piece.recording.song.casefold()) not in judge.learnt
    total = confusion.sum(dim=1)
    right = [int(confusion[n, n]) / int(total[n]) for n in range(len(total)) if total[n]]
    return Examination(
        judge=judge.name,
        persons=judge.persons,
        accuracy=sum(right) / len(right) if right else math.nan,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        pieces=int(total.sum()),
        disjoint=disjoint and bool(right),
    )
