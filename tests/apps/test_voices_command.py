"""`vocalise voices`, `enrol` and `forget` at the command line, and the voice that comes along with the package."""

import math
from importlib.resources import files

import numpy as np
import pytest
import soundfile
import torch

from tests.apps.conftest import Run
from vocalise.checkpoint import Card, Voice, default, has_default_voice, load_voice, save_voice
from vocalise.checkpoint.container import read_layout
from vocalise.conversion import Converter
from vocalise.recipes import recipe

ABSENT = "this tree carries no default voice"


@pytest.fixture
def voice(tmp_path):
    chosen = recipe("aria", "tiny")
    card = Card(minutes={"ann": 2.0}, figures={"held_out_distance": 9.5}, licence="CC0", credits="the choir")
    made = Voice(
        recipe=chosen,
        singers=("ann", "ben", "cleo"),
        pitch_ranges=dict.fromkeys(("ann", "ben", "cleo"), (100.0, 200.0, 400.0)),
        card=card,
        model=chosen.model.build(singers=3).eval(),
        offered={"ann": {"ann": 1.0}, "duo": {"ben": 0.5, "cleo": 0.5}},
    )
    path = tmp_path / "voice.safetensors"
    save_voice(path, made)
    return path


@pytest.fixture
def newcomer(tmp_path):
    time = np.arange(6 * 16000) / 16000
    wave = sum(np.sin(2 * np.pi * n * 180 * time) / n for n in range(1, 20))
    path = tmp_path / "dora.wav"
    soundfile.write(path, 0.2 * wave, 16000)
    return path


def test_voices_tells_whom_one_may_ask_for_and_whom_to_thank(run: Run, voice):
    said = run("voices", "--voice", voice)
    assert said.exit_code == 0, said.output
    assert "ann" in said.stdout and "2.0 min" in said.stdout and "100-400 Hz" in said.stdout
    assert "duo" in said.stdout and "a blend of 2 singers" in said.stdout
    assert "ben" not in said.stdout and "cleo" not in said.stdout
    assert "credits: the choir" in said.stdout and "licence: CC0" in said.stdout


def test_somebody_is_enrolled_sings_and_is_forgotten(run: Run, voice, newcomer, tmp_path):
    wider, sung, left = (tmp_path / name for name in ("wider.safetensors", "sung.wav", "left.safetensors"))
    said = run("enrol", newcomer, "--singer", "dora", "--voice", voice, "--out", wider, "--steps", 2, "--device", "cpu")
    assert said.exit_code == 0, said.output
    assert "dora has a place" in said.stdout and "dB" in said.stdout
    assert load_voice(wider).names == ("ann", "duo", "dora")
    said = run("convert", newcomer, "--voice", wider, "--to", "dora", "--out", sung, "--device", "cpu")
    assert said.exit_code == 0, said.output
    assert soundfile.info(sung).frames == 6 * 16000
    said = run("forget", "--voice", wider, "--singer", "dora", "--out", left)
    assert said.exit_code == 0 and "stays in them" in said.stdout
    assert load_voice(left).names == ("ann", "duo") and "dora" not in load_voice(left).singers
    said = run("forget", "--voice", left, "--singer", "dora", "--out", left)
    assert said.exit_code == 1 and "it knows ann, duo" in said.stderr


def test_a_name_that_is_taken_is_refused_in_one_line(run: Run, voice, newcomer, tmp_path):
    said = run("enrol", newcomer, "--singer", "ann", "--voice", voice, "--out", tmp_path / "never")
    assert said.exit_code == 1 and said.stderr.count("\n") == 1 and "has a place already" in said.stderr
    assert not (tmp_path / "never").exists()


def test_without_a_voice_file_the_default_voice_sings(run: Run, voice, newcomer, tmp_path, monkeypatch):
    monkeypatch.setattr(default, "files", lambda package: tmp_path)
    said = run("convert", newcomer, "--to", "ann", "--out", tmp_path / "sung.wav", "--device", "cpu")
    assert said.exit_code == 1 and "carries no default voice" in said.stderr
    (tmp_path / default.FOLDER).mkdir()
    voice.rename(tmp_path / default.FOLDER / default.NAME)
    said = run("convert", newcomer, "--out", tmp_path / "sung.wav", "--device", "cpu")
    assert said.exit_code == 1 and "Say who is to sing; this voice knows ann, duo." in said.output
    said = run("convert", newcomer, "--to", "ann", "--out", tmp_path / "sung.wav", "--device", "cpu")
    assert said.exit_code == 0 and soundfile.info(tmp_path / "sung.wav").frames == 6 * 16000


@pytest.mark.skipif(not has_default_voice(), reason=ABSENT)
def test_the_default_voice_is_small_and_offers_eight_voices_that_are_nobodys():
    packaged = files("vocalise").joinpath(default.FOLDER, default.NAME)
    assert packaged.stat().st_size <= 16 << 20
    entry = next(iter(read_layout(packaged).tensors.values()))
    assert entry.stop - entry.start == 2 * math.prod(entry.shape)  # float16
    voice = default.default_voice()
    assert len(voice.names) >= 8
    assert set(voice.singers) == set(voice.names)  # whoever is not offered has no place in the file
    real = ("csd-", "iona", "sms-", "crazy-toho", "vocadito-", "torah-", "alys", "solfege-")
    assert not [name for name in voice.singers if name.startswith(real)]
    assert voice.card.credits and voice.card.licence and voice.card.consent


@pytest.mark.skipif(not has_default_voice(), reason=ABSENT)
def test_the_default_voice_sings_as_everybody_whom_it_offers():
    converter = Converter.load(device="cpu")
    time = torch.arange(16_000) / 16_000
    wave = 0.2 * sum(torch.sin(2 * math.pi * n * 220 * time) / n for n in range(1, 20))
    songs = [converter.convert(wave, 16_000, to=name) for name in converter.singers[:3]]
    assert all(len(song) == converter.rate and song.abs().max() > 0.01 for song in songs)
    assert not torch.allclose(songs[0], songs[1], atol=1e-3)
