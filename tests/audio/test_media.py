import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import vocalise.audio
from vocalise.audio.files import describe, read_wave
from vocalise.errors import AudioError


def tone_in(path: Path, *, codec: str = "aac", rate: int = 48_000, seconds: float = 2.0) -> Path:
    """A 440 Hz tone, louder on the left, as phones record it."""
    av = pytest.importorskip("av")
    left = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        for start in range(0, len(left), 1024):
            part = left[start : start + 1024]
            frame = av.AudioFrame.from_ndarray(np.stack([part, part / 2]), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.m4a", "a.mp4", "a.mkv", "a.mov"])
def test_sound_of_phones_and_videos_is_read(tmp_path, name):
    path = tone_in(tmp_path / name)
    wave, rate = read_wave(path, rate=16_000)
    assert rate == 16_000
    assert len(wave) == pytest.approx(32_000, abs=800)  # AAC pads to whole frames
    spectrum = torch.fft.rfft(wave[8000:24_000]).abs() / 8000
    assert int(spectrum.argmax()) == 440
    assert float(spectrum.max()) == pytest.approx(0.375, rel=0.02)
    facts = describe(path)
    assert (facts.rate, facts.channels, facts.subtype) == (48_000, 2, "AAC")
    assert facts.seconds == pytest.approx(2.0, abs=0.05)


def test_the_padding_of_an_encoder_is_not_taken_for_truncation(tmp_path):
    wave, rate = read_wave(tone_in(tmp_path / "a.m4a", rate=8000))
    assert rate == 8000
    assert len(wave) == pytest.approx(16_000, abs=2200)


def test_a_media_file_under_a_wrong_name_is_read(tmp_path):
    path = tone_in(tmp_path / "a.m4a").rename(tmp_path / "a.wav")
    assert read_wave(path)[1] == 48_000


def test_a_truncated_media_file_is_refused(tmp_path):
    path = tone_in(tmp_path / "a.m4a", seconds=20.0)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match="not audio that can be read"):
        read_wave(path)


def test_a_video_without_sound_is_refused(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no audio stream"):
        read_wave(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    "content", [b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nsecret.wav\n", b"ffconcat version 1.0\nfile a.wav\n"]
)
def test_playlists_are_not_followed(tmp_path, content):
    path = tmp_path / "a.m4a"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="not audio that can be read"):
        read_wave(path)


def test_without_pyav_the_remedy_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(bytes(100))
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "vocalise.audio.media", raising=False)
    monkeypatch.delattr(vocalise.audio, "media", raising=False)
    with pytest.raises(AudioError, match=r"reading \.m4a files needs PyAV: pip install 'vocalise\[media\]'"):
        read_wave(tmp_path / "a.m4a")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_mutated_media_files_are_read_or_refused(tmp_path):
    good = tone_in(tmp_path / "good.m4a", seconds=0.5).read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        content = bytearray(good)
        for place in random.integers(0, len(content), random.integers(1, 20)):
            content[place] = random.integers(256)
        (tmp_path / "a.m4a").write_bytes(content)
        try:
            assert torch.isfinite(read_wave(tmp_path / "a.m4a", rate=16_000)[0]).all()
        except AudioError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused
