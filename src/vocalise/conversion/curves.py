"""Pitch contours on disk (CSV: time_s, pitch_hz, voiced) and moved towards another singer's range.

What was written and read again is the same contour, bit for bit: each pitch is written with the digits that it has.
"""

import csv
import math
import os
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import torch
from torch import Tensor

from vocalise.audio.files import write_aside
from vocalise.audio.pitch import Contour
from vocalise.conversion.sheets import read_rows
from vocalise.errors import ConfigError

COLUMNS = ("time_s", "pitch_hz", "voiced")
RANGE = (20.0, 5000.0)  # Hz that a voice may be asked for
MOST_SEMITONES = 48.0
SHARES = (0.05, 0.5, 0.95)  # of the voiced frames below the marks of a singer's range
LACKING = 0.25  # seconds that a melody may end before its song does

# `auto` keeps the key, so that the song still fits its accompaniment; `range` does not, and comes nearer; `mean` goes
# all the way, out of any key; `faithful` stretches intervals as well, as systems did that published their code.
Towards = Literal["auto", "range", "mean", "faithful"]
STEPS: Mapping[Towards, float] = types.MappingProxyType(
    {"auto": 12.0, "range": 1.0, "mean": 0.01, "faithful": 0.01}  # semitones
)


def write_pitch_csv(path: str | os.PathLike[str], contour: Contour) -> None:
    """Writes a contour, a row for each frame; whole or not at all.

    Raises:
        ConfigError: the disk will not take it.
    """
    try:
        with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for n, (pitch, voicing) in enumerate(zip(contour.pitch.numpy(), contour.voicing.tolist(), strict=True)):
                voiced = voicing > 0.5
                rows.writerow((f"{n * contour.hop:.6f}", str(pitch) if voiced else "0", int(voiced)))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None


def read_pitch_csv(path: str | os.PathLike[str]) -> Contour:
    """Reads a contour as `write_pitch_csv` writes it: even steps of time from 0 on, 20 to 5000 Hz where voiced.

    Raises:
        ConfigError: no such file, or a row that does not fit; the message names the row.
    """
    path = Path(path)
    rows = _numbers(path, read_rows(path, "a pitch contour"))
    if len(rows) < 2:
        raise ConfigError(f"{path} has {len(rows)} rows; a contour needs at least 2.")
    times, pitch, voicing = torch.tensor(rows, dtype=torch.float64).T
    hop = float(times[-1]) / (len(rows) - 1)
    uneven = (times - hop * torch.arange(len(rows))).abs() > 0.1 * hop
    if hop <= 0.0 or bool(uneven.any()):
        row = int(uneven.int().argmax()) + 2
        raise ConfigError(f"{path}, row {row}: times should go up from 0 in even steps. Interpolate them first.")
    return Contour(pitch=(pitch * voicing).float(), voicing=voicing.float(), hop=_roundest(hop, len(rows) - 1))


def _roundest(hop: float, steps: int) -> float:
    """The shortest decimal number that agrees with a step found from times rounded to a microsecond."""
    for digits in range(3, 12):
        if abs(round(hop, digits) - hop) * steps <= 0.5e-6:
            return round(hop, digits)
    return hop


def _numbers(path: Path, rows: Sequence[tuple[int, list[str]]]) -> list[tuple[float, float, float]]:
    if rows and tuple(rows[0][1]) != COLUMNS:
        raise ConfigError(f"{path} should begin with the columns {','.join(COLUMNS)}.")
    found: list[tuple[float, float, float]] = []
    for number, row in rows[1:]:
        try:
            time, pitch, voiced = (float(cell) for cell in row)
        except ValueError:
            raise ConfigError(f"{path}, row {number}: {','.join(row)!r:.60} is not three numbers.") from None
        if not (math.isfinite(time) and time >= 0.0 and voiced in (0.0, 1.0)):
            raise ConfigError(f"{path}, row {number}: time should be 0 or more seconds, voiced 0 or 1.")
        if voiced and not RANGE[0] <= pitch <= RANGE[1]:
            raise ConfigError(f"{path}, row {number}: {pitch:g} Hz is out of range: {RANGE[0]:g} to {RANGE[1]:g} Hz.")
        found.append((time, pitch if voiced else 0.0, voiced))
    return found


