import errno
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from vocalise.audio.files import resampled_length
from vocalise.data import cache as cache_module
from vocalise.data import prepare as prepare_module
from vocalise.data.corpus import Corpus, Piece
from vocalise.data.prepare import estimate_bytes, prepare
from vocalise.data.ranges import pitch_ranges
from vocalise.errors import ConfigError, CorpusError

RATE = 8000


def forbid(monkeypatch, module, name):
    def refuse(*_, **__):
        raise AssertionError(f"{name} should not have been called")

    monkeypatch.setattr(module, name, refuse)


def first(prepared):
    return prepared.wave(Piece(prepared.corpus.recordings[0]))


def test_prepared_audio_has_the_rate_length_and_peak_asked_for(data, sing):
    sing("Ada/quiet.wav", 1.2345, peak=0.02, rate=11025, channels=2)
    sing("Bob/loud.flac", 0.5, hz=310, peak=0.99)
    prepared = prepare(Corpus.open(data, rate=RATE), level=0.9)
    quiet, loud = prepared.corpus.recordings
    assert len(prepared.wave(Piece(quiet))) == resampled_length(round(1.2345 * 11025), 11025, RATE)
    for recording in (quiet, loud):
        wave = prepared.wave(Piece(recording))
        assert wave.dtype == np.int16 and isinstance(wave, np.memmap)
        assert abs(int(np.abs(wave.astype(int)).max()) - round(0.9 * 32767)) <= 1
    assert prepared.singers == ("Ada", "Bob") and prepared.findings == ()


def test_a_second_preparation_decodes_nothing_and_is_equal(data, sing, monkeypatch):
    sing("Ada/song.wav")
    before = first(prepare(Corpus.open(data, rate=RATE))).copy()
    forbid(monkeypatch, prepare_module, "read_wave")
    assert np.array_equal(first(prepare(Corpus.open(data, rate=RATE))), before)


def test_the_cache_follows_content_not_place(data, sing, tmp_path, monkeypatch):
    sing("Ada/song.wav")
    prepare(Corpus.open(data, rate=RATE))
    shutil.move(data, tmp_path / "moved")
    forbid(monkeypatch, prepare_module, "read_wave")
    assert prepare(Corpus.open(tmp_path / "moved", rate=RATE)).singers == ("Ada",)


def test_other_contents_and_other_settings_are_never_served_stale(data, sing):
    sing("Ada/song.wav", 1.0)
    corpus = Corpus.open(data, rate=RATE)
    base = first(prepare(corpus)).copy()
    assert len(first(prepare(corpus, rate=16000))) == 2 * len(base)
    assert np.abs(first(prepare(corpus, level=0.5))).max() < np.abs(base).max()
    sing("Ada/song.wav", 1.0, hz=333)
    assert not np.array_equal(first(prepare(Corpus.open(data, rate=RATE))), base)


def test_a_file_that_changes_after_the_scan_is_not_kept_under_its_old_name(data, sing):
    sing("Ada/song.wav")
    sing("Bob/song.wav", hz=250)
    corpus = Corpus.open(data, rate=RATE)
    sing("Ada/song.wav", hz=400)
    prepared = prepare(corpus)
    assert prepared.singers == ("Bob",)
    assert any("changed while it was being read" in one.message for one in prepared.findings)


def test_silent_and_damaged_recordings_are_passed_over_with_a_finding(data, sing):
    sing("Ada/song.wav")
    sing("Ada/silent.wav", peak=0.0)
    sing("Ada/nearly.wav", hz=210, peak=0.0005)
    sing("Bob/silent.wav", hz=1, peak=0.0, rate=16000)
    broken = sing("Ada/broken.flac", 5.0, hz=123)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE)
    soundfile.write(broken, noise, RATE)
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    prepared = prepare(Corpus.open(data, rate=RATE))
    assert prepared.singers == ("Ada",)
    assert [one.path.name for one in prepared.corpus.recordings] == ["song.wav"]
    told = {one.path.name: one.message for one in prepared.findings if one.path and one.singer == "Ada"}
    assert "silent" in told["silent.wav"] and "silent" in told["nearly.wav"] and "broken.flac" in told
    assert any("Bob has no recording left" in one.message for one in prepared.findings)
    assert {one.digest for one in prepared.corpus.recordings} == set(prepared.lengths)


def test_a_corpus_of_silence_is_an_error_of_one_line(data, sing):
    sing("Ada/song.wav", peak=0.0)
    with pytest.raises(CorpusError, match=r"nothing that can be heard.*silent"):
        prepare(Corpus.open(data, rate=RATE))


def test_a_recording_of_one_sample_ends_nothing(data, sing):
    sing("Ada/song.wav")
    soundfile.write(data / "Ada/tick.wav", np.array([0.5]), 48000)
    prepared = prepare(Corpus.open(data, rate=RATE))
    assert prepared.singers == ("Ada",)
    assert any("less than one sample" in one.message for one in prepared.findings)


def test_a_disk_that_is_too_small_is_said_before_the_start(data, sing, monkeypatch):
    sing("Ada/song.wav")
    corpus = Corpus.open(data, rate=RATE)
    monkeypatch.setattr(prepare_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000_000))
    with pytest.raises(CorpusError, match=r"needs 0 MB .*10 MB are free.*VOCALISE_CACHE"):
        prepare(corpus)
    monkeypatch.undo()


