"""The examples run as they are shown."""

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import torch

import vocalise
from tests.material import build
from vocalise.audio.files import read_wave, write_wave
from vocalise.checkpoint import Card, Voice
from vocalise.config import from_json, members, to_json
from vocalise.data.choir import render_choir
from vocalise.data.corpus import Corpus
from vocalise.parts.contracts import Bottleneck
from vocalise.recipes import Recipe, recipe

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def a_voice(path: Path) -> Path:
    model = build(recipe("usvc", "tiny"), singers=2)
    card = Card(
        data="none", minutes={"ada": 1.0, "bob": 1.0}, licence="", consent="", steps=0, figures={}, software="test"
    )
    voice = Voice(recipe=recipe("usvc", "tiny"), singers=("ada", "bob"), pitch_ranges={}, card=card, model=model)
    vocalise.save_voice(path, voice)
    return path


def a_tone(path: Path, seconds: float = 0.3, pitch: float = 220.0) -> Path:
    time = torch.arange(round(seconds * 22_050)) / 22_050
    harmonics = [0.2 / n * torch.sin(2 * math.pi * n * pitch * time) for n in range(1, 6)]  # Harvest finds no pure tone
    write_wave(path, torch.stack(harmonics).sum(0), 22_050)
    return path


def test_a_conversion_in_ten_lines(tmp_path):
    target = tmp_path / "out.wav"
    load("convert_a_song").convert_a_song(
        str(a_voice(tmp_path / "v.safetensors")), str(a_tone(tmp_path / "s.wav", 0.1)), "ada", str(target)
    )
    sung, rate = read_wave(target)
    assert rate == 16_000 and len(sung) == round(0.1 * 22_050) * 16_000 // 22_050


def test_a_new_bottleneck_is_a_part_like_any_other():
    example = load("new_bottleneck")
    before = example.noisy_usvc(level=0.3)
    assert from_json(Recipe, to_json(before)) == before
    assert members(Bottleneck)["Noisy"] is example.Noisy
    bottleneck = before.model.bottleneck.build(channels=4)
    content = torch.zeros(1, 4, 1000)
    noisy = bottleneck(content)
    assert abs(noisy.z.std().item() - 0.3) < 0.02 and "power" in noisy.facts
    assert torch.equal(bottleneck.eval()(content).z, content)


def test_two_songs_are_compared_in_figures_and_a_picture(tmp_path):
    tone, other = a_tone(tmp_path / "a.wav", seconds=1.0), a_tone(tmp_path / "b.wav", seconds=1.0, pitch=225.0)
    picture = tmp_path / "compared.png"
    (line,) = load("compare_two_songs").compare(tone, [other], picture=picture, seconds=1.0, start=0.0)
    assert "b.wav" in line and "median 39 cents" in line
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_judge_is_trained_and_examined_with_its_groups(tmp_path):
    for number, part in enumerate(("alto1", "alto2", "bass1")):
        (tmp_path / part).mkdir()
        for song in range(3):
            a_tone(tmp_path / part / f"{song}.wav", seconds=9.0, pitch=(300.0, 400.0, 110.0)[number] + 3.0 * song)
    example, said = load("train_a_judge"), []
    (found,) = example.train_a_judge(tmp_path, kinds=("gaussian",), held_out=0.3, say=said.append)
    assert found.persons == ("alto1", "alto2", "bass1") and found.disjoint and said
    assert found.accuracy > 0.6 and example.group_accuracy(found) >= found.accuracy
    assert "of their groups" in example.told(found, groups=True)[0] and len(example.told(found, groups=False)) == 4


def test_the_public_face_has_what_it_lists():
    for name in vocalise.__all__:
        assert getattr(vocalise, name) is not None


def test_the_example_training_is_written_against_the_public_face(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(vocalise, "train", lambda *given, **more: seen.append((given, more)), raising=False)
    voice = load("train_a_choir").train_a_choir(tmp_path, steps=1, minutes=0.2)
    (chosen, corpus, folder), more = seen[0]
    assert chosen.name == "usvc" and isinstance(corpus, Corpus) and more == {"steps": 1}
    assert voice.parent == folder and len(corpus.singers) == 2
    assert callable(render_choir)
