"""Whether the measures say what is known to be true: `python benches/known_signals.py [--data $DATA] [--out TABLE.md]`.

Signals whose right answer follows from a definition are made from tones, from the choir and, with --data, from real
recordings; every figure is printed beside what it must be, and the exit code is 1 if one is elsewhere. The table
is in docs/evaluation.md.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from vocalise.audio.files import read_wave, write_aside
from vocalise.audio.mulaw import from_classes, to_classes
from vocalise.data.choir import compose, perform, singers
from vocalise.evaluation import anchors
from vocalise.evaluation.scene import Scene, Take
from vocalise.evaluation.scoring import score
from vocalise.measures.spectra import bin_distance, floors

RATE = 16_000
SECONDS = 8.0
REAL = (  # file below --data, and from which second on; docs/data.md names their sources
    ("singing/csd-alto1/nino-dios.flac", 20.0),
    ("singing/vocadito-s1/vocadito_1.flac", 6.0),
    ("singing-gpl3/torah-e/Reeh-4.mp3", 20.0),
)


@dataclass(frozen=True)
class Case:
    """A pair of signals, and where some of its figures must lie."""

    name: str
    source: Tensor
    output: Tensor
    bounds: Mapping[str, tuple[float, float]]


def near(value: float, tolerance: float) -> tuple[float, float]:
    """The bounds of a figure that is known."""
    return value - tolerance, value + tolerance


def tone(pitch: Tensor) -> Tensor:
    """Ten harmonics, falling by 1 / n, at a pitch in Hz (samples,)."""
    phase = 2.0 * math.pi * torch.cumsum(pitch.double(), 0) / RATE
    return 0.15 * torch.stack([torch.sin(n * phase) / n for n in range(1, 11)]).sum(dim=0).float()


def tones() -> Iterator[Case]:
    """Pitches that are known to the cent."""
    times = torch.arange(round(SECONDS * RATE)) / RATE
    flat = torch.full_like(times, 220.0)
    source = tone(flat)
    gliding = 220.0 * torch.exp2(times / 12.0)  # a semitone a second

    def moved(cents: float) -> Tensor:
        return tone(flat * 2.0 ** (cents / 1200.0))

    yield Case("tone, 37 cents higher", source, moved(37), {"median_cents": near(37, 1), "rpa50": near(1, 0.02)})
    yield Case("tone, 63 cents higher", source, moved(63), {"median_cents": near(63, 1), "rpa50": near(0, 0.02)})
    yield Case("tone, an octave higher", source, moved(1200), {
        "rpa50": near(0, 0.01), "chroma50": near(1, 0.02), "octave": near(1, 0.02), "gross": near(1, 0.02),
        "offset": near(1200, 2)})  # fmt: skip
    swing = 80.0 * torch.sin(2.0 * math.pi * 5.5 * times)
    inside = 2.0 / math.pi * math.asin(50.0 / 80.0)  # of the time, a swing of 80 cents stays within 50
    yield Case("tone with vibrato of ±80 cents at 5.5 Hz", source, tone(flat * torch.exp2(swing / 1200.0)), {
        "rpa50": near(inside, 0.03), "offset": near(0, 5)})  # fmt: skip
    half = source.clone()
    half[len(half) // 2 :] = 0.0
    yield Case("tone, its second half missing", source, half, {
        "voicing_error": near(0.5, 0.02), "rpa50": near(0.5, 0.02), "silence": near(0.5, 0.03)})  # fmt: skip
    yield Case("glide of 8 semitones, the same backwards", tone(gliding), tone(gliding.flip(0)), {
        "log_f0_correlation": near(-1, 0.01)})  # fmt: skip


def sung(name: str, source: Tensor) -> Iterator[Case]:
    """What must hold of any singing."""
    perfect = {"rpa50": near(1, 0), "frame_error": near(0, 0), "loudness_correlation": near(1, 1e-6),
               "mel_to_source": near(0, 1e-6), "mcd_world_to_source": near(0, 1e-6), "drift": near(0, 0),
               "mcd_logmel_to_source": near(0, 1e-6), "stft_to_source": near(0, 1e-6),
               "clicks": near(0, 0)}  # fmt: skip
    yield Case(f"{name}, a copy", source, source.clone(), perfect)
    yield Case(f"{name}, half as loud", source, 0.5 * source, {
        "rpa50": near(1, 0.01), "loudness_correlation": near(1, 0.01),
        "mcd_world_to_source": near(0, 0.1)})  # fmt: skip
    yield Case(f"{name}, μ-law of 8 bits", source, from_classes(to_classes(source)), {
        "rpa50": (0.95, 1.0), "mcd_logmel_to_source": (0.0, 1.0), "mel_to_source": (0.0, 1.2)})  # fmt: skip
    yield Case(f"{name}, moved by 100 cents (WORLD)", source, anchors.shifted(source, 1.0), {
        "offset": near(100, 5), "rpa50": (0.0, 0.15), "rpa50_transposed": (0.85, 1.0)})  # fmt: skip
    yield Case(f"{name}, an octave up (WORLD)", source, anchors.octave_up(source), {
        "rpa50": (0.0, 0.1), "chroma50": (0.85, 1.0), "octave": (0.85, 1.0)})  # fmt: skip
    yield Case(f"{name}, whispered (WORLD)", source, anchors.whispered(source), {
        "rpa50": (0.0, 0.05), "melody_kept": (0.0, 0.1), "voiced": (0.0, 0.05)})  # fmt: skip
    late = torch.cat([torch.zeros(round(0.3 * RATE)), source])[: len(source)]
    yield Case(f"{name}, 0.3 s late", source, late, {"drift": near(0.3, 0.02), "rpa50": (0.85, 1.0)})
    noise = torch.randn(len(source), generator=torch.Generator().manual_seed(0))
    level = source.square().mean().sqrt()
    hidden = source + 0.1 * level * noise
    yield Case(f"{name}, noise 20 dB below", source, hidden, {"rpa50": (0.8, 1.0), "loudness_correlation": (0.7, 1.0)})
    yield Case(f"{name}, noise instead", source, level * noise, {
        "rpa50": (0.0, 0.02), "voiced": (0.0, 0.05), "loudness_correlation": (-0.2, 0.2),
        "mel_to_source": (8.0, 60.0)})  # fmt: skip
    yield Case(f"{name}, silence instead", source, torch.zeros_like(source), {
        "rpa50": near(0, 0), "melody_kept": near(0, 0), "silence": (0.95, 1.0),
        "loudness_correlation": near(0, 0)})  # fmt: skip
    cut = source.clone()
    cut[len(cut) // 2 :] *= -1.0  # a join at which the wave jumps to its mirror image
    cut[len(cut) // 4] += 0.3
    yield Case(f"{name}, two bad joins", source, cut, {"clicks": (0.9 / SECONDS, 2.5 / SECONDS), "rpa50": (0.97, 1.0)})


def material(data: Path | None) -> Iterator[tuple[str, Tensor]]:
    """Singing: a low and a high voice of the choir, and recordings where --data says that they are."""
    song = compose(1.0, seed=3)[0]
    for singer in singers(2):
        yield f"choir ({singer.name})", perform(song, singer).wave[: round(SECONDS * RATE)]
    for path, start in REAL if data is not None else ():
        assert data is not None
        wave, _ = read_wave(data / path, rate=RATE)
        first = round(start * RATE)
        yield Path(path).parent.name, wave[first : first + round(SECONDS * RATE)]


def lines(case: Case, tell: Callable[[str], None]) -> bool:
    """One row for each figure that is known; whether all are where they must be."""
    figures = score(Scene(source=Take(case.source, RATE), converted=Take(case.output, RATE)))
    right = True
    for name, (low, high) in case.bounds.items():
        seen = figures.get(name, math.nan)
        fits = low - 1e-9 <= seen <= high + 1e-9
        right &= fits
        wanted = f"{low:g}" if low == high else f"{low:.4g} to {high:.4g}"
        tell(f"| {case.name} | `{name}` | {wanted} | {seen:.4g} | {'yes' if fits else '**no**'} |")
    return right


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder of recordings that docs/data.md describes")
    parser.add_argument("--out", type=Path, help="write the table here as well")
    wanted = parser.parse_args()
    table = ["| signal, and what is made of it | figure | must be | seen | there |", "|---|---|---|---|---|"]
    print("\n".join(table), flush=True)

    def tell(row: str) -> None:
        table.append(row)
        print(row, flush=True)

    right = all(list(map(partial(lines, tell=tell), tones())))
    for name, wave in material(wanted.data):
        right &= all(list(map(partial(lines, tell=tell), sung(name, wave))))
    bounds = floors(RATE)
    tell(f"| two draws of one noise | mel distance, dB | about 3.4 | {bounds.mel:.2f} | |")
    tell(f"| two draws of one noise | per-bin distance, dB | about 7.9 | {bounds.bin:.2f} | |")
    wave = next(material(None))[1]
    coarse = from_classes(to_classes(wave))
    tell(f"| choir, μ-law of 8 bits | per-bin distance, dB | | {bin_distance(wave, coarse, RATE):.2f} | |")
    if wanted.out is not None:
        with write_aside(wanted.out) as aside:
            aside.write_text("\n".join(table) + "\n", encoding="utf-8")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
