"""Damaged sound files end in one line, whatever the damage, and an hour of song fits into memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vocalise.conversion import Converter, convert_files
from vocalise.errors import VocaliseError

KINDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".au", ".w64", ".caf")


def originals(folder: Path) -> list[tuple[str, bytes]]:
    files = []
    for n, suffix in enumerate(KINDS):
        time = np.arange(4000 + n) / 22050
        soundfile.write(folder / f"whole{suffix}", 0.3 * np.sin(2 * np.pi * 220 * time), 22050)
        files.append((suffix, (folder / f"whole{suffix}").read_bytes()))
    return files


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed anywhere or in the header, cut off, doubled, or four bytes of the header made to lie."""
    found = np.frombuffer(data, np.uint8).copy()
    kind = rng.integers(5)
    if kind == 0:
        places = rng.integers(0, len(found), rng.integers(1, 30))
        found[places] ^= rng.integers(1, 256, len(places)).astype(np.uint8)
    elif kind == 1:
        places = rng.integers(0, min(100, len(found)), rng.integers(1, 6))
        found[places] = rng.integers(0, 256, len(places))
    elif kind == 2:
        found = found[: rng.integers(0, len(found))]
    elif kind == 3:
        at = rng.integers(0, len(found))
        found = np.concatenate([found[:at], found[rng.integers(0, len(found)) :]])
    else:
        at = 4 * rng.integers(0, min(24, len(found) // 4))
        lie = rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFF00])
        found[at : at + 4] = np.frombuffer(np.uint32(lie).tobytes(), np.uint8)
    return found.tobytes()


def convert_damaged(converter: Converter, folder: Path, count: int) -> None:
    rng = np.random.default_rng(5)
    whole = originals(folder)
    songs = folder / "songs"
    songs.mkdir()
    for n in range(count):
        suffix, data = whole[n % len(whole)]
        (songs / f"{n:03d}{suffix}").write_bytes(mutated(data, rng))
    ledger = convert_files(converter, [songs], folder / "out", to="ada")
    assert len(ledger.entries) == count
    assert len(ledger.of("failed")) > count / 5 and len(ledger.of("converted")) > count / 5
    for entry in ledger.of("failed"):
        assert 10 < len(entry.why) < 600 and "\n" not in entry.why and "Traceback" not in entry.why
    for entry in ledger.of("converted"):
        assert np.isfinite(soundfile.read(entry.target)[0]).all()


def test_sixty_damaged_files_end_in_one_line_each(quick: Converter, tmp_path: Path) -> None:
    convert_damaged(quick, tmp_path, 60)


@pytest.mark.slow
def test_five_hundred_damaged_files_end_in_one_line_each(quick: Converter, tmp_path: Path) -> None:
    convert_damaged(quick, tmp_path, 500)


def test_a_folder_in_place_of_a_file_is_refused(quick: Converter, tmp_path: Path) -> None:
    with pytest.raises(VocaliseError, match="is a folder"):
        quick.convert_file(tmp_path, tmp_path / "a.wav", to="ada")


HOUR = """
import resource, sys
import numpy as np, soundfile
from dataclasses import replace
from tests.conversion.stand_ins import Averager, Murmur, Unchanged, voice_of, with_parts
from vocalise.conversion import Converter
folder, rate, out_rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with soundfile.SoundFile(folder + "/hour.flac", "w", rate, 2) as file:
    for minute in range(60):
        file.write(0.1 * np.random.default_rng(minute).standard_normal((60 * rate, 2)).clip(-3, 3))
voice = voice_of("usvc")
model = with_parts(voice.model, decoder=Murmur(800), encoder=Averager(800), bottleneck=Unchanged())
converter = Converter(replace(voice, model=model))
converter.convert_file(folder + "/hour.flac", folder + "/out.wav", to="ada", out_rate=out_rate)
assert soundfile.info(folder + "/out.wav").frames == 3600 * out_rate
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(peak)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="counts memory with the resource module")
@pytest.mark.parametrize(("rate", "out_rate"), [(44100, 16000), (48000, 44100)])
def test_an_hour_fits_into_a_gigabyte_and_a_half(tmp_path: Path, rate: int, out_rate: int) -> None:
    command = [sys.executable, "-c", HOUR, str(tmp_path), str(rate), str(out_rate)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr
    assert 0.3e9 < int(done.stdout) < 1.5e9


LONG = """
import resource, sys
import numpy as np, soundfile
from tests.conversion.stand_ins import voice_of
from vocalise.conversion import Converter
folder, recipe, minutes = sys.argv[1], sys.argv[2], int(sys.argv[3])
few = ("model.decoder.blocks=1", "model.decoder.layers=1") if recipe == "usvc" else ()
with soundfile.SoundFile(folder + "/song.wav", "w", 44100, 1) as file:
    for part in range(6 * minutes):
        time = np.arange(10 * 44100) / 44100
        tone = 0.2 * np.sin(2 * np.pi * 220 * time) * (np.sin(2 * np.pi * time / 3.1) > -0.7)
        file.write(tone + 0.01 * np.random.default_rng(part).standard_normal(len(time)))
Converter(voice_of(recipe, *few)).convert_file(folder + "/song.wav", folder + "/out.wav", to="ada", out_rate=44100)
assert soundfile.info(folder + "/out.wav").frames == 60 * minutes * 44100
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="counts memory with the resource module")
@pytest.mark.parametrize("recipe", ["usvc", "aria"])
def test_ten_minutes_need_hardly_more_memory_than_one(tmp_path: Path, recipe: str) -> None:
    peaks = []
    for minutes in (1, 10):
        command = [sys.executable, "-c", LONG, str(tmp_path), recipe, str(minutes)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert 0.1e9 < peaks[0] < peaks[1] < peaks[0] + 200e6, peaks
