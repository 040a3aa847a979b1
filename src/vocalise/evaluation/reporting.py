"""From clips to a report on disk: rows, differences, findings, and all that is needed to repeat it.

clips ──summarise──▶ rows ──compare──▶ differences ──say──▶ findings ──▶ report.json, clips.csv, summary.csv
"""

import itertools
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from vocalise.evaluation.comparing import compare
from vocalise.evaluation.ears import RATE, Ears
from vocalise.evaluation.findings import say
from vocalise.evaluation.records import Clip, Report, Saying, System
from vocalise.evaluation.summary import summarise
from vocalise.evaluation.tables import write_tables
from vocalise.measures.spectra import floors
from vocalise.training.settings import software

LONG = 5.0  # seconds of teaching that are worth a word


@dataclass(frozen=True, kw_only=True)
class Making:
    """How a report came about."""

    title: str
    command: str
    device: torch.device | None = None
    seed: int
    data: str  # fingerprint of the recordings
    took: float  # seconds, without the conversions
    converting: float = 0.0  # seconds


def report_of(
    out: Path,
    making: Making,
    systems: Sequence[System],
    clips: Sequence[Clip],
    ears: Ears,
    sayings: Sequence[Saying] = (),
) -> Report:
    """The report, which is also written into its folder.

    Raises:
        VocaliseError: the disk will not take it.
    """
    names = [system.name for system in systems]
    found = floors(RATE)
    report = Report(
        title=making.title,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        command=making.command,
        software=software(),
        machine=machine(making.device),
        seed=making.seed,
        data=making.data,
        persons=ears.persons,
        systems=tuple(systems),
        clips=tuple(clips),
        rows=summarise(clips, seed=making.seed),
        differences=tuple(
            difference
            for first, second in itertools.combinations(names, 2)
            for difference in compare(clips, first, second, seed=making.seed)
        ),
        judges=ears.examinations,
        references={"mel_floor": found.mel, "bin_floor": found.bin},
        took=making.took,
        converting=making.converting,
    )
    report = replace(report, sayings=(*say(report), *sayings, *_on_time(ears)))
    write_tables(report, out)
    return report


def _on_time(ears: Ears) -> list[Saying]:
    """How long judges and listener were taught, which happens once for the same recordings."""
    long = [f"{name} {seconds:.0f} s" for name, seconds in ears.took.items() if seconds >= LONG]
    if not long:
        return []
    words = f"Of the time, teaching took: {', '.join(long)}; it is kept, so that the same recordings need it only once."
    return [Saying(level="note", system="", words=words)]


def machine(device: torch.device | None = None) -> str:
    """What it ran on, as far as figures and times depend on it."""
    cores = f"{os.cpu_count() or 1} cores, PyTorch on {torch.get_num_threads()}"
    place = torch.cuda.get_device_name(device) if device is not None and device.type == "cuda" else ""
    beside = f", songs sung on {place or device}" if device is not None and device.type != "cpu" else ""
    return f"{platform.system()} {platform.machine()}, {cores}{beside}"


def place_of(path: Path | None, folder: Path) -> str:
    """A path as a report keeps it: relative to its folder where it lies in it, else absolute; POSIX."""
    if path is None:
        return ""
    whole, above = path.absolute(), folder.absolute()
    return whole.relative_to(above).as_posix() if whole.is_relative_to(above) else whole.as_posix()
