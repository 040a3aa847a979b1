"""Findings: what is said of good and bad conversions, and that nothing is said more kindly than it is."""

import math
import re
from dataclasses import replace

import pytest

from tests.evaluation.reports import ABLE, GOOD, clip, clips, failed, report
from vocalise.evaluation.catalogue import HEADLINES
from vocalise.evaluation.findings import MEANINGS, say
from vocalise.evaluation.symptoms import SYMPTOMS, explained, symptom

DEAF = replace(ABLE, judge="gaussian", accuracy=0.55)


def words(made, system: str | None = None, level: str | None = None) -> list[str]:
    return [
        one.words
        for one in say(made)
        if (system is None or one.system == system) and (level is None or one.level == level)
    ]


def told(made, text: str) -> str:
    """The one saying that holds this text."""
    (found,) = [one for one in words(made) if text in one]
    return found


def verdict(made, system: str = "ours"):
    return next(one for one in say(made) if one.system == system)


def silent_on(made, text: str) -> bool:
    return not any(text in one for one in words(made))


def test_every_headline_has_three_meanings():
    assert set(MEANINGS) == {one.name for one in HEADLINES}
    assert all(len(set(three)) == 3 for three in MEANINGS.values())


def test_what_is_good_throughout_is_called_so_and_only_that():
    first = verdict(report(clips(8)))
    assert (first.level, first.words) == ("good", "All 8 conversions succeed, and are good on every headline figure.")
    assert {one.level for one in say(report(clips(8)))} == {"good", "note"}


def test_the_first_sentence_counts_successes_and_names_what_fails_most():
    found = [*clips(4), clip("five", melody_kept=0.7), *clips(3, melody_kept=0.1), clip("nine", clicks=8.0)]
    first = verdict(report(found))
    assert first.level == "fair"
    assert first.words.startswith("5 of 9 conversions succeed")
    assert "4 of them are good on every one" in first.words
    assert "What fails most often: melody kept (3), clicks (1)." in first.words


def test_a_system_that_fails_more_than_half_of_the_time_is_poor():
    assert verdict(report([*clips(2), *clips(3, silence=0.5)])).level == "poor"
    none = verdict(report(clips(3, silence=0.5)))
    assert none.words.startswith("None of 3 conversions succeeds")


def test_conversions_that_could_not_be_made_count_as_failures():
    first = verdict(report([*clips(2), *(failed(one, "no memory") for one in clips(3, target="eve"))]))
    assert first.level == "poor" and first.words.startswith("2 of 5 conversions succeed")
    assert "3 conversions could not be made or read" in first.words


def test_where_nothing_could_be_made_nothing_else_is_said_of_it():
    assert verdict(report([failed(clip(), "no memory")])).words == "The only conversion could not be made or read."
    none = verdict(report([failed(one, "no memory") for one in clips(3)]))
    assert (none.level, none.words) == ("poor", "None of 3 conversions could be made or read.")


def test_one_conversion_is_spoken_of_as_one():
    assert verdict(report(clips(1))).words.startswith("The only conversion succeeds")
    assert verdict(report(clips(1, clicks=9.0))).words.startswith("The only conversion fails.")


def test_what_was_not_measured_is_named_and_keeps_praise_away():
    first = verdict(report(clips(8, target_heard=None, source_heard=None)))
    assert first.level == "fair"
    assert "on every headline figure that was measured" in first.words
    assert first.words.endswith("Not measured, and therefore open: target heard, source still heard.")


@pytest.mark.parametrize("measure", HEADLINES, ids=lambda one: one.name)
def test_each_headline_is_told_with_number_interval_threshold_and_meaning(measure):
    sign = 1.0 if measure.better == "higher" else -1.0
    levels = {
        "good": measure.good,
        "fair": (measure.good + measure.poor) / 2,
        "poor": measure.poor - sign * 0.05,
    }
    for level, middle in levels.items():
        found = [clip(f"{n}", **{measure.name: middle + 1e-4 * sign * n}) for n in range(8)]
        made = report(found)
        meaning = MEANINGS[measure.name][("good", "fair", "poor").index(level)]
        (said,) = [one for one in say(made) if one.system == "ours" and one.words.lower().startswith(meaning.lower())]
        assert said.level == level
        row = next(row for row in made.rows if row.group == "conversions")
        assert f"{measure.title} {measure.shown(row.figures[measure.name].value)} (95 % interval " in said.words
        assert f"good is {measure.shown(measure.good)} or {'more' if sign > 0 else 'less'}" in said.words


