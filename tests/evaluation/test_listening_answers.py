"""What listeners send: refused where it cannot be, screened where it is careless, and turned into means and shares."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from tests.evaluation.listening_room import answer, fair, filled, furnish
from vocalise.errors import ConfigError
from vocalise.evaluation.listening import (
    QUESTIONS,
    Setting,
    crossed_mean,
    design,
    evaluate_answers,
    gather,
    read_sheet,
    read_sheets,
)
from vocalise.evaluation.listening.screening import Check, checks
from vocalise.evaluation.listening.tables import write_results


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    room = furnish(tmp_path_factory.mktemp("room"))
    material = gather([room / "kestrel", room / "plover"], source=room / "source", target=room / "target")
    return design(material, Setting(questions=QUESTIONS, clips=4, seconds=2.0)).key


def send(folder, sheet):
    path = folder / f"answers-{len(list(folder.glob('*.json')))}.json"
    path.write_text(json.dumps(sheet), encoding="utf-8")
    return path


def heard(tmp_path, key, *judges):
    """The sheets of listeners with such judgements."""
    paths = [send(tmp_path, filled(key, f"{n + 1:08x}", judge)) for n, judge in enumerate(judges)]
    sheets, refused = read_sheets(paths, key)
    assert not refused
    return sheets


def grumpy(trial):
    """Hears as well, but gives a point less wherever that is possible."""
    given = fair(trial)
    return max(1, given - 1) if isinstance(given, int) else given


def careless(trial):
    """Never listens."""
    return 3 if trial.question in ("quality", "similarity") else "wrong"


def test_a_whole_sheet_is_read_as_it_was_sent(tmp_path, key):
    sheet = read_sheet(send(tmp_path, filled(key, "0a1b2c3d")), key)
    asked = [trial for trial in key.trials if not trial.practice]
    assert sheet.listener == "0a1b2c3d" and sheet.complete and sheet.through == "headphones"
    assert [one.trial for one in sheet.answers] == [trial.id for trial in asked]
    assert [one.score for one in sheet.answers] == [fair(t) if isinstance(fair(t), int) else 0 for t in asked]


def test_a_sheet_that_stops_early_counts_as_far_as_it_goes(tmp_path, key):
    whole = filled(key, "0a1b2c3d")
    sheet = read_sheet(send(tmp_path, whole | {"complete": False, "answers": whole["answers"][:3]}), key)
    assert not sheet.complete and len(sheet.answers) == 3
    with pytest.raises(ConfigError, match="says that it is complete"):
        read_sheet(send(tmp_path, whole | {"answers": whole["answers"][:3]}), key)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"what": "shopping list"}, "no answers to a listening test"),
        ({"format": 2}, "no answers to a listening test"),
        ({"test": "0123456789ab"}, "belongs to another test"),
        ({"test": None}, "belongs to another test"),
        ({"listener": "../../etc"}, "no listener's id"),
        ({"listener": ["a"]}, "no listener's id"),
        ({"listener": "<script>"}, "no listener's id"),
        ({"through": "<b>"}, "not what the page writes"),
        ({"through": []}, "not what the page writes"),
        ({"complete": 1}, "not what the page writes"),
        ({"answers": []}, "no answers, or more"),
        ({"answers": {}}, "no answers, or more"),
        ({"answers": [{}] * 10_000}, "no answers, or more"),
        ({"answers": [None]}, "answer 1 is no answer"),
        ({"answers": [{"trial": ["x"]}]}, "answer 1 is no answer"),
        ({"answers": [{"trial": "deadbeef"}]}, "has no question 'deadbeef'"),
    ],
)
def test_hostile_and_foreign_sheets_are_refused_in_one_line(tmp_path, key, damage, words):
    with pytest.raises(ConfigError, match=words) as refused:
        read_sheet(send(tmp_path, filled(key, "0a1b2c3d") | damage), key)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


@pytest.mark.parametrize("text", ["", "{", "null", "[" * 200_000, '{"test": Infinity}', "\x00", "x" * (1 << 21) + "y"])
def test_files_that_hold_no_answers_are_refused_in_one_line(tmp_path, key, text):
    path = tmp_path / "answers.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"answers\.json (holds no JSON|is longer)") as refused:
        read_sheet(path, key)
    assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sheet(tmp_path, key)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="holds no JSON"):
        read_sheet(tmp_path / "bytes.json", key)


@pytest.mark.parametrize(
    ("question", "change", "words"),
    [
        ("quality", {"score": 6}, "no score from 1 to 5"),
        ("quality", {"score": 0}, "no score from 1 to 5"),
        ("quality", {"score": True}, "no score"),
        ("quality", {"score": 3.5}, "no score"),
        ("quality", {"score": "5"}, "no score"),
        ("similarity", {"score": None}, "no score"),
        ("quality", {"seconds": -1}, "no time to answer in"),
        ("quality", {"seconds": 1e9}, "no time to answer in"),
        ("quality", {"seconds": "1"}, "no time to answer in"),
        ("quality", {"seconds": True}, "no time to answer in"),
        ("voice", {"chosen": "deadbeef"}, "no choice of this question"),
        ("voice", {"chosen": None}, "no choice of this question"),
        ("voice", {"x": "deadbeef"}, "no choice of this question"),
        ("systems", {"x": ["a"]}, "no choice of this question"),
    ],
)
def test_an_answer_that_the_page_cannot_give_is_refused(tmp_path, key, question, change, words):
    trial = next(one for one in key.trials if one.question == question and not one.practice)
    given = answer(trial, key, fair(trial)) | change
    with pytest.raises(ConfigError, match=words):
        read_sheet(send(tmp_path, filled(key, "0a1b2c3d") | {"complete": False, "answers": [given]}), key)


def test_x_itself_is_no_answer_to_whose_voice_it_is(tmp_path, key):
    trial = next(one for one in key.trials if one.question == "voice" and not one.practice)
    given = answer(trial, key, "right") | {"chosen": trial.clips[0]}
    with pytest.raises(ConfigError, match="no choice of this question"):
        read_sheet(send(tmp_path, filled(key, "0a1b2c3d") | {"complete": False, "answers": [given]}), key)


def test_practice_and_second_answers_are_refused(tmp_path, key):
    practice = next(trial for trial in key.trials if trial.practice)
    sheet = filled(key, "0a1b2c3d") | {"complete": False}
    with pytest.raises(ConfigError, match="has no question"):
        read_sheet(send(tmp_path, sheet | {"answers": [answer(practice, key, 3)]}), key)
    with pytest.raises(ConfigError, match="answers a question twice"):
        read_sheet(send(tmp_path, sheet | {"answers": sheet["answers"][:1] * 2}), key)


def test_a_listener_counts_once_and_copies_of_answers_do_not(tmp_path, key):
    sheet = filled(key, "0a1b2c3d")
    copy = filled(key, "0a1b2c3d") | {"listener": "ffffffff"}
    again = filled(key, "0a1b2c3d", grumpy)
    sheets, refused = read_sheets([send(tmp_path, one) for one in (sheet, again, copy)], key)
    assert [one.listener for one in sheets] == ["0a1b2c3d"]
    assert "again" in refused[0] and "under another name" in refused[1]


def test_who_hears_well_passes_and_who_does_not_listen_fails(tmp_path, key):
    good, bad = heard(tmp_path, key, fair, careless)
    assert not any(check.failed or check.wrong for check in checks(good, key))
    found = {check.name: check for check in checks(bad, key)}
    assert all(
        found[name].failed and found[name].wrong == found[name].of for name in ("quality", "similarity", "voice")
    )
    assert not found["patience"].failed


def test_whoever_answers_before_the_sound_can_end_fails(tmp_path, key):
    sheet = filled(key, "0a1b2c3d")
    for given in sheet["answers"]:
        given["seconds"] = 0.5
    failed = [check for check in checks(read_sheet(send(tmp_path, sheet), key), key) if check.failed]
    assert [check.name for check in failed] == ["patience"] and failed[0].wrong == len(sheet["answers"])


def test_one_sound_is_not_all_of_a_question(tmp_path, key):
    sheet, trials = filled(key, "0a1b2c3d"), {trial.id: trial for trial in key.trials}
    for given in sheet["answers"]:
        heard_one = key.sounds[trials[given["trial"]].clips[0]]
        given["seconds"] = heard_one.stop - heard_one.start
    (found,) = (check for check in checks(read_sheet(send(tmp_path, sheet), key), key) if check.name == "patience")
    alone = sum(trial.question == "quality" and not trial.practice for trial in key.trials)
    assert found.wrong == found.of - alone and found.failed


def test_a_check_fails_beyond_what_is_allowed_and_never_on_one_case():
    def failed(wrong, of):
        return Check(name="voice", wrong=wrong, of=of, allowed=1.0 / 3.0).failed

    assert [failed(1, 3), failed(2, 3), failed(2, 6), failed(3, 6)] == [False, True, False, True]
    assert not failed(1, 1) and failed(1, 2)


def test_one_wrong_voice_of_four_is_forgiven_and_one_wrong_pair_of_four_is_not(tmp_path, key):
    known = [t.id for t in key.trials if t.question == "voice" and t.role != "system" and not t.practice]
    worst = next(t.id for t in key.trials if t.question == "quality" and t.role == "anchor" and not t.practice)

    def slips(trial):
        if trial.id == known[0]:
            return "wrong"
        return 5 if trial.id == worst else fair(trial)

    found = {check.name: check for check in checks(*heard(tmp_path, key, slips), key)}
    assert (found["voice"].wrong, found["voice"].of, found["voice"].failed) == (1, 4, False)
    assert (found["quality"].wrong, found["quality"].of, found["quality"].failed) == (2, 4, True)


def test_opinions_contrasts_and_choices_are_those_that_were_given(tmp_path, key):
    results = evaluate_answers(key, heard(tmp_path, key, fair, grumpy, fair))
    scores = {(one.question, one.role, one.system): one for one in results.opinions}
    kestrel = scores["quality", "system", "kestrel"]
    assert kestrel.mean.value == pytest.approx((2 + 1 + 2) / 3) and kestrel.counts == (4, 8, 0, 0, 0)
    assert scores["quality", "natural", ""].mean.value == pytest.approx((5 + 4 + 5) / 3)
    assert (kestrel.mean.scores, kestrel.mean.listeners, kestrel.mean.clips) == (12, 3, 4)
    assert [(c.question, c.first, c.second, c.mean.value) for c in results.contrasts] == [
        ("quality", "kestrel", "plover", pytest.approx(2.0)),
        ("similarity", "kestrel", "plover", pytest.approx(2.0)),
    ]
    assert results.contrasts[0].mean.low == results.contrasts[0].mean.high == pytest.approx(2.0)
    choices = {(one.question, one.role, one.system): one for one in results.choices}
    told = choices["systems", "system", "kestrel"]
    assert told.second == "plover" and (told.chosen, told.answers) == (12, 12)
    assert told.p == pytest.approx(2.0 * 0.5**12) and told.low == pytest.approx(0.757, abs=1e-3)
    assert {role for _, role, _ in choices} == {"system", "target", "source"}


def test_half_of_the_answers_right_is_guessing(tmp_path, key):
    def torn(trial):
        if trial.question != "systems":
            return fair(trial)
        return "right" if int(trial.id, 16) in halves else "wrong"

    pairs = sorted(int(t.id, 16) for t in key.trials if t.question == "systems" and not t.practice)
    halves = set(pairs[::2])
    told = next(one for one in evaluate_answers(key, heard(tmp_path, key, torn)).choices if one.question == "systems")
    assert (told.chosen, told.answers) == (2, 4) and told.p == pytest.approx(1.0)
    assert told.low < 0.5 < told.high


def test_a_voice_question_counts_whom_the_conversion_was_taken_for(tmp_path, key):
    def source_heard(trial):
        taken_for_source = trial.question == "voice" and trial.system == "plover"
        return "wrong" if taken_for_source else fair(trial)

    results = evaluate_answers(key, heard(tmp_path, key, source_heard, source_heard))
    shares = {one.system: one.chosen / one.answers for one in results.choices if one.question == "voice" and one.system}
    assert shares == {"kestrel": 1.0, "plover": 0.0}
    plover = next(one for one in results.choices if one.system == "plover" and one.question == "voice")
    assert plover.p == pytest.approx(binomtest(0, 8).pvalue) and plover.high < 0.5


def test_those_who_fail_are_named_and_left_out_only_when_asked(tmp_path, key):
    sheets = heard(tmp_path, key, fair, careless, fair)
    with_all = evaluate_answers(key, sheets)
    assert [one.counted for one in with_all.listeners] == [True, True, True]
    assert with_all.listeners[1].failed == ("quality", "similarity", "voice")
    without = evaluate_answers(key, sheets, leave_out=True)
    assert [one.counted for one in without.listeners] == [True, False, True]
    assert without.opinions[0].mean.value == pytest.approx(2.0) != with_all.opinions[0].mean.value
    with pytest.raises(ConfigError, match="all listeners failed"):
        evaluate_answers(key, sheets[1:2], leave_out=True)
    with pytest.raises(ConfigError, match="no answers"):
        evaluate_answers(key, ())


def test_results_go_to_json_and_to_a_table_that_no_spreadsheet_runs(tmp_path, key):
    results = evaluate_answers(key, heard(tmp_path, key, fair, grumpy), refused=("x is refused",))
    write_results(results, tmp_path / "out")
    whole = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert whole["opinions"][0]["mean"]["value"] == results.opinions[0].mean.value and whole["refused"]
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results.opinions) + len(results.contrasts) + len(results.choices)
    assert float(rows[0]["value"]) == results.opinions[0].mean.value
    risky = replace(results.opinions[0], system="=1+1")
    write_results(replace(results, opinions=(risky,)), tmp_path / "out")
    assert "'=1+1" in (tmp_path / "out" / "results.csv").read_text(encoding="utf-8")


def slowly_drawn(scores, draws, seed):
    """The pigeonhole bootstrap once more: draw names, and look every pair up."""
    lot = np.random.default_rng(seed)
    people, clips = (sorted({pair[side] for pair in scores}) for side in (0, 1))
    means = []
    for _ in range(draws):
        who, what = lot.choice(people, len(people)), lot.choice(clips, len(clips))
        found = [scores[pair] for one in who for pair in ((one, clip) for clip in what) if pair in scores]
        means += [sum(found) / len(found)] if found else []
    return np.quantile(means, (0.025, 0.975))


def test_the_interval_is_that_of_drawing_listeners_and_clips_by_hand():
    lot = np.random.default_rng(3)
    people, clips = lot.normal(size=8), lot.normal(size=6)
    scores = {
        (f"p{n}", f"c{m}"): float(people[n] + 0.5 * clips[m] + 0.3 * lot.normal())
        for n in range(8)
        for m in range(6)
        if (n + m) % 5  # not everybody heard everything
    }
    mean = crossed_mean(scores, draws=4000)
    low, high = slowly_drawn(scores, 4000, 1)
    assert mean.value == pytest.approx(np.mean(list(scores.values())))
    assert mean.low == pytest.approx(low, abs=0.08) and mean.high == pytest.approx(high, abs=0.08)
    assert crossed_mean(scores, draws=4000) == mean != crossed_mean(scores, draws=4000, seed=1)


def test_many_answers_of_few_listeners_are_no_more_certain_than_the_listeners():
    lot = np.random.default_rng(0)
    taste = lot.normal(size=5)
    scores = {(f"p{n}", f"c{m}"): float(taste[n]) for n in range(5) for m in range(200)}
    mean = crossed_mean(scores)
    assert mean.high - mean.low > 0.5 * 1.96 * 2 * taste.std() / math.sqrt(5)


def test_of_one_listener_or_one_clip_there_is_no_interval():
    assert crossed_mean({("p", "c"): 3.0, ("p", "d"): 4.0}).why == "of one listener there is no interval"
    lone = crossed_mean({("p", "c"): 3.0, ("q", "c"): 4.0})
    assert lone.value == 3.5 and lone.low is None and "one clip" in lone.why
    assert crossed_mean({}).value is None
    for wrong in ({"draws": 0}, {"level": 1.0}):
        with pytest.raises(ValueError, match="bootstrap"):
            crossed_mean({("p", "c"): 3.0}, **wrong)


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say():
    lot, hits, runs = np.random.default_rng(8), 0, 200
    for _ in range(runs):
        people, clips = 0.4 * lot.normal(size=10), 0.5 * lot.normal(size=8)
        table = 3.0 + people[:, None] + clips + 0.7 * lot.normal(size=(10, 8))
        scores = {(f"p{n}", f"c{m}"): float(table[n, m]) for n in range(10) for m in range(8)}
        mean = crossed_mean(scores, draws=600)
        hits += mean.low <= 3.0 <= mean.high
    assert 0.9 * runs <= hits < runs
