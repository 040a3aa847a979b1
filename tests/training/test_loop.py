import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.conftest import QUICK, STEPS, assert_same_end, last_snapshot, stop_at
from vocalise.checkpoint import load_voice
from vocalise.data.batches import Batches
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.errors import ConfigError, RunError
from vocalise.parts import SingerConfusion
from vocalise.recipes import Recipe
from vocalise.training import Verdict
from vocalise.training.checkpoints import read_snapshot
from vocalise.training.journal import Journal
from vocalise.training.learner import Learner, weigh
from vocalise.training.loop import learn

Go = Callable[..., Verdict]


@pytest.fixture
def learner(corpus: Corpus, tiny: Recipe) -> Learner:
    prepared = prepare(corpus)
    batches = Batches(prepared, corpus.split(0.3).train, samples=800, hop=800)
    facts = {"singers": 2, "steps": STEPS, "seed": 0}
    return Learner(tiny, batches, device=torch.device("cpu"), precision="float32", **facts)


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def differ(before: dict[str, torch.Tensor], network: torch.nn.Module) -> bool:
    return any(not torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_run_that_was_stopped_again_and_again_ends_bit_for_bit_like_one_that_never_was(
    go: Go, tmp_path: Path, finished: tuple[Path, Verdict]
) -> None:
    for step in (1, 9, 13, 23):  # at 9 half a burst is waiting to be learnt
        verdict = go(**stop_at(step))
        assert (verdict.finished, verdict.step) == (False, step)
        assert f"step {step} of {STEPS}" in verdict.words
        if step == 9:
            assert "protocol/1/heard" in last_snapshot(tmp_path / "run").tensors
        torch.manual_seed(step)  # whatever the caller does in between
    verdict = go()
    assert verdict.finished
    assert_same_end(tmp_path / "run", finished[0])
    assert replace(verdict, voice=None) == replace(finished[1], voice=None)


def test_another_seed_gives_other_weights_and_other_excerpts(go: Go, tmp_path: Path) -> None:
    for seed in (0, 1):
        go(seed=seed, folder=tmp_path / str(seed), **stop_at(1))
    ours, theirs = (last_snapshot(tmp_path / name).tensors for name in ("0", "1"))
    assert not torch.equal(ours["main/weights/decoder.out.weight"], theirs["main/weights/decoder.out.weight"])
    assert int(ours["batches/seed"]) != int(theirs["batches/seed"])


def test_training_leaves_the_callers_generator_alone(go: Go) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    go(stop=lambda: True)
    assert torch.equal(torch.rand(3), expected)


def test_a_finished_run_has_all_that_a_run_leaves(finished: tuple[Path, Verdict]) -> None:
    folder, verdict = finished
    assert verdict.finished
    assert verdict.words in [
        row["words"] for row in Journal(folder / "journal.jsonl").rows() if row["kind"] == "verdict"
    ]
    assert {"probe", "chance", "probe_log_mel", "probe_untrained"} <= verdict.figures.keys()
    assert list((folder / "events").iterdir())
    assert (folder / "figures" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / "checkpoints").glob("step-*.safetensors"))) == 3
    voice = load_voice(folder / "voice.safetensors")
    assert voice.singers == ("ada", "bob")
    assert voice.card.steps == verdict.best_step
    assert voice.card.figures["held_out_bits"] == verdict.loss
    best = read_snapshot(folder / "checkpoints" / "best.safetensors")
    for name, tensor in voice.model.state_dict().items():
        assert torch.equal(tensor, best.tensors[name]), name


def test_training_lowers_the_held_out_bits(finished: tuple[Path, Verdict]) -> None:
    rows = [row for row in Journal(finished[0] / "journal.jsonl").rows() if row["kind"] == "evaluation"]
    assert [row["step"] for row in rows] == [0, 6, 12, 18, 24]
    assert rows[-1]["held_out_bits"] < rows[0]["held_out_bits"] - 0.01


