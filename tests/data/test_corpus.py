import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from vocalise.data import headers
from vocalise.data.corpus import Corpus
from vocalise.errors import CorpusError


def said(corpus, words):
    return [one for one in corpus.findings if words in one.message]


def test_the_first_folder_below_the_corpus_is_the_singer(data, sing):
    sing("Ada/one.wav")
    sing("Ada/deep/er/two.flac", hz=210)
    sing("Bob/one.wav", 2.0, hz=220, rate=22050, channels=2)
    corpus = Corpus.open(data, rate=8000)
    assert corpus.singers == ("Ada", "Bob")
    assert [(one.singer, one.song) for one in corpus.recordings] == [
        ("Ada", "deep/er/two"),
        ("Ada", "one"),
        ("Bob", "one"),
    ]
    bob = corpus.recordings[-1]
    assert (bob.seconds, bob.rate, bob.channels) == (2.0, 22050, 2)
    assert corpus.seconds == {"Ada": 2.0, "Bob": 2.0}
    assert corpus.findings == ()


def test_stray_files_in_the_root_never_shift_a_label(data, sing):
    sing("Bob/song.wav")
    before = Corpus.open(data)
    sing("Aaa.wav", hz=300)
    (data / "README.txt").write_text("read me")
    after = Corpus.open(data)
    assert after.singers == before.singers and after.recordings == before.recordings
    (stray,) = said(after, "Aaa.wav lies beside")
    assert stray.level == "warning" and stray.singer is None and stray.remedy
    assert said(after, "README.txt lies beside")[0].level == "note"


def test_hidden_files_and_folders_are_passed_over(data, sing):
    sing("Ada/song.wav")
    sing("Ada/._song.wav", hz=300)
    sing("Ada/.trash/old.wav", hz=310)
    sing(".git/Bob/song.wav", hz=320)
    sing("__MACOSX/song.wav", hz=330)
    corpus = Corpus.open(data)
    assert [one.path.name for one in corpus.recordings] == ["song.wav"]
    assert corpus.singers == ("Ada",)


def test_one_unreadable_file_never_ends_the_work(data, sing):
    sing("Ada/good.wav")
    (data / "Ada/empty.wav").write_bytes(b"")
    (data / "Ada/text.mp3").write_text("this is not music\n" * 100)
    (data / "Ada/lost.wav").symlink_to(data / "nowhere.wav")
    (data / "Ada/itself.wav").symlink_to(data / "Ada/itself.wav")
    if os.name == "posix":
        os.mkfifo(data / "Ada/pipe.wav")
    sing("Bob/song.wav", hz=250)
    (data / "Cleo").mkdir()
    (data / "Dora").mkdir()
    (data / "Dora/broken.flac").write_bytes(b"fLaC" + bytes(100))
    corpus = Corpus.open(data)
    assert corpus.singers == ("Ada", "Bob")
    assert [one.path.name for one in corpus.recordings] == ["good.wav", "song.wav"]
    found = {one.path.name: one for one in corpus.findings if one.path}
    for name in ("empty.wav", "text.mp3", "lost.wav", "itself.wav", "Cleo", "broken.flac"):
        assert found[name].level == "warning" and found[name].remedy and "\n" not in found[name].message
    assert said(corpus, "Dora has no recording left")


def test_a_folder_named_like_a_sound_file_is_a_folder(data, sing):
    sing("Ada/takes.wav/one.wav")
    sing("Bob.wav/one.wav", hz=250)
    corpus = Corpus.open(data)
    assert [(one.singer, one.song) for one in corpus.recordings] == [("Ada", "takes.wav/one"), ("Bob.wav", "one")]


def test_links_in_a_circle_end(data, sing):
    sing("Ada/songs/one.wav")
    (data / "Ada/songs/again").symlink_to(data / "Ada", target_is_directory=True)
    (data / "Ada/all").symlink_to(data, target_is_directory=True)
    corpus = Corpus.open(data)
    assert [one.song for one in corpus.recordings] == ["songs/one"]
    assert len(said(corpus, "was reached before")) == 2


