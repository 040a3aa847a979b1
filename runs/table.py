"""One table of several evaluations, for docs/results.md: `python runs/table.py REPORT.json …`.

A row for each system of each report (`vocalise evaluate … --out FOLDER` writes FOLDER/report.json), conversions only.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

COLUMNS: tuple[tuple[str, Callable[[Mapping[str, float]], str]], ...] = (
    ("steps", lambda of: f"{of['steps']:,.0f}"),
    (
        "probe (untrained; chance)",
        lambda of: f"{of['probe']:.2f} ({of['probe_untrained']:.2f}; {of['probe_chance']:.2f})",
    ),
    ("target heard", lambda of: f"{of['target_heard']:.2f}"),
    ("source heard", lambda of: f"{of['source_heard']:.2f}"),
    ("log-F0 correlation", lambda of: f"{of['log_f0_correlation']:.3f}"),
    ("RPA50 (ceiling)", lambda of: f"{of['rpa50']:.3f} ({of['rpa50_ceiling']:.3f})"),
    ("syllables (source)", lambda of: f"{of['syllables']:.2f} ({of['syllables_source']:.2f})"),
    (
        "`mcd_world` to the truth (source's)",
        lambda of: f"{of['mcd_world_to_truth']:.2f} ({of['mcd_world_source_to_truth']:.2f})",
    ),
    ("real-time factor", lambda of: f"{of['real_time_factor']:.2f}"),
)


def main() -> None:
    """Reads the reports and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", type=Path)
    rows = [row for path in parser.parse_args().reports for row in rows_of(json.loads(path.read_text("utf-8")))]
    lines = [["recipe", *(name for name, _ in COLUMNS)], ["---"] * (len(COLUMNS) + 1), *rows]
    sys.stdout.write("".join("| " + " | ".join(line) + " |\n" for line in lines))


def rows_of(report: Mapping[str, Any]) -> list[list[str]]:
    """A row for each system of a report; what was not measured is a dash."""
    systems = {system["name"]: system for system in report["systems"]}
    rows = []
    for row in report["rows"]:
        if row["group"] != "conversions":
            continue
        system = systems[row["system"]]
        figures = {name: figure["value"] for name, figure in row["figures"].items() if figure is not None}
        of = {**figures, **system["figures"], "steps": system["steps"]}
        rows.append([f"`{system['recipe']}`", *(_cell(shown, of) for _, shown in COLUMNS)])
    return rows


def _cell(shown: Callable[[Mapping[str, float]], str], of: Mapping[str, float]) -> str:
    try:
        return shown(of)
    except (KeyError, TypeError):
        return "–"


if __name__ == "__main__":
    main()
