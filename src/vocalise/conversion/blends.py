"""Who sings as time goes by: weights of singers at points of time, linear in between (CSV: time_s, a column a singer).

Between two points of the simplex a straight line stays on it, so every moment is a mixture as any other.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vocalise.conversion.sheets import read_rows
from vocalise.errors import ConfigError

CLOCK = "time_s"
MOST_NAMES = 4096
_AVERAGED = 200  # moments that an average over a song is taken at


@dataclass(frozen=True)
class Blend:
    """A mixture that changes: held before its first point and after its last."""

    names: tuple[str, ...]
    times: Tensor  # (points,)   s, rising; float64
    weights: Tensor  # (points, names)   each row on the simplex; float64

    def at(self, times: Tensor) -> Tensor:
        """Weights (…, names), float32, at any times (…) in seconds."""
        last = len(self.times) - 1
        after = torch.searchsorted(self.times.contiguous(), times.double().contiguous(), right=True).clamp(max=last)
        before = (after - 1).clamp(min=0)
        step = (self.times[after] - self.times[before]).clamp(min=1e-12)
        share = ((times - self.times[before]) / step).clamp(0.0, 1.0).float()[..., None]
        weights = self.weights.float()  # first: there are fewer points than times
        return torch.lerp(weights[before], weights[after], share)

    def average(self, seconds: float) -> Tensor:
        """Mean weights (names,) over so many seconds from 0 on."""
        return self.at((torch.arange(_AVERAGED, dtype=torch.float64) + 0.5) * seconds / _AVERAGED).mean(dim=0)

    def among(self, singers: tuple[str, ...], point: Callable[[str], Tensor]) -> "Blend":
        """The same blend of a voice's `singers`, where `point` gives the place (singers,) of each of its names.

        Raises:
            ConfigError: two names are one singer; and whatever `point` raises.
        """
        corners = [point(name).double() for name in self.names]
        for n, name in enumerate(self.names):
            twin = next((m for m in range(n) if torch.equal(corners[m], corners[n])), None)
            if twin is not None:
                raise ConfigError(f"{self.names[twin]!r:.60} and {name!r:.60} are one singer; give each one column.")
        return Blend(singers, self.times, self.weights @ torch.stack(corners))


def read_blend_csv(path: str | os.PathLike[str]) -> Blend:
    """Reads `time_s,NAME,NAME,…`: a row for each point of time, weights from 0 up, divided by the sum of their row.

    Raises:
        ConfigError: no such file, or a row that does not fit; the message names the row.
    """
    path, rows = Path(path), read_rows(path, "who sings when")
    names = _names(path, rows[0][1] if rows else [])
    points = [_point(path, number, row, names) for number, row in rows[1:]]
    if not points:
        raise ConfigError(f"{path} has no rows under its names: say who sings at time 0.")
    table = torch.tensor(points, dtype=torch.float64)
    times, weights = table[:, 0], table[:, 1:]
    late = times.diff() <= 0.0
    if bool(late.any()):
        row = rows[2 + int(late.int().argmax())][0]
        raise ConfigError(f"{path}, row {row}: times should go up from row to row.")
    return Blend(names, times, weights / weights.sum(dim=1, keepdim=True))


def _names(path: Path, head: list[str]) -> tuple[str, ...]:
    if len(head) < 2 or head[0] != CLOCK or not all(head):
        raise ConfigError(f"{path} should begin with the columns {CLOCK},NAME,NAME,… of those who sing.")
    if len(head) - 1 > MOST_NAMES:
        raise ConfigError(f"{path} names {len(head) - 1} singers; at most {MOST_NAMES} are read.")
    twice = next((name for n, name in enumerate(head) if name in head[:n]), None)
    if twice is not None:
        raise ConfigError(f"{path} has two columns {twice!r:.60}; give each singer one.")
    return tuple(head[1:])


def _point(path: Path, number: int, row: list[str], names: tuple[str, ...]) -> list[float]:
    """Time and weights of a row, the largest weight 1 so that sums stay finite."""
    try:
        time, *weights = (float(cell) for cell in row)
    except ValueError:
        raise ConfigError(f"{path}, row {number}: {','.join(row)!r:.60} is not all numbers.") from None
    if len(weights) != len(names):
        raise ConfigError(f"{path}, row {number}: {len(weights)} weights for {len(names)} names.")
    if not (math.isfinite(time) and time >= 0.0):
        raise ConfigError(f"{path}, row {number}: time should be 0 or more seconds.")
    if not all(math.isfinite(weight) and weight >= 0.0 for weight in weights):
        raise ConfigError(f"{path}, row {number}: weights are numbers from 0 up.")
    largest = max(weights)
    if largest <= 0.0:
        raise ConfigError(f"{path}, row {number} leaves nobody to sing: at least one weight must be above 0.")
    return [time, *(weight / largest for weight in weights)]
