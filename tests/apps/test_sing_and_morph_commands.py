"""`vocalise sing` and `vocalise morph`: what they write, and how they refuse."""

from pathlib import Path

import pytest
import soundfile

from tests.conversion.stand_ins import SHALLOW, voice_of
from vocalise.checkpoint import save_voice


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    for name in ("wavenet", "nsynth", "usvc"):
        save_voice(tmp_path / f"{name}.safetensors", voice_of(name, *SHALLOW))
    return tmp_path


def test_sing_writes_a_file_of_so_many_seconds(run, voices: Path) -> None:
    out = voices / "song.wav"
    words = ("sing", "--voice", voices / "wavenet.safetensors", "--singer", "ada", "--seconds", 0.1, "--out", out)
    done = run(*words, "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    assert soundfile.info(out).frames == 1600 and "0.1 s" in done.stdout
    first = out.read_bytes()
    assert run(*words, "--device", "cpu").exit_code == 0 and out.read_bytes() == first
    assert run(*words, "--device", "cpu", "--seed", 1).exit_code == 0 and out.read_bytes() != first


def test_sing_refuses_a_voice_that_needs_a_song_in_one_line(run, voices: Path) -> None:
    out = voices / "song.wav"
    done = run("sing", "--voice", voices / "usvc.safetensors", "--singer", "ada", "--out", out)
    assert done.exit_code == 1 and not out.exists()
    assert len(done.stderr.strip().splitlines()) == 1 and "recipes that can: wavenet" in done.stderr


def test_morph_takes_a_share_or_a_curve(run, voices: Path) -> None:
    paths = [voices / "a.wav", voices / "b.wav"]
    for number, path in enumerate(paths):
        soundfile.write(path, [0.1 * ((n * (number + 1)) % 50 - 25) / 25 for n in range(3200)], 16_000)
    words = ("morph", *paths, "--voice", voices / "nsynth.safetensors", "--device", "cpu")
    done = run(*words, "--share", 0.5, "--out", voices / "half.wav")
    assert done.exit_code == 0, done.stderr
    (voices / "curve.csv").write_text("time_s,first,second\n0,1,0\n0.2,0,1\n")
    done = run(*words, "--share-curve", voices / "curve.csv", "--out", voices / "moving.wav")
    assert done.exit_code == 0, done.stderr
    assert soundfile.info(voices / "moving.wav").frames == 3200
    assert (voices / "moving.wav").read_bytes() != (voices / "half.wav").read_bytes()
    done = run(*words, "--to", "ada", "--out", voices / "no.wav")
    assert done.exit_code == 1 and "recipes that can: umt, usvc" in done.stderr.replace("pitchnet, ", "")