def test_the_journal_tells_no_step_twice(go: Go, tmp_path: Path) -> None:
    go(**stop_at(5))
    for path in sorted((tmp_path / "run" / "checkpoints").glob("step-*.safetensors"))[-1:]:
        path.write_bytes(path.read_bytes()[:-1])  # so that steps happen again
    go()
    rows = Journal(tmp_path / "run" / "journal.jsonl").rows()
    assert [row["step"] for row in rows if row["kind"] == "step"] == list(range(1, STEPS + 1))
    assert [row["step"] for row in rows if row["kind"] == "evaluation"] == [0, 6, 12, 18, 24]
    assert sum("damaged" in row.get("words", "") for row in rows) == 1


def test_a_damaged_newest_checkpoint_costs_time_and_nothing_else(
    go: Go, tmp_path: Path, finished: tuple[Path, Verdict]
) -> None:
    go(**stop_at(11))
    newest = sorted((tmp_path / "run" / "checkpoints").glob("step-*.safetensors"))[-1]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    said: list[str] = []
    go(progress=lambda what, done, total, note="": said.append(note) if what == "notice" else None)
    assert any("damaged" in note and "Going back" in note for note in said)
    assert_same_end(tmp_path / "run", finished[0])


def test_a_signal_finishes_the_step_and_saves(go: Go, tmp_path: Path) -> None:
    def interrupt(what: str, done: float, total: float, note: str = "") -> None:
        if what == "training" and done == 7:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    verdict = go(progress=interrupt)
    assert (verdict.finished, verdict.step) == (False, 7)
    assert "same command" in verdict.words
    assert last_snapshot(tmp_path / "run").facts["step"] == 7
    assert signal.getsignal(signal.SIGINT) is before


def test_an_adversary_without_a_weight_is_named(go: Go, tiny: Recipe) -> None:
    with pytest.raises(ConfigError, match=r"'singer' has no weight.*decoder"):
        go(recipe=replace(tiny, weights={"decoder": 1.0}))


def test_a_term_without_a_weight_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'commitment' has no weight.*decoder, singer"):
        weigh({"commitment": torch.tensor(1.0)}, {"decoder": 1.0, "singer": 0.01})


def test_terms_are_weighed() -> None:
    assert float(weigh({"a": torch.tensor(2.0), "b": torch.tensor(-1.0)}, {"a": 1.0, "b": 0.5})) == 1.5


def test_the_models_turn_leaves_the_adversary_alone(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner.rivals[0], "update", lambda loss: True)
    rival, model = weights(learner.adversaries[0]), weights(learner.model)
    learn(learner)
    assert differ(model, learner.model)
    assert not differ(rival, learner.adversaries[0])
    assert all(weight.grad is None for weight in learner.adversaries[0].parameters())


def test_the_adversarys_turn_leaves_the_model_alone(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner.main, "update", lambda loss: True)
    rival, model = weights(learner.adversaries[0]), weights(learner.model)
    learn(learner)
    assert not differ(model, learner.model)
    assert differ(rival, learner.adversaries[0])


