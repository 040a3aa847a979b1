"""The Triton kernel without a card: run by Triton's interpreter, and compiled for cards that are not here."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.sampling.wavenets import told, wavenet
from vocalise.errors import Unsupported
from vocalise.sampling.cuda import TritonWaveNet, persistent
from vocalise.sampling.cuda.cards import CLOSE
from vocalise.sampling.cuda.tiles import NEVER, Tiles, filled, unfit

ROOT = Path(__file__).resolve().parents[2]
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="Triton is not installed: its wheels are for Linux"
)


def python(*words, **variables):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **variables}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def interpreted():
    return python("-m", "tests.sampling.interpreted", TRITON_INTERPRET="1")


@needs_triton
@pytest.mark.parametrize(("name", "streams", "steps"), [("warm", 3, 20), ("cold", 3, 8), ("many", 17, 4)])
def test_the_kernel_sings_what_the_module_sings(interpreted, name, streams, steps):
    song = interpreted[name]
    assert song["same"] and song["levels"] > 5 and song["shape"] == [streams, 1, steps]


@needs_triton
def test_the_kernel_sees_what_the_module_sees(interpreted):
    assert interpreted["forced float32"]["furthest"] < 2e-5
    assert 1e-7 < interpreted["forced bf16"]["divergence"] < 5e-4


@needs_triton
def test_a_card_would_find_out_a_wrong_ring(interpreted):
    assert interpreted["trial"]["right"] < 1e-6 and interpreted["trial"]["wrong"] > CLOSE


@needs_triton
@pytest.mark.slow
@pytest.mark.parametrize("card", [80, 90])
def test_the_kernel_compiles_for_cards(card):
    """The interpreter forgives what the compiler does not."""
    made = python("-m", "tests.sampling.compiled", str(card))
    assert made["barriers"] >= 1 and 0 < made["shared"] <= 99 * 1024  # what the smallest of these cards has


def test_tiles_hold_the_weights_and_zeros():
    module = wavenet()
    tiles = Tiles.of(module, torch.float32)
    assert tiles.widths == (16, 32, 256) and tiles.sizes == (12, 20, 250)
    conv = module.stack.layers[1].conv.linear.weight  # (filter and gate, taps)
    for number, (half, tap) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        block = conv[12 * half : 12 * half + 12, 12 * tap : 12 * tap + 12].t()
        assert torch.equal(tiles.gates[1, number, :12, :12], block)
    assert tiles.gates[:, :, 12:].abs().max() == tiles.gates[..., 12:].abs().max() == 0.0
    assert torch.equal(tiles.onward[0, :12, :12], module.stack.layers[0].out.weight[:12].t())
    assert torch.equal(tiles.skips[0, :12, :20], module.stack.layers[0].out.weight[12:].t())
    assert torch.equal(tiles.skips[-1, :12, :20], module.stack.layers[-1].out.weight.t())
    assert tiles.onward[-1].abs().max() == 0.0
    assert tiles.head[2 * 32 + 250 :].tolist() == [torch.tensor(NEVER).item()] * 6
    assert tiles.rings.tolist() == [[0, 2], [2, 3], [5, 5], [10, 2], [12, 3], [15, 5]] and tiles.slots == 20


def test_what_is_told_is_filled_up_with_zeros():
    module = wavenet()
    with torch.no_grad():
        layers, head = module._told(told(3, 2)[0])
    layers, head = module.stack.with_biases(layers), head.transpose(0, 1)
    wide, said = Tiles.of(module, torch.float32).told(layers, head, 16)
    assert wide.shape == (2, 6, 16, 32) and said.shape == (2, 16, 32)
    assert torch.equal(wide[:, :, :3, :12], layers[..., :12]) and torch.equal(wide[:, :, :3, 16:28], layers[..., 12:])
    assert wide.count_nonzero() == layers.count_nonzero() and said.count_nonzero() == head.count_nonzero()


@pytest.mark.parametrize(("size", "tile"), [(1, 16), (16, 16), (17, 32), (128, 128), (129, 256)])
def test_widths_are_filled_up_to_powers_of_two(size, tile):
    assert filled(size) == tile


@pytest.mark.parametrize(
    ("sizes", "words"),
    [({"kernel": 3}, "kernel 3"), ({"residual": 132}, "residual 132"), ({"levels": 300}, "levels 300"), ({}, "")],
)
def test_what_does_not_fit_is_named(sizes, words):
    assert words in unfit(wavenet(**sizes)) and bool(unfit(wavenet(**sizes))) == bool(words)


def test_without_triton_the_kernel_is_refused(monkeypatch):
    monkeypatch.setattr(persistent, "missing", lambda: "the package triton is not installed")
    with pytest.raises(Unsupported, match=r"triton is not installed.*GraphWaveNet"):
        TritonWaveNet(wavenet())


def test_programs_have_few_streams_while_there_is_room(monkeypatch):
    monkeypatch.setattr(persistent, "missing", lambda: "")
    monkeypatch.setattr(persistent, "processors", lambda device: 100)
    twin = TritonWaveNet(wavenet())
    assert [twin.rows(batch) for batch in (1, 1600, 1601, 3201, 100_000)] == [16, 16, 32, 64, 64]
    assert TritonWaveNet(wavenet(), rows=32).rows(1) == 32
    with pytest.raises(Unsupported, match="choices are 16, 32, 64"):
        TritonWaveNet(wavenet(), rows=8)
