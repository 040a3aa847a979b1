"""Files and folders become files and folders: none is lost, none is overwritten, and a failure stops nothing."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.conversion.stand_ins import Strike
from vocalise.audio.files import describe
from vocalise.conversion import Converter, convert_files, read_pitch_csv
from vocalise.conversion.ledger import plan_files
from vocalise.errors import AudioError, ConfigError, UnknownSinger, Unsupported


def song(path: Path, *, samples: int = 3000, rate: int = 22050, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.1 * np.random.default_rng(samples).standard_normal((samples, channels)).clip(-3, 3)
    soundfile.write(path, wave, rate)
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("out_rate", [None, 16000, 22050, 48000])
@pytest.mark.parametrize(("suffix", "channels"), [(".wav", 2), (".flac", 6), (".mp3", 1)])
def test_a_file_becomes_a_file_of_the_exact_length(
    quick: Converter, tmp_path: Path, suffix: str, channels: int, out_rate: int | None
) -> None:
    source, target = song(tmp_path / f"song{suffix}", samples=22051, channels=channels), tmp_path / "sung.flac"
    ledger = convert_files(quick, [source], target, to="ada", out_rate=out_rate)
    assert ledger.ok and not ledger.entries[0].why and ledger.of("converted")[0].seconds == pytest.approx(1.0, abs=0.1)
    heard, rate = soundfile.read(source)
    facts = describe(target)
    assert facts.rate == (out_rate or 16000) and facts.channels == 1
    assert facts.samples == round(len(heard) * facts.rate / rate)
    assert names(tmp_path) == ["song" + suffix, "sung.flac"]


def test_the_same_seed_gives_the_same_file(quick: Converter, tmp_path: Path) -> None:
    source = song(tmp_path / "song.wav", samples=60_000)
    targets = [tmp_path / f"{n}.wav" for n in range(3)]
    for target, seed in zip(targets, (1, 1, 2), strict=True):
        quick.convert_file(source, target, to="ada=0.5,Bob=0.5", seed=seed)
    first, second, third = (target.read_bytes() for target in targets)
    assert first == second != third


def test_a_folder_is_mirrored_and_the_work_goes_on_after_failures(quick: Converter, tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    for name in ("b.wav", "a/x.flac", "a/y.mp3", ".hidden.wav", ".git/z.wav"):
        song(songs / name)
    (songs / "a" / "cover.jpg").write_bytes(b"no sound")
    (songs / "broken.wav").write_bytes(b"RIFF")
    said: list[str] = []
    ledger = convert_files(
        quick, [songs], tmp_path / "out", to="ada", progress=lambda what, done, total, note="": said.append(what)
    )
    assert names(tmp_path / "out") == ["a/x.wav", "a/y.wav", "b.wav"]
    assert [entry.source.name for entry in ledger.of("converted")] == ["b.wav", "x.flac", "y.mp3"]
    assert [entry.source.name for entry in ledger.of("skipped")] == ["cover.jpg"]
    (failed,) = ledger.of("failed")
    assert "broken.wav" in failed.why and not ledger.ok and "singing b.wav and 2 more (1 of 5)" in said
    again = convert_files(quick, [songs], tmp_path / "out", to="Bob")
    assert not again.of("converted") and all("--overwrite" in e.why for e in again.of("skipped") if e.target)
    before = (tmp_path / "out" / "b.wav").read_bytes()
    assert len(convert_files(quick, [songs], tmp_path / "out", to="ada", seed=5, overwrite=True).of("converted")) == 3
    assert (tmp_path / "out" / "b.wav").read_bytes() != before


def test_names_that_would_meet_are_kept_apart(tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    for name in ("a.wav", "a.mp3", "A.flac", "a.mp3.ogg", "b.wav"):
        song(songs / name)
    planned = plan_files([songs], tmp_path / "out")
    targets = [str(entry.target.relative_to(tmp_path / "out")).casefold() for entry in planned]
    assert sorted(targets) == ["a.flac.wav", "a.mp3 (2).wav", "a.mp3.wav", "a.wav.wav", "b.wav"]


def test_several_sources_keep_their_folders(tmp_path: Path) -> None:
    sources = [song(tmp_path / "one" / "a.wav").parent, song(tmp_path / "two" / "a.wav").parent]
    loose = song(tmp_path / "c.wav")
    planned = plan_files([*sources, loose, tmp_path / "missing.wav"], tmp_path / "out" / "*.flac")
    targets = [entry.target.relative_to(tmp_path / "out").as_posix() for entry in planned]
    assert targets == ["one/a.flac", "two/a.flac", "c.flac", "missing.flac"]


def test_results_inside_the_folder_of_songs_are_not_songs(quick: Converter, tmp_path: Path) -> None:
    song(tmp_path / "a.wav")
    for _ in range(2):
        convert_files(quick, [tmp_path], tmp_path / "sung", to="ada")
    assert names(tmp_path) == ["a.wav", "sung/a.wav"]
    with pytest.raises(AudioError, match="folder of the songs"):
        convert_files(quick, [tmp_path], tmp_path, to="ada")


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_song_is_ever_written_over(quick: Converter, tmp_path: Path, overwrite: bool) -> None:
    first, second = song(tmp_path / "a.wav"), song(tmp_path / "b.wav", samples=4000)
    before = first.read_bytes(), second.read_bytes()
    (tmp_path / "link.wav").symlink_to(first)
    with pytest.raises(AudioError, match="is the song itself"):
        quick.convert_file(first, tmp_path / "link.wav", to="ada")
    for sources, target in (([first], first), ([first, second], tmp_path), ([first], tmp_path / "link.wav")):
        ledger = convert_files(quick, sources, target, to="ada", overwrite=overwrite)
        assert len(ledger.of("failed")) == len(sources) and "is a song to be converted" in ledger.entries[0].why
    convert_files(quick, [first], tmp_path / "new.wav", pitch_out=second, to="ada", overwrite=overwrite)
    convert_files(quick, [first], tmp_path / "new.wav", pitch_out=first, to="ada", overwrite=overwrite)
    assert first.read_bytes() == before[0]


def test_wishes_are_judged_before_any_work(quick: Converter, tmp_path: Path) -> None:
    source = song(tmp_path / "songs" / "a.wav")
    out = tmp_path / "out"
    with pytest.raises(UnknownSinger, match="Did you mean 'ada'"):
        convert_files(quick, [source], out, to="Adda")
    with pytest.raises(ConfigError, match="temperature"):
        convert_files(quick, [source], out, to="ada", temperature=-1)
    with pytest.raises(Unsupported, match="--transpose"):
        convert_files(quick, [source], out, to="ada", transpose=1)
    with pytest.raises(AudioError, match="MPEG_LAYER_III cannot hold 96000 Hz"):
        convert_files(quick, [source], out / "*.mp3", to="ada", out_rate=96000)
    with pytest.raises(AudioError, match=r"not written as \.xyz"):
        convert_files(quick, [source], tmp_path / "a.xyz", to="ada")
    with pytest.raises(AudioError, match="give a folder"):
        convert_files(quick, [source, source], tmp_path / "a.wav", to="ada")
    with pytest.raises(AudioError, match="nothing to convert"):
        convert_files(quick, [], out, to="ada")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AudioError, match="no sound file in"):
        convert_files(quick, [tmp_path / "empty"], out, to="ada")
    assert not out.exists()


def test_what_is_missing_is_in_the_ledger(quick: Converter, tmp_path: Path) -> None:
    ledger = convert_files(quick, [tmp_path / "none.wav", song(tmp_path / "a.wav")], tmp_path / "out", to="ada")
    assert [entry.state for entry in ledger.entries] == ["failed", "converted"]
    assert re.search("none.wav.*does not exist", ledger.entries[0].why)


def test_a_broken_conversion_leaves_no_half_file(
    quick: Converter, remade: Callable[..., Converter], tmp_path: Path
) -> None:
    source, target = song(tmp_path / "a.wav"), tmp_path / "out" / "a.wav"
    convert_files(quick, [source], target.parent, to="ada")
    before = target.read_bytes()
    hop = quick.voice.model.hop
    with pytest.raises(KeyboardInterrupt):
        convert_files(
            remade(decoder=Strike(hop, KeyboardInterrupt())), [source], target.parent, to="ada", overwrite=True
        )
    assert target.read_bytes() == before and names(tmp_path / "out") == ["a.wav"]
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA out of memory")):
        strike = remade(decoder=Strike(hop, error))
        (entry,) = convert_files(strike, [source], target.parent, to="ada", overwrite=True).entries
        assert entry.state == "failed" and "memory" in entry.why
    assert target.read_bytes() == before


def test_the_measured_pitch_goes_beside_the_songs(quick: Converter, tmp_path: Path) -> None:
    source = song(tmp_path / "songs" / "a.wav", samples=22050)
    convert_files(quick, [source], tmp_path / "a.wav", pitch_out=tmp_path / "a.csv", to="ada")
    contour = read_pitch_csv(tmp_path / "a.csv")
    assert len(contour.pitch) == 201 and contour.hop == pytest.approx(0.005)
    convert_files(quick, [source.parent], tmp_path / "out", pitch_out=tmp_path / "curves", to="ada")
    assert names(tmp_path / "curves") == ["a.wav.csv"]


def test_silence_in_a_file_comes_out_as_silence(remade: Callable[..., Converter], tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(5001), 44100)
    converter = remade(decoder=Strike(800, AssertionError("sung")))
    ledger = convert_files(converter, [tmp_path / "a.wav"], tmp_path / "b.wav", to="ada", out_rate=44100)
    assert ledger.ok and "result is silent" in ledger.entries[0].why
    sung, rate = soundfile.read(tmp_path / "b.wav")
    assert rate == 44100 and sung.shape == (5001,) and not sung.any()


def test_a_folder_that_is_missing_is_made(quick: Converter, tmp_path: Path) -> None:
    source = song(tmp_path / "song.wav")
    ledger = convert_files(quick, [source], tmp_path / "new" / "folder" / "out.wav", to="ada")
    assert ledger.ok and (tmp_path / "new" / "folder" / "out.wav").is_file()