def test_ceilings_stand_beside_the_figures_that_need_them():
    made = report(clips(8))
    assert "RPA50 of two trackers on the source 96 %" in told(made, ": melody kept")
    assert "target heard in real recordings 98 %" in told(made, ": target heard")


def test_a_good_mean_does_not_hide_a_failure():
    made = report([*clips(19), clip("20", melody_kept=0.3)])
    (line,) = [one for one in say(made) if ": melody kept 94 %" in one.words]
    assert line.level == "fair"
    assert line.words.endswith("The mean hides that it fails in 1 of 20 conversions.")


EXAMPLES = {
    "silent": {"silence": 1.0, "voiced": 0.0, "melody_kept": 0.0, "content_kept": 0.0, "source_heard": None},
    "another length": {"length_error": 6.0, "melody_kept": 0.4, "silence": 0.5, "content_kept": 0.1},
    "whispered": {"voiced": 0.02, "melody_kept": 0.01, "source_heard": 0.9},
    "unchanged": {"mel_to_source": 0.1, "source_heard": 1.0, "target_heard": 0.0, "melody_kept": 1.0},
    "kept": {"source_heard": 0.8, "target_heard": 0.1},
    "octave": {"melody_kept": 0.02, "rpa50": 0.02, "octave": 0.93, "offset": 1200.0, "rpa50_transposed": 0.9},
    "another key": {"melody_kept": 0.02, "rpa50": 0.02, "chroma50": 0.02, "offset": 310.0, "rpa50_transposed": 0.9},
    "another song": {"melody_kept": 0.1, "rpa50": 0.1, "chroma50": 0.15, "content_kept": 0.05, "rpa50_transposed": 0.2},
    "no tune": {"melody_kept": 0.3, "rpa50": 0.3, "chroma50": 0.35, "rpa50_transposed": 0.3, "target_heard": 0.2},
    "mumbled": {"content_kept": 0.1},
    "nobody": {"target_heard": 0.2},
    "unsteady": {"drift": 0.3},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_went_wrong_is_recognised(name):
    assert symptom(clip(**EXAMPLES[name])).name == name
    made = report([*clips(3), clip("broken", **EXAMPLES[name])])
    said = told(made, "In 1 of 4 conversions")
    assert symptom(clip(**EXAMPLES[name])).words in said and said.endswith("(“broken” of ada as bob).")


def test_every_symptom_has_an_example_and_a_good_clip_has_none():
    assert {one.name for one in SYMPTOMS} == set(EXAMPLES)
    assert symptom(clip()) is None and symptom(failed(clip(), "no memory")) is None
    assert explained(clips(3)) == []


def test_a_whisper_is_explained_in_words_a_singer_understands():
    made = report(clips(2, **EXAMPLES["whispered"]))
    assert "no pitch is found in what it sings: that is a whisper" in told(made, "In 2 of 2")


def test_a_good_transposition_is_no_fault():
    assert symptom(clip(offset=1195.0, transposition=1200.0)) is None
    meant = {"melody_kept": 0.3, "offset": 705.0, "transposition": 700.0, "rpa50_transposed": 0.9}
    assert symptom(clip(**meant)).name == "no tune"


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        ({"octave": 0.25, "chroma50": 0.4, "rpa50": 0.35}, "octave"),
        ({"octave": 0.1, "chroma50": 0.7, "rpa50": 0.35}, "octave"),
        ({"octave": 0.1, "chroma50": 0.5, "rpa50": 0.35, "offset": 20.0}, "no tune"),
        (
            {"chroma50": 0.35, "rpa50": 0.35, "offset": -60.0, "rpa50_transposed": 0.55, "rpa50_ceiling": 0.9},
            "another key",
        ),
        ({"chroma50": 0.35, "rpa50": 0.35, "offset": -60.0, "rpa50_transposed": 0.50, "rpa50_ceiling": 0.9}, "no tune"),
        (
            {"chroma50": 0.35, "rpa50": 0.35, "offset": -60.0, "rpa50_transposed": 0.31, "rpa50_ceiling": 0.1},
            "another key",
        ),
        ({"chroma50": 0.35, "rpa50": 0.35, "offset": -60.0, "rpa50_transposed": 0.28, "rpa50_ceiling": 0.1}, "no tune"),
    ],
)
def test_a_melody_that_is_gone_may_be_another_key_or_octave(figures, name):
    assert symptom(clip(melody_kept=0.3, **figures)).name == name


