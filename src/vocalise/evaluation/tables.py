"""A report on disk: whole as JSON, which is read back, and as two tables for spreadsheets, which are not.

report ──▶ report.json | clips.csv, a row for each clip | summary.csv, a row for each mean
"""

import csv
import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vocalise.audio.files import write_aside
from vocalise.audio.sources import shown
from vocalise.config import from_json, to_json
from vocalise.errors import ConfigError, VocaliseError
from vocalise.evaluation.catalogue import BY_NAME
from vocalise.evaluation.records import Clip, Report
from vocalise.evaluation.scoring import CLIP_MEASURES

REPORT, CLIPS, SUMMARY = "report.json", "clips.csv", "summary.csv"
FORMAT = 1
_ABOUT = ("system", "song", "source", "target", "kind", "state", "why", "seconds", "source_path", "path", "truth_path")
_FORMULAS = ("=", "+", "-", "@")

Cell = str | float | int | None


class ReportError(VocaliseError):
    """A report that cannot be written, or is none."""


def write_tables(report: Report, folder: Path) -> None:
    """Writes `report.json`, `clips.csv` and `summary.csv` into a folder that exists, each whole or not at all.

    Text is UTF-8 and columns are parted by commas; figures keep all their digits. What a spreadsheet would take for a
    formula (a song called `=1+1`) gets an apostrophe before it. What is not a finite number is left out of the JSON.

    Raises:
        ReportError: the folder cannot be written.
    """
    text = json.dumps(_finite(to_json(report)), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        with write_aside(folder / REPORT) as aside:
            # Names on disk need not be text: what UTF-8 has no bytes for becomes \udcff, which JSON reads back.
            aside.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
        _write_table(folder / CLIPS, (*_ABOUT, *(one.name for one in CLIP_MEASURES)), map(_of_clip, report.clips))
        _write_table(folder / SUMMARY, _HEAD, _means(report))
    except OSError as error:
        raise ReportError(
            f"{shown(folder)} cannot be written: {error.strerror or error}. Choose another folder."
        ) from None


def read_report(path: str | os.PathLike[str]) -> Report:
    """Reads a report back, equal to the one that was written.

    Args:
        path: of `report.json`, or of the folder that holds it.

    Raises:
        ReportError: there is none, it is damaged or something else, or it was written by a later version.
    """
    path = Path(path)
    path = path / REPORT if path.is_dir() else path
    data = _parsed(path)
    found = data.get("format") if isinstance(data, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise ReportError(f"{shown(path)} is no report of vocalise: give the {REPORT} that an evaluation wrote.")
    if found > FORMAT:
        raise ReportError(f"{shown(path)} has format {found}, which a later vocalise wrote; this one reads {FORMAT}.")
    try:
        return from_json(Report, _with_unknowns(data), "report")
    except ConfigError as error:
        raise ReportError(f"{shown(path)} is damaged: {error} Evaluate again.") from None


def _parsed(path: Path) -> Any:
    def refuse(constant: str) -> float:
        raise ValueError(f"it holds {constant}")

    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except OSError as error:
        raise ReportError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{shown(path)} is damaged, or no JSON: {error}. Evaluate again.") from None


def _finite(tree: Any) -> Any:
    """The same tree with what is not finite left out of mappings of figures, and null elsewhere: JSON has no NaN."""
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items() if key not in BY_NAME or _is_finite(value)}
    if isinstance(tree, list):
        return [_finite(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def _is_finite(figure: Any) -> bool:
    return math.isfinite(figure["value"] if isinstance(figure, dict) else figure)


def _with_unknowns(data: Any) -> Any:
    """The tree of a report in which a judge that could not be examined is not a number right again."""
    judges = data.get("judges")
    for one in judges if isinstance(judges, list) else ():
        if isinstance(one, dict) and one.get("accuracy", 0.0) is None:
            one["accuracy"] = math.nan
    return data


_HEAD = ("system", "group", "figure", "title", "unit", "mean", "low", "high", "songs", "clips")


def _means(report: Report) -> Iterator[tuple[Cell, ...]]:
    """A row for every figure of every group; a share lies in [0, 1] here, though it is shown in per cent."""
    for row in report.rows:
        for name, found in row.figures.items():
            about = (BY_NAME[name].title, BY_NAME[name].unit.replace("%", "share")) if name in BY_NAME else (name, "")
            yield row.system, row.group, name, *about, found.value, found.low, found.high, found.songs, found.clips


def _of_clip(clip: Clip) -> tuple[Cell, ...]:
    about: tuple[Cell, ...] = tuple(getattr(clip, name) for name in _ABOUT)
    return (*about, *(clip.figures.get(one.name) for one in CLIP_MEASURES))


def _write_table(path: Path, head: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> None:
    with (
        write_aside(path) as aside,
        aside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Cell) -> Cell:
    """Names on one line; one that begins as a formula does would be run by a spreadsheet that opens the table."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.splitlines()) if "\n" in value or "\r" in value else value
    return f"'{line}" if line.lstrip().startswith(_FORMULAS) else line
