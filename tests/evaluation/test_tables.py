"""Reports on disk: read back as they were written, fit for spreadsheets, and refused in one line where damaged."""

import csv
import json
import math
import random
from dataclasses import replace

import pytest

from tests.evaluation.reports import ABLE, clip, clips, failed, report
from vocalise.errors import VocaliseError
from vocalise.evaluation.findings import say
from vocalise.evaluation.records import Report
from vocalise.evaluation.scoring import CLIP_MEASURES
from vocalise.evaluation.tables import CLIPS, REPORT, SUMMARY, read_report, write_tables


def whole() -> Report:
    """A report with something in every field."""
    heard = {"network": (0.05, 0.95)}
    found = [*clips(3), *clips(3, system="theirs", melody_kept=0.5), failed(clip("four"), "no memory")]
    found[0] = replace(found[0], heard=heard, path="converted/ours/song 1.wav", truth_path="/elsewhere/song 1.wav")
    made = report(found)
    systems = (replace(made.systems[0], recipe="usvc", steps=1000, figures={"probe": 0.3}), made.systems[1])
    made = replace(made, systems=systems, references={"mel_floor": 3.4}, took=12.5, converting=300.0)
    return replace(made, sayings=say(made))


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_report_is_read_back_as_it_was_written(tmp_path):
    write_tables(whole(), tmp_path)
    assert read_report(tmp_path / REPORT) == whole()
    assert read_report(tmp_path) == whole()


def test_writing_twice_gives_the_same_bytes_and_leaves_nothing_else(tmp_path):
    write_tables(whole(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_tables(read_report(tmp_path), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(before) == {REPORT, CLIPS, SUMMARY}


def test_every_clip_is_a_row_with_every_figure_of_the_catalogue(tmp_path):
    made = whole()
    write_tables(made, tmp_path)
    rows = table(tmp_path / CLIPS)
    assert len(rows) == len(made.clips)
    assert {one.name for one in CLIP_MEASURES} <= set(rows[0])
    assert float(rows[3]["melody_kept"]) == 0.5 and rows[0]["speaker_target"] == ""
    assert (rows[6]["state"], rows[6]["why"], rows[6]["melody_kept"]) == ("failed", "no memory", "")


def test_every_mean_is_a_row_with_its_interval(tmp_path):
    made = whole()
    write_tables(made, tmp_path)
    rows = table(tmp_path / SUMMARY)
    assert len(rows) == sum(len(row.figures) for row in made.rows)
    first = next(row for row in rows if (row["system"], row["figure"]) == ("theirs", "melody_kept"))
    assert (first["group"], first["unit"], float(first["mean"])) == ("conversions", "share", 0.5)
    assert (float(first["low"]), first["songs"], first["clips"]) == (0.5, "3", "3")


def test_what_is_no_number_is_left_out_of_json(tmp_path):
    blind = replace(ABLE, accuracy=math.nan)
    made = replace(whole(), judges=(blind,), references={"mel_floor": math.inf, "bin_floor": 7.9})
    made = replace(made, clips=(clip(noise=math.nan, melody_kept=0.5),))
    write_tables(made, tmp_path)
    text = (tmp_path / REPORT).read_text(encoding="utf-8")
    json.loads(text, parse_constant=pytest.fail)
    back = read_report(tmp_path)
    assert math.isnan(back.judges[0].accuracy)
    assert back.references == {"bin_floor": 7.9}
    assert "noise" not in back.clips[0].figures and back.clips[0].figures["melody_kept"] == 0.5


@pytest.mark.parametrize("name", ["=1+1", "+49", "-a", "@SUM(A1)", "\t=x", " =x"])
def test_no_name_becomes_a_formula_in_a_spreadsheet(tmp_path, name):
    made = report([clip(name, source=name, target=name, system=name)])
    write_tables(made, tmp_path)
    (row,) = table(tmp_path / CLIPS)
    assert {row[column] for column in ("song", "source", "target", "system")} == {f"'{name}"}
    assert {row["system"] for row in table(tmp_path / SUMMARY)} == {f"'{name}"}
    assert read_report(tmp_path) == made


def test_negative_figures_stay_numbers(tmp_path):
    write_tables(report([clip(offset=-37.25)]), tmp_path)
    assert table(tmp_path / CLIPS)[0]["offset"] == "-37.25"


@pytest.mark.parametrize("name", ["Ännchen von Tharau", "歌", 'a "b", c', "a\nb", "a\rb", "\udcff.wav"])
def test_names_of_every_kind_are_kept(tmp_path, name):
    made = report([clip(name)])
    write_tables(made, tmp_path)
    assert read_report(tmp_path) == made
    assert table(tmp_path / CLIPS)[0]["song"] == " ".join(
        name.encode("utf-8", "backslashreplace").decode().splitlines()
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is damaged, or no JSON"),
        (b"\xff\xfe\x00", "is damaged, or no JSON"),
        (b"[1, 2]", "is no report of vocalise"),
        (b'{"format": true}', "is no report of vocalise"),
        (b'{"recipe": "usvc"}', "is no report of vocalise"),
        (b'{"format": 2}', "has format 2, which a later vocalise wrote"),
        (b'{"format": 1}', "is damaged"),
        (b'{"format": 1, "took": NaN}', "it holds NaN"),
        (b"[" * 100_000, "is damaged, or no JSON"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(tmp_path, content, words):
    (tmp_path / REPORT).write_bytes(content)
    with pytest.raises(VocaliseError, match=words) as caught:
        read_report(tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_missing_report_is_told(tmp_path):
    with pytest.raises(VocaliseError, match=r"report\.json cannot be read: No such file"):
        read_report(tmp_path)


def test_a_damaged_report_never_ends_in_anything_but_one_line(tmp_path):
    write_tables(whole(), tmp_path)
    data = (tmp_path / REPORT).read_bytes()
    chance = random.Random(3)
    refused = 0
    for _ in range(150):
        start = chance.randrange(len(data))
        damaged = data[:start] + chance.choice([b"", b"null", b'"x"', b"[]", b"\x00"]) + data[start + 7 :]
        (tmp_path / REPORT).write_bytes(damaged)
        try:
            read_report(tmp_path)
        except VocaliseError:
            refused += 1
    assert refused > 75


@pytest.mark.parametrize(
    ("path", "value"),
    [(("clips", 0, "state"), "sung"), (("clips", 0, "figures"), {"rpa50": "much"}), (("judges", 0, "accuracy"), "x")],
)
def test_a_value_that_does_not_fit_is_named_by_its_place(tmp_path, path, value):
    write_tables(whole(), tmp_path)
    tree = json.loads((tmp_path / REPORT).read_text(encoding="utf-8"))
    place = tree
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (tmp_path / REPORT).write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(VocaliseError, match=r"\.".join(map(str, path))):
        read_report(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(VocaliseError, match="cannot be written: No such file or directory"):
        write_tables(whole(), tmp_path / "nowhere")
