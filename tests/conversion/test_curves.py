"""Pitch contours survive the way to a CSV file and back, and what is no contour is refused."""

from pathlib import Path

import pytest
import torch

from vocalise.audio.pitch import Contour
from vocalise.conversion import read_pitch_csv, write_pitch_csv
from vocalise.conversion.curves import octaves_towards, parse_transpose, transposed
from vocalise.errors import ConfigError

CONTOUR = Contour(torch.tensor([0.0, 220.5, 221.25, 0.0, 440.0]), torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0]), 0.005)
HEAD = "time_s,pitch_hz,voiced\n"


def test_a_contour_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "pitch.csv"
    write_pitch_csv(path, CONTOUR)
    assert path.read_text().splitlines()[:3] == ["time_s,pitch_hz,voiced", "0.000000,0.000,0", "0.005000,220.500,1"]
    again = read_pitch_csv(path)
    assert torch.equal(again.pitch, CONTOUR.pitch) and torch.equal(again.voicing, CONTOUR.voicing)
    assert again.hop == pytest.approx(0.005, abs=1e-9)
    assert [entry.name for entry in tmp_path.iterdir()] == ["pitch.csv"]


def test_spreadsheets_may_have_touched_it(tmp_path: Path) -> None:
    path = tmp_path / "pitch.csv"
    path.write_bytes("\ufefftime_s, pitch_hz, voiced\r\n0, 100, 1\r\n0.01, 0, 0\r\n\r\n0.0201,99,1\r\n".encode())
    again = read_pitch_csv(path)
    assert again.pitch.tolist() == [100.0, 0.0, 99.0] and again.hop == pytest.approx(0.01005)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "0 rows"),
        (HEAD, "0 rows"),
        (HEAD + "0,100,1\n", "1 rows"),
        ("a,b,c\n0,100,1\n1,100,1\n", "columns"),
        (HEAD + "0,100,1\n0.1,x,1\n", "row 3.*three numbers"),
        (HEAD + "0,100,1\n0.1,100\n", "row 3.*three numbers"),
        (HEAD + "0,100,1\nnan,100,1\n", "row 3: time"),
        (HEAD + "0,100,1\n0.1,100,0.5\n", "row 3.*voiced 0 or 1"),
        (HEAD + "0,100,1\n0.1,nan,1\n", "row 3: nan Hz"),
        (HEAD + "0,100,1\n0.1,1e9,1\n", "row 3: .*out of range"),
        (HEAD + "0,100,1\n0.1,100,1\n0.5,100,1\n", "row 3.*even steps"),
        (HEAD + "0,100,1\n0,100,1\n", "even steps"),
        (HEAD + "5,100,1\n5.1,100,1\n", "even steps"),
        (HEAD + '0,"' + "9" * 200_000 + '",1\n', "not a CSV"),
        (b"\xff\xfe\x00", "not a CSV"),
    ],
)
def test_what_is_no_contour_is_refused(text: str | bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "pitch.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=what) as caught:
        read_pitch_csv(path)
    assert "\n" not in str(caught.value) and "pitch.csv" in str(caught.value)


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(ConfigError, match="cannot be opened"):
            read_pitch_csv(path)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_pitch_csv(tmp_path / "no" / "pitch.csv", CONTOUR)


def test_a_melody_moves_by_semitones_and_octaves() -> None:
    assert transposed(CONTOUR, 12).pitch.tolist() == pytest.approx([0, 441, 442.5, 0, 880])
    assert octaves_towards(CONTOUR, 110.0) == -12.0  # the median is 221 Hz
    assert octaves_towards(CONTOUR, 200.0) == octaves_towards(CONTOUR, 0.0) == 0.0
    assert parse_transpose("auto") is None and parse_transpose("-3.5") == -3.5
    for wrong in ("up", "nan", 49, float("inf"), None):
        with pytest.raises(ConfigError, match="semitones"):
            parse_transpose(wrong)