def test_what_is_near_to_the_source_but_sounds_like_the_target_is_not_unchanged():
    assert symptom(clip(mel_to_source=0.9, target_heard=0.4)).name == "unchanged"
    assert symptom(clip(mel_to_source=0.9)) is None
    assert symptom(clip(mel_to_source=1.1, target_heard=0.4)).name == "nobody"


def test_many_clips_are_named_by_three_and_counted():
    said = told(report(clips(9, drift=0.5)), "In 9 of 9 conversions")
    assert said.count("“") == 3 and said.endswith("and 6 more).")


@pytest.mark.parametrize(
    ("ours", "rival", "level"), [(5.0, 5.5, "good"), (6.0, 5.5, "fair"), (7.5, 5.5, "poor"), (5.0, None, "note")]
)
def test_the_targets_own_take_is_compared_with_doing_nothing_and_with_others(ours, rival, level):
    made = report(clips(3, mel_to_truth=ours, mel_source_to_truth=7.0, mel_other_to_truth=rival))
    (said,) = [one for one in say(made) if "own take of the song" in one.words]
    assert said.level == level


def test_a_judge_that_cannot_hear_is_named_and_said_to_have_no_say():
    said = told(report(clips(8), judges=(ABLE, DEAF)), "The judge gaussian")
    assert "tells only 55 % of real, held-out recordings right" in said and "no say" in said
    unknown = replace(DEAF, accuracy=math.nan)
    assert "could not be examined" in told(report(clips(8), judges=(ABLE, unknown)), "The judge gaussian")


def test_without_a_judge_who_sings_is_open():
    nobody = clips(8, target_heard=None, source_heard=None)
    assert "none can tell the real recordings apart" in told(report(nobody, judges=(DEAF,)), "No judge says who sings")
    assert "nobody to learn singers from" in told(report(nobody, judges=()), "No judge says who sings")
    assert silent_on(report(clips(8)), "No judge says")


def test_judges_examined_on_the_songs_they_learnt_from_are_doubted():
    known = replace(ABLE, judge="gaussian", disjoint=False)
    assert "they may know a song or a room" in told(report(clips(8), judges=(ABLE, known)), "learnt another part")
    assert silent_on(report(clips(8)), "they may know")


def test_persons_who_are_mistaken_for_one_another_are_named():
    doubtful = replace(ABLE, confusion=((30, 10), (0, 40)))
    said = told(report(clips(8), judges=(doubtful,)), "Even in real recordings")
    assert "ada is taken for bob in 25 %" in said


def test_noisy_sources_limit_what_is_said_about_pitch():
    assert silent_on(report(clips(8)), "two pitch trackers agree")
    noisy = told(report(clips(8, rpa50_ceiling=0.7)), "two pitch trackers agree in only 70 %")
    assert "Read all pitch figures against that ceiling" in noisy
    assert "guesswork" in told(report(clips(8, rpa50_ceiling=0.3)), "two pitch trackers agree in only 30 %")


def test_a_listener_that_cannot_tell_words_apart_is_doubted():
    assert "not to be relied on" in told(report(clips(8, content_same=0.8)), "The listener for words")


def test_few_songs_are_said_to_be_few():
    assert "there are no intervals" in told(report(clips(1)), "All clips are of one song")
    assert "too narrow" in told(report(clips(3)), "All clips are of 3 songs")
    assert silent_on(report(clips(6)), "All clips are of")
    assert "of one song, hence without an interval" in told(report(clips(1)), ": melody kept")


def test_little_song_and_few_conversions_are_said_to_be_little():
    assert "20 s of singing" in told(report([clip("one"), clip("one", target="eve")]), "All of it rests on")
    assert "All of it rests on 40 s" in told(report(clips(2)), "All of it rests on")
    assert silent_on(report(clips(3)), "All of it rests on")
    assert "Of ours only 2 conversions" in told(report(clips(2)), "take the means as examples")
    assert "Of ours only 4 conversions" in told(report(clips(4)), "take the means as examples")
    assert silent_on(report(clips(5)), "take the means as examples")


def test_reconstructions_that_do_worse_are_a_warning():
    own = [replace(one, kind="reconstruction") for one in clips(4, target="ada", melody_kept=0.5, source_heard=None)]
    made = report([*clips(8), *own])
    assert "melody kept 50 % against 97 %" in told(made, "Reconstructions, which are the easier task")
    assert "0 of 4 succeed" in told(made, "singers sing as themselves")
    assert silent_on(report([*clips(8), *(replace(one, kind="reconstruction") for one in clips(4))]), "easier task")


