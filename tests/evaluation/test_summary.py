"""Rows and differences: who is counted, what is a success, and that nobody wins by failing."""

from dataclasses import replace

import pytest

from tests.evaluation.reports import clip, clips, failed
from vocalise.evaluation.catalogue import BY_NAME, HEADLINES
from vocalise.evaluation.comparing import COMPARED, compare, outcome, pairs, unpaired
from vocalise.evaluation.summary import means, succeeded, summarise, tally, verdicts


def rows(found):
    return {(row.system, row.group): row for row in summarise(found, draws=200)}


def difference(name, found):
    return next(one for one in compare(found, "ours", "theirs") if one.figure == name)


def test_a_clip_succeeds_where_no_headline_is_poor():
    assert succeeded(clip())
    assert succeeded(clip(melody_kept=0.7))
    for measure in HEADLINES:
        worst = 0.0 if measure.better == "higher" else 9.0
        assert not succeeded(clip(**{measure.name: worst})), measure.name


def test_a_clip_without_headlines_or_sound_has_not_succeeded():
    assert not succeeded(replace(clip(), figures={"noise": -60.0}))
    assert not succeeded(replace(clip(), state="failed"))


def test_verdicts_are_those_of_the_catalogue_and_absent_figures_have_none():
    found = verdicts(clip(melody_kept=0.7, source_heard=None, clicks=5.0))
    assert (found["melody_kept"], found["clicks"], found["target_heard"]) == ("fair", "poor", "good")
    assert "source_heard" not in found


def test_failures_are_counted_as_tried_and_skipped_clips_are_not():
    found = [*clips(4), clip(melody_kept=0.1, clicks=9.0), clip(melody_kept=0.7), clip(clicks=9.0), clip(clicks=9.0)]
    found += [failed(clip(), "no memory"), failed(clip(), "too short", "skipped"), replace(clip(), figures={})]
    told = tally(found)
    assert (told.clips, told.failed, told.succeeded, told.good) == (10, 1, 5, 4)
    assert told.poor == (("clicks", 3), ("melody_kept", 1))


def test_reconstructions_are_a_group_of_their_own():
    found = [*clips(3, melody_kept=0.6), *(replace(one, kind="reconstruction") for one in clips(2, melody_kept=1.0))]
    groups = rows(found)
    assert list(groups) == [("ours", name) for name in ("conversions", "reconstructions", "to bob", "from ada")]
    assert groups["ours", "conversions"].figures["melody_kept"].value == pytest.approx(0.6)
    assert groups["ours", "reconstructions"].figures["melody_kept"].value == pytest.approx(1.0)
    assert groups["ours", "to bob"].figures["melody_kept"].clips == 3


def test_groups_are_by_target_and_by_source_and_nobody_is_no_group():
    found = [clip(target="eve"), clip(source="", target="bob"), clip(source="cy", target="eve", system="theirs")]
    assert [(row.system, row.group) for row in summarise(found, draws=9)] == [
        *(("ours", name) for name in ("conversions", "to eve", "to bob", "from ada")),
        *(("theirs", name) for name in ("conversions", "to eve", "from cy")),
    ]


def test_songs_are_what_is_drawn():
    found = [clip("one", target=name, melody_kept=0.9) for name in ("bob", "eve", "cy")]
    found += [clip("two", melody_kept=0.5)]
    interval = means(found)["melody_kept"]
    assert (interval.value, interval.songs, interval.clips) == (pytest.approx(0.8), 2, 4)
    assert (interval.low, interval.high) == pytest.approx((0.5, 0.9))


def test_of_one_song_there_is_a_mean_without_an_interval():
    interval = means([clip("one"), clip("one", target="eve")])["melody_kept"]
    assert (interval.low, interval.high, interval.songs, interval.clips) == (None, None, 1, 2)


def test_figures_are_in_the_order_of_the_catalogue_and_absent_ones_are_absent():
    figures = means([clip(source_heard=None), clip(mcd_world_to_truth=6.0)])
    assert list(figures) == [name for name in BY_NAME if name in figures]
    assert figures["mcd_world_to_truth"].clips == 1 and figures["source_heard"].clips == 1
    assert "probe" not in figures


def test_skipped_and_failed_clips_are_in_no_row():
    assert summarise([failed(clip(), "no memory"), failed(clip(), "too short", "skipped")]) == ()
    assert summarise([]) == ()


def test_pairs_have_song_source_and_target_in_common():
    ours = [clip("one"), clip("two"), clip("three", target="eve")]
    theirs = [clip("two", system="theirs"), clip("three", system="theirs"), failed(clip("one", system="theirs"), "")]
    assert [(one.song, other.song) for one, other in pairs(ours + theirs, "ours", "theirs")] == [("two", "two")]
    left = [(one.system, one.song) for one in unpaired(ours + theirs, "ours", "theirs")]
    assert left == [("ours", "one"), ("ours", "three"), ("theirs", "three"), ("theirs", "one")]


def test_a_difference_is_second_minus_first_and_knows_which_way_is_better():
    found = [
        one
        for number in range(8)
        for one in (
            clip(f"{number}", melody_kept=0.5 + 0.05 * number, clicks=1.0),
            clip(f"{number}", system="theirs", melody_kept=0.6 + 0.05 * number, clicks=1.5 + 0.01 * number),
        )
    ]
    melody, clicks = difference("melody_kept", found), difference("clicks", found)
    assert melody.interval.value == pytest.approx(0.1) and melody.interval.low == pytest.approx(0.1)
    assert clicks.interval.low > 0.0
    assert (outcome(melody), outcome(clicks), outcome(difference("silence", found))) == ("better", "worse", "undecided")


def test_one_song_decides_nothing():
    found = [clip("one"), clip("one", system="theirs", melody_kept=0.2)]
    one = difference("melody_kept", found)
    assert one.interval.low is None and outcome(one) == "undecided"


def test_reconstructions_are_not_compared():
    found = [replace(one, kind="reconstruction") for one in (clip(), clip(system="theirs"))]
    assert compare(found, "ours", "theirs") == ()


def test_what_is_compared_begins_with_the_headlines_and_has_a_better_end():
    assert COMPARED[: len(HEADLINES)] == HEADLINES
    assert len({one.name for one in COMPARED}) == len(COMPARED)
    assert {"rpa50", "mel_to_truth", "syllables", "speaker_target"} <= {one.name for one in COMPARED}
    assert all(one.better != "neither" and one.group != "model" for one in COMPARED)
