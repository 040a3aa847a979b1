"""Voices are built to be filled: nothing is drawn, and only a stranger's recipe is tried out without memory first."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.material import build
from vocalise.checkpoint import Card, Voice, load_voice, save_voice, voice
from vocalise.checkpoint.blank import FEW, blank, is_familiar
from vocalise.checkpoint.container import is_finite
from vocalise.config import override
from vocalise.recipes import RECIPES, SIZES, Recipe, recipe


@pytest.mark.parametrize("name", RECIPES)
def test_our_own_sizes_are_familiar(name: str) -> None:
    assert all(is_familiar(recipe(name, size), 3) for size in SIZES)
    assert not is_familiar(recipe(name, "tiny"), FEW + 1)


def test_what_goes_beyond_them_is_not() -> None:
    known = recipe("usvc", "small")
    assert is_familiar(changed(known, "signal.rate=44100"), 2)
    for strange in ("signal.rate=96000", "decoder.residual=4000", "decoder.blocks=5", "decoder.kernel=3"):
        assert not is_familiar(changed(known, strange), 2), strange
    assert not is_familiar(replace(known, name="mine"), 2)
    assert not is_familiar(replace(known, model=recipe("aria", "small").model), 2)


def test_a_strangers_recipe_is_tried_without_memory_and_ours_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[str] = []

    def noted(device: str) -> object:
        places.append(device)
        return blank(device)

    monkeypatch.setattr(voice, "blank", noted)
    ours = recipe("usvc", "tiny")
    for chosen, wanted in ((ours, ["cpu"]), (changed(ours, "signal.rate=96000"), ["meta", "cpu"])):
        places.clear()
        path = tmp_path / "voice.safetensors"
        card = Card(minutes={}, figures={})
        model = build(chosen, 2)
        save_voice(path, Voice(recipe=chosen, singers=("a", "b"), pitch_ranges={}, card=card, model=model))
        found = load_voice(path).model.state_dict()
        assert places == wanted
        assert all(torch.equal(found[key], value) for key, value in model.state_dict().items())


def test_nothing_is_drawn_but_by_a_generator_of_its_own() -> None:
    luck = torch.random.get_rng_state()
    with blank("cpu"):
        told = torch.zeros(8)
        assert torch.nn.init.normal_(told) is told and told.uniform_() is told and not told.any()
        assert torch.randn(3, 4).shape == torch.rand(3, 4).shape == (3, 4)
        drawn = torch.rand(5, generator=torch.Generator().manual_seed(3))
    assert torch.equal(drawn, torch.rand(5, generator=torch.Generator().manual_seed(3)))
    assert torch.equal(luck, torch.random.get_rng_state())


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_no_numbers_are_seen_wherever_they_lie(kind: torch.dtype) -> None:
    assert is_finite(torch.zeros(0, 3, dtype=kind)) and is_finite(torch.ones(3, 5, dtype=kind))
    for bad in (float("nan"), float("inf"), -float("inf")):
        for place in range(70):
            weights = torch.linspace(-2.0, 2.0, 70, dtype=kind)
            weights[place] = bad
            assert not is_finite(weights)


def changed(chosen: Recipe, words: str) -> Recipe:
    return replace(chosen, model=override(chosen.model, words))
