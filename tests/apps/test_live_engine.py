"""The engine between an audio thread and a singer: in time whatever the block, nothing made in the audio thread."""

import os
import sys
import time
import tracemalloc

import numpy as np
import pytest
import torch

from tests.conversion.stand_ins import voice_of
from vocalise.apps.live_engine import BEHIND, Engine, simulated
from vocalise.apps.live_figures import Stopwatch
from vocalise.apps.live_priority import ORDINARY, hurried
from vocalise.apps.live_rings import Ring
from vocalise.conversion.streaming import Manner, Stream

ALONE = torch.tensor([0.0, 1.0, 0.0])


class Echo:
    """A stream that gives what it hears, `latency` samples late."""

    def __init__(self, hop: int = 160, latency: int = 320) -> None:
        self.hop, self.latency = hop, latency
        self.model = self
        self.rate, self.pitch = 16_000, 0.0
        self.kept = torch.zeros(latency)
        self.fails = False

    def push(self, block, *, gain=1.0):
        if self.fails:
            raise RuntimeError("hoarse")
        self.kept = torch.cat([self.kept, block])
        given, self.kept = self.kept[: len(block)], self.kept[len(block) :]
        return given.clone()


def engine(block=80, **choices):
    return Engine(Echo(**choices), block=block, level=0.95, gain=1.0)


def test_a_ring_gives_every_sample_of_its_last_stretch_at_its_place():
    ring, line, rng = Ring(100), np.zeros(0, np.float32), np.random.default_rng(0)
    for _ in range(200):
        fresh = rng.standard_normal(rng.integers(0, 60)).astype(np.float32)
        ring.write(fresh)
        line = np.concatenate([line, fresh])
        into = np.full(rng.integers(1, 90), 9.0, np.float32)
        start = int(rng.integers(len(line) - 120, len(line) + 30))
        missing = ring.read(into, start)
        places = np.arange(start, start + len(into))
        there = (places >= max(0, len(line) - 100)) & (places < len(line))
        assert missing == (~there).sum()
        assert np.array_equal(into[there], line[places[there]]) and not into[~there].any()


def test_what_a_ring_skips_is_silent():
    ring = Ring(50)
    ring.write(np.ones(40, np.float32))
    ring.skip(70)
    ring.write(np.ones(5, np.float32))
    into = np.zeros(50, np.float32)
    assert ring.read(into, 25) == 0
    assert into.tolist() == [1.0] * 15 + [0.0] * 30 + [1.0] * 5


