"""Backtranslation by whatever sampler: weights that move are noticed, and a run that was interrupted keeps its bits."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.conversion.stand_ins import SHALLOW, voice_of
from tests.material import Made, dice
from tests.training.conftest import assert_same_end, stop_at
from vocalise.errors import ConfigError
from vocalise.sampling import native
from vocalise.sampling.choice import chosen
from vocalise.training import Verdict
from vocalise.training.learner import Pupil

NATIVE = pytest.mark.skipif(native.available() is None, reason="needs the compiled sampler")
Go = Callable[..., Verdict]


@pytest.mark.parametrize(
    "sampler", [pytest.param("native", marks=NATIVE), pytest.param("torch", marks=pytest.mark.slow)]
)
def test_a_run_that_was_interrupted_in_a_burst_ends_bit_for_bit_like_one_that_was_not(
    go: Go, tmp_path: Path, sampler: str
) -> None:
    whole = {"steps": 12, "sampler": sampler}  # bursts at 4, 5, 8 and 9
    go(folder=tmp_path / "whole", **whole)
    assert not go(folder=tmp_path / "run", **whole, **stop_at(5)).finished
    go(folder=tmp_path / "run", **whole)
    assert_same_end(tmp_path / "run", tmp_path / "whole")


def test_another_sampler_is_told_where_a_run_goes_on(go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(sampler="torch", **stop_at(1))
    monkeypatch.setattr("vocalise.training.setting_out._sampler", lambda *_: "native")
    said: list[str] = []
    go(
        sampler="torch",
        progress=lambda what, done, total, note="": said.append(note) if what == "notice" else None,
        stop=lambda: True,
    )
    assert any("not the same bit for bit" in note and "sampler was torch, is native" in note for note in said)


def test_a_sampler_that_is_not_there_is_refused_before_any_work(go: Go) -> None:
    with pytest.raises(ConfigError, match="is no sampler; the choices are"):
        go(sampler="abacus")


@NATIVE
def test_weights_that_move_are_sung_with_as_they_are_now() -> None:
    model = voice_of("usvc", *SHALLOW).model
    performer, made = chosen(model, "native"), Made(singers=3, samples=1600, hop=800)
    excerpts, controls = made(2), made.controls(2)
    before = performer.convert(excerpts.wave, controls, dice(2))
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(1.5)
    after = performer.convert(excerpts.wave, controls, dice(2))
    assert not torch.equal(before, after)
    assert torch.equal(after, chosen(model, "native").convert(excerpts.wave, controls, dice(2)))


def test_every_update_is_counted_so_that_samplers_notice_it() -> None:
    network = torch.nn.Linear(3, 2)
    pupil = Pupil(network, rate=1e-3, betas=(0.9, 0.999))
    for _ in range(2):
        before = [weight._version for weight in network.parameters()]
        assert pupil.update(network(torch.ones(3)).square().sum())
        assert all(weight._version > was for weight, was in zip(network.parameters(), before, strict=True))
    assert not pupil.update(network(torch.ones(3)).sum() * float("nan"))
