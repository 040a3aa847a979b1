"""The page of an evaluation: the worst first, bounded, whole in itself, and safe against any name."""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
import soundfile
import torch

from tests.apps.test_pages import Outline
from tests.evaluation.material import RATE, SYSTEMS, make_report, renamed, summed
from vocalise.apps import evaluation_clips, evaluation_judges
from vocalise.apps.evaluation_clips import PICTURED, WORST, Desk, beside, chosen, gravity, passages
from vocalise.apps.evaluation_judges import benches, charts
from vocalise.apps.evaluation_page import AT_ONCE, cell, evaluation_page, headlines, told
from vocalise.audio.files import write_wave
from vocalise.audio.pitch import Contour
from vocalise.evaluation.catalogue import BY_NAME, HEADLINES, MEASURES
from vocalise.evaluation.records import Clip, Interval, Report, Saying

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror="alert(2)">',
    "{{ 7 * 7 }} </script> $x^2$",
    "김밥 \u202eleft\u202c 🎤",
    "'; alert(3); //",
    "&amp; & <!--",
    "../a b#?%41.wav",
    "javascript:alert(4)",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Report, Path]:
    folder = tmp_path_factory.mktemp("report")
    return make_report(folder, seconds=1.0), folder


def without_pictures(patch: pytest.MonkeyPatch) -> None:
    """Pictures take long, and have tests of their own."""
    for name in ("comparison", "pitch_curves"):
        patch.setattr(evaluation_clips, name, lambda *_, **__: b"a picture")
    for name in ("confusion", "intervals"):
        patch.setattr(evaluation_judges, name, lambda *_, **__: b"a picture")


@pytest.fixture(scope="module")
def page(made) -> str:
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        return evaluation_page(*made)


def text(page: str) -> str:
    """The page without what is embedded, script and style."""
    bare = re.sub(r"data:[a-z]+/[a-z]+;base64,[A-Za-z0-9+/=]+", "data:", page)
    return re.sub(r"<(script|style)>.*?</\1>", "", bare, flags=re.S)


@pytest.fixture
def drawn(monkeypatch) -> Callable[[Report, Path], str]:
    """Makes a page without pictures and looks it over."""
    without_pictures(monkeypatch)

    def draw(report: Report, folder: Path) -> str:
        found = evaluation_page(report, folder)
        Outline(found)
        assert not re.search(r">\s*None\s*<|\b(nan|inf|undefined)\b", text(found))
        return found

    return draw


def without(report: Report, **facts) -> Report:
    return replace(report, **{"rows": (), "differences": (), "sayings": (), **facts})


def test_the_page_is_whole_and_fetches_nothing(page, made):
    outline = Outline(page)
    assert not {"link", "iframe", "object", "form", "base"} & set(outline.tags)
    links = [one for one in outline.addresses if not one.startswith(("data:", "#"))]
    assert len(links) >= 10 and all((made[1] / unquote(one)).is_file() for one in links)
    bare = text(page)
    assert "http" not in bare and "url(" not in page.split("</style>")[0] and "@import" not in page
    assert all(f'id="{one[1:]}"' in page for one in outline.addresses if one.startswith("#"))


def test_its_script_holds_no_data(page, made, drawn):
    other = drawn(renamed(made[0], HOSTILE), made[1])
    assert page.count("<script>") == other.count("<script>") == 1
    assert re.findall("<script>.*?</script>", page, re.S) == re.findall("<script>.*?</script>", other, re.S)


def test_names_that_are_markup_stay_names(made, drawn):
    found = text(drawn(renamed(made[0], HOSTILE), made[1]))
    assert "<img src=x" not in found and "<!--" not in found and "49" not in re.findall(r"\{\{.*?\}\}", found)
    assert "{{ 7 * 7 }}" in found and "김밥" in found and "🎤" in found and "&lt;script&gt;" in found
    assert not re.search(r'href="javascript', found)