@pytest.mark.parametrize("block", [1, 37, 80, 160, 200, 320, 1000])
def test_an_echo_comes_after_the_stated_latency_whatever_the_block(block):
    wave = torch.randn(3000, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    one = engine(block)
    assert torch.equal(simulated(one, wave), wave)
    assert one.late == one.lost == 0
    assert one.latency == block + one.delay + 320
    assert one.delay <= block + 160


def test_the_rest_is_in_its_place_after_a_block_was_late():
    one, line = engine(), np.arange(1, 40 * 80 + 1, dtype=np.float32) / 4000
    sung = np.zeros_like(line)
    for n in range(40):
        one.callback(line[n * 80 : n * 80 + 80], sung[n * 80 : n * 80 + 80])
        while not 10 <= n < 15 and one.work():  # the singer sleeps for 25 ms
            pass
    after = one.delay + 320
    moved = sung[after:] - line[:-after]
    assert one.late in range(4, 7)
    wrong = np.flatnonzero(moved)
    assert 0 < len(wrong) == one.late * 80 and not sung[after:][wrong].any()


def test_a_singer_who_was_away_too_long_gives_up_what_he_missed_and_keeps_the_latency():
    one = engine()
    line, sung = np.arange(1, 200 * 80 + 1, dtype=np.float32) / 20_000, np.zeros(200 * 80, np.float32)
    for n in range(200):
        one.callback(line[n * 80 : n * 80 + 80], sung[n * 80 : n * 80 + 80])
        while not 20 <= n < 150 and one.work():
            pass
    assert one.lost >= BEHIND * 16_000 - 80
    late = one.delay + 320
    assert np.array_equal(sung[190 * 80 :], line[190 * 80 - late : -late])


def test_the_audio_thread_makes_no_array():
    one = engine(block=480, hop=160)
    heard, sung = np.ones(480, np.float32), np.zeros(480, np.float32)
    for _ in range(300):  # three times round the rings
        one.callback(heard, sung)
    tracemalloc.start()
    try:
        most = 0
        for _ in range(200):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            one.callback(heard, sung)
            most = max(most, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert most < heard.nbytes / 2  # heads of views and numbers, no samples


def test_a_thread_sings_what_another_brings_and_its_trouble_is_told():
    one = engine()
    line, sung = np.full(80, 0.5, np.float32), np.zeros(80, np.float32)
    with one.singing():
        until = time.monotonic() + 20
        while one.watch.count < 20 and time.monotonic() < until:
            one.callback(line, sung)
            time.sleep(0.001)
    assert one.watch.count >= 20 and one.figures().blocks == one.watch.count
    assert one.heard_peak == one.sung_peak == 0.5
    other = engine()
    other.stream.fails = True
    with pytest.raises(RuntimeError, match="hoarse"), other.singing():
        for _ in range(4):
            other.callback(line, sung)
        until = time.monotonic() + 20
        while other._trouble is None and time.monotonic() < until:
            time.sleep(0.001)


@pytest.mark.parametrize("mistake", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_silence_and_what_follows_is_sung(mistake):
    model = voice_of("aria").model
    wave = 0.3 * torch.sin(2 * torch.pi * 220 * torch.arange(8000) / 16_000)
    broken = wave.clone()
    broken[1000] = mistake
    one = Engine(Stream(model, Manner(ALONE)), block=80, level=0.95)
    sung = simulated(one, broken)
    assert sung.isfinite().all() and sung[4000:].abs().max() > 0.01
    assert 0.0 < one.heard_peak < 0.31


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is asked")
def test_precedence_is_asked_for_where_it_is_wanted_and_refusal_is_no_error(monkeypatch):
    def refused(*_):
        raise PermissionError("no such right")

    for name in ("sched_setscheduler", "setpriority"):
        monkeypatch.setattr(os, name, refused)
    assert hurried() == ORDINARY
    asked = []
    monkeypatch.setattr(os, "setpriority", lambda *words: asked.append(words))
    assert hurried(1) == "niceness -12" and asked[0][2] == -12
    for hurries in (True, False):
        one = Engine(Echo(), block=80, level=0.95, hurries=hurries)
        with one.singing():
            time.sleep(0.02)
        assert one.priority == ("niceness -11" if hurries else ORDINARY)


def test_a_stopwatch_tells_quantiles_to_ten_microseconds():
    watch = Stopwatch()
    assert watch.within(0.5) == 0.0
    for n in range(1, 101):
        watch.note(n * 1e-4)
    assert watch.within(0.5) == pytest.approx(5e-3, abs=2e-5)
    assert watch.within(0.99) == pytest.approx(9.9e-3, abs=2e-5)
    watch.note(5.0)
    assert watch.worst == 5.0 and watch.count == 101


def test_the_engine_sings_what_the_stream_sings():
    model = voice_of("aria").model
    wave = 0.3 * torch.sin(2 * torch.pi * 220 * torch.arange(8000) / 16_000)
    stream = Stream(model, Manner(ALONE), seed=3)
    parts = [stream.push(block, gain=2.0) for block in wave.split(model.hop)]
    plain = torch.cat([*parts, stream.finish()])[stream.latency :]
    one = Engine(Stream(model, Manner(ALONE), seed=3), block=80, level=0.95, gain=2.0)
    sung = simulated(one, wave)
    kept = slice(0, -stream.latency)  # at the end the stream knows that nothing follows
    assert torch.equal(sung[kept], plain.clamp(-1, 1)[kept])
    assert plain[kept].abs().max() > 0.01
    assert one.latency <= 0.050 * 16_000
