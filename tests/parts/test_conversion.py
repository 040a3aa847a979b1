import copy
from dataclasses import replace

import pytest
import torch

from tests.material import Made
from vocalise.parts import Conversion


def built(batch=3, singers=3, steps=100, **choices):
    return Conversion.Config(**choices).build(steps=steps, batch=batch, singers=singers)


def lesson(protocol, draw, seed=0):
    return protocol.lesson(draw, None, 50, torch.Generator().manual_seed(seed))


def test_conversion_takes_its_share_of_the_run():
    protocol = built(start=0.25, every=5)
    assert [step for step in range(100) if protocol.takes(step)] == list(range(25, 100, 5))
    assert not any(built(singers=1, start=0.0).takes(step) for step in range(100))


def test_a_converted_recording_has_no_truth_and_everybody_judges_it(tones):
    given = lesson(built(), tones)
    assert torch.equal(given.heard, given.wanted)
    assert not given.paired.any() and given.adversarial
    assert given.bandwidth is not None and given.controls.identity.shape == (3, 3, 1)


@pytest.mark.parametrize(("mixing", "corners"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5)])
def test_nobody_is_asked_of_himself_alone(mixing, corners):
    made = Made(singers=5, samples=320, hop=160)
    identity = lesson(built(batch=2000, singers=5, mixing=mixing), made).controls.identity[:, :, 0]
    own = torch.arange(2000) % 5
    assert torch.allclose(identity.sum(1), torch.ones(2000)) and (identity >= 0).all()
    whole = identity.amax(1) == 1.0
    assert whole.float().mean().item() == pytest.approx(corners, abs=0.05)
    assert not identity[whole, own[whole]].any()
    mixed = identity[~whole]
    assert ((mixed > 0).sum(1) == 2).all()
    if mixing:
        greater = mixed.amax(1)  # of α and 1 - α, α uniform
        assert greater.mean().item() == pytest.approx(0.75, abs=0.02)


def test_pitch_moves_by_whole_semitones_to_where_the_asked_singer_sings(tones):
    given = lesson(built(mixing=0.0), tones)
    asked = given.controls.identity[:, :, 0].argmax(1)
    heard, there = 110.0 * (1 + torch.arange(3)), 110.0 * (1 + asked)
    semitones = 12.0 * torch.log2(given.controls.pitch / heard[:, None])
    assert torch.allclose(semitones, semitones.round(), atol=1e-4)
    assert (12.0 * torch.log2(given.controls.pitch / there[:, None])).abs().max() <= 0.5
    assert (semitones.abs() > 6).all()


def test_a_mixtures_range_lies_between():
    made = Made(singers=2, samples=320, hop=160)
    given = lesson(built(batch=200, singers=2, mixing=1.0), made)
    shares, pitch = given.controls.identity[:, 1, 0], given.controls.pitch[:, 0]
    assert (12.0 * (torch.log2(pitch / 110.0) - shares)).abs().max() <= 0.5 + 1e-4


def test_reach_is_how_far_pitch_goes(tones):
    for reach, farthest in ((0.0, 0.0), (0.5, 10.0)):
        moved = lesson(built(batch=12, mixing=0.0, reach=reach), tones).controls.pitch
        semitones = 12.0 * torch.log2(moved / tones(12).pitch)
        assert semitones.abs().max() == pytest.approx(farthest, abs=1e-3)


def test_nobody_is_moved_to_a_range_that_is_not_known(tones):
    one = tones(3)
    lone = replace(one, singer=torch.zeros(3, dtype=torch.long), pitch=one.pitch[:1].expand(3, -1))
    assert torch.equal(lesson(built(), lambda count: lone).controls.pitch, lone.pitch)
    mute = replace(one, voicing=torch.zeros_like(one.voicing), pitch=torch.zeros_like(one.pitch))
    assert not lesson(built(), lambda count: mute).controls.pitch.any()


def test_tunes_move_as_a_whole_and_pauses_stay(tones):
    one = tones(3)
    one.pitch[:, 5], one.pitch[:, 6], one.voicing[:, 6] = 2.0 * one.pitch[:, 5], 0.0, 0.0
    given = lesson(built(mixing=0.0), lambda count: one)
    assert torch.allclose(given.controls.pitch[:, 5], 2.0 * given.controls.pitch[:, 4])
    assert not given.controls.pitch[:, 6].any()


def test_old_excerpts_are_forgotten(tones):
    protocol = built(mixing=0.0)
    lesson(protocol, tones)
    one = tones(3)
    higher = replace(one, pitch=8.0 * one.pitch)
    for _ in range(40):
        lesson(protocol, lambda count: higher)
    assert torch.allclose(torch.exp2(protocol._ranges()), 880.0 * (1 + torch.arange(3.0)), rtol=1e-4)


def test_a_lesson_after_an_interruption_is_the_same(tones):
    protocol = built(batch=2)
    lesson(protocol, tones)
    twin = built(batch=2)
    twin.restore(copy.deepcopy(protocol.state()))
    for seed in (1, 2):
        ours, theirs = lesson(protocol, tones, seed), lesson(twin, tones, seed)
        assert torch.equal(ours.controls.pitch, theirs.controls.pitch)
        assert torch.equal(ours.controls.identity, theirs.controls.identity)


def test_a_state_is_not_changed_by_what_follows(tones):
    protocol = built()
    lesson(protocol, tones)
    kept = protocol.state()
    before = {name: tensor.clone() for name, tensor in kept.items()}
    one = tones(3)
    lesson(protocol, lambda count: replace(one, pitch=2.0 * one.pitch))
    assert all(torch.equal(before[name], kept[name]) for name in before)