def test_figures_have_words_beside_their_colours_and_pictures_have_texts(page):
    for mark in re.findall(r'<span class="mark [^>]*>.*?</b>(.*?)</span>', page):
        assert re.search("[a-z]{3}", mark)
    images = re.findall(r"<img[^>]*>", page)
    assert images and all(re.search(r'alt="[^"]{15,}"', image) for image in images)
    assert all("scope=" in head for head in re.findall(r"<th[ >][^>]*", page))
    assert all("aria-label" in one or "hidden" in one or "id=" in one for one in re.findall(r"<audio[^>]*", page))


def test_the_gravest_passage_stands_first_and_each_clip_stands_in_one(made):
    ranked = passages(made[0].clips)
    assert [one.gravity for one in ranked] == sorted((one.gravity for one in ranked), reverse=True)
    assert max(gravity(clip) for clip in made[0].clips) == ranked[0].gravity
    shown = [id(clip) for one in ranked for clip in one.clips]
    assert sorted(shown) == sorted(id(clip) for clip in made[0].clips if clip.state == "scored")
    assert all(len(one.clips) == 2 for one in ranked)


def test_a_poor_headline_weighs_more_than_many_fair_ones_and_distance_decides_the_rest():
    def clip(**figures: float) -> Clip:
        return Clip(system="a", song="s", source="x", target="y", figures=figures)

    one_poor = clip(melody_kept=0.59, target_heard=1.0, source_heard=0.0)
    all_fair = clip(melody_kept=0.61, target_heard=0.51, source_heard=0.49)
    worse = clip(melody_kept=0.1, target_heard=1.0, source_heard=0.0)
    assert gravity(worse) > gravity(one_poor) > gravity(all_fair) > gravity(clip(melody_kept=1.0)) == (0, 0.0)
    assert gravity(clip(source_heard=0.9)) > gravity(clip(source_heard=0.6))


def test_a_system_that_sang_a_passage_twice_has_two():
    clip = Clip(system="a", song="s", source="x", target="y", figures={})
    assert [len(one.clips) for one in passages([clip, replace(clip, system="b"), clip])] == [2, 1]


@pytest.mark.parametrize("systems", [1, 2, 3])
def test_only_so_many_clips_have_pictures_the_worst_and_a_spread_down_to_the_best(systems):
    clips = [
        Clip(system=f"s{n}", song=f"{place:03}", source="x", target="y", figures={"melody_kept": place / 100})
        for place in range(100)
        for n in range(systems)
    ]
    worst, others = chosen(passages(clips))
    assert [one.song for one in worst] == [f"{place:03}" for place in range(WORST)]
    assert PICTURED - systems < sum(len(one.clips) for one in [*worst, *others]) <= PICTURED
    songs = [one.song for one in others]
    assert songs == sorted(set(songs)) and songs[0] == "005" and songs[-1] == "099"


def test_what_failed_or_was_passed_over_is_named_with_its_reason(page):
    shown = text(page)[text(page).index('id="lost"') :]
    assert "03-lost.wav holds no sound" in shown and "failed" in shown
    assert "too short to be judged" in shown and "skipped" in shown


def test_a_sound_file_that_is_gone_is_said_to_be_gone(made, tmp_path, drawn):
    found = text(drawn(made[0], tmp_path))
    assert "<audio controls" not in found and "does not exist" in found
    assert "clips/" not in re.findall(r'href="([^"#]*)"', found)


def test_a_long_clip_is_cut_to_the_stretch_in_which_most_is_sung_and_to_a_rate_that_can_be_carried(tmp_path):
    wave = torch.zeros(60 * 44_100)
    wave[30 * 44_100 : 55 * 44_100] = 0.5 * torch.sin(torch.arange(25 * 44_100) / 20.0)
    write_wave(tmp_path / "s.wav", wave, 44_100)
    clip = Clip(system="a", song="s", source="x", target="y", seconds=60.0, source_path="s.wav", path="s.wav")
    scene = Desk(tmp_path).scene(passages([clip])[0], ["a"], {})
    start, stop = (float(word) for word in re.findall(r"[\d.]+", scene.window)[:2])
    assert start >= 29.0 and stop == start + 20.0 <= 55.5
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(scene.players[0].address.partition(",")[2])))
    assert rate == 24_000 and len(heard) == 20 * rate and (abs(heard) > 0.01).mean() > 0.9