def test_a_linked_folder_is_followed(data, sing, tmp_path):
    sing("Ada/one.wav")
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(sing("Ada/two.wav", hz=230), tmp_path / "elsewhere/far.wav")
    (data / "Bob").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert Corpus.open(data).singers == ("Ada", "Bob")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_any_unicode_form_are_one_singer(data, sing, form):
    name = unicodedata.normalize(form, "Zoë Ångström")
    sing(f"{name}/Grüße 歌.wav")
    corpus = Corpus.open(data, singers=["Zoë Ångström"])
    assert corpus.singers == ("Zoë Ångström",)
    assert corpus.recordings[0].song == "Grüße 歌"


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are always text there")
def test_a_name_that_is_not_text_can_be_said(data, sing):
    sing("Ada/song.wav")
    folder = data / os.fsdecode(b"B\xff")
    folder.mkdir()
    shutil.copy(sing("Ada/two.wav", hz=230), folder / os.fsdecode(b"\xfe.wav"))
    corpus = Corpus.open(data)
    assert len(corpus.singers) == 2
    for text in (*corpus.singers, *(one.song for one in corpus.recordings)):
        text.encode("utf-8")


def test_patterns_choose_the_sung_half_of_a_collection(data, sing):
    for singer, hz in (("ADIZ", 200), ("JLEE", 250)):
        sing(f"{singer}/sing/01.wav", hz=hz)
        sing(f"{singer}/read/01.wav", hz=hz + 5)
    corpus = Corpus.open(data, include=["*/sing/*"])
    assert [(one.singer, one.song) for one in corpus.recordings] == [("ADIZ", "sing/01"), ("JLEE", "sing/01")]
    assert Corpus.open(data, exclude=["*/read/*"]).recordings == corpus.recordings


def test_a_pattern_without_slash_names_files_anywhere(data, sing):
    sing("Ada/deep/take1.wav")
    sing("Ada/take2.wav", hz=210)
    assert [one.song for one in Corpus.open(data, include=["take1*"]).recordings] == ["deep/take1"]


def test_patterns_that_leave_nothing_are_an_error(data, sing):
    sing("Ada/song.wav")
    with pytest.raises(CorpusError, match=r"--include \*/sung/\* leaves none of 1 files.*Ada/song.wav"):
        Corpus.open(data, include=["*/sung/*"])


def test_an_unknown_singer_is_refused_with_the_choices(data, sing):
    sing("Ada/song.wav")
    sing("Bob/song.wav", hz=250)
    with pytest.raises(CorpusError, match=r"no singer 'Eve'.*Ada, Bob"):
        Corpus.open(data, singers=["Ada", "Eve"])
    assert Corpus.open(data, singers=["Bob", "Bob"]).singers == ("Bob",)


def test_what_is_no_corpus_is_refused_in_one_line(data, sing, tmp_path):
    song = sing("song.wav")
    for folder, words in (
        (data, "one folder for each singer"),
        (song, "is a file"),
        (tmp_path / "no", "does not exist"),
    ):
        with pytest.raises(CorpusError, match=words) as caught:
            Corpus.open(folder)
        assert "\n" not in str(caught.value)
    (data / "Ada").mkdir()
    (data / "Ada/bad.wav").write_bytes(b"RIFF")
    with pytest.raises(CorpusError, match=r"none of 1 sound files can be read.*bad\.wav"):
        Corpus.open(data)


def test_copies_across_singers_are_found_and_copies_of_one_singer_dropped(data, sing):
    song = sing("Ada/song.wav")
    shutil.copy(song, data / "Ada/song copy.wav")
    (data / "Bob").mkdir()
    shutil.copy(song, data / "Bob/mine.wav")
    corpus = Corpus.open(data)
    assert [one.singer for one in corpus.recordings] == ["Ada", "Bob"]
    (shared,) = said(corpus, "of Bob is the same file as")
    assert shared.level == "warning" and "Ada" in shared.message
    assert said(corpus, "is passed over")[0].level == "note"


def test_low_rates_are_pointed_out(data, sing):
    sing("Ada/song.wav", rate=8000)
    (low,) = Corpus.open(data, rate=16000).findings
    assert "no sound above 4000 Hz" in low.message and low.singer == "Ada"


def test_the_fingerprint_follows_the_contents_not_the_place(data, sing, tmp_path):
    song = sing("Ada/song.wav")
    sing("Bob/song.wav", hz=250)
    first = Corpus.open(data).fingerprint
    shutil.move(data, tmp_path / "moved")
    (tmp_path / "moved/Ada/song.wav").rename(tmp_path / "moved/Ada/renamed.wav")
    assert Corpus.open(tmp_path / "moved").fingerprint == first
    (tmp_path / "moved/Ada").rename(tmp_path / "moved/Eve")
    assert Corpus.open(tmp_path / "moved").fingerprint != first
    assert not song.exists()


