"""The studio's workspace: what is taken in, what is found, and that nothing leads out of it."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vocalise.apps.studio.voicing import separator_of
from vocalise.apps.studio.workspace import Workspace, checked, tidy
from vocalise.errors import ConfigError, VocaliseError, VoiceError

HTML = b"<!doctype html><script>alert(1)</script>"


def beep(path: Path, seconds: float = 0.2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(round(16000 * seconds)) / 10), 16000, format="WAV")
    return path


@pytest.fixture
def space(tmp_path) -> Workspace:
    return Workspace(tmp_path / "space")


def uploaded(space: Workspace, name: str) -> Path:
    return beep(space.room("uploads") / "x" / name)


def test_a_song_is_taken_in_and_found_again(space):
    taken, refused = space.take_in("songs", [uploaded(space, "My Song.WAV")])
    assert refused == [] and [path.name for path in taken] == ["My Song.wav"]
    assert space.sounds() == ["songs/My Song.wav"]
    assert space.sound("songs/My Song.wav") == taken[0]
    assert not any(path.is_file() for path in space.room("uploads").rglob("*"))


def test_two_songs_of_one_name_are_both_kept(space):
    for _ in range(2):
        space.take_in("songs", [uploaded(space, "a.wav")])
    assert sorted(space.sounds()) == ["songs/a (2).wav", "songs/a.wav"]


def test_html_called_wav_is_refused_and_thrown_away(space):
    path = uploaded(space, "song.wav")
    path.write_bytes(HTML)
    taken, refused = space.take_in("songs", [path])
    assert taken == [] and [one.name for one in refused] == ["song.wav"]
    assert not path.exists() and space.sounds() == []
    assert str(space.folder) not in refused[0].why


def test_sound_called_html_is_refused(space):
    taken, refused = space.take_in("songs", [uploaded(space, "song.html")])
    assert taken == [] and "no sound file by its name" in refused[0].why


def test_a_file_that_was_not_uploaded_is_refused_and_left_alone(space, tmp_path):
    outside = beep(tmp_path / "private.wav")
    taken, refused = space.take_in("songs", [outside])
    assert taken == [] and len(refused) == 1 and outside.exists()
    with pytest.raises(ConfigError):
        space.take_voice(outside)


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/b",
        "a\\b",
        "",
        "  ",
        ".hidden",
        "a\0b",
        "a\nb",
        "<script>alert(1)</script>",
        "x" * 81,
        "CON",
        "nul.txt",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(space, name):
    with pytest.raises(ConfigError):
        checked(name)
    with pytest.raises(ConfigError):
        space.place("singers", name)


@pytest.mark.parametrize("name", ["ada", "Ada Lovelace", "수민", "O'Hara", "take 1 (2)", "ñandú"])
def test_names_of_people_are_fine(space, name):
    assert space.place("singers", name).parent == space.room("singers")


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\..\\x.wav", "<img src=x onerror=alert(1)>.wav", "con.wav", ".wav", "\0.wav", "x" * 300],
)
def test_a_file_name_is_made_harmless(name):
    kept = tidy(name)
    assert kept and not set(kept) & set("/\\<>\0:") and not kept.startswith(".") and len(kept) < 120


@pytest.mark.parametrize(
    "address",
    [
        *(
            "../secret.txt",
            "songs/../../secret.txt",
            "songs/..",
            "jobs/1/job.json",
            "uploads/x",
            "songs",
            "",
            "/etc/passwd",
        ),
        *("songs//a.wav", "songs/.hidden.wav", "songs\\..\\..\\secret.txt", "songs/a\0.wav", "songs/C:x", "x" * 5000),
    ],
)
def test_nothing_outside_the_public_rooms_is_found(space, address):
    (space.folder.parent / "secret.txt").write_text("secret")
    beep(space.room("songs") / "a.wav")
    beep(space.room("songs") / ".hidden.wav")
    with pytest.raises(ConfigError):
        space.found(address)


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_that_leads_out_is_no_file(space, tmp_path):
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (space.room("songs") / "link.wav").symlink_to(tmp_path / "secret.wav")
    with pytest.raises(ConfigError):
        space.found("songs/link.wav")


def test_a_result_is_no_song(space):
    beep(space.room("results") / "1" / "a.wav")
    assert space.found("results/1/a.wav").is_file()
    with pytest.raises(ConfigError):
        space.sound("results/1/a.wav")


@pytest.mark.parametrize("content", [b"", b"PK\3\4" + b"0" * 100, b"\xff" * 64, b"\x80\x04cos\nsystem\n"])
def test_a_hostile_voice_file_is_refused_and_thrown_away(space, content):
    path = uploaded(space, "voice.safetensors")
    path.write_bytes(content)
    with pytest.raises(VoiceError) as caught:
        space.take_voice(path)
    assert not path.exists() and space.voices() == {} and str(space.folder) not in str(caught.value)


def test_a_workspace_that_cannot_be_is_an_error_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VocaliseError, match="--workspace"):
        Workspace(tmp_path / "file")


def test_what_was_never_taken_in_is_swept_away(space):
    uploaded(space, "a.wav")
    space.sweep()
    assert list(space.room("uploads").iterdir()) == []


def test_a_separator_is_found_by_its_name_only(space):
    (space.room("separators") / "net.safetensors").write_bytes(b"x")
    assert list(space.separators()) == ["net"]
    with pytest.raises(ConfigError, match="is no file of the workspace"):
        space.found("separators/net.safetensors")
    for name in ("other", "../separators/net", "net.safetensors"):
        with pytest.raises(ConfigError, match="no separator"):
            separator_of(space, name)
    assert separator_of(space, "") is None and separator_of(space, None) is None
    with pytest.raises(ConfigError, match="no safetensors file"):
        separator_of(space, "net")
