import math
from typing import Any

from vocalise.parts import Backtranslation, Reconstruction
from vocalise.parts.contracts import BITS, DISTANCE
from vocalise.training.course import Course, Joining, joinings, unit_named, verdict_words


def test_less_loss_is_better_within_a_phase() -> None:
    course = Course()
    answers = [course.judge(step, bits, phase=0, last=True) for step, bits in enumerate((8.0, 6.0, 7.0, 5.0))]
    assert answers == [True, True, False, True]
    assert (course.best_step, course.best_loss, course.first_loss) == (3, 5.0, 8.0)


def test_a_later_phase_is_better_whatever_its_loss() -> None:
    course = Course()
    course.judge(0, 8.0, phase=0, last=False)
    course.judge(10, 4.0, phase=0, last=False)
    assert course.judge(20, 4.5, phase=1, last=True)
    assert not course.judge(30, 4.6, phase=1, last=True)
    assert course.best_step == 20


def test_patience_waits_for_the_last_phase() -> None:
    course = Course()
    course.judge(0, 4.0, phase=0, last=False)
    for step in range(1, 20):
        course.judge(step, 5.0, phase=0, last=False)
    assert course.waited == 0
    for step in range(20, 24):
        course.judge(step, 5.0 + step, phase=1, last=True)
    assert course.waited == 3


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    course = Course()
    assert not course.judge(0, math.nan, phase=0, last=True)
    assert course.judge(1, 9.0, phase=0, last=True)


def test_a_course_survives_its_checkpoint() -> None:
    course = Course()
    assert Course.restored(course.state()) == course
    course.judge(5, 4.0, phase=1, last=True)
    assert Course.restored(course.state()) == course


def test_the_second_phase_begins_with_its_first_burst() -> None:
    plain = Reconstruction.Config().build(steps=300, batch=8, singers=2)
    bursts = Backtranslation.Config().build(steps=300, batch=8, singers=2)
    assert joinings([plain, bursts], [], 300) == (Joining(200, "backtranslation", critic=False),)


def test_alone_there_is_no_second_phase() -> None:
    bursts = Backtranslation.Config().build(steps=300, batch=8, singers=1)
    assert joinings([bursts], [], 300) == ()


def test_the_verdict_says_where_it_stopped_and_how_much_singer_is_left() -> None:
    course = Course(best_step=60, best_loss=3.25, first_loss=8.0, best_phase=0)
    figures = {"probe": 0.31, "chance": 0.25, "probe_log_mel": 0.95, "probe_untrained": 0.6}
    words = verdict_words(course, BITS, step=100, steps=200, figures=figures, heard_out=True)
    assert "stopped improving at step 60" in words
    assert "held-out loss 3.25 bits a sample" in words
    assert "singer probe 0.31 against 0.25 by chance" in words
    assert "keeps hardly a trace" in words


def test_the_verdict_calls_an_untrained_voice_untrained() -> None:
    course = Course(best_step=10, best_loss=7.95, first_loss=8.0, best_phase=0)
    assert "sings noise" in verdict_words(course, BITS, step=10, steps=10, figures={}, heard_out=False)


class Late:
    """An adversary that joins in."""

    def __init__(self, name: str, start: int) -> None:
        self.name, self.start = name, start

    def turns(self, step: int) -> int:
        return int(step >= self.start)


def test_a_critic_that_joins_in_begins_a_phase() -> None:
    plain = Reconstruction.Config().build(steps=300, batch=8, singers=2)
    rivals: list[Any] = [Late("singer", 0), Late("critic", 120), Late("sung_by", 90), Late("never", 300)]
    found = joinings([plain], rivals, 300)
    assert [(one.step, one.who, one.critic) for one in found] == [(90, "sung by", True), (120, "critic", True)]


def test_where_a_critic_is_at_work_the_later_voice_is_better_unless_it_is_well_worse() -> None:
    course = Course()
    course.judge(0, 10.0, phase=0, last=False)
    assert course.judge(10, 11.0, phase=1, last=True, leeway=0.1)
    assert course.judge(20, 10.0, phase=1, last=True, leeway=0.1)
    assert course.judge(30, 10.9, phase=1, last=True, leeway=0.1)
    assert not course.judge(40, 11.1, phase=1, last=True, leeway=0.1)  # of the least, not of the last
    assert (course.best_step, course.best_loss, course.least_loss, course.waited) == (30, 10.9, 10.0, 1)


def test_the_course_of_an_older_checkpoint_is_understood() -> None:
    old = {"best_step": 60, "best_bits": 3.25, "best_phase": 1, "first_bits": None, "waited": 2}
    course = Course.restored(old)
    assert (course.best_step, course.best_loss, course.first_loss, course.waited) == (60, 3.25, math.inf, 2)
    assert not course.judge(70, 3.3, phase=1, last=True) and course.judge(80, 3.2, phase=1, last=True)


def test_rows_say_in_which_unit_they_count() -> None:
    assert unit_named({"step": 5, "bits": 3.5}) is BITS
    assert unit_named({"step": 5, "distance": 8.1}) is DISTANCE


def test_the_verdict_on_a_decoder_of_waves_is_in_decibels_and_fears_no_noise() -> None:
    course = Course(best_step=60, best_loss=5.9, first_loss=31.0, best_phase=0)
    words = verdict_words(course, DISTANCE, step=60, steps=60, figures={}, heard_out=True)
    assert "held-out loss 5.90 dB of spectral distance (before training 31.00)" in words
    assert "fit to be listened to" in words
    course.best_loss = 30.5
    assert "buzzes" in verdict_words(course, DISTANCE, step=60, steps=60, figures={}, heard_out=True)