def test_a_file_is_read_and_tracked_once_however_often_it_is_shown(made, monkeypatch):
    tracked = []

    def counted(wave, rate):
        tracked.append(len(wave))
        return Contour(torch.zeros(len(wave) // 160 + 1), torch.zeros(len(wave) // 160 + 1), 0.01)

    monkeypatch.setattr(evaluation_clips, "track_pitch", counted)
    desk = Desk(made[1])
    for _ in range(2):
        scene = desk.scene(passages(made[0].clips)[0], SYSTEMS, {})
    assert tracked == [RATE] * len(scene.players) and scene.curves == ""  # nothing voiced, no curves


def test_pitch_is_drawn_as_it_is_tracked_over_source_conversions_and_truth(made, monkeypatch):
    drawn = []
    monkeypatch.setattr(evaluation_clips, "pitch_curves", lambda contours, **_: drawn.append(contours) or b"")
    scene = Desk(made[1]).scene(passages(made[0].clips)[0], SYSTEMS, {})
    assert list(drawn[0]) == [player.label for player in scene.players]
    assert all(len(contour.pitch) == 101 and contour.hop == 0.010 for contour in drawn[0].values())


def test_a_figure_says_its_value_interval_and_verdict_and_lies_on_its_strip():
    found = cell(BY_NAME["melody_kept"], Interval(value=0.8, low=0.7, high=0.9, songs=3))
    assert (found.value, found.range, found.verdict) == ("80 %", "70 to 90 %", "fair")
    assert (found.left, found.dot, found.right) == (70.0, 80.0, 90.0)
    lower = cell(BY_NAME["source_heard"], Interval(value=0.1, low=0.0, high=0.3, songs=3))
    assert (lower.left, lower.dot, lower.right) == (70.0, 90.0, 100.0)
    assert cell(BY_NAME["clicks"], Interval(value=99.0)).dot == 0.0
    assert cell(BY_NAME["clicks"], Interval(value=0.0)).range == "one song"
    assert cell(BY_NAME["rpa50"], Interval(value=0.5, low=0.5, high=0.5)).range == "constant"


def test_every_headline_has_both_systems_their_difference_and_what_to_hold_it_against(made, page):
    lines = {line.measure.name: line for line in headlines(made[0])}
    assert set(lines) == {one.name for one in HEADLINES}
    for line in lines.values():
        assert all(line.cells) and len(line.differences) == 1
    assert all("real recordings 97" in words for words in lines["target_heard"].beside)
    assert lines["target_heard"].differences[0][2] == f"{SYSTEMS[0]} is better"
    assert "points" in lines["target_heard"].differences[0][0]
    assert lines["length_error"].differences[0][2] == "the same"
    assert beside(BY_NAME["mel_to_truth"], {"mel_floor": 3.4}).endswith("3.40\N{NO-BREAK SPACE}dB")


def test_the_first_finding_and_the_gravest_come_at_once_in_their_order_and_none_is_lost():
    levels = ("good", "note", "good", "poor", "fair", "good", "poor", "poor")
    sayings = [Saying(level=level, system="", words=str(n)) for n, level in enumerate(levels)]
    first, rest = told(sayings)
    assert [one.words for one in first] == ["0", "3", "4", "6", "7"] and len(first) == AT_ONCE
    assert [one.words for one in rest] == ["1", "2", "5"]
    assert told([]) == ([], [])


def test_what_judges_say_of_conversions_is_a_mean_over_clips_beside_their_accuracy(made):
    clips = tuple(
        replace(clip, heard={"network": clip.heard["network"]} if clip.heard else {}) for clip in made[0].clips
    )
    report = replace(made[0], clips=clips, judges=made[0].judges[:1])
    (bench,) = benches(report)
    asked = next(one for one in bench.matrices if one.about == "should be heard" and SYSTEMS[1] in one.title)
    name, shares, count = asked.rows[0]
    clips = [c for c in report.clips if (c.system, c.target, c.kind) == (SYSTEMS[1], name, "conversion") and c.heard]
    mean = torch.tensor([clip.heard[bench.judge] for clip in clips]).mean(0)
    assert shares == pytest.approx(mean.tolist(), abs=1e-6) and count == f"{len(clips)} clip"
    assert bench.examination.accuracy == 1.0 and len(bench.matrices) == 1 + 2 * len(SYSTEMS)


def test_the_judges_accuracy_is_printed_wherever_they_speak(page):
    for name, accuracy in (("network", 100), ("network-band", 98), ("gaussian", 96), ("gaussian-band", 94)):
        assert re.search(rf"{name}</strong>: {accuracy} % of held-out real pieces told right", text(page))


def test_a_target_whom_no_judge_knows_has_a_row_and_a_judge_that_was_never_examined_says_so(made, drawn):
    report, folder = made
    clips = tuple(replace(clip, target="a stranger") for clip in report.clips)
    other = replace(report, clips=clips, judges=report.judges[1:])
    bench = next(one for one in benches(other) if one.judge == "network")
    assert bench.examination is None and "a stranger" in [row[0] for row in bench.matrices[0].rows]
    assert "never examined" in text(drawn(summed(other), folder))


def test_by_singer_there_is_a_chart_for_each_figure_that_depends_on_who_it_is(made):
    assert [one.measure.name for one in charts(made[0])] == [
        "target_heard", "source_heard", "melody_kept", "content_kept",
    ]  # fmt: skip
    one = replace(made[0], rows=tuple(row for row in made[0].rows if row.group in ("conversions", "to Ada")))
    assert charts(one) == []


def test_all_figures_are_in_the_glossary_and_everything_that_repeats_it_is_there(page, made):
    glossary = text(page)[text(page).index('id="meaning"') :]
    assert all(f"<dt>{one.title.replace(chr(39), '&#39;')}</dt>" in glossary for one in MEASURES)
    report = made[0]
    facts = [report.command, report.software, report.machine, report.data, *(one.digest for one in report.systems)]
    assert all(fact in text(page) for fact in facts) and "2025-03-04 05:06:07 UTC" in text(page)


def test_one_system_alone_is_compared_with_nothing(made, drawn):
    report, folder = made
    clips = tuple(clip for clip in report.clips if clip.system == SYSTEMS[0])
    rows = tuple(row for row in report.rows if row.system == SYSTEMS[0])
    alone = without(report, systems=report.systems[:1], clips=clips, rows=rows)
    found = text(drawn(alone, folder))
    for words in (report.title, report.command):
        found = found.replace(words, "")
    assert f"{SYSTEMS[0]} is better" not in found and SYSTEMS[1] not in found
    assert "conversion: as" in found


@pytest.mark.parametrize("left", [(), ("failed",), ("failed", "skipped")])
def test_a_report_of_which_nothing_came_is_a_page(made, left, drawn):
    report, folder = made
    clips = tuple(clip for clip in report.clips if clip.state in left)
    found = text(drawn(without(report, clips=clips, judges=(), persons=(), references={}), folder))
    assert "nothing was measured" in found and "<audio" not in found


def test_clips_of_which_nobody_says_who_sang_have_a_page(made, drawn):
    report, folder = made
    clips = tuple(
        replace(clip, source="", target="", truth_path="", heard={}, system="tool", kind="conversion")
        for clip in report.clips[:2]
    )
    system = replace(report.systems[0], name="tool", figures={}, digest="", recipe="", steps=0)
    bare = without(report, clips=clips, systems=(system,), judges=(), persons=(), command="vocalise score")
    assert "somebody" in text(drawn(bare, folder))


def test_figures_that_a_later_version_adds_are_passed_over(made, drawn):
    report, folder = made
    clips = tuple(replace(clip, figures={**clip.figures, "unheard_of": 1.0}) for clip in report.clips)
    assert "unheard_of" not in drawn(replace(report, clips=clips), folder)


def test_the_page_is_the_same_each_time(made, drawn):
    assert drawn(*made) == drawn(*made)
