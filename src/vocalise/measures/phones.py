"""Phones from codes: how well the number of a code tells which sound is sung, where labels know it.

latent ──frames that recur are codes──▶ each code answers its most frequent phone ──▶ share of frames told right

The test by which van den Oord et al., 2017 (section 4.3), showed that codes learnt from sound alone are much like
phones: 49 % of the frames of 41 phonemes against 7 % by chance. Theirs were read, ours are sung, on long vowels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from vocalise.data.choir.labels import LABELS, UNKNOWN, phones_at, read_syllables
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece
from vocalise.measures.probe import Listener

_AT_ONCE = 4.0  # seconds that are encoded at a time


class Labelled(Listener, Protocol):
    """What the test asks of a model."""

    @property
    def rate(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class PhoneFigures:
    """How often codes told the phone, in [0, 1], on frames whose phone is known."""

    accuracy: float
    chance: float  # the share of the most frequent phone, which needs no ear
    codes: int  # that were taken
    frames: int  # that were asked for


def probe_phones(
    model: Labelled,
    prepared: Prepared,
    taught: Sequence[Piece],
    tested: Sequence[Piece],
    *,
    seconds: float = 240.0,
) -> PhoneFigures | None:
    """Asks codes for phones, on recordings beside which labels of syllables lie; None where there are too few.

    Args:
        model: in evaluation mode, with a bottleneck whose frames recur: a quantiser.
        prepared: the corpus.
        taught: pieces on which codes get their phones.
        tested: pieces that they are asked on.
        seconds: of singing on either side, at most, evenly from all labelled pieces.
    """
    sides = [list(_heard(model, prepared, pieces, seconds)) for pieces in (taught, tested)]
    if not all(sides):
        return None
    frames, phones = ([torch.cat([pair[n] for pair in side]) for side in sides] for n in range(2))
    _, places = torch.unique(torch.cat(frames), dim=0, return_inverse=True)
    codes = places.split([len(side) for side in frames])
    return phones_from_codes(codes[0], phones[0], codes[1], phones[1])


def phones_from_codes(
    taught_codes: Tensor, taught_phones: Tensor, tested_codes: Tensor, tested_phones: Tensor
) -> PhoneFigures | None:
    """Every code answers the phone that it had most often; one that was never heard, the most frequent of all.

    Codes are counted from 0, phones likewise; frames with a phone below 0 do not count. All are (frames,). None where
    no frame is left on one of the sides.
    """
    taught, tested = taught_phones >= 0, tested_phones >= 0
    if not (taught.any() and tested.any()):
        return None
    codes = int(max(taught_codes.max(), tested_codes.max())) + 1
    phones = int(max(taught_phones.max(), tested_phones.max())) + 1
    table = torch.zeros(codes, phones)
    table.index_put_((taught_codes[taught], taught_phones[taught]), torch.ones(int(taught.sum())), accumulate=True)
    usual = int(table.sum(dim=0).argmax())
    answers = torch.where(table.sum(dim=1) > 0, table.argmax(dim=1), usual)
    asked = tested_phones[tested]
    return PhoneFigures(
        accuracy=float((answers[tested_codes[tested]] == asked).float().mean()),
        chance=float((asked == usual).float().mean()),
        codes=len(torch.unique(tested_codes[tested])),
        frames=len(asked),
    )


@torch.no_grad()
def _heard(
    model: Labelled, prepared: Prepared, pieces: Sequence[Piece], seconds: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Of every labelled piece: its latent (frames, channels) and which phone is sung (frames,)."""
    labelled = [piece for piece in pieces if piece.recording.digest in prepared.lengths and _labels(piece).is_file()]
    step = max(1, round(_AT_ONCE * model.rate / model.hop)) * model.hop
    for piece in labelled:
        syllables = read_syllables(_labels(piece))
        first, last = prepared.span(piece)
        for start in range(0, min(last - first, round(seconds / len(labelled) * model.rate)), step):
            wave = prepared.excerpt(piece, start, step)
            z = model.encode(wave[None].to(model.device)).z[0].float().cpu()
            centres = start + (torch.arange(z.shape[1], dtype=torch.float64) + 0.5) * model.hop
            phones = phones_at(syllables, (first + centres) / prepared.rate)
            yield z.T, torch.where(first + centres < last, phones, UNKNOWN)


def _labels(piece: Piece) -> Path:
    return piece.recording.path.with_suffix(LABELS)
