"""Who is heard: the strictest judge counts, a deaf one has no say, and silence is nobody's voice."""

import math

import pytest
import torch

from tests.evaluation.stand_ins import Always, Network, examined
from vocalise.evaluation.recognition import Speakers, ceiling, heard, trusted
from vocalise.evaluation.recognition import compared as compare_speakers
from vocalise.evaluation.recognition import judged as judge
from vocalise.evaluation.scene import Scene, Take

RATE = 16_000


def judged(*judges, right=9, source=0.5, converted=0.5, **about):
    takes = {name: Take(value * torch.ones(RATE), RATE) for name, value in (("s", source), ("c", converted))}
    scene = Scene(source=takes["s"], converted=takes["c"], **{"source_singer": "ada", "target": "bob", **about})
    return judge(scene, judges, [examined(judge, right) for judge in judges])


def test_the_strictest_judge_counts_on_either_side():
    found = judged(Always("network", "bob"), Always("gaussian", "ada"))
    assert (found["target_heard"], found["source_heard"]) == (0.0, 1.0)
    assert judged(Always("network", "bob"))["target_heard"] == 1.0
    assert judged(Always("network", "bob"))["source_heard"] == 0.0


def test_a_judge_that_failed_its_examination_has_no_say():
    able, deaf, unknown = Always("network", "bob"), Always("gaussian", "ada"), Always("band", "ada")
    examinations = [examined(able, 8), examined(deaf, 7)]
    assert trusted([able, deaf, unknown], examinations) == (able,)
    assert judged(Always("gaussian", "bob"), right=7) == {}


def test_the_ceiling_is_that_of_the_judge_that_decided():
    strict, mild = Always("gaussian", "ada"), Always("network", "bob")
    takes = Take(torch.ones(RATE), RATE), Take(torch.ones(RATE), RATE)
    scene = Scene(source=takes[0], converted=takes[1], source_singer="ada", target="bob")
    found = judge(scene, [mild, strict], [examined(mild, 10), examined(strict, 8)])
    assert found["target_ceiling"] == 0.8
    assert math.isnan(ceiling(examined(mild), "nobody"))
    assert ceiling(examined(mild), "cy") == 0.9


def test_a_target_whom_no_judge_knows_is_not_judged():
    assert "target_heard" not in judged(Always("network", "bob"), target="eve")
    assert "target_heard" not in judged(Always("network", "bob"), target=None)
    assert "source_heard" not in judged(Always("network", "bob"), source_singer=None)
    pair = Always("network", "cy", persons=("ada", "cy")), Always("gaussian", "bob")
    assert judged(*pair)["target_heard"] == 1.0


def test_of_a_reconstruction_the_source_is_meant_to_be_heard():
    found = judged(Always("network", "ada"), target="ada")
    assert found["target_heard"] == 1.0 and "source_heard" not in found


def test_where_the_source_is_silent_nobody_should_be_heard():
    assert judged(Always("network", "bob"), converted=0.0)["target_heard"] == 0.0
    assert judged(Always("network", "bob"), converted=0.0, source=0.0) == {}


def test_whom_each_judge_hears_is_told_as_shares_of_pieces():
    take = Take(torch.ones(RATE), RATE)
    assert heard(take, [Always("network", "bob"), Always("x", "cy")]) == {"network": (0, 1, 0), "x": (0, 0, 1)}
    assert heard(Take(torch.zeros(RATE), RATE), [Always("network", "bob")]) == {}


def test_a_take_is_heard_once_by_each_judge():
    judge, take = Always("network", "bob"), Take(torch.ones(RATE), RATE)
    assert heard(take, [judge]) == heard(take, [judge])
    assert len(judge.asked) == 1


def speakers(**takes):
    return Speakers.learn(
        Network(), {name: [Take(level * torch.ones(9), RATE) for level in v] for name, v in takes.items()}
    )


def compared(scene_about, known):
    take = Take(0.5 * torch.ones(RATE), RATE)
    return compare_speakers(Scene(source=take, converted=take, **scene_about), known)


def test_a_speaker_network_compares_with_both_and_the_target_with_itself():
    found = compared({"target": "bob", "source_singer": "ada"}, speakers(ada=[0.0, 9.0], bob=[0.5, 0.5]))
    assert found["speaker_target"] == pytest.approx(1.0) and found["speaker_ceiling"] == pytest.approx(1.0)
    assert found["speaker_source"] == pytest.approx(math.cos(math.atan(9.0) - math.atan(0.5)))
    one = compared({"target": "bob", "source_singer": "bob"}, speakers(bob=[0.5]))
    assert math.isnan(one["speaker_ceiling"]) and "speaker_source" not in one
    assert compared({"target": "eve"}, speakers(bob=[0.0])) == {}


def test_the_ceiling_of_a_speaker_is_each_recording_against_the_mean_of_the_others():
    angles = [math.atan(level) for level in (0.0, 1.0, 3.0)]
    points = [torch.tensor([math.cos(angle), math.sin(angle)]) for angle in angles]
    pairs = [(points[n], sum(points[m] for m in range(3) if m != n)) for n in range(3)]
    expected = sum(float(torch.nn.functional.cosine_similarity(a, b, dim=0)) for a, b in pairs) / 3
    found = compared({"target": "bob"}, speakers(bob=[1e-9, 1.0, 3.0]))
    assert found["speaker_ceiling"] == pytest.approx(expected, abs=1e-5)
    mean = sum(points)
    voice = torch.tensor([1.0, 0.5])
    assert found["speaker_target"] == pytest.approx(float(voice @ mean / voice.norm() / mean.norm()), abs=1e-5)
