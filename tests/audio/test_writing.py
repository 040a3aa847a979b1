import errno
import os
from pathlib import Path

import pytest
import soundfile
import torch

from vocalise.audio.files import check_writable, read_wave, write_aside, write_wave
from vocalise.errors import AudioError


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) - 0.5


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [
        ("a.wav", None, 2.0**-15),
        ("a.wav", "PCM_24", 2.0**-23),
        ("a.wav", "FLOAT", 0.0),
        ("a.flac", None, 2.0**-15),
        ("a.FLAC", "pcm_24", 2.0**-23),
    ],
)
def test_lossless_files_are_right_to_half_a_level(tmp_path, name, subtype, step):
    wave = noise(10_000)
    write_wave(tmp_path / name, wave, 16_000, subtype=subtype)
    back, rate = read_wave(tmp_path / name)
    assert rate == 16_000
    assert (back - wave).abs().max() <= step / 2 + 2e-8
    assert abs(float((back - wave).double().mean())) <= step / 50


def test_sixteen_bits_come_back_bit_for_bit(tmp_path):
    wave = torch.arange(-32_768, 32_768) / 32_768
    write_wave(tmp_path / "a.wav", wave, 16_000)
    assert torch.equal(read_wave(tmp_path / "a.wav")[0], wave)


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.mp3"])
def test_lossy_files_sound_alike(tmp_path, name):
    wave = torch.sin(torch.arange(32_000) * 0.1) * 0.5
    write_wave(tmp_path / name, wave, 16_000)
    back, _ = read_wave(tmp_path / name, rate=16_000)
    assert len(back) == len(wave)
    middle = slice(4000, 28_000)
    assert torch.corrcoef(torch.stack([back[middle], wave[middle]]))[0, 1] > 0.98


def test_opus_in_an_ogg_file(tmp_path):
    write_wave(tmp_path / "a.ogg", noise(48_000), 48_000, subtype="opus")
    assert soundfile.info(tmp_path / "a.ogg").subtype == "OPUS"


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.mp3"])
@pytest.mark.parametrize("samples", [0, 1, 6])
def test_next_to_nothing_can_be_written(tmp_path, name, samples):
    write_wave(tmp_path / name, noise(samples), 96_000, to_rate=16_000)
    assert (tmp_path / name).exists()
    if name in ("a.wav", "a.flac"):
        assert soundfile.info(tmp_path / name).samplerate == 16_000
        assert samples < 6 or soundfile.info(tmp_path / name).frames == 1


def test_channels_and_another_rate(tmp_path):
    write_wave(tmp_path / "a.wav", noise(6, 200_001), 16_000, to_rate=44_100)
    facts = soundfile.info(tmp_path / "a.wav")
    assert (facts.channels, facts.samplerate, facts.frames) == (6, 44_100, round(200_001 * 441 / 160))


def test_beyond_full_scale_is_clipped_not_wrapped(tmp_path):
    for subtype in ("PCM_16", "PCM_24", "FLOAT"):
        write_wave(tmp_path / "a.wav", torch.tensor([-3.0, 3.0, 0.0]), 16_000, subtype=subtype)
        assert torch.allclose(read_wave(tmp_path / "a.wav")[0], torch.tensor([-1.0, 1.0, 0.0]), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype", "message"),
    [
        ("a.xyz", 16_000, 1, None, r"\.xyz; choose \.wav, \.flac"),
        ("a", 16_000, 1, None, "without suffix; choose .wav"),
        ("a.mp3", 96_000, 1, None, "cannot hold 96000 Hz; choose 8000, 11025"),
        ("a.mp3", 16_000, 3, None, "holds 1 to 2 channels, not 3"),
        ("a.opus", 44_100, 1, None, "OPUS cannot hold 44100 Hz; choose 8000, 12000, 16000, 24000, 48000"),
        ("a.ogg", 22_050, 1, "OPUS", "OPUS cannot hold 22050 Hz"),
        ("a.flac", 768_000, 1, None, "choose 1000 to 655350 Hz"),
        ("a.wav", 0, 1, None, "not written at 0 Hz"),
        ("a.wav", 16_000, 0, None, "not 0"),
        ("a.flac", 16_000, 1, "FLOAT", "choose PCM_16, PCM_24"),
        ("nowhere/a.wav", 16_000, 1, None, "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_refused_with_the_choices(tmp_path, name, rate, channels, subtype, message):
    with pytest.raises(AudioError, match=message) as caught:
        check_writable(tmp_path / name, rate, channels, subtype=subtype)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.oga", "a.opus", "a.mp3"])
def test_whatever_is_not_refused_can_be_written(tmp_path, name):
    written = 0
    for rate in (1000, 8000, 11_025, 16_000, 44_100, 48_000, 96_000, 192_000, 655_350, 700_001, 768_000):
        for channels in (1, 2, 8, 64):
            try:
                check_writable(tmp_path / name, rate, channels)
            except AudioError:
                continue
            write_wave(tmp_path / name, noise(channels, 2000), rate)
            written += 1
    assert written >= 6


def test_a_folder_or_device_is_never_replaced(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(AudioError, match="is a folder or device"):
        write_wave(tmp_path / "a.wav", noise(10), 16_000)
    with pytest.raises(OSError, match="not a file"), write_aside(os.devnull):
        pass
    assert not Path(os.devnull).is_file()


def test_a_sample_that_is_no_number_is_named_and_nothing_written(tmp_path):
    wave = noise(100_000)
    wave[80_000] = float("nan")
    with pytest.raises(AudioError, match=r"Sample 80000 \(5\.000 s\) is not a finite number"):
        write_wave(tmp_path / "a.wav", wave, 16_000)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_write_replaces_and_leaves_nothing_beside_it(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with write_aside(target) as aside:
        assert aside.parent == tmp_path
        assert aside.suffix == ".txt"
        assert aside.name.startswith(".")
        aside.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("fault", [RuntimeError("bug"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path, fault):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(fault)), write_aside(target) as aside:
        aside.write_text("half of the n")
        raise fault
    assert target.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("old")
    link = tmp_path / "link.txt"
    try:
        link.symlink_to(tmp_path / "real" / "a.txt")
    except OSError:
        pytest.skip("this system lets only administrators make links")
    with write_aside(link) as aside:
        aside.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "new"


def full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_at_the_end_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    write_wave(tmp_path / "a.wav", torch.zeros(10), 16_000)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AudioError, match=r"a\.wav cannot be written: No space left on device") as caught:
        write_wave(tmp_path / "a.wav", noise(1000), 16_000)
    monkeypatch.undo()
    assert "\n" not in str(caught.value)
    assert leftovers(tmp_path) == []
    assert torch.equal(read_wave(tmp_path / "a.wav")[0], torch.zeros(10))


@pytest.mark.skipif(os.name == "nt", reason="no limits on file size")
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.mp3"])
@pytest.mark.parametrize("limit", [0, 100, 5000])
def test_a_disk_that_fills_on_the_way_is_noticed(tmp_path, name, limit):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(AudioError, match="cannot be written"):
            write_wave(tmp_path / name, noise(100_000), 16_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
