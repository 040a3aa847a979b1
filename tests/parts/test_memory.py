from dataclasses import replace

import pytest
import torch

from tests.parts.test_confusion import said
from vocalise.parts import PitchConfusion, SingerConfusion
from vocalise.parts.adversaries.memory import RECALLED, Memory

KINDS = [pytest.param(SingerConfusion, id="singer"), pytest.param(PitchConfusion, id="pitch")]


def batch(first, count=2):
    """Latents whose every number is the excerpt's, and that number as what is true of it."""
    numbers = torch.arange(first, first + count, dtype=torch.float32)
    return numbers[:, None, None].expand(-1, 3, 4), numbers[:, None]


def test_without_room_an_adversary_hears_what_there_is_as_it_is():
    memory, (z, truth) = Memory(3, room=0), batch(0)
    heard, same = memory.lesson(z, truth)
    assert torch.equal(heard, z) and same is truth and memory.heard(z) is z
    assert memory.all_of(z, truth)[0] is truth and not memory.state_dict()


def test_the_oldest_are_forgotten_and_facts_stay_with_their_latents():
    memory = Memory(3, room=5)
    for first in range(0, 20, 2):
        heard, truth = memory.lesson(*batch(first))
    assert heard.shape == (RECALLED, 3, 4) and truth.shape == (RECALLED, 1)
    (kept,) = memory.all_of(*batch(0))
    assert kept[:, 0].tolist() == [15.0, 16.0, 17.0, 18.0, 19.0]
    assert torch.corrcoef(torch.stack([heard[:, 0, 0], truth[:, 0]]))[0, 1] > 0.999  # evened out, and still its own


def test_a_latent_that_shrinks_hides_nothing():
    small, large = Memory(3, room=64), Memory(3, room=64)
    z = torch.randn(64, 3, 10)
    for _ in range(100):
        torch.manual_seed(1)
        small.lesson(1e-4 * z, torch.zeros(64, 1))
        torch.manual_seed(1)
        large.lesson(z, torch.zeros(64, 1))
    assert torch.allclose(small.heard(1e-4 * z), large.heard(z), atol=1e-3)
    assert large.heard(z).std() == pytest.approx(1.0, abs=0.1)


def test_to_be_fooled_teaches_it_nothing():
    memory = Memory(3, room=8)
    memory.lesson(*batch(0))
    before = {name: value.clone() for name, value in memory.state_dict().items()}
    memory.heard(batch(7)[0])
    memory.all_of(*batch(7))
    assert all(torch.equal(value, before[name]) for name, value in memory.state_dict().items())


def test_what_is_no_number_is_not_remembered():
    memory = Memory(3, room=8)
    z, truth = batch(1)
    lost = z.clone()
    lost[0, 0, 0] = torch.nan
    assert torch.isnan(memory.lesson(lost[:1], truth[:1])[0]).any() and not len(memory.rows)
    heard, _ = memory.lesson(lost, truth)
    assert len(memory.rows) == 1 and torch.isfinite(heard).all()


def test_excerpts_of_another_length_begin_anew():
    memory = Memory(3, room=8)
    memory.lesson(*batch(0))
    longer = torch.zeros(1, 3, 9)
    assert memory.all_of(longer, torch.ones(1, 1))[0].tolist() == [[1.0]]
    memory.lesson(longer, torch.ones(1, 1))
    assert len(memory.rows) == 1


@pytest.mark.parametrize("part", KINDS)
def test_what_is_remembered_comes_back_from_a_checkpoint(part, model, sing):
    here = part.Config(memory=16).build(model=model)
    for _ in range(3):
        here.own_loss(sing())
    there = part.Config(memory=16).build(model=model)
    there.load_state_dict(here.state_dict())
    assert len(there.memory.rows) == 9
    outcome = sing()
    losses = []
    for one in (here, there):
        torch.manual_seed(5)
        losses += [one.own_loss(outcome).item(), one.eval().fool_loss(outcome).item()]
    assert losses[:2] == losses[2:]


@pytest.mark.parametrize("part", KINDS)
def test_a_checkpoint_from_before_memories_is_read(part, model):
    adversary = part.Config().build(model=model)
    assert not [name for name in adversary.state_dict() if "memory" in name]


def test_what_is_whispered_is_found_with_a_memory_and_not_without(model):
    """The melody lies in a channel a thousandth as loud as the others; the same lessons, the same rate."""
    errors = {}
    for memory in (0, 64):
        torch.manual_seed(0)
        adversary = PitchConfusion.Config(width=16, dropout=0.0, memory=memory).build(model=model)
        adam = torch.optim.Adam(adversary.parameters(), lr=1e-2)
        for _ in range(80):
            octaves = 2.0 * torch.rand(4, 10) - 1.0
            z = torch.randn(4, 6, 10)
            z[:, 0] = 1e-3 * octaves
            loss = adversary.own_loss(said(z, 220.0 * 2.0**octaves, torch.ones_like(octaves)))
            adam.zero_grad()
            loss.backward()
            adam.step()
        errors[memory] = loss.item()
    assert errors[64] < 0.5 * errors[0]


def test_a_flat_fool_wants_the_mean_of_all_that_was_heard(model):
    adversary = PitchConfusion.Config(flat=True, memory=8, dropout=0.0).build(model=model)
    low, high = (said(torch.randn(2, 6, 5), torch.full((2, 5), hertz), torch.ones(2, 5)) for hertz in (110.0, 440.0))
    for outcome in (low, high):
        adversary.own_loss(outcome)
    adversary.regressor = torch.nn.Conv1d(6, 1, 1)
    torch.nn.init.zeros_(adversary.regressor.weight)
    torch.nn.init.zeros_(adversary.regressor.bias)  # always 220 Hz, the mean of both
    assert adversary.fool_loss(low).item() == pytest.approx(0.0, abs=1e-4)
    alone = PitchConfusion.Config(flat=True).build(model=model)
    alone.regressor = adversary.regressor
    assert alone.fool_loss(replace(low)).item() > 6.0
