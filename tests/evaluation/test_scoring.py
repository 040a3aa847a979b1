"""From scenes to figures: copies, silence, other keys, drift, strict judges, and that nothing is measured twice."""

import math
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from tests.evaluation.stand_ins import Always, Listener, Network, examined
from vocalise.audio.pitch import Contour
from vocalise.data.choir import compose, perform, singers
from vocalise.evaluation import scoring
from vocalise.evaluation.catalogue import BY_NAME, HEADLINES
from vocalise.evaluation.recognition import Speakers
from vocalise.evaluation.scene import Scene, Take
from vocalise.evaluation.scoring import CLIP_MEASURES, melody, score

RATE = 16_000
SECONDS = 5


@pytest.fixture(scope="module")
def waves():
    """One song by three singers of the choir, in time with one another."""
    torch.set_num_threads(1)
    song = compose(0.4, seed=2)[0]
    return [perform(song, singer).wave[RATE : (1 + SECONDS) * RATE] for singer in singers(3)]


@pytest.fixture(scope="module")
def source(waves):
    """The first of them; its pitch is tracked once for all tests."""
    return Take(waves[0], RATE)


def flat(pitch, seconds: float = 2.0) -> Contour:
    """A contour of these pitches in Hz, each for an equal time; 0 is unvoiced."""
    pitch = torch.tensor(pitch).repeat_interleave(round(seconds * 100 / len(pitch)))
    return Contour(pitch, (pitch > 0).float(), 0.010)


def sung(scoring_pitch, conditioning_pitch=None) -> Take:
    """A take of which only the contours matter."""
    take = Take(0.1 * torch.ones(2 * RATE), RATE)
    take.once("contour", lambda: flat(scoring_pitch))
    take.once("conditioning contour", lambda: flat(conditioning_pitch or scoring_pitch))
    return take


def of_contours(source_pitch, pitch, second=None, **about) -> dict[str, float]:
    return melody(Scene(source=sung(source_pitch, second), converted=sung(pitch), **about))


def test_every_figure_of_a_clip_can_be_produced_and_no_other(waves, source):
    judge = Always("network", "bob")
    takes = {"ada": [source] * 2, "bob": [Take(waves[1], RATE), Take(0.5 * waves[1], RATE)]}
    scene = Scene(
        source=source,
        converted=Take(waves[1], RATE),
        truth=Take(waves[1], RATE),
        simultaneous=True,
        others=(Take(waves[2], RATE),),
        source_singer="ada",
        target="bob",
        syllables=(SimpleNamespace(),),
        took=2.5,
    )
    figures = score(scene, [judge], [examined(judge)], Listener(), speakers=Speakers.learn(Network(), takes))
    undefined_by_the_listener = {"content_kept"}
    assert set(figures) == {one.name for one in CLIP_MEASURES} - undefined_by_the_listener
    assert list(figures) == [name for name in BY_NAME if name in figures]
    assert all(type(value) is float and math.isfinite(value) for value in figures.values())
    assert figures["real_time_factor"] == 0.5 and figures["mel_to_truth"] == 0.0


def test_a_perfect_copy_scores_perfect(waves, source):
    copy = score(Scene(source=source, converted=Take(waves[0].clone(), RATE)), listener=Listener())
    assert [copy[name] for name in ("melody_kept", "rpa50", "content_kept")] == [1.0, 1.0, 1.0]
    assert copy["loudness_correlation"] == pytest.approx(1.0)
    nothing = ("frame_error", "median_cents", "length_error", "silence", "clicks", "mel_to_source", "stft_to_source")
    assert [copy[name] for name in nothing] == [0.0] * len(nothing)
    assert copy["drift"] == pytest.approx(0.0, abs=0.005)
    assert copy["rpa50_ceiling"] > 0.9 and copy["noise"] == copy["noise_source"]


def test_silence_reads_as_a_failure_on_every_headline_it_can_fail(waves, source):
    judge = Always("network", "bob")
    silence = Take(torch.zeros_like(waves[0]), RATE)
    scene = Scene(source=source, converted=silence, source_singer="ada", target="bob")
    figures = score(scene, [judge], [examined(judge)], Listener())
    for name in ("melody_kept", "target_heard", "content_kept", "loudness_correlation"):
        assert figures[name] == 0.0, name
    assert figures["silence"] == 1.0
    assert "source_heard" not in figures
    assert BY_NAME["frame_error"].verdict(figures["frame_error"]) == "poor"
    assert all(math.isfinite(value) for value in figures.values())


