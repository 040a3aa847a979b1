"""States are moved on without the interpreter's lock; a thread that comes upon one half way is sent away."""

import shutil
import threading
import time

import numpy as np
import pytest
import torch

from tests.sampling.test_native import FORMS, NOBODY, wavenet
from tests.sampling.test_native_live import SIZES, network_of
from vocalise.audio.live_pitch import LivePitch
from vocalise.parts.contracts import Chance
from vocalise.sampling.native import NativeWaveNet, why
from vocalise.sampling.native.library import core
from vocalise.sampling.native.steps import NativeSteps

pytestmark = pytest.mark.skipif(core() is None and not shutil.which("c++"), reason=why())


def ones(*shape):
    return np.ones(shape, np.float32)


def past():
    state = NativeSteps(*network_of(*SIZES[1])[:2]).begin()
    return lambda columns: state.extend(ones(columns, 5), ones(columns, 9)), 1 << 12


def shapes():
    state = core().Shapes(2, ones(3, 3), ones(4), ones(3), ones(3), 0.9, 10.0, 1e-9)
    return lambda columns: state.extend(ones(columns, 2), ones(columns, 3)), 1 << 12


def sums():
    state = core().Sums(2, 2, 1, 0, 3, 16_000, 20.0, 4000.0, 6.0, ones(4))
    state.reshape(ones(3, 3), ones(3, 3))

    def sing(columns):
        if not columns:  # another formant: what the other thread reads would be freed
            return state.reshape(ones(3, 3), ones(3, 3))
        told = (ones(columns, 2), ones(columns + 2), ones(columns, 2), ones(columns), ones(columns, 9))
        return state.extend(*told, 0.0, ones(columns, 2))

    return sing, 1 << 12


def tracker():
    state = core().Tracker(*LivePitch(24_000, hop=240).choices)
    return lambda columns: state.extend(ones(columns, 240), ones(columns + 1)), 1 << 7


def streams():
    native = NativeWaveNet(wavenet(**FORMS["small"]), threads=1)
    state, luck = native.begin(1), Chance((torch.Generator().manual_seed(0),))

    def sing(columns):
        if not columns:
            return native.renew(state, 0)
        return native.extend(state, torch.zeros(1, 5, columns), NOBODY, luck)

    return sing, 100


@pytest.mark.parametrize("make", [past, shapes, sums, tracker, streams])
def test_a_state_that_one_thread_moves_on_is_refused_to_another(make):
    (act, many), met, over = make(), threading.Event(), threading.Event()

    def move(columns):
        try:
            act(columns)
        except RuntimeError as error:
            assert str(error) == "another thread is using this"
            met.set()  # either of the two may come upon the other

    def work():
        while not over.is_set():
            move(many)

    other, patience = threading.Thread(target=work), time.monotonic() + 60.0
    other.start()
    while not met.is_set() and time.monotonic() < patience:
        move(0)
    over.set()
    other.join()
    assert met.is_set()
    act(many)  # and nothing stays locked