@pytest.mark.parametrize(("good", "level"), [(4, "good"), (2, "fair"), (1, "poor")])
def test_reconstructions_have_a_verdict_of_their_own(good, level):
    own = [*clips(good), *clips(4 - good, melody_kept=0.1)]
    made = report([*clips(8), *(replace(one, kind="reconstruction") for one in own)])
    (said,) = [one for one in say(made) if "singers sing as themselves" in one.words]
    assert said.level == level and f"{good} of 4 succeed" in said.words


def test_voices_that_are_reached_unequally_are_named():
    found = [*clips(3), *clips(3, target="eve", target_heard=0.2), *clips(3, target="cy", target_heard=0.6)]
    said = told(report(found), "Voices differ")
    assert said == "Voices differ: eve is heard in 20 % of the pieces that should be eve's, bob in 95 %."
    assert silent_on(report([*clips(3), *clips(3, target="eve")]), "Voices differ")


def test_the_probe_is_told_with_chance_and_ceiling():
    made = report(clips(8))
    figures = {"probe": 0.6, "probe_chance": 0.25, "probe_log_mel": 0.97}
    made = replace(made, systems=(replace(made.systems[0], figures=figures),))
    said = told(made, "passes the bottleneck")
    assert "in 60 % of cases; by chance that is 25 %, of the sound itself 97 %." in said
    assert silent_on(report(clips(8)), "passes the bottleneck")


def test_failed_and_skipped_clips_are_named_with_their_cause():
    found = [*clips(2), failed(clip("big"), "not enough memory"), failed(clip("tiny"), "it is 0.05 s short", "skipped")]
    made = report(found)
    assert told(made, "not enough memory") == "1 clip failed (“big” of ada as bob): not enough memory."
    assert told(made, "passed over") == "1 clip passed over (“tiny” of ada as bob): it is 0.05 s short."


def test_a_better_system_is_called_better_where_the_interval_leaves_zero_out():
    theirs = [
        clip(f"song {n}", system="theirs", melody_kept=0.5 + 0.01 * n, loudness_correlation=0.94 + 0.02 * (n % 2))
        for n in range(1, 9)
    ]
    made = report([*clips(8), *theirs])
    said = told(made, "theirs is worse than ours on melody kept")
    assert re.search(r"42 points less \(95 % interval 41 points to 44 points, .* over 8 pairs of 8 songs", said)
    first = told(made, "Of 9 headline figures theirs is better than ours on none and worse on 1")
    assert "undecided (the interval of the difference holds zero): loudness correlation" in first
    assert "both do the same on F0 frame errors" in first


def test_one_song_in_common_decides_nothing():
    made = report([clip(), clip(system="theirs", melody_kept=0.1)])
    assert "better than ours on none and worse on none" in told(made, "Of 9 headline figures")
    assert "undecided (of one song only): melody kept" in told(made, "Of 9 headline figures")


def test_a_comparison_names_what_it_leaves_out():
    theirs = [*clips(6, system="theirs"), *(failed(clip(f"song {n}", system="theirs"), "no memory") for n in (7, 8))]
    said = told(report([*clips(8), *theirs]), "The comparison of ours and theirs leaves out")
    assert "4 conversions" in said and said.endswith("theirs failed on 2.")


@pytest.mark.parametrize(
    "found",
    [
        [],
        [failed(clip(), "no memory")],
        [failed(clip(), "too short", "skipped")],
        [replace(clip(), figures={})],
        [replace(clip(), kind="reconstruction")],
        [clip(**dict.fromkeys(GOOD))],
        [clip(source="", target="")],
        [clip(), replace(clip(system="theirs"), figures={})],
    ],
)
def test_odd_reports_have_findings_and_no_crash(found):
    assert all(one.words and "nan" not in one.words.lower() for one in say(report(found, judges=())))


def test_every_saying_is_one_tidy_sentence_or_more():
    found = [*clips(2), *(clip(name, **figures) for name, figures in EXAMPLES.items())]
    for one in say(report([*found, *(replace(one, system="theirs") for one in found[3:])], judges=(ABLE, DEAF))):
        assert one.words.endswith(".") and one.words[0] == one.words[0].upper(), one.words
        assert "  " not in one.words and ".." not in one.words and "None" not in one.words.split("None of")[0]