def test_noise_has_no_melody_and_no_loudness_of_its_own(waves, source):
    noise = 0.05 * torch.randn(waves[0].shape, generator=torch.Generator().manual_seed(1))
    figures = score(Scene(source=source, converted=Take(noise, RATE)))
    assert figures["melody_kept"] < 0.05
    assert BY_NAME["loudness_correlation"].verdict(figures["loudness_correlation"]) == "poor"


def test_the_melody_kept_is_a_share_of_what_two_trackers_agree_on():
    found = of_contours([200.0, 200.0, 300.0, 300.0], [200.0, 200.0, 300.0, 400.0], second=[200.0, 200.0, 300.0, 150.0])
    assert (found["rpa50"], found["rpa50_ceiling"]) == pytest.approx((0.75, 0.75))
    assert found["melody_kept"] == 1.0
    worse = of_contours([200.0, 200.0, 300.0, 300.0], [200.0, 100.0, 300.0, 400.0])
    assert worse["melody_kept"] == pytest.approx(0.5)


def test_trackers_that_agree_on_little_excuse_nothing_below_a_half():
    found = of_contours([200.0] * 4, [200.0, 300.0, 300.0, 300.0], second=[200.0, 150.0, 150.0, 150.0])
    assert found["melody_kept"] == pytest.approx(0.25 / 0.5)


def test_a_transposition_that_was_meant_is_taken_off():
    found = of_contours([200.0, 300.0], [400.0, 600.0], transposition=1200.0)
    assert (found["melody_kept"], found["transposition"], found["offset"]) == pytest.approx((1.0, 1200.0, 1200.0))
    unmeant = of_contours([200.0, 300.0], [400.0, 600.0])
    assert (unmeant["melody_kept"], unmeant["octave"], unmeant["chroma50"]) == (0.0, 1.0, 1.0)
    assert unmeant["rpa50_transposed"] == 1.0
    found_out = of_contours([200.0, 300.0], [220.0, 330.0], transposition=None)
    assert found_out["melody_kept"] == 1.0 and found_out["transposition"] == pytest.approx(165.0, abs=0.1)


def test_voiced_shares_of_both_are_told():
    found = of_contours([200.0, 200.0, 200.0, 0.0], [200.0, 0.0, 0.0, 0.0])
    assert (found["voiced_source"], found["voiced"]) == (0.75, 0.25)


def test_a_source_without_pitch_has_no_melody_to_keep():
    assert math.isnan(of_contours([0.0], [200.0])["melody_kept"])


