"""Configurations: to JSON and back, overriding by path, and everything that must be refused."""

import json
from dataclasses import replace

import pytest

from vocalise.config import Part, from_json, members, override, to_json
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Adversary, Bottleneck, Condition, Decoder, Encoder, Protocol, Signal
from vocalise.recipes import RECIPES, SIZES, Recipe, recipe

FAMILIES = (Signal, Encoder, Bottleneck, Condition, Decoder, Adversary, Protocol)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json(name, size):
    before = recipe(name, size)
    after = from_json(Recipe, json.loads(json.dumps(to_json(before))))
    assert after == before
    assert type(after.model.decoder) is type(before.model.decoder)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_part_survives_json_by_its_name(family):
    assert members(family)
    for name, part in members(family).items():
        written = to_json(part.Config())
        assert written["part"] == name
        assert from_json(family.Config, written) == part.Config()


def test_a_part_without_choices_has_a_config_of_its_own():
    configs = [part.Config for part in members(Bottleneck).values()]
    assert Bottleneck.Config not in configs and len(set(configs)) == len(configs)


def test_two_parts_of_one_name_are_refused():
    class Family(Part):
        pass

    def twin():
        class Twin(Family):
            pass

        return Twin

    twins = twin(), twin()
    with pytest.raises(ConfigError, match="Two parts are called 'Twin'"):
        members(Family)
    del twins


ADDED = ["SingerConfusion", "Consistency"]


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("model.encoder.channels=48", lambda r: r.model.encoder.channels, 48),
        ("weights.singer=0.05", lambda r: r.weights["singer"], 0.05),
        ("protocols.1.mixing=false", lambda r: r.protocols[1].mixing, False),
        ("protocols.0.augment=original,reverse", lambda r: r.protocols[0].augment, ("original", "reverse")),
        ("protocols.0.augment=original", lambda r: r.protocols[0].augment, ("original",)),
        ("material.batch=3", lambda r: r.material.batch, 3),
        ("model.encoder=Blank", lambda r: type(r.model.encoder).part.__name__, "Blank"),
        ("adversaries=[]", lambda r: r.adversaries, ()),
        ("adversaries.1=Consistency", lambda r: [type(one).part.__name__ for one in r.adversaries], ADDED),
        ("name=mine", lambda r: r.name, "mine"),
    ],
)
def test_set_reaches_every_field(setting, field, value):
    before = recipe("usvc", "tiny")
    after = override(before, setting)
    assert field(after) == value
    assert after != before


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.encoder.chanels=64", "no field 'chanels'; the choices are blocks, layers, width, channels"),
        ("model.encoder.channels=-1", "recipe.model.encoder.channels cannot be -1"),
        ("model.encoder.blocks=1000000000", "cannot be 1000000000"),
        ("model.encoder.channels=many", "cannot be 'many'"),
        ("model.decoder=Parrot", "no part 'Parrot'; the choices are Parallel, PerSinger, Spectral, WaveNet"),
        ("model.decoder=Dilated", "no part 'Dilated'; the choices are Parallel, PerSinger, Spectral, WaveNet"),
        ("protocols.7.start=0.5", "no item '7'; the choices are 0, 1"),
        ("protocols.2.start=0.5", "no item '2'; the choices are 0, 1"),
        ("adversaries.2=Consistency", "no item '2'; the choices are 0"),
        ("adversaries.-1=Consistency", "no item '-1'; the choices are 0"),
        ("protocols.0.augment=louder", "the choices are original, reverse, invert, reverse_invert"),
        ("name.first=x", "single value"),
        ("weights.foo=1", "no field 'foo'; the choices are decoder, singer"),
        ("model.encoder.width", "path=value"),
        ("optimiser.rate=nan", "cannot be"),
        ("protocols=[]", "at least one protocol"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_choices(setting, message):
    with pytest.raises(ConfigError) as caught:
        override(recipe("usvc"), setting)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_keys_in_a_file_are_refused():
    data = to_json(recipe("usvc"))
    data["model"]["encoder"]["backdoor"] = 1
    with pytest.raises(ConfigError, match=r"recipe\.model\.encoder has no field 'backdoor'"):
        from_json(Recipe, data)


@pytest.mark.parametrize("data", [None, [], "usvc", 3, {"model": {}}, {"name": "x"}])
def test_data_of_another_shape_is_an_error_of_one_line(data):
    with pytest.raises(ConfigError):
        from_json(Recipe, data)


def test_a_missing_part_name_is_refused():
    data = to_json(recipe("usvc"))
    del data["model"]["decoder"]["part"]
    with pytest.raises(ConfigError, match="no part 'None'"):
        from_json(Recipe, data)


def test_recipes_that_do_not_exist_are_refused_with_those_that_do():
    with pytest.raises(ConfigError, match="autoencoder, wavenet, nsynth, umt, usvc"):
        recipe("usv")
    with pytest.raises(ConfigError, match="paper, medium, small, tiny"):
        recipe("usvc", "huge")


def test_configurations_are_frozen():
    config = recipe("usvc").model.encoder
    with pytest.raises(AttributeError):
        config.width = 3
    assert replace(config, width=3).width == 3
