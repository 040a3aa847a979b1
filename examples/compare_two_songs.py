"""How well a converted song follows its source: figures on the screen, spectrograms and pitch curves in a picture.

python examples/compare_two_songs.py song.wav converted.wav [more converted.wav …] --picture compared.png
"""

import argparse
from pathlib import Path

from vocalise.audio.files import read_wave
from vocalise.audio.pitch import Contour
from vocalise.measures.pictures import comparison
from vocalise.measures.pitch import compare_contours
from vocalise.measures.sound import loudness_correlation
from vocalise.measures.tracker import track_pitch

RATE = 16_000


def compare(source: Path, others: list[Path], *, picture: Path | None, seconds: float, start: float) -> list[str]:
    """A line of figures for each of `others`; the picture shows `seconds` of all, from `start` on."""
    heard, _ = read_wave(source, rate=RATE)
    truth = track_pitch(heard, RATE)
    span = slice(round(start * RATE), round((start + seconds) * RATE))
    panels = [(source.name, heard[span], RATE, _part(truth, start, seconds))]
    lines = []
    for path in others:
        sung, _ = read_wave(path, rate=RATE)
        contour = track_pitch(sung, RATE)
        pitch = compare_contours(truth, contour)
        loudness = loudness_correlation(heard, sung, RATE)
        lines.append(
            f"{path.name}: log-F0 correlation {pitch.log_f0_correlation:.3f}, RPA50 {pitch.rpa50:.3f}, "
            f"chroma {pitch.chroma50:.3f}, median {pitch.median_cents:.0f} cents, gross errors {pitch.gross:.3f}, "
            f"voicing errors {pitch.voicing_error:.3f}, loudness correlation {loudness:.3f}"
        )
        panels.append((path.name, sung[span], RATE, _part(contour, start, seconds)))
    if picture is not None:
        picture.write_bytes(comparison(panels))
    return lines


def _part(contour: Contour, start: float, seconds: float) -> Contour:
    frames = slice(round(start / contour.hop), round((start + seconds) / contour.hop))
    return Contour(contour.pitch[frames], contour.voicing[frames], contour.hop)


def main() -> None:
    """Reads the arguments and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("converted", type=Path, nargs="+")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--start", type=float, default=0.0, help="of the picture, in seconds")
    parser.add_argument("--seconds", type=float, default=10.0, help="in the picture")
    given = parser.parse_args()
    print(
        *compare(given.source, given.converted, picture=given.picture, seconds=given.seconds, start=given.start),
        sep="\n",
    )


if __name__ == "__main__":
    main()