def test_a_conversion_that_lags_is_compared_on_the_sources_clock(waves, source):
    late = torch.cat([torch.zeros(RATE // 4), waves[0]])
    scene = Scene(source=source, converted=Take(late, RATE))
    figures = score(scene)
    assert scene.drifts and figures["drift"] == pytest.approx(0.25, abs=0.03)
    assert figures["melody_kept"] > 0.9 and figures["loudness_correlation"] > 0.95 and figures["silence"] < 0.1
    assert figures["mel_to_source"] < 2.0
    steady = Scene(source=source, converted=Take(waves[0], RATE))
    assert not steady.drifts and steady.aligned is steady.converted


def test_what_is_aligned_is_the_same_sound_at_the_sources_times(waves, source):
    late = torch.cat([torch.zeros(RATE // 5), waves[0]])
    scene = Scene(source=source, converted=Take(late, RATE))
    middle = slice(RATE, 4 * RATE)
    assert torch.equal(scene.aligned.wave[middle], waves[0][middle])
    assert scene.aligned.wave.shape == waves[0].shape
    assert len(scene.aligned.contour.pitch) == len(source.contour.pitch)
    early = Scene(source=source, converted=Take(waves[0][RATE // 5 :], RATE)).aligned.wave
    assert torch.equal(early[middle], waves[0][middle]) and not early[: RATE // 8].any()


def test_another_song_is_not_aligned_nor_is_a_short_cut():
    one, other = (perform(song, singers(1)[0]).wave[: 10 * RATE] for song in compose(1.0, seed=5)[:2])
    assert not Scene(source=Take(one, RATE), converted=Take(other, RATE)).drifts
    late = torch.cat([torch.zeros(RATE // 4), one])
    assert Scene(source=Take(one, RATE), converted=Take(late, RATE)).drifts
    assert not Scene(source=Take(one[: 4 * RATE], RATE), converted=Take(late[: 4 * RATE], RATE)).drifts


def truths(monkeypatch, **about):
    """Distances are differences of length, and every measurement is noted."""
    measured = []

    def distance(a, b, rate, *, warped=False, **ignored):
        measured.append((len(a), len(b), warped))
        return float(abs(len(a) - len(b)))

    for name in ("mel_distance", "mcd_world", "mcd_logmel"):
        monkeypatch.setattr(scoring, name, distance)
    takes = {
        name: Take(torch.zeros(length), RATE)
        for name, length in {"truth": 1000, "source": 1600, "a": 1300, "b": 1100, "c": 1450}.items()
    }
    others = takes["a"], takes["b"]
    scenes = [
        Scene(
            source=takes["source"],
            converted=Take(torch.zeros(length), RATE),
            truth=takes["truth"],
            others=others,
            **{
                name: tuple(takes[one] for one in value) if name == "section" else value
                for name, value in about.items()
            },
        )
        for length in (1010, 1020)
    ]
    return [scoring.truth(scene) for scene in scenes], measured


def test_the_truth_is_compared_with_source_and_nearest_rival(monkeypatch):
    (first, second), measured = truths(monkeypatch)
    for name in ("mel", "mcd_world", "mcd_logmel"):
        assert [first[f"{name}{part}_to_truth"] for part in ("", "_source", "_other")] == [10.0, 600.0, 100.0]
    assert second["mel_to_truth"] == 20.0 and first["truth_warped"] == 1.0
    assert all(warped for _, _, warped in measured)


def test_rivals_are_of_the_targets_section_where_there_is_one(monkeypatch):
    (first, _), _ = truths(monkeypatch, section="c")
    assert first["mel_other_to_truth"] == 450.0


def test_simultaneous_takes_are_not_warped(monkeypatch):
    (first, _), measured = truths(monkeypatch, simultaneous=True)
    assert first["truth_warped"] == 0.0 and not any(warped for _, _, warped in measured)


def test_distances_between_real_takes_are_measured_once(monkeypatch):
    _, measured = truths(monkeypatch)
    assert len(measured) == 3 * (2 + 1 + 2)


def test_without_a_truth_there_is_nothing_to_compare_with(source):
    assert scoring.truth(Scene(source=source, converted=source)) == {}


def test_syllables_of_a_source_are_recognised_once(source, waves):
    listener = Listener()
    take = Take(waves[0], RATE)
    for wave in waves[1:]:
        scene = Scene(source=take, converted=Take(wave, RATE), syllables=(SimpleNamespace(),))
        assert scoring.content(scene, listener)["syllables_source"] == 0.75
    assert len(listener.recognised) == 3


def test_clicks_are_those_beyond_the_sources_own(waves, source):
    cracked = waves[0].clone()
    cracked[RATE::RATE] += 0.9
    spoilt, clean = Take(cracked, RATE), Take(waves[0], RATE)
    assert 0.4 <= scoring.integrity(Scene(source=clean, converted=spoilt))["clicks"] <= 1.0
    same = scoring.integrity(Scene(source=spoilt, converted=spoilt))
    assert same["clicks"] == 0.0 and same["clicks_source"] >= 0.4


def test_length_error_is_in_seconds_either_way(waves, source):
    for length in (len(waves[0]) - 1600, len(waves[0]) + 1600):
        wave = torch.cat([waves[0], waves[0]])[:length]
        assert scoring.integrity(Scene(source=source, converted=Take(wave, RATE)))["length_error"] == pytest.approx(0.1)


@pytest.mark.parametrize("samples", [0, 1, 800])
@pytest.mark.parametrize("level", [0.0, 0.3])
def test_no_length_and_no_silence_breaks_a_score(samples, level):
    tone = level * torch.sin(torch.arange(8000) * 2 * math.pi * 220 / RATE)
    judge = Always("network", "bob")
    known = Speakers.learn(Network(), {"bob": [Take(tone, RATE), Take(0.5 * tone, RATE)]})
    for first, second in ((tone, tone[:samples]), (tone[:samples], tone), (tone[:samples], tone[:samples])):
        scene = Scene(
            source=Take(first, RATE),
            converted=Take(second, RATE),
            source_singer="ada",
            target="bob",
            truth=Take(tone, RATE),
            others=(Take(tone[:samples], RATE),),
            took=0.0,
        )
        figures = score(scene, [judge], [examined(judge)], Listener(), speakers=known)
        assert all(math.isfinite(value) for value in figures.values())
        assert {"length_error"} <= set(figures) <= set(BY_NAME)


def test_takes_of_different_rates_are_refused():
    with pytest.raises(ValueError, match="one rate, not 8000, 16000 Hz"):
        Scene(source=Take(torch.zeros(9), RATE), converted=Take(torch.zeros(9), 8000))


def test_several_threads_measure_a_take_once():
    take, counted = Take(torch.zeros(9), RATE), []

    def slowly():
        counted.append(sum(range(200_000)))
        return len(counted)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: take.once("key", slowly), range(32))) == {1}


def test_every_headline_is_a_figure_of_clips():
    assert {one.name for one in HEADLINES} <= {one.name for one in CLIP_MEASURES}
