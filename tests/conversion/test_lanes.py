"""A song sung in lanes is the song; what goes wrong in one of them is told."""

import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tests.conversion.stand_ins import voice_of
from vocalise.conversion import lanes
from vocalise.conversion.lanes import lanes_of, sing_in_lanes
from vocalise.parts.contracts import Chance, Controls
from vocalise.parts.decoders import Parallel

COLUMNS = 701


@pytest.fixture(scope="module")
def hands():
    torch.manual_seed(3)
    config = Parallel.Config(width=16, bands=16)
    return config.build(signal=1, condition=5, hop=20, singers=2, rate=4000).eval()


@pytest.fixture(scope="module")
def told():
    time = torch.arange(COLUMNS)[None] / 200
    controls = Controls(
        identity=torch.tensor([[[1.0], [0.0]]]),
        pitch=220.0 * torch.exp2(0.3 * torch.sin(5.0 * time)),
        voicing=(time % 0.7 < 0.5).float(),
        loudness=torch.full((1, COLUMNS), -20.0),
    )
    condition = torch.randn(1, 5, COLUMNS, generator=torch.Generator().manual_seed(1))
    return lambda first, last: (condition[:, :, first:last], controls.columns(slice(first, last)))


def luck():
    return Chance((torch.Generator().manual_seed(5),))


def sung(hands, told, *, count, stretch=100):
    whole, done = torch.full((1, 1, COLUMNS * hands.hop), torch.nan), 0
    for more, at, part in sing_in_lanes(hands, told, COLUMNS, luck, stretch=stretch, lanes=count):
        assert whole[:, :, at : at + part.shape[2]].isnan().all()
        whole[:, :, at : at + part.shape[2]] = part
        done += more
    assert done == COLUMNS
    return whole


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("stretch", [37, 1000])
def test_a_song_is_the_same_in_any_number_of_lanes(hands, told, count, stretch, monkeypatch):
    monkeypatch.setattr(lanes, "LEAST", 60)
    assert len(lanes_of(COLUMNS, count)) == count
    one = sung(hands, told, count=1)
    assert not one.isnan().any() and one.abs().max() > 0.01
    several = sung(hands, told, count=count, stretch=stretch)
    assert torch.allclose(several, one, atol=1e-4 * float(one.abs().max()))


@pytest.mark.parametrize("frame", [1, 4])
@pytest.mark.parametrize("wanted", [1, 2, 5, 64])
def test_lanes_tile_the_song_in_whole_frames(frame, wanted):
    columns = 4 * lanes.LEAST + 4
    every = lanes_of(columns, wanted, frame=frame)
    assert len(every) == min(wanted, 4)
    assert every[0].first == 0 and every[-1].last == columns
    assert all(left.last == right.first and not left.last % frame for left, right in pairwise(every))
    assert [lane.ends for lane in every] == [False] * (len(every) - 1) + [True]


def test_a_short_song_has_one_lane():
    assert len(lanes_of(lanes.LEAST, 8)) == len(lanes_of(1, 8)) == 1


def test_an_error_in_a_lane_is_raised_and_nobody_sings_on(hands, told, monkeypatch):
    monkeypatch.setattr(lanes, "LEAST", 60)
    before, alive = torch.get_num_threads(), threading.active_count()

    def broken(first, last):
        if first > COLUMNS // 2:
            raise RuntimeError("the second lane fell over")
        return told(first, last)

    with pytest.raises(RuntimeError, match="second lane"):
        list(sing_in_lanes(hands, broken, COLUMNS, luck, stretch=50, lanes=2))
    assert threading.active_count() == alive and torch.get_num_threads() == before


def test_who_stops_listening_stops_the_lanes(hands, told, monkeypatch):
    monkeypatch.setattr(lanes, "LEAST", 60)
    alive = threading.active_count()
    pieces = sing_in_lanes(hands, told, COLUMNS, luck, stretch=20, lanes=2)
    next(pieces)
    pieces.close()
    assert threading.active_count() == alive


def test_a_converted_song_does_not_depend_on_the_threads(monkeypatch):
    from vocalise.conversion.singing import Song, sing
    from vocalise.progress import silent

    monkeypatch.setattr(lanes, "LEAST", 100)
    model = voice_of("aria").model
    time = torch.arange(5 * 16_000) / 16_000
    wave = 0.3 * torch.sin(2 * torch.pi * 220.0 * time) * (1 + torch.sin(3 * time)) / 2
    song = Song(wave, 1.0, torch.tensor([0.0, 1.0, 0.0]), None, 1.0, 5)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            found.append(sing(model, song, silent))
        finally:
            torch.set_num_threads(before)
    assert found[0].shape == wave.shape and found[0].abs().max() > 0
    assert torch.allclose(*found, atol=1e-4)


WAKING = """
import os, threading, torch
from vocalise.devices import one_thread

def work():
    with one_thread():
        before = len(os.listdir("/proc/self/task"))
        torch.fft.rfft(torch.randn(40, 1024))
        print(len(os.listdir("/proc/self/task")) - before)

torch.set_num_threads(1)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted where Linux shows them")
def test_a_thread_of_ours_wakes_no_others():
    """Without `one_thread` in the thread itself this transform by MKL wakes a helper."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", WAKING], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "0"
