"""How high and low each singer sings: percentiles of pitch, from a minute of each."""

import contextlib
import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.data.cache import key_of
from vocalise.data.prepare import Progress
from vocalise.data.prepared import CONTOUR_HOP, CONTOUR_VERSION, Prepared, wave_key
from vocalise.data.records import Piece

SHARES = (5.0, 50.0, 95.0)  # percent
STRETCH = 10.0  # seconds measured at one place

Range = tuple[float, float, float]  # Hz: 5, 50 and 95 % of the voiced frames; zeros where nothing is voiced


def pitch_ranges(prepared: Prepared, *, seconds: float = 60.0, progress: Progress | None = None) -> dict[str, Range]:
    """The pitch range of each singer, from up to `seconds` spread evenly over the recordings, cached.

    Where contours were prepared, all of them are used.

    Raises:
        CorpusError: the cache has been emptied since.
    """
    found: dict[str, Range] = {}
    for number, singer in enumerate(prepared.singers):
        found[singer] = _range(prepared, singer, seconds)
        if progress:
            progress((number + 1) / len(prepared.singers))
    return found


def _range(prepared: Prepared, singer: str, seconds: float) -> Range:
    pieces = [Piece(one) for one in prepared.corpus.recordings if one.singer == singer]
    if prepared.has_contours:
        return _percentiles(torch.cat([_voiced(prepared.contour(piece)) for piece in pieces]))
    digests = [wave_key(piece.recording.digest, prepared.rate, prepared.level) for piece in pieces]
    key = key_of("range", CONTOUR_VERSION, CONTOUR_HOP, STRETCH, seconds, *digests)
    facts = prepared.cache.facts("range", key)
    if facts is None:
        voiced = [_voiced(_measured(prepared, piece)) for piece in _stretches(prepared, pieces, seconds)]
        facts = {"range": _percentiles(torch.cat(voiced))}
        with contextlib.suppress(OSError):  # it is measured again next time
            prepared.cache.store("range", key, np.zeros(0), facts)
    low, middle, high = facts["range"]
    return float(low), float(middle), float(high)


def _stretches(prepared: Prepared, pieces: Sequence[Piece], seconds: float) -> list[Piece]:
    """Pieces of up to ten seconds, as many as make up the wanted time, spread over all there is."""
    tiles = []
    for piece in pieces:
        length = prepared.lengths[piece.recording.digest] / prepared.rate
        count = math.ceil(length / STRETCH)
        edges = [length * number / count for number in range(count + 1)]
        tiles += [Piece(piece.recording, start, stop) for start, stop in itertools.pairwise(edges)]
    wanted = min(len(tiles), math.ceil(seconds * len(tiles) / sum(tile.seconds for tile in tiles)))
    return [tiles[(2 * number + 1) * len(tiles) // (2 * wanted)] for number in range(wanted)]


def _measured(prepared: Prepared, piece: Piece) -> Contour:
    first, last = prepared.span(piece)
    return pitch_contour(prepared.excerpt(piece, 0, last - first), prepared.rate, hop=CONTOUR_HOP)


def _voiced(contour: Contour) -> Tensor:
    return contour.pitch[contour.voicing > 0]


def _percentiles(pitch: Tensor) -> Range:
    if not len(pitch):
        return 0.0, 0.0, 0.0
    low, middle, high = np.percentile(pitch.numpy().astype(np.float64), SHARES)
    return float(low), float(middle), float(high)
