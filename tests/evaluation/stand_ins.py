"""Stand-ins for those who listen: judges that always hear the same, a listener, a speaker network; nothing learns."""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import torch

from vocalise.evaluation.records import Examination

PERSONS = ("ada", "bob", "cy")


@dataclass(eq=False)
class Always:
    """A judge who hears the same in every piece of whatever sounds."""

    name: str
    hears: str
    persons: tuple[str, ...] = PERSONS
    asked: list = field(default_factory=list)

    def hear(self, wave, rate):
        self.asked.append(wave)
        pieces = 4 if wave.numel() and wave.abs().max() > 1e-3 else 0
        shares = torch.full((pieces, len(self.persons)), 0.1)
        if self.hears in self.persons:
            shares[:, self.persons.index(self.hears)] = 0.8
        return shares


def examined(judge, right: int = 9, of: int = 10) -> Examination:
    """So many pieces of each person told right, the others taken for the next person."""
    count = len(judge.persons)
    rows = [
        [right if n == m else of - right if m == (n + 1) % count else 0 for m in range(count)] for n in range(count)
    ]
    return Examination(
        judge=judge.name,
        persons=judge.persons,
        accuracy=right / of,
        confusion=tuple(map(tuple, rows)),
        pieces=of * count,
        disjoint=True,
    )


class Listener:
    """It takes a wave for its words, and counts whom it was asked to recognise."""

    def __init__(self):
        self.recognised = []

    def compare(self, source, converted, rate):
        kept = 1.0 if torch.equal(source, converted) else math.nan
        return SimpleNamespace(kept=kept, distance=0.5, same=0.4, unrelated=1.0)

    def recognise(self, wave, rate, syllables):
        self.recognised.append(wave)
        return SimpleNamespace(share=0.75, chance=0.1, count=len(syllables))


class Network:
    """Louder voices are other voices."""

    def embed(self, wave, rate):
        if not wave.numel() or not wave.any():
            return torch.full((2,), math.nan)
        return torch.tensor([1.0, float(wave.abs().max())])
