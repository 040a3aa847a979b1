"""Mixtures that change: read from tables that people edit, on the simplex at every moment, refused where unclear."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vocalise.conversion import parse_identity, read_blend_csv
from vocalise.conversion.blends import Blend
from vocalise.errors import ConfigError, UnknownSinger

SINGERS = ("ada", "Bob", "Zoë")


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "who.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_weights_are_linear_between_points_and_held_at_the_ends(tmp_path: Path) -> None:
    blend = read_blend_csv(written(tmp_path, "time_s,Bob,ada\n1,3,1\n3,0,5\n3.5,1,1\n"))
    assert blend.names == ("Bob", "ada")
    times = torch.tensor([[0.0, 1.0, 2.0], [3.0, 3.25, 99.0]])
    wanted = torch.tensor([[0.75, 0.75, 0.375], [0.0, 0.25, 0.5]])
    torch.testing.assert_close(blend.at(times), torch.stack([wanted, 1 - wanted], dim=-1))
    assert blend.at(times).dtype == torch.float32


def test_one_row_is_a_constant_mixture(tmp_path: Path) -> None:
    blend = read_blend_csv(written(tmp_path, "\ufefftime_s, ada , Bob\r\n\r\n5,1e300,1e300\r\n"))
    torch.testing.assert_close(blend.at(torch.tensor([0.0, 5.0, 9.0])), torch.full((3, 2), 0.5))


def test_names_find_their_singers_in_any_order(tmp_path: Path) -> None:
    blend = read_blend_csv(written(tmp_path, "time_s,zoë,ADA\n0,1,0\n4,0,1\n"))
    among = blend.among(SINGERS, lambda name: parse_identity(name, SINGERS))
    assert among.names == SINGERS
    torch.testing.assert_close(among.at(torch.tensor([1.0])), torch.tensor([[0.25, 0.0, 0.75]]))
    torch.testing.assert_close(among.average(4.0), torch.tensor([0.5, 0.0, 0.5]))
    torch.testing.assert_close(among.average(8.0), torch.tensor([0.75, 0.0, 0.25]))


def test_a_column_may_be_a_mixture_of_the_singers(tmp_path: Path) -> None:
    blend = read_blend_csv(written(tmp_path, 'time_s,"ada=1,Bob=1",Zoë\n0,1,0\n2,0,1\n'))
    among = blend.among(SINGERS, lambda name: parse_identity(name, SINGERS))
    torch.testing.assert_close(among.at(torch.tensor([1.0])), torch.tensor([[0.25, 0.25, 0.5]]))


def test_names_that_nobody_has_or_two_columns_share_are_refused(tmp_path: Path) -> None:
    blend = read_blend_csv(written(tmp_path, "time_s,ada,ADA\n0,1,1\n"))
    with pytest.raises(ConfigError, match="'ada' and 'ADA' are one singer"):
        blend.among(SINGERS, lambda name: parse_identity(name, SINGERS))
    blend = read_blend_csv(written(tmp_path, "time_s,eve\n0,1\n"))
    with pytest.raises(UnknownSinger, match="eve"):
        blend.among(SINGERS, lambda name: parse_identity(name, SINGERS))


@given(
    st.lists(st.tuples(*[st.floats(0, 1e6)] * 3).filter(lambda row: max(row) > 0), min_size=1, max_size=9),
    st.lists(st.floats(-1, 1e6), min_size=1, max_size=9),
)
def test_every_moment_lies_on_the_simplex(rows: list[tuple[float, ...]], times: list[float]) -> None:
    weights = torch.tensor(rows, dtype=torch.float64)
    weights /= weights.sum(dim=1, keepdim=True)
    moments = torch.arange(len(rows), dtype=torch.float64) ** 2
    found = Blend(SINGERS, moments, weights).at(torch.tensor(times))
    assert (found >= 0).all()
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(len(times)))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "should begin with the columns time_s,NAME"),
        ("time_s\n0\n", "should begin"),
        ("seconds,ada\n0,1\n", "should begin"),
        ("time_s,ada,\n0,1,1\n", "should begin"),
        ("time_s,ada,ada\n0,1,1\n", "two columns 'ada'"),
        ("time_s,ada\n", "no rows"),
        ("time_s,ada\n0,one\n", "row 2: .*not all numbers"),
        ("time_s,ada\n0,\n", "row 2: .*not all numbers"),
        ("time_s,ada,Bob\n0,1\n", "row 2: 1 weights for 2 names"),
        ("time_s,ada\n0,1,1\n", "row 2: 2 weights for 1 names"),
        ("time_s,ada\n-1,1\n", "row 2: time should"),
        ("time_s,ada\ninf,1\n", "row 2: time should"),
        ("time_s,ada\n0,-1\n", "row 2: weights are numbers from 0 up"),
        ("time_s,ada\n0,nan\n", "row 2: weights"),
        ("time_s,ada\n0,1\n\n1,0\n", "row 4 leaves nobody"),
        ("time_s,ada\n0,1\n\n1,1\n1,1\n", "row 5: times should go up"),
        ("time_s,ada\n1,1\n0,1\n", "row 3: times should go up"),
        (b"\xff\xfe\x00", "not a CSV"),
        ("time_s," + ",".join(f"s{n}" for n in range(5000)) + "\n", "at most 4096"),
    ],
)
def test_what_is_no_blend_is_refused(text: str | bytes, what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        read_blend_csv(written(tmp_path, text))
    assert "\n" not in str(caught.value) and "who.csv" in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be opened"):
        read_blend_csv(tmp_path)
