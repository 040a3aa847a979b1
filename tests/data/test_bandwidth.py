from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from vocalise.data import prepare as prepare_module
from vocalise.data.bandwidth import SLOPE, believed, highest
from vocalise.data.batches import Batches, windows
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.data.quality import BAND
from vocalise.data.records import Recording


def hiss(seconds: float, rate: int, below: float, seed: int = 0) -> np.ndarray:
    """Noise that comes and goes, with nothing above `below` Hz."""
    count = round(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    spectrum[np.fft.rfftfreq(count, 1 / rate) > below] = 0.0
    wave = np.fft.irfft(spectrum, count) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * np.arange(count) / rate))
    return 0.5 * wave / np.abs(wave).max()


def write(path: Path, seconds: float, rate: int, below: float, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, hiss(seconds, rate, below, seed), rate)


def bands(prepared) -> dict[str, float]:
    return {one.path.name: prepared.bandwidth(one) for one in prepared.corpus.recordings}


def sung_by(singer: str, seconds: float) -> Recording:
    path = Path(f"{singer}.wav")
    return Recording(path, singer, singer, seconds, 48000, 1, path.stem)


@pytest.mark.parametrize(("rate", "below"), [(16000, 3000.0), (24000, 5500.0), (44100, 8000.0), (48000, 16000.0)])
def test_the_highest_frequency_in_use_is_found_at_every_rate(rate, below):
    wave = (32767 * hiss(3.0, rate, below)).astype(np.int16)
    assert highest(wave, rate, top=rate / 2) == pytest.approx(below, abs=3 * BAND)


def test_a_narrow_file_beside_a_wide_one_is_believed_below_its_filter(data):
    write(data / "ada/wide.wav", 2.0, 44100, 22050.0)
    write(data / "bob/narrow.wav", 2.0, 44100, 5500.0, seed=1)
    found = bands(prepare(Corpus.open(data, rate=44100)))
    assert found["wide.wav"] == 22050.0
    assert found["narrow.wav"] == pytest.approx(SLOPE * 5500.0, abs=3 * BAND)


def test_files_of_all_rates_are_brought_to_the_highest_and_believed_up_to_what_they_held(data):
    for seed, rate in enumerate((16000, 24000, 44100, 48000)):
        write(data / f"singer{rate}/{rate}.wav", 2.0, rate, rate / 2, seed)
    prepared = prepare(Corpus.open(data, rate=48000))
    found = bands(prepared)
    assert found["48000.wav"] == 24000.0
    for rate in (16000, 24000, 44100):
        assert 0.95 * SLOPE * rate / 2 < found[f"{rate}.wav"] <= SLOPE * rate / 2
    assert {prepared.lengths[one.digest] for one in prepared.corpus.recordings} == {96000}


def test_a_file_that_is_brought_down_is_believed_whole(data):
    write(data / "ada/cd.wav", 2.0, 44100, 22050.0)
    write(data / "bob/phone.wav", 2.0, 16000, 8000.0, seed=1)
    assert set(bands(prepare(Corpus.open(data, rate=16000))).values()) == {8000.0}


def test_what_no_recording_holds_is_not_left_open(data):
    write(data / "ada/one.wav", 2.0, 44100, 5500.0)
    write(data / "bob/two.wav", 2.0, 44100, 5600.0, seed=1)
    assert set(bands(prepare(Corpus.open(data, rate=44100))).values()) == {22050.0}


def test_a_moment_of_wide_sound_does_not_make_hours_narrow():
    long, short, other = sung_by("long", 3600.0), sung_by("short", 2.0), sung_by("other", 600.0)
    limits = {"long": 8000.0, "short": 20000.0, "other": 4000.0}
    found = believed(limits, [long, short, other], 48000)
    assert found == {"long": 24000.0, "short": 24000.0, "other": SLOPE * 4000.0}


def test_bandwidths_are_measured_once(data, monkeypatch):
    write(data / "ada/one.wav", 2.0, 16000, 3000.0)
    write(data / "bob/two.wav", 2.0, 16000, 8000.0, seed=1)
    before = bands(prepare(Corpus.open(data)))
    from vocalise.data import bandwidth

    monkeypatch.setattr(bandwidth, "highest", None)
    assert bands(prepare(Corpus.open(data))) == before
    assert prepare_module.believed is believed


def test_excerpts_and_windows_carry_the_bandwidth_of_their_recording(data):
    write(data / "ada/wide.wav", 2.0, 16000, 8000.0)
    write(data / "bob/narrow.wav", 2.0, 16000, 3000.0, seed=1)
    prepared = prepare(Corpus.open(data))
    pieces = prepared.corpus.split(0.0).train
    for batch in (
        Batches(prepared, pieces, samples=1600, hop=160).draw(6),
        windows(prepared, pieces, samples=1600, hop=160, most=4),
    ):
        wide = batch.singer == 0
        assert torch.all(batch.bandwidth[wide] == 8000.0)
        assert torch.all((batch.bandwidth[~wide] > 2600.0) & (batch.bandwidth[~wide] < 2950.0))
        assert wide.any() and not wide.all()


def test_a_corpus_that_believes_files_looks_no_further_than_their_rates(tmp_path):
    write(tmp_path / "ada" / "low.wav", 2.0, 16_000, 5_000.0)
    write(tmp_path / "bob" / "high.wav", 2.0, 24_000, 12_000.0)
    prepared = prepare(Corpus.open(tmp_path), rate=24_000)
    ada = next(one for one in prepared.corpus.recordings if one.singer == "ada")
    assert prepared.bandwidth(ada) < 6_000.0
    files = prepared.believing_files()
    assert {one.singer: files.bandwidth(one) for one in files.corpus.recordings} == {"ada": 8_000.0, "bob": 12_000.0}
