from pathlib import Path

import pytest

from vocalise.data.corpus import Recording
from vocalise.data.split import GUARD, SHORTEST, split
from vocalise.errors import ConfigError


def recording(singer: str, song: str, seconds: float, digest: str = "") -> Recording:
    return Recording(Path(f"{singer}/{song}.wav"), singer, song, seconds, 16000, 1, digest or f"{singer}/{song}")


def shares(recordings, parts):
    total: dict[str, float] = {}
    for one in recordings:
        total[one.singer] = total.get(one.singer, 0.0) + one.seconds
    return {
        name: sum(piece.seconds for piece in parts if piece.recording.singer == name) / total[name] for name in total
    }


def test_about_a_tenth_is_held_out_by_song_and_never_more_than_half():
    recordings = [recording("Ada", f"a{n}", 20.0 + n) for n in range(30)]
    recordings += [recording("Bob", f"b{n}", 200.0 + 10 * n) for n in range(5)]
    recordings += [recording("Cleo", "long", 300.0), recording("Cleo", "short", 100.0)]
    done = split(recordings, 0.1)
    share = shares(recordings, done.held_out)
    assert 0.06 <= share["Ada"] <= 0.15
    assert share["Bob"] == pytest.approx(200 / 1100)
    assert share["Cleo"] == pytest.approx(0.25)
    held = {piece.recording for piece in done.held_out}
    assert held.isdisjoint(piece.recording for piece in done.train)
    assert len(held) + len(done.train) == len(recordings)
    assert not any(piece.guarded for piece in (*done.train, *done.held_out))


def test_the_split_depends_on_neither_order_nor_other_singers_own_songs():
    recordings = [recording(name, f"{name}{n}", 30.0) for name in ("Ada", "Bob") for n in range(12)]
    held = set(split(recordings, 0.1).held_out)
    assert set(split(recordings[::-1], 0.1).held_out) == held
    more = [*recordings, *(recording("Cleo", f"c{n}", 30.0) for n in range(12))]
    assert {piece for piece in split(more, 0.1).held_out if piece.recording.singer != "Cleo"} == held


@pytest.mark.parametrize("songs", [2, 4, 10, 25])
def test_a_song_that_all_sing_is_held_out_in_every_voice(songs):
    names = ("Ada", "Bob", "Cleo", "Dora")
    recordings = [
        recording(name, f"Song {n}" if n % 2 else f"song {n}", 180 / songs) for name in names for n in range(songs)
    ]
    recordings += [recording(name, f"solo of {name}", 15.0) for name in names]
    done = split(recordings, 0.1)
    unheard = {name: {p.recording.song for p in done.held_out if p.recording.singer == name} for name in names}
    assert unheard["Ada"] and all(unheard[name] == unheard["Ada"] for name in names)
    assert max(shares(recordings, done.held_out).values()) <= 0.5


def test_songs_shared_by_some_are_unseen_by_all_who_sing_them():
    pairs = {"Ada": "abcd", "Bob": "abef", "Cleo": "cdgh", "Dora": "efgh"}  # as in NUS-48E: four songs each, shared
    recordings = [recording(name, song, 60.0) for name, songs in pairs.items() for song in songs]
    done = split(recordings, 0.1)
    held = {piece.recording.song for piece in done.held_out}
    assert held.isdisjoint(piece.recording.song for piece in done.train)
    assert all(0.2 < share <= 0.5 for share in shares(recordings, done.held_out).values())


@pytest.mark.parametrize("seconds", [16.5, 33.0, 105.0, 3600.0])
def test_a_lone_recording_is_split_by_time_with_a_guard(seconds):
    done = split([recording("Ada", "only", seconds)], 0.1)
    (train,), (held,) = done.train, done.held_out
    assert train.guarded and held.guarded
    assert train.start == 0.0 and held.stop is None
    assert held.start - train.stop == pytest.approx(GUARD)
    assert held.seconds == pytest.approx(max(SHORTEST, 0.1 * seconds))
    assert train.seconds >= 0.5 * seconds


def test_a_long_song_among_scraps_is_split_by_time():
    recordings = [recording("Ada", "song", 180.0), recording("Ada", "breath", 1.0)]
    done = split(recordings, 0.1)
    assert shares(recordings, done.held_out)["Ada"] == pytest.approx(0.1, abs=0.02)
    assert any(piece.guarded for piece in done.held_out)


def test_a_singer_of_three_seconds_is_trained_on_whole_and_it_is_said():
    done = split([recording("Ada", "only", 3.0)], 0.1)
    assert done.held_out == () and len(done.train) == 1 and not done.train[0].guarded
    assert "Ada has 3.0 s in all" in done.findings[0].message


def test_a_copy_of_a_held_out_song_is_not_trained_on():
    recordings = [recording("Ada", f"a{n}", 30.0) for n in range(10)]
    (held,) = split(recordings, 0.1).held_out
    recordings += [recording("Bob", f"b{n}", 300.0) for n in range(10)]
    recordings.append(recording("Bob", "copy", 30.0, held.recording.digest))
    done = split(recordings, 0.1)
    assert held.recording.digest in {piece.recording.digest for piece in done.held_out}
    assert held.recording.digest not in {piece.recording.digest for piece in done.train}


def test_nothing_is_held_out_when_nothing_is_asked_for():
    done = split([recording("Ada", f"a{n}", 30.0) for n in range(3)], 0.0)
    assert done.held_out == () and len(done.train) == 3


@pytest.mark.parametrize("share", [-0.1, 0.6, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ConfigError, match="held_out"):
        split([recording("Ada", "a", 30.0)], share)
