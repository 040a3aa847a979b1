"""Who is to sing: names as people write them, mixtures as points on the simplex."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocalise.conversion import parse_identity
from vocalise.errors import ConfigError, UnknownSinger

SINGERS = ("ada", "Bob", "Zoë", "a=b", "bob")


@pytest.mark.parametrize(
    ("to", "point"),
    [
        ("ada", (1, 0, 0, 0, 0)),
        (" ADA ", (1, 0, 0, 0, 0)),
        ("Zoe\u0308", (0, 0, 1, 0, 0)),  # the same name with a combining diaeresis
        ("a=b", (0, 0, 0, 1, 0)),
        ("bob", (0, 0, 0, 0, 1)),
        ("ada=0.7,Bob=0.3", (0.7, 0.3, 0, 0, 0)),
        ("ada=3, zoë=1", (0.75, 0, 0.25, 0, 0)),
        ({"a=b": 1e308, "ada": 1e308}, (0.5, 0, 0, 0.5, 0)),
        ({"ada": 1, "Bob": 0}, (1, 0, 0, 0, 0)),
    ],
)
def test_names_and_mixtures_become_points(to: object, point: tuple[float, ...]) -> None:
    assert parse_identity(to, SINGERS).tolist() == pytest.approx(point)


@pytest.mark.parametrize(
    ("to", "error", "what"),
    [
        ("Adda", UnknownSinger, "Did you mean 'ada'"),
        ("Xavier", UnknownSinger, "it knows ada, Bob, Zoë"),
        ("ada,Bob", UnknownSinger, "ada=0.7"),
        ("BOB", UnknownSinger, "'BOB'"),  # two singers might be meant
        ("", UnknownSinger, "it knows"),
        ("ada=0.7,eve=0.3", UnknownSinger, "'eve'"),
        ("ada=", ConfigError, "name=weight"),
        ("=1", ConfigError, "name=weight"),
        ("ada=nan", ConfigError, "name=weight"),
        ("ada=inf", ConfigError, "from 0 up"),
        ("ada=-1,Bob=2", ConfigError, "from 0 up"),
        ("ada=0", ConfigError, "nobody"),
        ("ada=1,ada=2", ConfigError, "twice"),
        ("ada=1,ADA=2", ConfigError, "twice"),
        ({"ada": math.nan}, ConfigError, "from 0 up"),
        ({"ada": "1"}, ConfigError, "from 0 up"),
        ({}, ConfigError, "nobody"),
    ],
)
def test_unclear_wishes_are_refused(to: object, error: type, what: str) -> None:
    with pytest.raises(error, match=what):
        parse_identity(to, SINGERS)


def test_a_crowd_is_not_listed_whole() -> None:
    with pytest.raises(UnknownSinger) as caught:
        parse_identity("nobody", [f"singer-{n}" for n in range(4096)])
    assert len(str(caught.value)) < 500 and "4072 more" in str(caught.value)


@given(st.dictionaries(st.sampled_from(SINGERS), st.floats(0, 1e300), min_size=1).filter(lambda w: max(w.values()) > 0))
def test_every_mixture_lies_on_the_simplex(weights: dict[str, float]) -> None:
    point = parse_identity(weights, SINGERS)
    assert (point >= 0).all() and float(point.double().sum()) == pytest.approx(1.0, abs=1e-6)
