import math

from vocalise.parts import Backtranslation, Reconstruction
from vocalise.training.course import Course, phases, verdict_words


def test_fewer_bits_are_better_within_a_phase() -> None:
    course = Course()
    answers = [course.judge(step, bits, phase=0, last=True) for step, bits in enumerate((8.0, 6.0, 7.0, 5.0))]
    assert answers == [True, True, False, True]
    assert (course.best_step, course.best_bits, course.first_bits) == (3, 5.0, 8.0)


def test_a_later_phase_is_better_whatever_its_bits() -> None:
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


def test_bits_that_are_no_number_are_never_the_best() -> None:
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
    assert phases([plain, bursts], 300) == (200,)


def test_alone_there_is_no_second_phase() -> None:
    bursts = Backtranslation.Config().build(steps=300, batch=8, singers=1)
    assert phases([bursts], 300) == ()


def test_the_verdict_says_where_it_stopped_and_how_much_singer_is_left() -> None:
    course = Course(best_step=60, best_bits=3.25, first_bits=8.0, best_phase=0)
    figures = {"probe": 0.31, "chance": 0.25, "probe_log_mel": 0.95, "probe_untrained": 0.6}
    words = verdict_words(course, step=100, steps=200, figures=figures, heard_out=True)
    assert "stopped improving at step 60" in words
    assert "held-out bits per sample 3.25" in words
    assert "singer probe 0.31 against 0.25 by chance" in words
    assert "keeps hardly a trace" in words


def test_the_verdict_calls_an_untrained_voice_untrained() -> None:
    course = Course(best_step=10, best_bits=7.95, first_bits=8.0, best_phase=0)
    assert "sings noise" in verdict_words(course, step=10, steps=10, figures={}, heard_out=False)
