"""A report that nobody measured: two systems, four singers of the choir, real sound files, and figures to match.

`make_report(folder)` writes the sound below `folder` and returns the report of it. What stands for a conversion is the
target's own rendering (a good one), the source hurried or as it is (a singer who stayed), or a whisper (nothing but
noise that swells with the song); the figures are drawn round what each of these would get, not measured.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.files import write_wave
from vocalise.audio.loudness import frame_levels
from vocalise.audio.resampling import resample
from vocalise.data.choir import compose, perform, singers
from vocalise.evaluation.comparing import compare
from vocalise.evaluation.findings import say
from vocalise.evaluation.records import Clip, Examination, Report, System
from vocalise.evaluation.summary import summarise

RATE = 16_000
SYSTEMS = ("usvc, small", "nsynth")
# By system: what became of each passage, in turn.
FATES = MappingProxyType({SYSTEMS[0]: ("sung", "sung", "whisper", "sung"), SYSTEMS[1]: ("same", "whisper", "hurried")})
# By fate: melody, target, source still heard, content, loudness (0 to 1), noise floor in dB.
TYPICAL = MappingProxyType(
    {
        "sung": (0.95, 0.9, 0.04, 0.8, 0.95, -48.0),
        "same": (0.99, 0.08, 0.88, 0.98, 0.99, -52.0),
        "hurried": (0.2, 0.1, 0.7, 0.3, 0.5, -50.0),
        "whisper": (0.12, 0.25, 0.2, 0.45, 0.8, -14.0),
        "again": (0.97, 0.95, 0.95, 0.9, 0.97, -47.0),
    }
)
JUDGES = ("network", "network-band", "gaussian", "gaussian-band")


def make_report(folder: Path, *, seconds: float = 3.0, passages: int = 4, seed: int = 0) -> Report:
    """A report of two systems over so many passages each, a reconstruction, one that failed and one that was skipped.

    Args:
        folder: where the report would lie; sound is written to `source`, `truth` and a folder for each system.
        seconds: of each passage.
        passages: conversions by each system, twelve at most without repetition.
        seed: of the figures.
    """
    rng = np.random.default_rng(seed)
    cast, songs = singers(4), compose(0.5, 3)[:2]
    sung = {(song.name, one.name): _length(perform(song, one).wave, seconds) for song in songs[:2] for one in cast}
    names = [one.name for one in cast]
    turns = [(a, b) for step in (1, 2, 3) for a, b in zip(names, names[step:] + names[:step], strict=True)]
    clips: list[Clip] = []
    for system in SYSTEMS:
        for place, (source, target) in enumerate(turns[:passages]):
            song, fates = songs[place % len(songs)].name, FATES[system]
            fate = fates[place % len(fates)]
            waves = sung[song, source], sung[song, target]
            clips.append(_clip(folder, system, song, (source, target), fate, waves, names, rng))
        again = sung[songs[0].name, names[0]]
        clips.append(_clip(folder, system, songs[0].name, (names[0],) * 2, "again", (again, again), names, rng))
    clips += [
        Clip(system=SYSTEMS[1], song="03-lost", source=names[0], target=names[1], state="failed",
             why="03-lost.wav holds no sound: it ends before its first sample."),
        Clip(system=SYSTEMS[0], song="04-a-breath", source=names[2], target=names[3], state="skipped", seconds=0.4,
             why="it lasts 0.4 s, which is too short to be judged"),
    ]  # fmt: skip
    return _report(tuple(clips), names)


def renamed(report: Report, names: Sequence[str]) -> Report:
    """The same report with other names for its four singers, then its systems, then its songs, in this order."""
    old = [*report.persons, *(one.name for one in report.systems), *dict.fromkeys(clip.song for clip in report.clips)]
    new = {**{name: name for name in old}, **dict(zip(old, names, strict=False))}
    clips = tuple(
        replace(c, source=new[c.source], target=new[c.target], system=new[c.system], song=new[c.song])
        for c in report.clips
    )
    return summed(
        replace(
            report,
            persons=tuple(new[name] for name in report.persons),
            systems=tuple(replace(one, name=new[one.name]) for one in report.systems),
            clips=clips,
            judges=tuple(replace(j, persons=tuple(new[name] for name in j.persons)) for j in report.judges),
        )
    )


def summed(report: Report) -> Report:
    """The report with rows, differences and findings from its clips."""
    first, second = (system.name for system in report.systems[:2])
    rows = summarise(report.clips, draws=200)
    report = replace(report, rows=rows, differences=compare(report.clips, first, second, draws=200))
    return replace(report, sayings=say(report))


def _length(wave: Tensor, seconds: float) -> Tensor:
    wanted = round(seconds * RATE)
    return wave.repeat(math.ceil(wanted / len(wave)))[:wanted]


def _whisper(wave: Tensor) -> Tensor:
    """Noise as loud as the wave from moment to moment."""
    levels = frame_levels(wave, window=640, hop=160)
    gain = torch.nn.functional.interpolate((10.0 ** (levels / 20.0))[None, None], size=len(wave), mode="linear")[0, 0]
    return 0.5 * gain * torch.randn(len(wave), generator=torch.Generator().manual_seed(5))


def _became(fate: str, source: Tensor, target: Tensor) -> Tensor:
    match fate:
        case "sung" | "again":
            noise = torch.randn(len(target), generator=torch.Generator().manual_seed(3))
            return target + 10.0 ** (-50.0 / 20.0) * noise
        case "hurried":
            return _length(resample(source, RATE, round(RATE * 2.0 ** (-3 / 12))), len(source) / RATE)
        case "whisper":
            return _whisper(source)
        case _:
            return source.clone()


def _clip(folder, system, song, pair, fate, waves, names, rng) -> Clip:
    source, target = pair
    made = {
        f"source/{source}/{song}.wav": waves[0],
        f"truth/{target}/{song}.wav": waves[1],
        f"{system}/{source} to {target}/{song}.wav": _became(fate, *waves),
    }
    for name, wave in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            write_wave(folder / name, wave, RATE)
    places = list(made)
    figures = _figures(fate, rng)
    return Clip(
        system=system, song=song, source=source, target=target, seconds=len(waves[0]) / RATE,
        kind="reconstruction" if source == target else "conversion",
        source_path=places[0], truth_path=places[1], path=places[2],
        figures=figures, heard={judge: _heard(figures, source, target, names, rng) for judge in JUDGES},
    )  # fmt: skip


def _heard(figures, source, target, names, rng) -> tuple[float, ...]:
    shares = dict.fromkeys(names, 0.02 + 0.02 * rng.random())
    shares[source] += figures.get("source_heard", 0.0)
    shares[target] += figures["target_heard"]
    total = sum(shares.values())
    return tuple(round(shares[name] / total, 4) for name in names)


def _figures(fate: str, rng: np.random.Generator) -> dict[str, float]:
    melody, target, source, content, loud, noise = (
        value * (1.0 + 0.04 * rng.standard_normal()) for value in TYPICAL[fate]
    )
    melody, target, source, content, loud = (min(1.0, value) for value in (melody, target, source, content, loud))
    ceiling = 0.93 + 0.02 * rng.random()
    figures = {
        "melody_kept": melody, "rpa50": melody * ceiling, "rpa50_ceiling": ceiling, "chroma50": ceiling * melody,
        "chroma50_ceiling": ceiling, "log_f0_correlation": melody - 0.02, "log_f0_correlation_ceiling": 0.99,
        "median_cents": 8.0 + 300.0 * (1.0 - melody), "median_cents_ceiling": 6.1, "gross": 0.6 * (1.0 - melody),
        "gross_ceiling": 0.01, "octave": 0.02, "voicing_error": 0.5 * (1.0 - melody) + 0.03,
        "voicing_error_ceiling": 0.05, "frame_error": 0.9 * (1.0 - melody) + 0.03, "frame_error_ceiling": 0.06,
        "offset": 4.0, "transposition": 0.0, "voiced_source": 0.81, "voiced": 0.8 * melody,
        "target_heard": target, "target_ceiling": 0.97, "source_heard": source, "content_kept": content,
        "content_distance": 2.0 - content, "content_same": 0.9, "content_unrelated": 2.1,
        "loudness_correlation": loud, "noise": noise, "noise_source": -52.0, "mel_to_source": 4.0 + 9.0 * target,
        "mel_to_truth": 4.0 + 9.0 * (1.0 - target), "mel_source_to_truth": 11.3, "mel_other_to_truth": 10.2,
        "length_error": 0.0, "silence": 0.002, "clicks": 0.05, "clicks_source": 0.0, "drift": 0.004,
        "real_time_factor": 7.0 + rng.random(),
    }  # fmt: skip
    if fate == "again":
        del figures["source_heard"]  # source and target are one
    return {name: round(float(value), 6) for name, value in figures.items()}


def _report(clips: tuple[Clip, ...], names: Sequence[str]) -> Report:
    told = tuple(
        Examination(
            judge=judge, persons=tuple(names), accuracy=1.0 - 0.02 * place, pieces=80, disjoint=True,
            confusion=tuple(
                tuple(20 - 2 * place if row == column else 2 * place * (column == (row + 1) % 4) for column in range(4))
                for row in range(4)
            ),
        )
        for place, judge in enumerate(JUDGES)
    )  # fmt: skip
    systems = (
        System(name=SYSTEMS[0], path="voices/usvc.safetensors", recipe="usvc", steps=40_000, digest="5f1c" * 16,
               figures={"held_out_bits": 2.41, "probe": 0.34, "probe_chance": 0.25, "probe_log_mel": 0.98,
                        "probe_untrained": 0.91}),
        System(name=SYSTEMS[1], path="voices/nsynth.safetensors", recipe="nsynth", steps=40_000, digest="07ab" * 16,
               figures={"held_out_bits": 2.22, "probe": 0.89, "probe_chance": 0.25, "probe_log_mel": 0.98}),
    )  # fmt: skip
    report = Report(
        title="usvc, small against nsynth", made="2025-03-04T05:06:07+00:00",
        command="vocalise evaluate --voice voices/usvc.safetensors DATA --against voices/nsynth.safetensors --out OUT",
        software="vocalise 0.1.0, Python 3.11, PyTorch 2.9", machine="Linux, 2 CPU cores", seed=0, data="c0ffee" * 8,
        persons=tuple(names), systems=systems, clips=clips, rows=(), judges=told,
        references={"mel_floor": 3.4, "bin_floor": 7.9}, took=41.0, converting=912.0,
    )  # fmt: skip
    return summed(report)