def test_a_disk_that_fills_up_is_survived_with_one_line(data, sing, cache, monkeypatch):
    sing("Ada/song.wav")
    sing("Bob/song.wav", hz=250)
    corpus = Corpus.open(data, rate=RATE)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(cache_module.np, "save", full)
        with pytest.raises(CorpusError, match="disk is full: make room"):
            prepare(corpus)
    assert not [path for path in (cache / "wave").glob("*/*") if path.is_file()]
    assert prepare(corpus).singers == ("Ada", "Bob")


@pytest.mark.parametrize("contours", [False, True])
def test_the_estimate_of_disk_agrees_with_what_is_taken(data, sing, cache, contours):
    for number in range(2):
        sing(f"Ada/{number}.wav", 1.0 + number, hz=200 + number, rate=16000)
    corpus = Corpus.open(data, rate=RATE)
    prepare(corpus, contours=contours)
    taken = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    assert taken * 0.9 < estimate_bytes(corpus, contours=contours) < taken * 1.6


@pytest.mark.parametrize("count", [1, 4])
def test_progress_rises_to_one(data, sing, count, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    for number in range(count):
        sing(f"Ada/{number}.wav", 0.3, hz=200 + number)
    told = []
    prepare(Corpus.open(data, rate=RATE), contours=True, progress=told.append)
    assert told == pytest.approx(sorted(told)) and told[-1] == 1.0 and all(0.0 <= share <= 1.0 for share in told)
    assert len(told) > 2 * count


@pytest.mark.parametrize("settings", [{"rate": 10}, {"level": 0.0}, {"level": 1.5}])
def test_settings_that_make_no_sense_are_refused(data, sing, settings):
    sing("Ada/song.wav")
    with pytest.raises(ConfigError, match="cannot be prepared"):
        prepare(Corpus.open(data, rate=RATE), **settings)


def test_excerpts_are_exact_and_zero_beyond_the_piece(data, sing):
    sing("Ada/song.wav", 2.0)
    prepared = prepare(Corpus.open(data, rate=RATE))
    recording = prepared.corpus.recordings[0]
    whole = torch.from_numpy(prepared.wave(Piece(recording)).astype(np.float32)) / 32767
    piece = Piece(recording, 0.5, 1.5)
    assert prepared.span(piece) == (4000, 12000)
    assert torch.equal(prepared.excerpt(piece, 10, 100), whole[4010:4110])
    around = prepared.excerpt(piece, -50, 8100)
    assert torch.equal(around[50:8050], whole[4000:12000])
    assert not around[:50].any() and not around[8050:].any()
    assert not prepared.excerpt(piece, 9000, 10).any()
    assert prepared.span(Piece(recording, 1.9, 99.0))[1] == len(whole)


def test_a_cache_emptied_meanwhile_is_an_error_of_one_line(data, sing, cache):
    sing("Ada/song.wav")
    prepared = prepare(Corpus.open(data, rate=RATE))
    shutil.rmtree(cache)
    with pytest.raises(CorpusError, match=r"gone from .*start again"):
        first(prepared)


def test_contours_are_measured_once_and_follow_the_piece(data, sing, monkeypatch):
    sing("Ada/song.wav", 2.0, hz=220)
    corpus = Corpus.open(data, rate=RATE)
    prepared = prepare(corpus, contours=True)
    piece = Piece(prepared.corpus.recordings[0], 0.5, 1.5)
    contour = prepared.contour(piece)
    assert contour.hop == 0.005 and contour.pitch.shape == contour.voicing.shape == (201,)
    assert torch.all(contour.voicing == 1) and torch.all((contour.pitch - 220).abs() < 1)
    pitch, voicing = prepared.pitch_at(piece, torch.tensor([-0.01, 0.0, 0.5, 0.9999, 1.0]))
    assert voicing.tolist() == [0, 1, 1, 1, 0]
    assert pitch[2].item() == pytest.approx(220, abs=1) and pitch[0] == pitch[4] == 0
    forbid(monkeypatch, prepare_module, "pitch_contour")
    again = prepare(corpus, contours=True)
    assert torch.equal(again.contour(piece).pitch, contour.pitch)


def test_without_contours_pitch_is_refused_with_the_remedy(data, sing):
    sing("Ada/song.wav")
    prepared = prepare(Corpus.open(data, rate=RATE))
    with pytest.raises(CorpusError, match="contours=True"):
        prepared.contour(Piece(prepared.corpus.recordings[0]))


def test_pitch_ranges_are_those_of_the_tones_and_cached(data, sing, monkeypatch):
    sing("Ada/low.wav", 1.0, hz=110)
    sing("Ada/high.wav", 1.0, hz=330)
    sing("Bob/song.wav", 1.0, hz=220)
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE // 2)
    (data / "Eve").mkdir()
    soundfile.write(data / "Eve/breath.wav", noise, RATE)
    prepared = prepare(Corpus.open(data, rate=RATE))
    found = pitch_ranges(prepared, seconds=4.0)
    assert found["Ada"][0] == pytest.approx(110, abs=2) and found["Ada"][2] == pytest.approx(330, abs=3)
    assert found["Bob"] == pytest.approx((220, 220, 220), abs=1)
    assert len(found["Eve"]) == 3
    from vocalise.data import ranges

    forbid(monkeypatch, ranges, "pitch_contour")
    assert pitch_ranges(prepared, seconds=4.0) == found


def test_pitch_ranges_use_prepared_contours(data, sing, monkeypatch):
    from vocalise.data import ranges

    sing("Ada/song.wav", 1.0, hz=220)
    prepared = prepare(Corpus.open(data, rate=RATE), contours=True)
    forbid(monkeypatch, ranges, "pitch_contour")
    assert pitch_ranges(prepared)["Ada"] == pytest.approx((220, 220, 220), abs=1)
