"""The voice file gives back what was put in, and lets nothing else in."""

import io
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.material import build
from vocalise.checkpoint import Card, Voice, load_voice, save_voice
from vocalise.checkpoint.container import MOST_HEADER
from vocalise.errors import VoiceError
from vocalise.recipes import RECIPES, recipe

SINGERS = ("ada", "Zoë Ünlü", "李=雷, 2")
CARD = Card(
    data="f00d", minutes={"ada": 12.5}, licence="CC0", consent="asked", steps=7, figures={"bits": 3.5}, software="v0"
)


def voice_of(name: str = "usvc") -> Voice:
    chosen = recipe(name, "tiny")
    ranges = {"ada": (100.0, 200.0, 300.0)}
    model = build(chosen, len(SINGERS))
    return Voice(recipe=chosen, singers=SINGERS, pitch_ranges=ranges, card=CARD, model=model)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("voice") / "voice.safetensors"
    save_voice(path, voice_of())
    return path.read_bytes()


def opened(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def closed(header: Any, tensors: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(VoiceError) as caught:
        load_voice(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and 20 < len(message) < 700
    return message


@pytest.mark.parametrize("name", RECIPES)
def test_a_voice_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    voice, path = voice_of(name), tmp_path / "voice.safetensors"
    save_voice(path, voice)
    luck = torch.random.get_rng_state()
    again = load_voice(path)
    assert torch.equal(luck, torch.random.get_rng_state())
    assert (again.recipe, again.singers, again.card) == (voice.recipe, SINGERS, CARD)
    assert again.pitch_ranges == voice.pitch_ranges and not again.model.training
    before, after = voice.model.state_dict(), again.model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert [path.name for path in tmp_path.iterdir()] == ["voice.safetensors"]


def test_any_library_reads_the_file_and_the_same_voice_gives_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "voice.safetensors"
    save_voice(path, voice_of())
    assert path.read_bytes() == whole
    own = voice_of().model.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in load_file(path).items())


def test_other_weights_can_be_saved_for_the_same_model(tmp_path: Path) -> None:
    voice, path = voice_of(), tmp_path / "voice.safetensors"
    best = {name: tensor * 0.5 for name, tensor in voice.model.state_dict().items()}
    save_voice(path, voice, weights=best)
    found = load_voice(path).model.state_dict()
    assert all(torch.equal(found[name], best[name]) for name in best)
    with pytest.raises(VoiceError, match="do not belong"):
        save_voice(path, voice, weights={name: best[name] for name in list(best)[1:]})


def test_half_precision_is_read_as_float32(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "voice.safetensors"
    path.write_bytes(whole)
    metadata = opened(whole)[0]["__metadata__"]
    for dtype in (torch.float16, torch.bfloat16):
        halves = {name: tensor.to(dtype) for name, tensor in load_file(path).items()}
        save_file(halves, tmp_path / "half.safetensors", metadata)
        found = load_voice(tmp_path / "half.safetensors").model.state_dict()
        assert all(found[name].dtype == torch.float32 for name in found)
        assert all(torch.equal(found[name], halves[name].float()) for name in found)


def test_a_diverged_model_is_not_saved_over_a_good_one(tmp_path: Path) -> None:
    voice, path = voice_of(), tmp_path / "voice.safetensors"
    save_voice(path, voice)
    before = path.read_bytes()
    with torch.no_grad():
        next(voice.model.parameters()).view(-1)[0] = torch.nan
    with pytest.raises(VoiceError, match="diverged"):
        save_voice(path, voice)
    assert path.read_bytes() == before


def test_figures_that_are_undefined_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "voice.safetensors"
    save_voice(path, replace(voice_of(), card=replace(CARD, figures={"bits": 3.5, "probe": float("nan")})))
    assert load_voice(path).card.figures == {"bits": 3.5}


def test_other_kinds_of_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "voice"
    archive = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, archive)
    assert "is empty" in refusal(path, b"")
    assert "pickle" in refusal(path, pickle.dumps({"a": 1}))
    assert "pickle" in refusal(path, archive.getvalue())
    assert "not a voice file" in refusal(path, b"Dear reader, this is a text file.\n" * 9)
    assert "not a voice file" in refusal(path, b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(100))
    save_file({"a": torch.zeros(3)}, tmp_path / "other")
    assert "not a voice of vocalise" in refusal(path, (tmp_path / "other").read_bytes())
    with pytest.raises(VoiceError, match="is a folder"):
        load_voice(tmp_path)
    with pytest.raises(VoiceError, match="No such file"):
        load_voice(tmp_path / "none.safetensors")


def test_a_later_version_asks_for_an_update(whole: bytes, tmp_path: Path) -> None:
    header, tensors = opened(whole)
    for version, what in (("2", "later vocalise"), ("999", "update vocalise"), ("0", "damaged"), ("½", "damaged")):
        header["__metadata__"]["version"] = version
        assert what in refusal(tmp_path / "voice", closed(header, tensors))


@pytest.mark.parametrize("length", [1, 2**24 + 1, 2**31, 2**63, 2**64 - 1])
def test_a_header_of_impossible_length_is_refused(length: int, whole: bytes, tmp_path: Path) -> None:
    assert "not a voice file" in refusal(tmp_path / "voice", length.to_bytes(8, "little") + whole[8:])


def test_a_header_beyond_the_bound_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "voice").open("wb") as file:
        file.write((MOST_HEADER + 1).to_bytes(8, "little") + b"{")
        file.truncate(MOST_HEADER + 100)
    with pytest.raises(VoiceError, match="not a voice file"):
        load_voice(tmp_path / "voice")


def test_a_file_cut_anywhere_is_refused(whole: bytes, tmp_path: Path) -> None:
    length = int.from_bytes(whole[:8], "little")
    body = len(whole) - 8 - length
    for at in (1, 7, 8, 9, 8 + length // 2, 7 + length, 8 + length, 9 + length, 8 + length + body // 2, len(whole) - 1):
        refusal(tmp_path / "voice", whole[:at])
    assert "truncated" in refusal(tmp_path / "voice", whole[:-1])
    assert "follow its weights" in refusal(tmp_path / "voice", whole + b"more")


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_a_flipped_bit_in_the_header_is_refused_or_harmless(
    place: float, bit: int, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = bytearray(whole)
    damaged[int(place * (8 + int.from_bytes(whole[:8], "little")))] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(damaged)
    try:
        voice = load_voice(path)  # one name spelled otherwise, one number changed: nobody could tell
    except VoiceError as error:
        assert "\n" not in str(error)
    else:
        assert len(voice.singers) == 3 and voice.model.rate == 16000


def metadata(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda header: header["__metadata__"].update({key: value if isinstance(value, str) else json.dumps(value)})


def recipe_with(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        tree = place = json.loads(header["__metadata__"]["recipe"])
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        header["__metadata__"]["recipe"] = json.dumps(tree)

    return change


def entry(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda header: header["decoder.out.weight"].update(values)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (metadata("singers", []), "0 singers"),
        (metadata("singers", ["ada", "ada", "bob"]), "same name"),
        (metadata("singers", ["ada", "a\nb", "bob"]), "printed"),
        (metadata("singers", ["ada", "\ud800", "bob"]), "printed"),
        (metadata("singers", ["ada", " ", "bob"]), "printed"),
        (metadata("singers", ["ada", "bob"]), "do not fit"),
        (metadata("singers", [f"s{n}" for n in range(5000)]), "5000 singers"),
        (metadata("singers", {"ada": 1}), "list"),
        (metadata("pitch_ranges", {"eve": [1, 2, 3]}), "'eve'"),
        (metadata("pitch_ranges", {"ada": [1, 2]}), "pitch_ranges"),
        (metadata("pitch_ranges", '{"ada": [1, 2, NaN]}'), "NaN"),
        (metadata("pitch_ranges", '{"ada": [1, 2, 1e999]}'), "beyond all bounds"),
        (metadata("card", '{"data": "a", "data": "b"}'), "same key twice"),
        (metadata("card", {"data": "a"}), "card"),
        (metadata("card", "[" * 100_000), "nested"),
        (metadata("card", '{"a":' * 40 + "1" + "}" * 40), "nested"),
        (metadata("rate", "8000"), "16000 Hz"),
        (metadata("rate", "1" * 5000), "rate"),
        (metadata("rate", ""), "rate"),
        (metadata("more", 1), "more"),
        (lambda header: header["__metadata__"].pop("card"), "lacks card"),
        (lambda header: header.update(__metadata__=[1]), "not strings"),
        (lambda header: header["__metadata__"].update(rate=16000), "not strings"),
        (recipe_with("model", "decoder", "part", value="Exec"), "Exec"),
        (recipe_with("model", "decoder", "part", value="Dilated"), "Dilated"),
        (recipe_with("model", "decoder", "part", value=["WaveNet"]), "decoder"),
        (recipe_with("model", "decoder", "layers", value=10**9), "decoder.layers"),
        (recipe_with("model", "decoder", "layers", value=7), "do not fit"),
        (recipe_with("model", "decoder", "layers", value=64), "voice"),
        (recipe_with("model", "decoder", "residual", value=8192), "do not fit"),
        (recipe_with("model", "decoder", "secret", value=1), "secret"),
        (recipe_with("model", "encoder", "hop", value=20_000), "frames"),
        (recipe_with("model", "signal", "rate", value=-1), "rate"),
        (recipe_with("protocols", value=[]), "protocol"),
        (recipe_with("protocols", 0, "augment", value=["louder"]), "louder"),
        (lambda header: header.pop("decoder.out.weight"), "does not follow"),
        (lambda header: header.update(extra=header["decoder.out.weight"]), "does not follow"),
        (entry(dtype="I64"), "I64"),
        (entry(dtype=["F32"]), "of type"),
        (entry(shape=[-1, -4096]), "no sensible"),
        (entry(shape=[2**40, 2**40]), "another size"),
        (entry(shape=[True, 4096]), "no sensible"),
        (entry(shape=[1] * 9), "no sensible"),
        (entry(data_offsets=[0, 2**70]), "no sensible"),
        (entry(data_offsets=[0]), "no sensible"),
        (entry(more=1), "not that of a tensor"),
    ],
)
def test_a_hostile_header_is_refused(
    change: Callable[[dict[str, Any]], None], what: str, whole: bytes, tmp_path: Path
) -> None:
    header, tensors = opened(whole)
    change(header)
    assert what in refusal(tmp_path / "voice", closed(header, tensors))


def test_json_that_is_no_table_or_nested_endlessly_is_refused(whole: bytes, tmp_path: Path) -> None:
    for text in (
        b"{" * 10**6,
        b'{"a":' * 10**5,
        b"{}",
        b"{]",
        b'{"a": 1, "a": 2}',
        b'{"\xff": 1}',
        b"[1, 2]",
        b"{" + b'"' * 9,
    ):
        refusal(tmp_path / "voice", closed(text, b""))


def test_few_weights_cannot_ask_for_endless_memory(tmp_path: Path) -> None:
    chosen = recipe("usvc", "tiny")
    for part, blocks, layers, what in (
        ("decoder", 1, 40, "layers cannot be 40"),
        ("decoder", 64, 16, "decoder would remember"),
        ("encoder", 64, 16, "encoder hears"),
    ):
        narrow = replace(getattr(chosen.model, part), blocks=blocks, layers=layers)
        hostile = replace(chosen, model=replace(chosen.model, **{part: narrow}))
        voice = replace(voice_of(), recipe=hostile, model=build(hostile, len(SINGERS)))
        save_voice(tmp_path / "voice", voice)
        assert what in refusal(tmp_path / "voice", (tmp_path / "voice").read_bytes())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(bad: float, whole: bytes, tmp_path: Path) -> None:
    patch = torch.tensor([bad]).numpy().tobytes()
    assert "not finite" in refusal(tmp_path / "voice", whole[:-4] + patch)


def test_a_disk_that_refuses_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="cannot be written"):
        save_voice(tmp_path / "no" / "such" / "folder.safetensors", voice_of())
