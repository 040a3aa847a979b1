"""A run with a code book: it resumes bit for bit, its journal tells of the book, and labels are asked at its close."""

import json
from dataclasses import replace

import pytest

from tests.training.conftest import QUICK, assert_same_end, last_snapshot, stop_at
from vocalise.config import override
from vocalise.data.choir import render_choir
from vocalise.data.corpus import Corpus
from vocalise.parts import VectorQuantizer
from vocalise.recipes import recipe
from vocalise.training import train

STEPS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two singers of the choir, two songs of three seconds each, with labels."""
    folder = tmp_path_factory.mktemp("choir")
    render_choir(folder, singers=2, minutes=0.1)
    return folder


@pytest.fixture(scope="module")
def chosen():
    """The tiny vqvae, shallower; codes die within the run and start again, and frames are jittered."""
    whole = override(recipe("vqvae", "tiny"), "model.decoder.layers=3")
    bottleneck = VectorQuantizer.Config(codes=32, patience=3, jitter=0.3)
    return replace(
        whole,
        model=replace(whole.model, bottleneck=bottleneck),
        optimiser=replace(whole.optimiser, average=0.25),
        material=replace(whole.material, samples=640, batch=2, held_out=0.5),
    )


def run(chosen, folder, place, **changes):
    return train(chosen, Corpus.open(folder), place, steps=STEPS, device="cpu", routine=QUICK, **changes)


@pytest.fixture
def whole(chosen, folder, tmp_path):
    return tmp_path / "whole", run(chosen, folder, tmp_path / "whole")


def test_a_run_with_a_code_book_resumes_bit_for_bit_and_says_how_it_went(chosen, folder, whole, tmp_path):
    place, verdict = whole
    parts = tmp_path / "parts"
    for step in (5, 8):
        assert not run(chosen, folder, parts, **stop_at(step)).finished
    assert run(chosen, folder, parts).finished
    assert_same_end(place, parts)
    tensors = last_snapshot(place).tensors
    assert {"counts", "sums", "idle"} == {name.rsplit(".", 1)[1] for name in tensors if "weights/bottleneck." in name}

    rows = [json.loads(line) for line in (place / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [row for row in rows if row["kind"] == "step"]
    assert len(steps) == STEPS
    assert all(1.0 <= row["perplexity"] <= 20.0 and 0.0 < row["codes_alive"] <= 1.0 for row in steps)
    assert all(row["commitment"] >= 0.0 for row in steps)

    assert 0.0 <= verdict.figures["phones"] <= 1.0 and 0.0 <= verdict.figures["phones_chance"] < 1.0
    assert "codes tell" in verdict.words


def test_a_damaged_label_costs_the_figure_and_not_the_voice(chosen, folder, tmp_path):
    label = next(iter(sorted(folder.rglob("*.syllables.csv"))))
    text = label.read_text(encoding="utf-8")
    label.write_text("what?\n", encoding="utf-8")
    try:
        verdict = run(chosen, folder, tmp_path / "run")
    finally:
        label.write_text(text, encoding="utf-8")
    assert verdict.finished and verdict.voice.is_file() and "phones" not in verdict.figures
    assert "no table of syllables" in (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8")
