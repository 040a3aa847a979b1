"""Pitch contours on disk (CSV: time_s, pitch_hz, voiced) and as what a model is told."""

import csv
import math
import os
from collections.abc import Iterable
from pathlib import Path

import torch

from vocalise.audio.files import write_aside
from vocalise.audio.pitch import Contour
from vocalise.errors import ConfigError

COLUMNS = ("time_s", "pitch_hz", "voiced")
RANGE = (20.0, 5000.0)  # Hz that a voice may be asked for
MOST_BYTES = 1 << 28
MOST_SEMITONES = 48.0


def write_pitch_csv(path: str | os.PathLike[str], contour: Contour) -> None:
    """Writes a contour, a row for each frame; whole or not at all.

    Raises:
        ConfigError: the disk will not take it.
    """
    try:
        with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for n, (pitch, voicing) in enumerate(zip(contour.pitch.tolist(), contour.voicing.tolist(), strict=True)):
                voiced = voicing > 0.5
                rows.writerow((f"{n * contour.hop:.6f}", f"{pitch if voiced else 0.0:.3f}", int(voiced)))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None


def read_pitch_csv(path: str | os.PathLike[str]) -> Contour:
    """Reads a contour as `write_pitch_csv` writes it: even steps of time from 0 on, 20 to 5000 Hz where voiced.

    Raises:
        ConfigError: no such file, or a row that does not fit; the message names the row.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} has {path.stat().st_size} bytes; a pitch contour has at most {MOST_BYTES}.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _numbers(path, csv.reader(file))
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a CSV file of {', '.join(COLUMNS)}: {error}.") from None
    if len(rows) < 2:
        raise ConfigError(f"{path} has {len(rows)} rows; a contour needs at least 2.")
    times, pitch, voicing = torch.tensor(rows, dtype=torch.float64).T
    hop = float(times[-1]) / (len(rows) - 1)
    uneven = (times - hop * torch.arange(len(rows))).abs() > 0.1 * hop
    if hop <= 0.0 or bool(uneven.any()):
        row = int(uneven.int().argmax()) + 2
        raise ConfigError(f"{path}, row {row}: times should go up from 0 in even steps. Interpolate them first.")
    return Contour(pitch=(pitch * voicing).float(), voicing=voicing.float(), hop=hop)


def _numbers(path: Path, rows: Iterable[list[str]]) -> list[tuple[float, float, float]]:
    found: list[tuple[float, float, float]] = []
    for number, row in enumerate(rows, start=1):
        if number == 1:
            if tuple(cell.strip() for cell in row) != COLUMNS:
                raise ConfigError(f"{path} should begin with the columns {','.join(COLUMNS)}.")
            continue
        if not row:
            continue
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


def parse_transpose(transpose: float | str) -> float | None:
    """Semitones; None for `auto`.

    Raises:
        ConfigError: neither `auto` nor a number from -48 to 48.
    """
    if transpose == "auto":
        return None
    try:
        semitones = float(transpose)
    except (TypeError, ValueError):
        semitones = math.nan
    if not abs(semitones) <= MOST_SEMITONES:
        raise ConfigError(
            f"transpose cannot be {transpose!r:.40}: give semitones from {-MOST_SEMITONES:g} to {MOST_SEMITONES:g}, "
            "or auto."
        )
    return semitones


def octaves_towards(contour: Contour, centre: float) -> float:
    """Semitones, a multiple of 12, that bring a contour's median nearest to `centre` Hz; 0 where nothing is sung."""
    sung = contour.pitch[contour.voicing > 0.5]
    if not len(sung) or not centre > 0.0:
        return 0.0
    return 12.0 * round(math.log2(centre / float(sung.median())))


def transposed(contour: Contour, semitones: float) -> Contour:
    """The contour moved by so many semitones."""
    return Contour(pitch=contour.pitch * 2.0 ** (semitones / 12.0), voicing=contour.voicing, hop=contour.hop)
