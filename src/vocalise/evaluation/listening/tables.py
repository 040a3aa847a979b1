"""The results of a listening test on disk: all of them as JSON, the figures as a table for spreadsheets."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from vocalise.config import to_json
from vocalise.evaluation.listening.crossed import Mean
from vocalise.evaluation.listening.key import write_text
from vocalise.evaluation.listening.results import Results

JSON, CSV = "results.json", "results.csv"
HEAD = (
    *("figure", "question", "role", "system", "second", "value", "low", "high"),
    *("answers", "listeners", "phrases", "wilson_low", "wilson_high", "p", "note"),
)
_FORMULAS = ("=", "+", "-", "@")

Cell = str | float | int | None


def write_results(results: Results, folder: Path) -> None:
    """Writes `results.json` and `results.csv`; a share lies in [0, 1], and what is not known is empty.

    Raises:
        ConfigError: the folder cannot be written.
    """
    text = json.dumps(to_json(results), ensure_ascii=False, indent=1, allow_nan=False)
    write_text(folder / JSON, text + "\n")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows([_cell(value) for value in row] for row in _rows(results))
    write_text(folder / CSV, table.getvalue())


def _rows(results: Results) -> Iterator[tuple[Cell, ...]]:
    for one in results.opinions:
        yield "mean score", one.question, one.role, one.system, "", *_mean(one.mean), None, None, None, one.mean.why
    for each in results.contrasts:
        about = ("second minus first", each.question, "system", each.first, each.second)
        yield *about, *_mean(each.mean), None, None, None, each.mean.why
    for choice in results.choices:
        figure = "taken for the singer that is right" if choice.question == "voice" else "told apart"
        about = (figure, choice.question, choice.role, choice.system, choice.second)
        yield *about, *_mean(choice.mean), choice.low, choice.high, choice.p, choice.mean.why


def _mean(mean: Mean) -> tuple[Cell, ...]:
    return mean.value, mean.low, mean.high, mean.scores, mean.listeners, mean.clips


def _cell(value: Cell) -> Cell:
    """A name that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.lstrip().startswith(_FORMULAS) else value
