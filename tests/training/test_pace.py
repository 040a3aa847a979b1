from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.conftest import QUICK, assert_same_end, small_recipe
from tests.training.test_rivals import rivals_recipe, small_learner
from vocalise.data.corpus import Corpus
from vocalise.parts import Conversion
from vocalise.recipes import Recipe, recipe
from vocalise.training import Verdict, setting_out
from vocalise.training.loop import learn
from vocalise.training.pace import Pace, measure, rehearse, seconds_for, steps_within
from vocalise.training.settings import Settings, read_settings

PACE = Pace(step=0.1, lessons=(0.0, 0.05), window=0.004, stream=1e-3)


def settings(chosen: Recipe | None = None) -> Settings:
    return Settings(recipe=chosen or recipe("usvc", "small"), corpus="x", singers=("ada", "bob", "cyd"), steps=1)


def test_a_rehearsal_counts_the_excerpts_of_every_burst() -> None:
    # 300 steps, the last 100 of them with 4 bursts of 7 steps at 8 excerpts: every = 25, burst = ceil(25 / 4) = 7.
    assert rehearse(recipe("usvc"), steps=300, singers=3) == [0, 4 * 7 * 8]


def test_a_rehearsal_passes_over_lessons_that_cost_no_more_than_a_step() -> None:
    whole = recipe("usvc")
    further = replace(whole, protocols=(*whole.protocols, Conversion.Config(start=0.0, every=10**6)))
    assert rehearse(further, steps=300, singers=3) == [0, 4 * 7 * 8, 0]


def test_a_step_is_measured_when_every_adversary_is_at_work(corpus: Corpus) -> None:
    learner = small_learner(corpus, rivals_recipe())
    pace = measure(learner, learn)
    assert learner.meter.read()["critic"] != 0.0
    assert len(pace.lessons) == len(learner.protocols) == len(learner.recipe.protocols) == 2
    assert steps_within(0.01, pace, settings(learner.recipe))[0] >= 1
    assert all(rival.adam.state for rival in learner.rivals if any(True for _ in rival.network.parameters()))


def test_a_rehearsal_of_the_published_length_renders_as_published() -> None:
    drawn = rehearse(recipe("usvc"), steps=30_000, singers=3)[1]
    assert drawn == pytest.approx(96 * 10_000 / 2_000, rel=0.1)


def test_the_steps_fill_the_minutes_and_not_more() -> None:
    for minutes in (1.0, 10.0, 100.0):
        steps, _ = steps_within(minutes, PACE, settings())
        assert 0.95 * 60 * minutes <= seconds_for(steps, PACE, settings()) <= 60 * minutes


def test_too_little_time_still_gives_a_step() -> None:
    assert steps_within(1e-4, PACE, settings()) == (1, False)


def test_bursts_cost_steps() -> None:
    plain = replace(recipe("usvc", "small"), protocols=recipe("usvc", "small").protocols[:1])
    without, _ = steps_within(10, replace(PACE, lessons=(0.0,)), settings(plain))
    assert steps_within(10, PACE, settings())[0] < without


def test_minutes_become_steps_once(go: Callable[..., Verdict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Pace] = []

    def measured(learner: Any, learn: Callable[[Any], object]) -> Pace:
        learn(learner)  # weights and every generator move
        torch.rand(7)
        calls.append(PACE)
        return PACE

    monkeypatch.setattr(setting_out, "measure", measured)
    monkeypatch.setattr(setting_out, "steps_within", lambda *_: (24, False))
    for _ in range(2):
        assert go(steps=None, minutes=3.0, stop=lambda: True).steps == 24
    assert len(calls) == 1
    noted = read_settings(tmp_path / "run" / "recipe.json")
    assert noted is not None
    assert (noted.steps, noted.minutes) == (24, 3.0)


def test_measuring_leaves_no_trace_in_the_run(
    go: Callable[..., Verdict], tmp_path: Path, finished: tuple[Path, Verdict]
) -> None:
    # A real measurement, whose result is then exchanged for the length of the other run.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setting_out, "steps_within", lambda minutes, pace, _: (24, pace.step <= 0))
        assert go(steps=None, minutes=0.5).finished
    assert_same_end(tmp_path / "run", finished[0])


def test_the_evaluations_cost_little_of_a_long_run() -> None:
    long = replace(settings(small_recipe()), steps=100_000, routine=replace(QUICK, evaluations=20, windows=64))
    assert long.windows == 64
    short = replace(long, steps=100)
    assert 3 <= short.windows < 64
