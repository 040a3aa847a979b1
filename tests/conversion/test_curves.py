"""Pitch contours survive the way to a CSV file and back, and what is no contour is refused."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vocalise.audio.pitch import Contour
from vocalise.conversion import read_pitch_csv, write_pitch_csv
from vocalise.conversion.curves import parse_transpose, require_length, semitones_towards, transposed
from vocalise.errors import ConfigError

CONTOUR = Contour(torch.tensor([0.0, 220.5, 221.25, 0.0, 440.0]), torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0]), 0.005)
HEAD = "time_s,pitch_hz,voiced\n"


def test_a_contour_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "pitch.csv"
    write_pitch_csv(path, CONTOUR)
    assert path.read_text().splitlines()[:3] == ["time_s,pitch_hz,voiced", "0.000000,0,0", "0.005000,220.5,1"]
    again = read_pitch_csv(path)
    assert torch.equal(again.pitch, CONTOUR.pitch) and torch.equal(again.voicing, CONTOUR.voicing)
    assert again.hop == 0.005
    assert [entry.name for entry in tmp_path.iterdir()] == ["pitch.csv"]


@given(
    st.lists(st.one_of(st.just(0.0), st.floats(20.0, 5000.0, width=32)), min_size=2, max_size=60),
    st.sampled_from([0.001, 0.005, 0.01, 0.0058, 1 / 64]),
)
@settings(max_examples=30, deadline=None)
def test_every_contour_comes_back_bit_for_bit(pitch: list[float], hop: float) -> None:
    line = torch.tensor(pitch)
    with TemporaryDirectory() as folder:
        write_pitch_csv(Path(folder, "pitch.csv"), Contour(line, (line > 0).float(), hop))
        again = read_pitch_csv(Path(folder, "pitch.csv"))
    assert torch.equal(again.pitch, line) and torch.equal(again.voicing, (line > 0).float()) and again.hop == hop


def test_a_clock_that_no_decimal_hits_is_kept_to_a_microsecond(tmp_path: Path) -> None:
    line = torch.full((5000,), 100.0)
    write_pitch_csv(tmp_path / "pitch.csv", Contour(line, torch.ones(5000), 1 / 300))
    again = read_pitch_csv(tmp_path / "pitch.csv")
    assert again.hop * 4999 == pytest.approx(4999 / 300, abs=2e-6)


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


def test_a_melody_moves_by_semitones() -> None:
    assert transposed(CONTOUR, 12).pitch.tolist() == pytest.approx([0, 441, 442.5, 0, 880])
    assert parse_transpose("auto") == "auto" and parse_transpose(" range ") == "range"
    assert parse_transpose("-3.5") == -3.5
    for wrong in ("up", "nan", 49, float("inf"), None, "octaves"):
        with pytest.raises(ConfigError, match=r"semitones.*or auto.*range"):
            parse_transpose(wrong)


def test_a_melody_finds_the_range_of_a_singer() -> None:
    song = Contour(300.0 * 2.0 ** torch.linspace(-0.5, 0.5, 1001), torch.ones(1001), 0.005)
    for centre, octaves, semitones in ((300.0, 0, 0), (150.0, -12, -12), (110.0, -12, -17), (2400.0, 36, 36)):
        marks = (centre * 2**-0.45, centre, centre * 2**0.45)
        assert semitones_towards(song, marks, 12.0) == octaves
        assert semitones_towards(song, marks, 1.0) == semitones
    nothing = Contour(torch.zeros(9), torch.zeros(9), 0.005)
    assert semitones_towards(nothing, (100.0, 150.0, 200.0), 12.0) == semitones_towards(song, (), 12.0) == 0.0
    assert semitones_towards(song, (1.0, 1.0, 1.0), 1.0) == -48.0


def test_a_song_low_in_a_range_is_not_lifted_out_of_it() -> None:
    low = 210.0 * 2.0 ** torch.cat([torch.linspace(-0.5, 0.0, 500), torch.linspace(0.0, 1.0, 500)])
    song, marks = Contour(low, torch.ones(1000), 0.005), (200.0, 300.0, 450.0)
    assert 12 * torch.tensor(300.0 / 210.0).log2() > 6.0  # the middles alone would ask for an octave up
    assert semitones_towards(song, marks, 12.0) == 0.0


def test_a_melody_that_ends_early_is_not_sung() -> None:
    melody = Contour(torch.full((600,), 200.0), torch.ones(600), 0.005)
    require_length(melody, 3.0)
    require_length(melody, 3.2)
    require_length(melody, 1.0)
    with pytest.raises(ConfigError, match=r"ends after 3.00 s, and its song after 4.00 s"):
        require_length(melody, 4.0)
