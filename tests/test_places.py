"""Places in a voice: who is offered, blends that become singers of their own, and singers who are taken out."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.material import build
from vocalise import checkpoint
from vocalise.checkpoint import Card, Voice, default, forgotten, load_voice, save_voice, settled, with_places
from vocalise.checkpoint.places import table_names
from vocalise.conversion import Converter
from vocalise.errors import UnknownSinger, Unsupported, VoiceError
from vocalise.recipes import recipe

SINGERS = ("ann", "ben", "cleo", "dora")
TRIO = {"ann": 0.5, "ben": 0.25, "cleo": 0.25}
RANGES = {"ann": (100.0, 200.0, 400.0), "ben": (200.0, 400.0, 800.0), "cleo": (200.0, 400.0, 800.0)}


def voice_of(name: str = "aria", **facts: object) -> Voice:
    chosen = recipe(name, "tiny")
    card = Card(minutes={"ann": 2.0}, figures={}, credits="all of them")
    model = build(chosen, len(SINGERS)).eval()
    return replace(
        Voice(recipe=chosen, singers=SINGERS, pitch_ranges=RANGES, card=card, model=model),
        **facts,
    )


@pytest.fixture(scope="module")
def voice() -> Voice:
    return voice_of(offered={"trio": TRIO, "dora": {"dora": 1.0}})


def told(voice: Voice, weights: dict[str, float]) -> torch.Tensor:
    """What the decoder is told of a mixture."""
    identity = torch.tensor([weights.get(name, 0.0) for name in voice.singers])
    model, nothing = voice.model, torch.zeros(1, 3)
    controls = SimpleNamespace(identity=identity[None, :, None], pitch=nothing, voicing=nothing, loudness=nothing)
    return model.condition(torch.zeros(1, model.latent_channels, 3), controls)


def tone(seconds: float = 0.5, rate: int = 16_000) -> torch.Tensor:
    return 0.3 * torch.sin(2 * math.pi * 200 * torch.arange(round(seconds * rate)) / rate)


def test_who_is_offered_comes_back_from_the_file_and_older_files_offer_everybody(voice: Voice, tmp_path: Path) -> None:
    save_voice(tmp_path / "a", voice)
    again = load_voice(tmp_path / "a")
    assert again.offered == voice.offered and again.names == ("trio", "dora") and again.card.credits == "all of them"
    plain = replace(voice, offered={})
    save_voice(tmp_path / "b", plain)
    assert load_voice(tmp_path / "b").names == SINGERS
    assert b"offered" not in (tmp_path / "b").read_bytes()  # as any older version writes it


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ({"trio": {"ann": 0.5, "eve": 0.5}}, "none of its singers"),
        ({"trio": {"ann": 0.5}}, "no shares"),
        ({"trio": {"ann": 1.5, "ben": -0.5}}, "no shares"),
        ({"trio": {}}, "no shares"),
        ({"\n": {"ann": 1.0}}, "characters that can be printed"),
    ],
)
def test_offers_that_make_no_sense_are_neither_written_nor_read(offered: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=words):
        save_voice(tmp_path / "bad", voice_of(offered=offered))
    save_voice(tmp_path / "good", voice_of(offered={"trio": TRIO}))
    data = (tmp_path / "good").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    for hostile in (json.dumps(offered), "[" * 40, "[]", '{"a": 1, "a": 2}', '{"trio": {"ann": NaN}}'):
        header["__metadata__"]["offered"] = hostile
        text = json.dumps(header).encode()
        (tmp_path / "bad").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
        with pytest.raises(VoiceError, match=str(tmp_path / "bad")):
            load_voice(tmp_path / "bad")


def test_only_those_who_are_offered_can_be_asked_for(voice: Voice) -> None:
    converter = Converter(voice)
    assert converter.singers == ("trio", "dora")
    with pytest.raises(UnknownSinger, match="it knows trio, dora"):
        converter.convert(tone(), 16_000, to="ann")
    identity = converter.plan(to="trio=1,dora=3").identity
    assert torch.allclose(identity, torch.tensor([0.125, 0.0625, 0.0625, 0.75]))


@pytest.mark.parametrize("name", ["aria", "usvc"])
def test_a_blend_with_a_place_of_its_own_is_told_as_the_blend_was(name: str) -> None:
    whole = voice_of(name)
    made = with_places(whole, {"trio": TRIO, "dora": {"dora": 1.0}})
    assert made.singers == made.names == ("trio", "dora")
    assert torch.allclose(told(made, {"trio": 1.0}), told(whole, TRIO), atol=1e-6)
    half = {singer: weight / 2 for singer, weight in TRIO.items()}
    assert torch.allclose(told(made, {"trio": 0.5, "dora": 0.5}), told(whole, {**half, "dora": 0.5}), atol=1e-6)


def test_a_settled_voice_sings_the_same_and_no_longer_holds_those_whom_it_does_not_offer(
    voice: Voice, tmp_path: Path
) -> None:
    made = settled(voice)
    before = Converter(voice).convert(tone(), 16_000, to="trio")
    assert before.abs().max() > 0.01
    assert torch.allclose(Converter(made).convert(tone(), 16_000, to="trio"), before, atol=1e-4)
    table = table_names(voice.recipe, len(SINGERS))[0]
    former = voice.model.state_dict()[table]
    kept = made.model.state_dict()[table]
    assert kept.shape[0] == 2
    assert all(not torch.allclose(row, former[n]) for row in kept for n in range(3))  # ann, ben and cleo are gone
    assert torch.equal(kept[1], former[3])
    save_voice(tmp_path / "settled", made)
    assert load_voice(tmp_path / "settled").singers == ("trio", "dora")
    assert made.pitch_ranges["trio"][1] == pytest.approx(2 ** (0.5 * math.log2(200) + 0.5 * math.log2(400)))
    assert "dora" not in made.pitch_ranges  # nothing is known of her
    assert len(voice.singers) == 4 and voice.model.state_dict()[table].shape[0] == 4  # untouched


def test_a_singer_who_is_forgotten_has_no_row_and_others_sing_as_before() -> None:
    whole = voice_of()
    left = forgotten(whole, "ben")
    assert left.singers == left.names == ("ann", "cleo", "dora")
    assert "ben" not in left.pitch_ranges
    assert all(torch.equal(told(left, {name: 1.0}), told(whole, {name: 1.0})) for name in left.singers)
    with pytest.raises(UnknownSinger, match="ann, cleo, dora"):
        forgotten(left, "ben")


def test_blends_outlive_a_singer_who_is_forgotten_and_a_forgotten_blend_leaves_its_singers(voice: Voice) -> None:
    left = forgotten(voice, "ann")
    assert set(left.singers) == {"ben", "cleo", "dora", "trio"} and left.names == ("trio", "dora")
    assert torch.allclose(told(left, {"trio": 1.0}), told(voice, TRIO), atol=1e-6)
    without = forgotten(voice, "trio")
    assert without.names == ("dora",) and without.singers == SINGERS
    with pytest.raises(Unsupported, match="last one"):
        forgotten(without, "dora")


def test_a_recipe_without_a_table_of_singers_is_refused() -> None:
    with pytest.raises(Unsupported, match="'nsynth' does not keep its singers in a table"):
        forgotten(voice_of("nsynth"), "ann")


def test_a_singer_with_a_decoder_takes_it_along_and_out() -> None:
    whole = voice_of("umt")
    left = forgotten(whole, "ben")
    assert left.singers == ("ann", "cleo", "dora")
    kept, former = left.model.decoder.hands, whole.model.decoder.hands
    for now, was in zip(kept, (former[0], former[2], former[3]), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(now.parameters(), was.parameters(), strict=True))
    one = {"to": "dora", "seed": 3}
    wave = tone(0.05)
    assert torch.equal(Converter(left).convert(wave, 16_000, **one), Converter(whole).convert(wave, 16_000, **one))
    with pytest.raises(Unsupported, match="'trio' is a blend of singers"):
        with_places(whole, {"trio": TRIO, "dora": {"dora": 1.0}})


def test_half_the_bytes_hold_the_same_numbers_to_half_the_digits(voice: Voice, tmp_path: Path) -> None:
    save_voice(tmp_path / "whole", voice)
    save_voice(tmp_path / "half", voice, half=True)
    assert (tmp_path / "half").stat().st_size < 0.62 * (tmp_path / "whole").stat().st_size
    again, former = load_voice(tmp_path / "half").model.state_dict(), voice.model.state_dict()
    for name, weights in again.items():
        assert weights.dtype == torch.float32
        assert torch.equal(weights, former[name].half().float())
    huge = dict(former)
    first = next(iter(huge))
    huge[first] = torch.full_like(huge[first], 1e6)
    with pytest.raises(VoiceError, match="too large for 16 bits"):
        save_voice(tmp_path / "huge", voice, weights=huge, half=True)
    save_voice(tmp_path / "huge", voice, weights=huge)


def test_the_default_voice_is_found_in_the_package_or_missed_in_one_line(
    voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default, "files", lambda package: tmp_path)
    assert not checkpoint.has_default_voice()
    with pytest.raises(VoiceError, match=r"carries no default voice.*--voice"):
        Converter.load()
    (tmp_path / default.FOLDER).mkdir()
    save_voice(tmp_path / default.FOLDER / default.NAME, settled(voice), half=True)
    assert checkpoint.has_default_voice()
    assert Converter.load(device="cpu").singers == ("trio", "dora")