def require_length(contour: Contour, seconds: float) -> None:
    """Refuses a melody that ends before its song.

    Raises:
        ConfigError: it is more than a quarter of a second too short.
    """
    lasts = len(contour.pitch) * contour.hop
    if lasts < seconds - LACKING:
        raise ConfigError(
            f"The melody ends after {lasts:.2f} s, and its song after {seconds:.2f} s: is it another song's? "
            "Fill it up with rows that are not voiced."
        )


def parse_transpose(transpose: float | str) -> float | Towards:
    """Semitones, or the word for how they are found from the song.

    Raises:
        ConfigError: neither `auto`, `range`, `mean`, `faithful`, nor a number from -48 to 48.
    """
    if isinstance(transpose, str) and transpose.strip() in get_args(Towards):
        return cast(Towards, transpose.strip())
    try:
        semitones = float(transpose)
    except (TypeError, ValueError):
        semitones = math.nan
    if not abs(semitones) <= MOST_SEMITONES:
        raise ConfigError(
            f"transpose cannot be {transpose!r:.40}: give semitones from {-MOST_SEMITONES:g} to {MOST_SEMITONES:g}, "
            "or auto (octaves towards the singer's range), range (semitones), mean (cents), or faithful (stretched)."
        )
    return semitones


def semitones_towards(contour: Contour, marks: Sequence[float], step: float) -> float:
    """Semitones, a multiple of `step`, that bring the range of a contour nearest to another.

    The three marks of both ranges count alike: by medians alone a song might be moved an octave up to be nearer to the
    middle, and leave the range at its top.

    Args:
        contour: nothing is moved where nothing is sung.
        marks: Hz below which 5, 50 and 95 % of the other singing lies; empty where it is not known.
        step: 12 to move by whole octaves only.
    """
    sung = contour.pitch[contour.voicing > 0.5]
    if not len(sung) or not len(marks):
        return 0.0
    away = 12.0 * (torch.tensor(marks, dtype=torch.float64) / _marks(sung)).log2().mean()
    return max(-MOST_SEMITONES, min(MOST_SEMITONES, step * round(float(away) / step)))


def _marks(sung: Tensor) -> Tensor:
    """Hz below which 5, 50 and 95 % of the pitches (frames,) lie."""
    return torch.quantile(sung[:: len(sung) // 1_000_000 + 1].double(), torch.tensor(SHARES, dtype=torch.float64))


def towards(contour: Contour, marks: Sequence[float], how: Towards) -> Contour:
    """The contour moved towards another range; `faithful` also gives it that one's spread.

    lf₀' = (lf₀ - μ_s) / σ_s · σ_t + μ_t (as the code of Hsu et al., 2016), with means and deviations from the marks.
    """
    moved = transposed(contour, semitones_towards(contour, marks, STEPS[how]))
    sung = moved.pitch[moved.voicing > 0.5]
    if how != "faithful" or not len(sung) or not len(marks):
        return moved
    own, wanted = _marks(sung).log2(), torch.tensor(marks, dtype=torch.float64).log2()
    stretch = float(((wanted[2] - wanted[0]) / (own[2] - own[0]).clamp(min=1.0 / 12.0)).clamp(0.25, 4.0))
    middle = float(wanted.mean())
    octaves = middle + (moved.pitch.clamp(min=1.0).log2() - middle) * stretch
    return Contour(pitch=octaves.exp2() * moved.voicing, voicing=moved.voicing, hop=moved.hop)


def transposed(contour: Contour, semitones: float) -> Contour:
    """The contour moved by so many semitones."""
    return Contour(pitch=contour.pitch * 2.0 ** (semitones / 12.0), voicing=contour.voicing, hop=contour.hop)
