"""Intervals: coverage on simulated songs, parity with SciPy, and what few songs can and cannot tell."""

import math

import numpy as np
import pytest
from scipy import stats

from vocalise.measures.intervals import bootstrap, bootstrap_difference, expanded, wilson


def simulated(
    rng: np.random.Generator, songs: int, clips: int, between: float = 1.0, within: float = 0.5
) -> dict[str, list[float]]:
    """Clips of songs that differ between each other, about a true mean of 3; some songs have twice as many."""
    return {
        f"song {n}": list(rng.normal(3.0 + between * rng.normal(), within, clips * (1 + n % 2))) for n in range(songs)
    }


def width(spread) -> float:
    return spread.high - spread.low


def covered(songs: int, simulations: int = 200) -> float:
    rng = np.random.default_rng(11)
    spreads = [bootstrap(simulated(rng, songs, 4), draws=500, seed=n) for n in range(simulations)]
    return float(np.mean([spread.low <= 3.0 <= spread.high for spread in spreads]))


@pytest.mark.parametrize("songs", [6, 12, 40])
def test_songs_that_differ_are_covered_about_as_often_as_promised(songs):
    assert 0.88 <= covered(songs) <= 0.99


def test_drawing_clips_as_if_they_were_songs_would_promise_too_much():
    rng = np.random.default_rng(12)
    hits = 0
    for n in range(200):
        clips = [value for song in simulated(rng, 8, 4).values() for value in song]
        spread = bootstrap({str(k): [value] for k, value in enumerate(clips)}, draws=500, seed=n)
        hits += spread.low <= 3.0 <= spread.high
    assert hits / 200 < 0.75


def test_two_songs_cover_half_of_the_time_only():
    assert 0.40 <= covered(2) <= 0.60


def test_more_songs_narrow_the_interval_and_more_clips_do_not():
    rng = np.random.default_rng(5)
    few, many = (bootstrap(simulated(rng, songs, 4)) for songs in (8, 128))
    assert width(many) < 0.45 * width(few)
    values = simulated(rng, 10, 3)
    repeated = {song: clips * 16 for song, clips in values.items()}
    assert width(bootstrap(repeated)) == pytest.approx(width(bootstrap(values)), rel=1e-9)
    assert bootstrap(repeated).clips == 16 * bootstrap(values).clips


def test_one_clip_a_song_is_the_ordinary_bootstrap_of_scipy():
    values = np.random.default_rng(3).gamma(2.0, 1.0, 60)
    ours = bootstrap({str(n): [value] for n, value in enumerate(values)}, draws=20_000)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        confidence_level=1.0 - expanded(0.05, 60),
        method="percentile",
        rng=np.random.default_rng(4),
    ).confidence_interval
    error = np.std(values) / math.sqrt(60)
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * error)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * error)


def test_of_normal_values_the_interval_is_as_wide_as_students():
    values = np.random.default_rng(8).normal(size=12)
    ours = bootstrap({str(n): [value] for n, value in enumerate(values)}, draws=50_000)
    low, high = stats.t.interval(0.95, 11, loc=values.mean(), scale=values.std(ddof=1) / math.sqrt(12))
    assert width(ours) == pytest.approx(high - low, rel=0.06)


def test_many_songs_leave_the_plain_percentiles():
    assert expanded(0.05, 10_000) == pytest.approx(0.05, abs=1e-4)
    assert expanded(0.05, 5) < 0.005


def test_the_mean_is_over_all_clips():
    spread = bootstrap({"long": [1.0, 1.0, 1.0], "short": [5.0]})
    assert (spread.value, spread.songs, spread.clips) == (2.0, 2, 4)
    assert spread.low <= 2.0 <= spread.high


def test_of_one_song_there_is_a_mean_and_a_word_but_no_interval():
    spread = bootstrap({"only": [1.0, 2.0, 3.0]})
    assert (spread.value, spread.low, spread.high, spread.songs, spread.clips) == (2.0, None, None, 1, 3)
    assert spread.why == "of one song there is no interval"


def test_what_is_not_finite_is_left_out_and_nothing_is_nan():
    spread = bootstrap({"a": [1.0, math.nan], "b": [3.0], "c": [math.inf], "d": []})
    assert (spread.value, spread.songs, spread.clips) == (2.0, 2, 2)
    empty = bootstrap({"a": [math.nan]})
    assert math.isnan(empty.value) and (empty.low, empty.songs, empty.clips) == (None, 0, 0)
    assert empty.why == "there is no value"


def test_equal_values_have_an_interval_of_no_width():
    spread = bootstrap({"a": [0.7, 0.7], "b": [0.7], "c": [0.7]})
    assert (spread.low, spread.high) == pytest.approx((0.7, 0.7))


def test_the_same_seed_gives_the_same_interval_and_the_global_state_stays():
    values = simulated(np.random.default_rng(1), 6, 3)
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    assert bootstrap(values, seed=4) == bootstrap(values, seed=4)
    assert bootstrap(values, seed=4) != bootstrap(values, seed=5)
    assert (np.random.get_state()[1] == before).all()


def test_drawing_in_parts_changes_nothing_but_memory(monkeypatch):
    values = simulated(np.random.default_rng(1), 9, 2)
    whole = bootstrap(values)
    monkeypatch.setattr("vocalise.measures.intervals._AT_ONCE", 9 * 100)
    assert bootstrap(values) == whole


def test_what_songs_have_in_common_falls_out_of_a_difference():
    rng = np.random.default_rng(2)
    hard = rng.normal(0.0, 5.0, 20)
    pairs = {f"{n}": [(x, x + 0.4 + 0.1 * rng.normal()) for _ in range(3)] for n, x in enumerate(hard)}
    spread = bootstrap_difference(pairs)
    assert spread.value == pytest.approx(0.4, abs=0.06)
    assert 0.3 < spread.low < spread.high < 0.5
    assert (spread.songs, spread.clips) == (20, 60)


def test_a_difference_of_nothing_covers_zero_as_often_as_promised():
    rng = np.random.default_rng(21)
    hits = 0
    for n in range(200):
        pairs = {str(song): list(zip(*rng.normal(rng.normal(), 0.3, (2, 3)), strict=True)) for song in range(10)}
        spread = bootstrap_difference(pairs, draws=500, seed=n)
        hits += spread.low <= 0.0 <= spread.high
    assert 0.88 <= hits / 200 <= 0.99


def test_every_song_weighs_the_same_in_a_difference_and_unfinished_pairs_are_left_out():
    spread = bootstrap_difference({"a": [(0.0, 1.0)] * 9, "b": [(0.0, 3.0), (math.nan, 1.0)], "c": [(0.0, math.inf)]})
    assert (spread.value, spread.songs, spread.clips) == (2.0, 2, 10)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (1, 3), (40, 50), (0, 1), (333, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_share_of_answers_has_the_interval_of_wilson(successes, trials, level):
    theirs = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert wilson(successes, trials, level=level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_no_answers_leave_all_shares_possible():
    assert wilson(0, 0) == (0.0, 1.0)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="6 successes of 5 trials"):
        wilson(6, 5)
    with pytest.raises(ValueError, match="a level between 0 and 1"):
        bootstrap({"a": [1.0], "b": [2.0]}, level=1.0)
    with pytest.raises(ValueError, match="0 draws"):
        bootstrap({}, draws=0)
