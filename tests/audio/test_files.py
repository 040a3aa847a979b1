import os
import re
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from vocalise.audio.files import AUDIO_SUFFIXES, MEDIA_SUFFIXES, WRITABLE, describe, read_wave, resample, write_wave
from vocalise.errors import AudioError

RATE = 16_000


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, shape).astype(np.float32)


def bytes_of(folder: Path, name: str, seconds: float = 3.0, **choices) -> bytearray:
    """A good file of the format, to be damaged."""
    format_ = {"opus": "OGG", "aif": "AIFF"}.get(name, name.upper())
    soundfile.write(folder / "good", noise(round(seconds * RATE)), RATE, format=format_, **choices)
    return bytearray((folder / "good").read_bytes())


def complaint(path: Path, *, about: str) -> str:
    """The one line with which a file is refused, by reading and (if it should) by describing."""
    with pytest.raises(AudioError, match=about) as caught:
        read_wave(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("container", ["WAV", "FLAC", "AIFF", "AU", "CAF", "W64", "RF64"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_container_and_depth_is_read_as_the_mean_of_its_channels(tmp_path, container, subtype, channels):
    sound = noise(70_000, channels)
    soundfile.write(tmp_path / "a", sound, 44_100, format=container, subtype=subtype)
    wave, rate = read_wave(tmp_path / "a")
    assert (rate, wave.dtype, wave.shape) == (44_100, torch.float32, (70_000,))
    assert np.abs(wave.numpy() - sound.mean(1)).max() < 4e-5
    facts = describe(tmp_path / "a")
    assert (facts.rate, facts.channels, facts.samples, facts.subtype) == (44_100, channels, 70_000, subtype)
    assert facts.seconds == pytest.approx(70_000 / 44_100)


@pytest.mark.parametrize("samples", [1, 2, 159, 16_000, 65_536, 65_537, 200_001])
@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_reading_at_a_rate_agrees_with_resampling_what_was_read(tmp_path, samples, rate):
    soundfile.write(tmp_path / "a.wav", noise(samples, 2), 22_050, subtype="FLOAT")
    wave, got = read_wave(tmp_path / "a.wav", rate=rate)
    assert got == rate
    assert wave.shape == (round(samples * rate / 22_050),)
    assert torch.equal(wave, resample(read_wave(tmp_path / "a.wav")[0], 22_050, rate))


def test_silence_reads_as_silence(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(1000, np.float32), RATE)
    assert torch.equal(read_wave(tmp_path / "a.flac", rate=8000)[0], torch.zeros(500))


def test_an_hour_needs_little_more_memory_than_its_result(tmp_path):
    with soundfile.SoundFile(tmp_path / "a.wav", "w", 48_000, 2, "PCM_16") as file:
        for _ in range(6 * 60):  # six minutes stand for the hour
            file.write(np.zeros((48_000, 2), np.int16))
    read_wave(tmp_path / "a.wav", rate=8000)
    tracemalloc.start()
    wave, _ = read_wave(tmp_path / "a.wav", rate=RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(wave) == 6 * 60 * RATE
    assert peak < 1.25 * wave.nbytes + 8e6


@pytest.mark.parametrize(
    "content", [b"", b"x", b"#EXTM3U\nhttp://localhost/a.mp3\n", b"RIFF", bytes(5000), b"\xff" * 5000]
)
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a", ".raw", ""])
def test_what_is_not_audio_is_refused_in_one_line(tmp_path, content, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    complaint(path, about="is empty" if not content else "not audio|no sound")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    complaint(tmp_path / "nothing.wav", about="does not exist")
    complaint(tmp_path, about="is a folder")
    with pytest.raises(AudioError, match="does not exist"):
        describe(tmp_path / "nothing.wav")
    if Path("/dev/zero").exists():
        with pytest.raises(AudioError, match="is not a file"):
            read_wave("/dev/zero")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only text in names")
def test_names_that_are_not_text_are_read_and_printed(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.wav"))
    write_wave(path, torch.zeros(10), RATE)
    assert len(read_wave(path)[0]) == 10
    path.write_bytes(b"no")
    with pytest.raises(AudioError) as caught:
        read_wave(path)
    assert str(caught.value).encode() and "\n" not in str(caught.value)


@pytest.mark.parametrize(("rate", "about"), [(0, "not audio|0 Hz"), (999, "999 Hz"), (10_000_000, "10000000 Hz")])
def test_a_header_with_an_absurd_rate_is_refused(tmp_path, rate, about):
    content = bytes_of(tmp_path, "wav")
    content[24:28] = struct.pack("<I", rate)
    (tmp_path / "a.wav").write_bytes(content)
    complaint(tmp_path / "a.wav", about=about)
    with pytest.raises(AudioError, match="1000 to 768000 Hz"):
        read_wave(tmp_path / "good", rate=5)


@pytest.mark.parametrize("channels", [0, 65, 6500])
def test_a_header_with_absurd_channels_is_refused(tmp_path, channels):
    content = bytes_of(tmp_path, "wav")
    content[22:24] = struct.pack("<H", channels)
    content[32:34] = struct.pack("<H", channels * 2)
    (tmp_path / "a.wav").write_bytes(content)
    complaint(tmp_path / "a.wav", about="channels|not audio")


@pytest.mark.parametrize("announced", [200_000, 4_000_000_000])
def test_a_wav_that_announces_more_than_it_holds_is_truncated(tmp_path, announced):
    content = bytes_of(tmp_path, "wav")
    content[40:44] = struct.pack("<I", announced)
    (tmp_path / "a.wav").write_bytes(content)
    message = complaint(tmp_path / "a.wav", about="truncated|claims")
    if announced < 1e9:
        assert "only 3.00 s could be read" in message


@pytest.mark.parametrize("announced", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_that_was_written_to_a_pipe_is_read(tmp_path, announced):
    content = bytes_of(tmp_path, "wav")
    content[4:8] = content[40:44] = struct.pack("<I", announced)
    (tmp_path / "a.wav").write_bytes(content)
    assert len(read_wave(tmp_path / "a.wav")[0]) == 3 * RATE
    assert describe(tmp_path / "a.wav").samples == 3 * RATE


@pytest.mark.parametrize("announced", [0, 1 << 20, (1 << 36) - 1])
def test_a_flac_that_lies_about_its_length(tmp_path, announced):
    content = bytes_of(tmp_path, "flac")
    facts = int.from_bytes(content[18:26], "big") >> 36 << 36
    content[18:26] = (facts | announced).to_bytes(8, "big")
    (tmp_path / "a.flac").write_bytes(content)
    if announced == 0:  # unknown, as encoders write to a pipe
        assert len(read_wave(tmp_path / "a.flac")[0]) == describe(tmp_path / "a.flac").samples == 3 * RATE
    else:
        complaint(tmp_path / "a.flac", about="claims 1193.0 hours" if announced >> 30 else "truncated.*only 3.00 s")


@pytest.mark.parametrize("name", ["wav", "flac", "aiff", "au", "mp3", "caf", "ogg", "opus"])
def test_a_truncated_file_is_refused(tmp_path, name):
    content = bytes_of(tmp_path, name, **({"subtype": "OPUS"} if name == "opus" else {}))
    path = tmp_path / f"a.{name}"
    path.write_bytes(content[: len(content) // 2])
    message = complaint(path, about="truncated|damaged|malformed")
    assert name == "caf" or re.search(r"(0\.[89]|1\.)\d+ s", message)


def test_samples_that_are_no_numbers_are_named(tmp_path):
    for value in (np.nan, np.inf, -np.inf, 1e30):
        sound = noise(100_000, 2)
        sound[80_000, 1] = value
        soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
        assert "sample 80000 (5.000 s)" in complaint(tmp_path / "a.wav", about="full scale is 1")


def test_a_file_without_samples_is_refused_by_both(tmp_path):
    for name in ("a.wav", "a.flac", "a.ogg"):
        write_wave(tmp_path / name, torch.zeros(0), RATE)
        complaint(tmp_path / name, about="holds no sound")
        with pytest.raises(AudioError, match="holds no sound"):
            describe(tmp_path / name)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3", "aiff", "caf"])
def test_mutated_files_are_read_or_refused_but_never_break_anything(tmp_path, name):
    random = np.random.default_rng(list(name.encode()))
    good = bytes_of(tmp_path, name, seconds=0.5)
    refused = 0
    for _ in range(25):
        content = bytearray(good)
        for place in random.integers(0, len(content) if random.random() < 0.5 else 100, random.integers(1, 20)):
            content[place] = random.integers(256)
        if random.random() < 0.3:
            del content[random.integers(1, len(content)) :]
        (tmp_path / f"a.{name}").write_bytes(content)
        try:
            wave, rate = read_wave(tmp_path / f"a.{name}", rate=RATE)
        except AudioError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            assert torch.isfinite(wave).all()
            assert rate == RATE
    assert refused


def test_suffixes_are_lower_case_and_hold_all_that_is_written():
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in AUDIO_SUFFIXES)
    assert set(WRITABLE) | MEDIA_SUFFIXES <= AUDIO_SUFFIXES
