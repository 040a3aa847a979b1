import gc
import os
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
import soundfile

from vocalise.data import cache as cache_module
from vocalise.data.cache import Cache
from vocalise.data.corpus import Corpus, Piece
from vocalise.data.prepare import prepare

RATE = 8000


def first(prepared):
    return prepared.wave(Piece(prepared.corpus.recordings[0]))


def entry(cache):
    (array,) = (cache / "wave").glob("*/*.npy")
    return array, array.with_suffix(".json")


def truncate(array, note):
    array.write_bytes(array.read_bytes()[:-100])


def flip(array, note):
    content = bytearray(array.read_bytes())
    content[5000] ^= 1
    array.write_bytes(content)


def lengthen(array, note):
    array.write_bytes(array.read_bytes() + b"\0")


DAMAGES = {
    "truncated": truncate,
    "one bit flipped": flip,
    "too long": lengthen,
    "array empty": lambda array, note: array.write_bytes(b""),
    "array gone": lambda array, note: array.unlink(),
    "note gone": lambda array, note: note.unlink(),
    "note empty": lambda array, note: note.write_bytes(b""),
    "note garbled": lambda array, note: note.write_bytes(b"\xff\x00{" * 20),
    "note altered": lambda array, note: note.write_text(note.read_text().replace("0", "1")),
    "note of something else": lambda array, note: cache_module.write_json(note, [1, 2]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_cache_entry_is_made_again(data, sing, cache, damage):
    sing("Ada/song.wav")
    corpus = Corpus.open(data, rate=RATE)
    whole = np.array(first(prepare(corpus)))
    damage(*entry(cache))
    assert np.array_equal(first(prepare(corpus)), whole)
    facts = Cache(cache).facts("wave", entry(cache)[0].stem)
    assert facts is not None and facts["samples"] == len(whole)


@pytest.mark.parametrize("moment", ["write_aside", "write_json", "file_digest"])
def test_a_preparation_killed_midway_leaves_nothing_wrong(data, sing, cache, monkeypatch, moment):
    sing("Ada/song.wav")
    corpus = Corpus.open(data, rate=RATE)

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            prepare(corpus)
    assert len(first(prepare(corpus))) == RATE
    assert not list(cache.glob("*/*/.*"))


def test_what_killed_programs_left_is_swept_away_after_a_day(cache):
    folder = cache / "wave" / "ab"
    folder.mkdir(parents=True)
    for name in (".old.npy", ".new.npy", "kept.npy"):
        (folder / name).write_bytes(b"half")
    for name in (".old.npy", "kept.npy"):
        os.utime(folder / name, (0, 0))
    Cache.open()
    assert sorted(path.name for path in folder.iterdir()) == [".new.npy", "kept.npy"]


def test_two_preparing_at_once_do_not_harm_each_other(data, sing):
    for number in range(6):
        sing(f"Ada/{number}.wav", 0.5, hz=200 + number)
    corpus = Corpus.open(data, rate=RATE)
    found = []
    threads = [threading.Thread(target=lambda: found.append(prepare(corpus))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    waves = [[np.array(one.wave(Piece(recording))) for recording in corpus.recordings] for one in found]
    assert all(np.array_equal(a, b) for other in waves for a, b in zip(waves[0], other, strict=True))


PREPARE = """
import sys
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
corpus = Corpus.open(sys.argv[1], rate=16000)
print("ready", flush=True)
prepare(corpus)
print("done", flush=True)
"""


@pytest.mark.slow
def test_killed_processes_and_two_at_once_end_in_the_same_cache(data, cache, tmp_path, monkeypatch):
    (data / "Ada").mkdir()
    for number in range(40):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, 44100)
        soundfile.write(data / f"Ada/{number}.flac", noise, 44100)
    start = partial(subprocess.Popen, [sys.executable, "-c", PREPARE, str(data)], stdout=subprocess.PIPE, text=True)
    for delay in (0.05, 0.15, 0.3):
        with start() as victim:
            assert victim.stdout.readline() == "ready\n"
            time.sleep(delay)
            victim.kill()
    with start() as one, start() as other:
        assert one.communicate()[0] == other.communicate()[0] == "ready\ndone\n"
        assert one.returncode == other.returncode == 0
    corpus = Corpus.open(data, rate=16000)
    shared = prepare(corpus)
    monkeypatch.setenv("VOCALISE_CACHE", str(tmp_path / "fresh"))
    fresh = prepare(corpus)
    assert shared.cache.folder != fresh.cache.folder and len(shared.corpus.recordings) == 40
    for piece in map(Piece, corpus.recordings):
        assert np.array_equal(shared.wave(piece), fresh.wave(piece))


def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_one(data, sing, tmp_path, monkeypatch):
    sing("Ada/song.wav")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VOCALISE_CACHE", str(tmp_path / "file" / "cache"))
    prepared = prepare(Corpus.open(data, rate=RATE))
    assert len(first(prepared)) == RATE
    (finding,) = prepared.findings
    assert finding.level == "warning" and "cannot be written" in finding.message and "VOCALISE_CACHE" in finding.remedy
    folder = prepared.cache.folder
    assert folder.is_dir()
    del prepared
    gc.collect()
    assert not folder.exists()