def test_headers_are_remembered_until_a_file_changes(data, sing, monkeypatch):
    song = sing("Ada/song.wav")
    sing("Bob/song.wav", hz=250)
    monkeypatch.setattr(headers, "SETTLED", -1.0)
    first = Corpus.open(data)
    looked = []
    describe = headers.describe
    monkeypatch.setattr(headers, "describe", lambda path: looked.append(path) or describe(path))
    assert Corpus.open(data) == first and looked == []
    stamp = song.stat()
    sing("Ada/song.wav", hz=300)
    os.utime(song, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = Corpus.open(data)
    assert looked == [song] and song.stat().st_size == stamp.st_size
    assert second.fingerprint != first.fingerprint


def test_a_fresh_file_is_not_trusted_to_stay(data, sing, monkeypatch):
    sing("Ada/song.wav")
    Corpus.open(data)
    looked = []
    describe = headers.describe
    monkeypatch.setattr(headers, "describe", lambda path: looked.append(path) or describe(path))
    Corpus.open(data)
    assert len(looked) == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"\x00" * 50, b'abc\n{"a": 1}'])
def test_damaged_notes_on_headers_are_made_again(data, sing, cache, monkeypatch, damage):
    monkeypatch.setattr(headers, "SETTLED", -1.0)
    sing("Ada/song.wav")
    first = Corpus.open(data)
    (notes,) = (cache / "headers").iterdir()
    whole = notes.read_bytes()
    notes.write_bytes(damage)
    assert Corpus.open(data) == first
    assert notes.read_bytes() == whole


def test_a_cache_that_cannot_be_written_does_not_stop_the_scan(data, sing, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VOCALISE_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(headers, "SETTLED", -1.0)
    sing("Ada/song.wav")
    assert Corpus.open(data).singers == ("Ada",)


def table(data: Path, text: str | bytes) -> None:
    (data / "singers.csv").write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "path,singer\none.wav,Ada\nsub/two.wav,Bob\n",
        b"\xef\xbb\xbfpath,singer\r\none.wav,Ada\r\nsub/two.wav,Bob\r\n",
        'Singer;"Path"\n"Ada";"one.wav"\nBob; sub/two.wav\n\n',
        "id\tpath\tsinger\n1\tone.wav\tAda\n2\tsub\\two.wav\tBob",
    ],
)
def test_a_table_names_the_singers_of_any_folder(data, sing, text):
    sing("one.wav")
    sing("sub/two.wav", hz=250)
    sing("sub/unlisted.wav", hz=260)
    table(data, text)
    corpus = Corpus.open(data, rate=8000)
    assert [(one.singer, one.path.name) for one in corpus.recordings] == [("Ada", "one.wav"), ("Bob", "two.wav")]
    assert corpus.findings == ()


def test_a_table_may_name_folders_songs_and_quoted_paths(data, sing):
    sing('a, "b".wav')
    sing("takes/x.wav", hz=250)
    sing("takes/y.wav", hz=260)
    table(data, 'path,singer,song\n"a, ""b"".wav",Zoë,Alleluia\ntakes,Bob,\n')
    corpus = Corpus.open(data)
    assert [(one.singer, one.song) for one in corpus.recordings] == [
        ("Bob", "takes/x"),
        ("Bob", "takes/y"),
        ("Zoë", "Alleluia"),
    ]


def test_a_table_with_faults_loses_only_the_faulty_lines(data, sing):
    sing("one.wav")
    table(data, "path,singer\nmissing.wav,Ada\none.wav,Ada\none.wav,Bob\n,Eve\nx\n")
    corpus = Corpus.open(data)
    assert corpus.singers == ("Ada",)
    assert said(corpus, "line 2: missing.wav does not exist")
    assert said(corpus, "line 4: one.wav already belongs to Ada")
    assert len(said(corpus, "path or singer is missing")) == 2


@pytest.mark.parametrize("text", ["", "file,name\none.wav,Ada\n", b"path,singer\n\xff\xfe,Ada\n", "path,singer\n"])
def test_a_table_that_is_none_is_refused_in_one_line(data, sing, text):
    sing("one.wav")
    table(data, text)
    with pytest.raises(CorpusError) as caught:
        Corpus.open(data)
    assert "singers.csv" in str(caught.value) and "\n" not in str(caught.value)
