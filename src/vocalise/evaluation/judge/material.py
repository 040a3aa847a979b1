"""What a judge learns from: stretches of the training pieces, by person, no more of each than helps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vocalise.data.prepared import FULL_SCALE, Prepared
from vocalise.data.records import Piece
from vocalise.errors import ConfigError
from vocalise.evaluation.judge.hearing import HOP, PIECE, RATE, Hearing, Pieces

MOST = 480.0  # seconds of each person, spread over the recordings
SHORT = 2 * PIECE  # seconds: what is shorter is joined to others
ENOUGH = 10.0  # seconds of sound without which a person is left out


@dataclass(frozen=True)
class Material:
    """Training pieces by person, as a hearing has them."""

    persons: tuple[str, ...]  # those who have enough
    pieces: tuple[tuple[Pieces, ...], ...]  # of each person's stretches, and of those as other rooms would have them
    learnt: frozenset[tuple[str, str]]  # person, song
    left_out: tuple[str, ...]  # those who have too little


def by_person(
    prepared: Prepared, pieces: Sequence[Piece], same: Mapping[str, str] | None
) -> dict[str, tuple[Piece, ...]]:
    """The pieces that were prepared, by the person who sings, sorted; `same` says which singers are one person.

    Raises:
        ConfigError: `same` names a singer who is not in the corpus.
    """
    same = same or {}
    for name in {*same, *same.values()}:
        if name not in prepared.singers:
            known = ", ".join(prepared.singers)
            raise ConfigError(f"same= names {name!r}, whom the corpus does not have; its singers are {known}.")
    found: dict[str, list[Piece]] = {}
    for piece in sorted(pieces, key=lambda one: (one.recording.song, one.recording.digest, one.start)):
        if piece.recording.digest in prepared.lengths and piece.recording.singer in prepared.singers:
            found.setdefault(same.get(piece.recording.singer, piece.recording.singer), []).append(piece)
    return {person: tuple(found[person]) for person in sorted(found)}


def wave_of(prepared: Prepared, piece: Piece, share: float | None = None) -> Tensor:
    """A piece (samples,), or as much from its middle as `share` seconds."""
    first, last = prepared.span(piece)
    samples = last - first if share is None else min(last - first, round(share * prepared.rate))
    start = (last - first - samples) // 2
    heard = prepared.wave(piece)[start : start + samples]
    return torch.from_numpy(np.asarray(heard, np.float32) / FULL_SCALE)


def gather(prepared: Prepared, chosen: Mapping[str, Sequence[Piece]], hearing: Hearing) -> Material:
    """What each person's stretches sound like, of those who have enough."""
    persons, pieces, learnt, left_out = [], [], set(), []
    chance = torch.Generator().manual_seed(0)
    for person, own in chosen.items():
        share = _share([piece.seconds for piece in own], MOST)
        waves = _joined([wave_of(prepared, piece, share) for piece in own], prepared.rate)
        lessons = [hearing.lessons(wave, prepared.rate, chance) for wave in waves]
        length = round(PIECE * RATE / HOP)
        whole = [[one for one in heard if len(one) and one.cepstra.shape[2] == length] for heard in lessons]
        if sum(float(itself.active[::2].sum()) * HOP / RATE for itself, *_ in filter(None, whole)) < ENOUGH:
            left_out.append(person)
            continue
        persons.append(person)
        pieces.append(tuple(one for heard in whole for one in heard))
        learnt |= {(person, piece.recording.song.casefold()) for piece in own}
    return Material(tuple(persons), tuple(pieces), frozenset(learnt), tuple(left_out))


def _joined(waves: Sequence[Tensor], rate: int) -> list[Tensor]:
    """The long ones, and the short ones one after the other: single syllables are somebody's singing too."""
    short = [wave for wave in waves if len(wave) < SHORT * rate]
    whole = [wave for wave in waves if len(wave) >= SHORT * rate]
    return [*whole, torch.cat(short)] if short else whole


def _share(lengths: Sequence[float], most: float) -> float:
    """The seconds of each recording that together make `most`, what short ones lack being taken from longer ones."""
    left, share = most, most
    for place, length in enumerate(sorted(lengths)):
        share = left / (len(lengths) - place)
        if length >= share:
            break
        left -= length
    return share
