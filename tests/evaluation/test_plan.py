"""The plan: which songs, whole or in part, are sung by whom, under names that every file system takes."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import soundfile

from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.data.records import Piece, Recording
from vocalise.errors import ConfigError
from vocalise.evaluation.plan import (
    Cast,
    Song,
    among,
    parse_pairs,
    parse_same,
    person,
    plan,
    safe_name,
    safe_names,
    section,
    whole_songs,
)

RATE = 16000


def song(singer: str, name: str = "song", why: str = "") -> Song:
    piece = Piece(Recording(Path(singer, f"{name}.wav"), singer, name, 2.0, RATE, 1, f"{singer}/{name}"))
    return Song(name=name, singer=singer, piece=piece, place=PurePosixPath(singer, name), why=why)


@dataclass(frozen=True)
class Sung:
    """A tone between silences."""

    before: float
    tone: float
    after: float = 0.0

    def write(self, path: Path) -> None:
        time = np.arange(round((self.before + self.tone + self.after) * RATE)) / RATE
        there = (time >= self.before) & (time < self.before + self.tone)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time) * there, RATE)


def opened(folder: Path, seconds: float | None = None) -> tuple[Song, ...]:
    prepared = prepare(Corpus.open(folder))
    return whole_songs(prepared, [Piece(one) for one in prepared.corpus.recordings], seconds)


def test_every_song_is_sung_by_every_singer_and_its_own_singer_is_a_reconstruction(tmp_path):
    jobs = plan([song("ada"), song("bob")], [Cast("one", ("ada", "bob")), Cast("two", ("bob", "cleo"))], tmp_path)
    told = [(job.system, job.song.singer, job.target, job.kind) for job in jobs]
    assert told == [
        ("one", "ada", "ada", "reconstruction"),
        ("one", "ada", "bob", "conversion"),
        ("one", "bob", "ada", "conversion"),
        ("one", "bob", "bob", "reconstruction"),
        ("two", "ada", "bob", "conversion"),
        ("two", "ada", "cleo", "conversion"),
        ("two", "bob", "bob", "reconstruction"),
        ("two", "bob", "cleo", "conversion"),
    ]
    assert jobs[1].path == tmp_path / "converted" / "one" / "ada" / "song--as-bob.wav"


def test_pairs_leave_only_what_they_name(tmp_path):
    songs, casts = [song("ada"), song("bob")], [Cast("one", ("ada", "bob"))]
    jobs = plan(songs, casts, tmp_path, pairs=(("ada", "bob"),))
    assert [(job.song.singer, job.target) for job in jobs] == [("ada", "bob")]


def test_two_names_of_one_person_make_a_reconstruction(tmp_path):
    jobs = plan([song("ada")], [Cast("one", ("ada", "ada-live"))], tmp_path, same={"ada-live": "ada"})
    assert {job.kind for job in jobs} == {"reconstruction"}


def test_a_voice_that_is_not_told_who_sings_is_asked_once_for_each_song(tmp_path):
    jobs = plan([song("ada"), song("bob")], [Cast("free", ("ada", "bob"), told=False)], tmp_path)
    assert [(job.song.singer, job.target, job.kind) for job in jobs] == [
        ("ada", "ada", "reconstruction"),
        ("bob", "bob", "reconstruction"),
    ]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [((("eve", "bob"),), "'eve' has no held-out song; those who have are ada"), ((("ada", "eve"),), "voices are bob")],
)
def test_unknown_names_in_pairs_are_refused_with_the_choices(tmp_path, pairs, words):
    with pytest.raises(ConfigError, match=words):
        plan([song("ada")], [Cast("one", ("bob",))], tmp_path, pairs=pairs)


def test_pairs_and_persons_are_read_from_words():
    assert parse_pairs("ada>bob, bob > ada,ada>bob") == (("ada", "bob"), ("bob", "ada"))
    assert parse_pairs(None) is None
    assert parse_same(["torah-c=torah-f", "a=b,b=c"]) == {"torah-f": "torah-c", "b": "a", "c": "a"}
    joined = parse_same(["a=b", "c=d", "b=d"])
    assert {person(name, joined) for name in "abcd"} == {"a"}


def test_a_person_goes_by_a_name_that_has_recordings():
    same = parse_same(["ada=ada-live", "ada=ada-home"])
    assert among(same, {"ada", "ada-live"}) == {"ada-live": "ada", "ada-home": "ada"}
    assert among(same, {"ada-home", "bob"}) == {"ada": "ada-home", "ada-live": "ada-home"}
    assert among(same, ()) == same


@pytest.mark.parametrize("words", ["ada", "ada>", ">bob", ","])
def test_pairs_that_are_none_are_refused(words):
    with pytest.raises(ConfigError, match="--pairs"):
        parse_pairs(words)


@pytest.mark.parametrize("words", ["ada", "ada=ada", "=bob"])
def test_persons_that_are_none_are_refused(words):
    with pytest.raises(ConfigError, match="--same"):
        parse_same([words])


def test_sections_are_names_that_differ_in_trailing_digits_only():
    names = ("alto1", "alto2", "bass1", "ada", "take9")
    assert [section(name, names) for name in names] == ["alto", "alto", "", "", ""]


def test_an_excerpt_begins_with_the_first_sound_and_lasts_as_long_as_it_sounds(tmp_path):
    Sung(before=1.2, tone=6.0, after=2.0).write(tmp_path / "ada" / "late.wav")
    (late,) = opened(tmp_path, seconds=3.0)
    assert (late.piece.start, late.piece.stop) == (1.0, pytest.approx(4.0, abs=0.51))
    (whole,) = opened(tmp_path)
    assert whole.piece.seconds == pytest.approx(9.2)


def test_a_short_song_is_taken_whole_and_a_shorter_one_says_so(tmp_path):
    Sung(before=0.0, tone=0.3).write(tmp_path / "ada" / "brief.wav")
    Sung(before=0.0, tone=0.05).write(tmp_path / "ada" / "blip.wav")
    blip, brief = opened(tmp_path, seconds=20.0)
    assert blip.why == "it is 0.05 s short" and not brief.why
    assert brief.piece.seconds == pytest.approx(0.3)


def test_a_silent_stretch_says_so(tmp_path):
    Sung(before=0.0, tone=2.0, after=3.0).write(tmp_path / "ada" / "song.wav")
    prepared = prepare(Corpus.open(tmp_path))
    (recording,) = prepared.corpus.recordings
    (end,) = whole_songs(prepared, [Piece(recording, 3.0, 5.0)], None)
    assert "silent" in end.why


def test_two_recordings_of_one_name_get_two_names_and_two_places(tmp_path):
    Sung(before=0.0, tone=1.0).write(tmp_path / "ada" / "song.wav")
    Sung(before=0.0, tone=1.5).write(tmp_path / "ada" / "Song.flac")
    songs = opened(tmp_path)
    assert len({one.name for one in songs}) == 2
    assert len({str(one.place).casefold() for one in songs}) == 2


def test_songs_in_folders_keep_them_apart_in_their_file_names(tmp_path):
    Sung(before=0.0, tone=1.0).write(tmp_path / "ada" / "a" / "song.wav")
    Sung(before=0.0, tone=1.5).write(tmp_path / "ada" / "b" / "song.wav")
    assert [str(one.place) for one in opened(tmp_path)] == ["ada/a_song", "ada/b_song"]


def test_names_are_made_fit_for_any_file_system():
    assert safe_name('a/b:"c"?') == "a_b__c__"
    assert safe_name("..") == "_"
    assert safe_names(["Ada", "ada", "a?a", "a*a"]) == {"Ada": "Ada", "ada": "ada (2)", "a?a": "a_a", "a*a": "a_a (2)"}
