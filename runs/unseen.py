"""How a voice converts singers whom it never heard: `python runs/unseen.py WORK RECORDING_OR_FOLDER … [--voice FILE]`.

recordings ──▶ their fullest stretch ──▶ convert to each place, `--transpose auto` ──▶ score ──▶ a table on the page

With the default voice, for docs/results.md (docs/data.md names the recordings; it was trained on none of these):

    python runs/unseen.py WORK $DATA/singing/{sms-female,sms-vignesh,vocadito-s1,vocadito-s7,crazy-toho} $DATA/wild/…
"""

import argparse
import math
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import torch

from vocalise.apps.console import in_one_line, watching
from vocalise.audio.files import read_wave, write_wave
from vocalise.checkpoint import default_voice, load_voice
from vocalise.conversion import Converter
from vocalise.errors import VocaliseError
from vocalise.evaluation import score_folders
from vocalise.progress import Progress

PLACES = "alto-section,bass-section,Ada,Dario"  # two blends and two virtual singers, two women and two men
ACTIVE = 30.0  # dB below a recording's loudest column: what is fainter does not count as sung
COLUMN = 0.05  # seconds
COLUMNS = ("rpa50", "rpa50_ceiling", "log_f0_correlation", "frame_error", "frame_error_ceiling", "loudness_correlation")


def main() -> None:
    """Cuts, converts, scores and tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for songs, conversions and report; what lies there is replaced")
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--voice", type=Path, help="by default the one in the package")
    parser.add_argument("--to", default=PLACES, help="places of the voice, with commas")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each recording, at most")
    told = parser.parse_args()
    songs, converted = told.work / "songs", told.work / "converted"
    for folder in (songs, converted, told.work / "report"):
        shutil.rmtree(folder, ignore_errors=True)
    with watching() as progress:
        for path in _found(told.recordings):
            _cut(path, songs / f"{path.stem}.wav", told.seconds)
        converter = Converter(load_voice(told.voice) if told.voice else default_voice())
        _convert(converter, songs, converted, told.to.split(","), progress)
        report = score_folders(songs, converted, told.work / "report", transpose=None, progress=progress)
    figures: dict[str, list[dict[str, float]]] = defaultdict(list)
    for clip in report.clips:
        figures[Path(clip.source_path).stem].append(dict(clip.figures))
    sys.stdout.write("\n".join(_table(figures)) + "\n")


def _found(recordings: list[Path]) -> Iterator[Path]:
    for path in recordings:
        yield from sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else (path,)


def _cut(path: Path, out: Path, seconds: float) -> None:
    """Its stretch of so many seconds in which most is sung."""
    wave, rate = read_wave(path)
    step = round(COLUMN * rate)
    level = wave[: len(wave) // step * step].view(-1, step).square().mean(dim=1)
    sung = (level > level.max() * 10 ** (-ACTIVE / 10)).double()
    many = min(len(sung), round(seconds / COLUMN))
    shares = torch.cat([sung.new_zeros(1), sung.cumsum(0)])
    start = int((shares[many:] - shares[: len(shares) - many]).argmax()) * step
    out.parent.mkdir(parents=True, exist_ok=True)
    write_wave(out, wave[start : start + many * step], rate)


def _convert(converter: Converter, songs: Path, converted: Path, places: list[str], progress: Progress) -> None:
    """A failure is told in its own line, and its song is missing in the table."""
    jobs = [(song, place) for song in sorted(songs.iterdir()) for place in places]
    converted.mkdir(parents=True)
    for done, (song, place) in enumerate(jobs):
        progress("converting", done, len(jobs), f"{song.stem} to {place}")
        try:
            converter.convert_file(song, converted / f"{song.stem}--as-{place}.wav", to=place, transpose="auto")
        except VocaliseError as error:
            sys.stdout.write(f"{song.stem} to {place} failed: {error}\n")


def _table(figures: dict[str, list[dict[str, float]]]) -> Iterator[str]:
    """A row for each song, the means of its conversions; then the mean of the songs."""
    titles = (
        "song",
        "RPA50",
        "two trackers on the source",
        "share of that",
        "log-F0 correlation",
        "F0 frame error (ceiling)",
        "loudness",
    )
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    rows = []
    for song, clips in sorted(figures.items()):
        rows.append({name: _mean(clips, name) for name in COLUMNS})
        yield _row(song, rows[-1])
    yield _row(f"mean of {len(rows)}", {name: _mean(rows, name) for name in COLUMNS})


def _mean(rows: list[dict[str, float]], name: str) -> float:
    """Over those of whom it is known, and NaN where it is known of none."""
    known = [row[name] for row in rows if math.isfinite(row.get(name, math.nan))]
    return fmean(known) if known else math.nan


def _row(name: str, of: dict[str, float]) -> str:
    return (
        f"| {name} | {of['rpa50']:.3f} | {of['rpa50_ceiling']:.3f} | {of['rpa50'] / of['rpa50_ceiling']:.3f} "
        f"| {of['log_f0_correlation']:.3f} | {of['frame_error']:.3f} ({of['frame_error_ceiling']:.3f}) "
        f"| {of['loudness_correlation']:.3f} |"
    )


if __name__ == "__main__":
    in_one_line("The same command begins anew.")(main)()
