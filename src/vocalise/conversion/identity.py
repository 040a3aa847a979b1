"""Who is to sing: a name, or a mixture of names, as a point on the simplex of a voice's singers."""

import difflib
import math
import unicodedata
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vocalise.checkpoint import Voice
from vocalise.errors import ConfigError, UnknownSinger

_SHOWN = 24  # names in an error message


def parse_identity(to: str | Mapping[str, float], singers: Sequence[str]) -> Tensor:
    """A point on the simplex, (singers,) float32: weights are divided by their sum.

    Args:
        to: a name (`ada`), a mixture (`ada=0.7,bob=0.3`), or a mapping of names to weights. Upper and lower case may be
            mixed where that leaves no doubt.
        singers: the names that the voice knows.

    Raises:
        UnknownSinger: a name that is not among them; the message says which are, and which one may be meant.
        ConfigError: weights that are negative, not finite, all zero, or missing; a name given twice.
    """
    weights = _parts(to, singers) if isinstance(to, str) else dict(to)
    point = torch.zeros(len(singers), dtype=torch.float64)
    named = set()
    for name, weight in weights.items():
        if not _is_weight(weight):
            raise ConfigError(f"The weight of {name!r:.60} cannot be {weight!r:.40}: weights are numbers from 0 up.")
        place = _place(name, singers)
        if place in named:
            raise ConfigError(f"{singers[place]!r} is named twice in {to!r:.120}; give each singer one weight.")
        named.add(place)
        point[place] = weight
    largest = float(point.max())
    if largest <= 0.0:
        raise ConfigError(f"{to!r:.120} leaves nobody to sing: at least one weight must be above 0.")
    point = point / largest  # first, so that the sum stays finite
    return (point / point.sum()).float()


def identity_in(voice: Voice, to: str | Mapping[str, float]) -> Tensor:
    """The point on the simplex of a voice's singers (singers,) that is meant; only those whom it offers can be named.

    Raises:
        VocaliseError: as for `parse_identity`.
    """
    point = parse_identity(to, voice.names)
    return point @ voice.shares() if voice.offered else point


def _is_weight(weight: object) -> bool:
    return isinstance(weight, int | float) and math.isfinite(weight) and weight >= 0


def _parts(text: str, singers: Sequence[str]) -> dict[str, float]:
    """Names and weights; a text that is itself a singer's name, or has no `=`, is one name."""
    if "=" not in text or _matches(text, singers):
        return {text.strip(): 1.0}
    parts: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.rpartition("=")
        try:
            value = float(weight)
        except ValueError:
            value = math.nan
        if not name.strip() or math.isnan(value):
            raise ConfigError(f"{text!r:.120}: {part!r:.60} is no name=weight; write for instance ada=0.7,bob=0.3.")
        if name.strip() in parts:
            raise ConfigError(f"{name.strip()!r:.60} is named twice in {text!r:.120}; give each singer one weight.")
        parts[name.strip()] = value
    return parts


def _place(name: str, singers: Sequence[str]) -> int:
    found = _matches(name, singers)
    if len(found) == 1:
        return found[0]
    shown = [*singers[:_SHOWN], *([f"and {len(singers) - _SHOWN} more"] if len(singers) > _SHOWN else [])]
    plain = {_plain(singer): singer for singer in singers}
    close = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    if "," in name:
        raise UnknownSinger(name, shown, "A mixture has weights: ada=0.7,bob=0.3.")
    raise UnknownSinger(name, shown, f"Did you mean {plain[close[0]]!r}?" if close and not found else "")


def _matches(name: str, singers: Sequence[str]) -> list[int]:
    """The places of a name: spelled exactly so, or else without regard to case and to how accents are encoded."""
    exact = [n for n, singer in enumerate(singers) if singer in (name, name.strip())]
    return exact or [n for n, singer in enumerate(singers) if _plain(singer) == _plain(name)]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()