def test_further_turns_are_on_fresh_lessons(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    own_loss = SingerConfusion.own_loss

    def watched(self: SingerConfusion, outcome: Any) -> torch.Tensor:
        seen.append(outcome.lesson.heard)
        return own_loss(self, outcome)

    monkeypatch.setattr(SingerConfusion, "own_loss", watched)
    monkeypatch.setattr(SingerConfusion, "turns", lambda self, step: 3)
    learn(learner)
    assert len(seen) == 3
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


def test_a_mixed_singer_teaches_the_adversary_nothing(learner: Learner) -> None:
    learner.step = 8  # a burst
    rival = weights(learner.adversaries[0])
    learn(learner)
    assert not differ(rival, learner.adversaries[0])
    assert set(learner.meter.sums) == {"bits_backtranslation", "decoder_backtranslation"}


def test_the_average_is_the_mean_of_the_window(learner: Learner) -> None:
    assert learner.window == 6
    past: list[torch.Tensor] = []
    for _ in range(6):
        learn(learner)
        past.append(learner.model.state_dict()["decoder.out.bias"].clone())
    assert torch.allclose(learner.average["decoder.out.bias"], torch.stack(past).mean(dim=0), atol=1e-6)
    own = weights(learner.model)
    with learner.presentable() as model:
        assert torch.equal(model.state_dict()["decoder.out.bias"], learner.average["decoder.out.bias"])
    assert not differ(own, learner.model)


def test_a_checkpoint_between_two_rows_of_the_journal_keeps_their_means(learner: Learner) -> None:
    learn(learner)
    learn(learner)
    moment = learner.snapshot()
    expected = learner.meter.read()
    assert expected.keys() == {"bits", "decoder", "singer"}
    learn(learner)
    learner.restore(moment)
    assert learner.meter.read() == expected
    assert learner.step == 2


def test_a_step_that_is_not_finite_is_left_out(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    fool = SingerConfusion.fool_loss
    monkeypatch.setattr(SingerConfusion, "fool_loss", lambda self, outcome: fool(self, outcome) * float("nan"))
    before = weights(learner.model)
    learn(learner)
    assert not differ(before, learner.model)
    assert (learner.step, learner.unlucky, learner.skipped) == (1, 1, 1)
    monkeypatch.undo()
    learn(learner)
    assert differ(before, learner.model)
    assert (learner.step, learner.unlucky, learner.skipped) == (2, 0, 1)


def test_a_run_that_diverged_ends_with_advice_and_sound_checkpoints(
    go: Go, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fool, calls = SingerConfusion.fool_loss, iter(range(1 << 30))

    def broken(self: SingerConfusion, outcome: Any) -> torch.Tensor:
        return fool(self, outcome) * (float("nan") if next(calls) >= 2 else 1.0)

    monkeypatch.setattr(SingerConfusion, "fool_loss", broken)
    with pytest.raises(RunError, match=r"20 steps in a row.*--set optimiser.rate"):
        go(recipe=replace(tiny, protocols=tiny.protocols[:1]), steps=40)
    for path in (tmp_path / "run" / "checkpoints").glob("*.safetensors"):
        assert all(torch.isfinite(one).all() for one in read_snapshot(path).tensors.values() if one.is_floating_point())


def test_weights_that_are_not_finite_reach_no_checkpoint(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poison(learner: Learner) -> None:
        advance(learner)
        if learner.step == 6:
            with torch.no_grad():
                next(learner.model.parameters()).view(-1)[0] = float("inf")

    advance = Learner.advance
    monkeypatch.setattr(Learner, "advance", poison)
    with pytest.raises(RunError, match="no longer finite"):
        go()
    assert last_snapshot(tmp_path / "run").facts["step"] == 4


def test_a_run_without_hope_stops_early(go: Go, tiny: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    growing: Iterator[int] = iter(range(100))
    monkeypatch.setattr("vocalise.training.study.held_out_loss", lambda *_: 5.0 + next(growing))
    lone = replace(tiny, protocols=tiny.protocols[:1])
    verdict = go(recipe=lone, routine=replace(QUICK, evaluations=12, patience=2))
    assert verdict.finished
    assert (verdict.step, verdict.best_step) == (6, 0)
    assert "stopped improving at step 0" in verdict.words


def test_along_the_way_a_phrase_is_sung_and_nothing_changes(
    go: Go, tmp_path: Path, finished: tuple[Path, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vocalise.training.setting_out.SECONDS", 0.05)
    go(routine=replace(QUICK, samples_from=1))
    names = sorted(path.name for path in (tmp_path / "run" / "samples").iterdir())
    assert len(names) == 6
    assert {name.split("-")[1] for name in names} == {"000000008", "000000024"}
    assert (tmp_path / "run" / "figures" / "step-000000008.png").read_bytes().startswith(b"\x89PNG")
    assert_same_end(tmp_path / "run", finished[0])
