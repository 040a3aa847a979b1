"""Short clips of one song by every system, for docs/listen.md: `python runs/clips.py WORK --out docs/clips`.

WORK is what `runs/family_choir.sh` made: WORK/<recipe>/report. Written are the song as it was heard, the target's own
rendering of it, and each system's conversion, as Ogg Vorbis, equally loud. Virtual singers only: nobody's voice.
"""

import argparse
import sys
from pathlib import Path

from vocalise.audio.files import read_wave, write_wave
from vocalise.audio.loudness import integrated_loudness, match_loudness

LOUDNESS = -20.0  # LUFS
RATE = 16_000  # Hz


def main() -> None:
    """Writes the clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/clips"))
    parser.add_argument("--song", default="06-frere-jacques")
    parser.add_argument("--source", default="Ada")
    parser.add_argument("--target", default="Bruno")
    parser.add_argument("--seconds", type=float, default=8.0)
    said = parser.parse_args()
    reports = [path.parent for path in sorted(said.work.glob("*/report/report.json"))]
    if not reports:
        parser.error(f"{said.work} holds no evaluations: run runs/family_choir.sh {said.work} first")
    take = f"{said.source}/{said.song}"
    found = {
        "source": reports[0] / "sources" / f"{take}.wav",
        "truth": reports[0] / "takes" / f"{take}--by-{said.target}.wav",
        **{
            report.parent.name: next((report / "converted").glob(f"*/{take}--as-{said.target}.wav"))
            for report in reports
        },
    }
    said.out.mkdir(parents=True, exist_ok=True)
    for name, path in found.items():
        wave, rate = read_wave(path, rate=RATE)
        wave = wave[: round(said.seconds * rate)]
        loud = match_loudness(wave, rate, like=LOUDNESS)
        write_wave(said.out / f"{name}.ogg", loud, rate)
        sys.stdout.write(f"{name}: {integrated_loudness(wave, rate):.1f} LUFS before, {len(wave) / rate:.1f} s\n")


if __name__ == "__main__":
    main()
