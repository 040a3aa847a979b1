"""Phrases in slots: what is sung depends on neither the slots nor the neighbours, and nothing is sung twice."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversion.stand_ins import voice_of
from tests.conversion.test_converter import noise
from tests.material import Made
from vocalise.conversion import Converter, phrases
from vocalise.conversion.phrases import Song
from vocalise.conversion.singing import sing, sing_together
from vocalise.conversion.slots import Take, fewest, sing_takes
from vocalise.parts import WaveNet
from vocalise.parts.contracts import Chance, Controls
from vocalise.progress import silent

HOP = 40


class Rememberer(torch.nn.Module):
    """Sings by what it is told and by all that it has sung; row by row, so that no sum depends on the batch."""

    hop, autoregressive, per_singer = HOP, True, False

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[int] = []
        self.rows = 0

    def begin(self, batch: int) -> torch.Tensor:
        self.begun.append(batch)
        return torch.zeros(batch)

    def renew(self, state: torch.Tensor, row: int) -> None:
        state[row] = 0.0

    def extend(self, state: torch.Tensor, condition: torch.Tensor, controls: Controls, chance: Chance) -> torch.Tensor:
        steps = condition.shape[2] * HOP
        self.rows += len(condition) * condition.shape[2]
        luck = chance.uniform(steps, condition.device)
        sung = torch.empty(len(condition), 1, steps)
        for row, one in enumerate(condition):
            for t in range(steps):
                who = controls.identity[row, :, 0 if controls.identity.shape[2] == 1 else t // HOP].argmax()
                state[row] = (0.9 * state[row] + one[0, t // HOP] + luck[row, t] + who).sin()
                sung[row, 0, t] = state[row]
        return sung


def takes(lengths: list[int]) -> list[Take]:
    made = Made(singers=3, samples=HOP * max(lengths), hop=HOP)
    found = []
    for number, length in enumerate(lengths):
        condition = torch.randn(1, 6, length, generator=torch.Generator().manual_seed(number))
        controls = made.controls(3).rows(slice(number % 3, number % 3 + 1)).columns(slice(length))
        found.append(Take(length, lambda told=(condition, controls): told, 100 + number))
    return found


def sung(decoder, wanted: list[Take], slots: int, told: list[int] | None = None) -> dict[int, torch.Tensor]:
    said = [] if told is None else told
    facts = {"slots": slots, "chunk": 3, "temperature": 1.0, "progress": said.append}
    done = list(sing_takes(decoder, wanted, **facts))
    assert sorted(number for number, _ in done) == list(range(len(wanted)))
    return dict(done)


@pytest.mark.parametrize("slots", [1, 3, 32])
def test_what_is_sung_does_not_depend_on_the_slots(slots: int) -> None:
    wanted, said = takes([4, 9, 1, 7, 7, 2, 5]), []
    found, alone = sung(Rememberer(), wanted, slots, said), Rememberer()
    for number, take in enumerate(wanted):
        condition, controls = take.told()
        state = alone.begin(1)
        luck = Chance((torch.Generator().manual_seed(take.seed),))
        assert torch.equal(found[number], alone.extend(state, condition, controls, luck)[0])
    assert said == sorted(said) and said[-1] == 35


def test_a_real_wavenet_keeps_to_its_levels_in_any_slot() -> None:
    torch.manual_seed(0)
    sizes = WaveNet.Config(blocks=1, layers=4, residual=8, skip=8)
    decoder = sizes.build(signal=1, condition=6, hop=HOP, singers=3, rate=16_000).eval()
    wanted = takes([3, 5, 2, 4])
    few, many = (sung(decoder, wanted, slots) for slots in (1, 4))
    for number in range(4):
        assert ((few[number] - many[number]).abs() < 1e-5).float().mean() > 0.99
    told, controls = wanted[2].told()
    luck = Chance((torch.Generator().manual_seed(wanted[2].seed),))
    assert torch.equal(few[2], decoder.generate(told, controls, luck)[0])


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=60), slots=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_no_more_slots_than_bring_an_earlier_end(lengths: list[int], slots: int) -> None:
    def over(count: int) -> int:
        free = [0] * count
        for length in sorted(lengths, reverse=True):
            free.sort()
            free[0] += length
        return max(free)

    count = fewest(sorted(lengths, reverse=True), slots)
    assert 1 <= count <= min(slots, len(lengths))
    assert over(count) <= over(min(slots, len(lengths)))
    assert count == 1 or over(count - 1) > over(count) or over(count - 1) > over(min(slots, len(lengths)))


def test_slots_are_refilled_and_hardly_ever_idle() -> None:
    decoder = Rememberer()
    sung(decoder, takes([6, 5, 4, 3, 3, 3, 2, 2, 1, 1]), 3)
    assert decoder.begun == [3]
    assert decoder.rows <= 33  # 30 columns in all


@pytest.fixture(scope="module")
def model():
    hop = 800
    voice = voice_of("usvc", "model.decoder.blocks=1", "model.decoder.layers=2")
    return voice.model.with_decoder(_slow(hop))


def _slow(hop: int) -> torch.nn.Module:
    decoder = Rememberer()
    decoder.hop = hop
    decoder.extend = lambda state, condition, controls, chance: _quick(state, condition, chance, hop)
    return decoder


def _quick(state: torch.Tensor, condition: torch.Tensor, chance: Chance, hop: int) -> torch.Tensor:
    """The same idea a column at a time."""
    steps = condition.shape[2]
    luck = chance.uniform(steps * hop, condition.device).unflatten(1, (steps, hop))
    parts = []
    for row in range(len(condition)):
        for t in range(steps):
            state[row] = (0.9 * state[row] + condition[row, 0, t] + luck[row, t].mean()).sin()
            parts.append(0.5 * state[row] * (luck[row, t] - 0.5))
    return torch.stack(parts).view(len(condition), 1, -1)


def song_of(seconds: float, seed: int = 0, **facts) -> Song:
    heard = noise(round(seconds * 16_000))
    heard[: 4000 * (seed % 3)] = 0.0
    return Song(heard, 2.0, torch.eye(3)[seed % 3], None, facts.pop("temperature", 1.0), seed, **facts)


def test_a_song_is_the_same_for_any_number_of_slots(model) -> None:
    song = song_of(31.0)
    whole = sing(model, song, silent, slots=1)
    assert whole.shape == song.heard.shape and whole.std() > 0.01
    for slots in (3, 32):
        assert torch.equal(sing(model, song, silent, slots=slots), whole)


def test_songs_share_the_slots_and_come_out_as_they_would_alone(model) -> None:
    songs = [song_of(9.0, 1), song_of(3.0, 2), song_of(14.0, 3, temperature=0.5), replace(song_of(2.0), gain=0.0)]
    songs.append(replace(song_of(1.0), heard=torch.zeros(16_000)))
    said: list[tuple[float, float]] = []
    found = dict(sing_together(model, songs, lambda what, done, total, note="": said.append((done, total))))
    assert sorted(found) == [0, 1, 2, 3, 4] and not found[4].any()
    for number, song in enumerate(songs):
        assert torch.equal(found[number], sing(model, song, silent, slots=1))
    dones = [done for done, _ in said]
    assert dones == sorted(dones) and dones[-1] == pytest.approx(said[-1][1])


def test_a_phrase_that_cannot_be_sung_fails_its_song_at_once(model) -> None:
    broken = model.with_decoder(_slow(800))
    broken.decoder.extend = lambda *_: (_ for _ in ()).throw(MemoryError())
    with pytest.raises(MemoryError):
        sing(broken, song_of(3.0), silent)


def test_seeds_of_phrases_follow_from_their_place(monkeypatch: pytest.MonkeyPatch, quick: Converter) -> None:
    seeds: list[int] = []
    real = phrases.phrase_seed
    monkeypatch.setattr(phrases, "phrase_seed", lambda seed, number: seeds.append(number) or real(seed, number))
    quick.convert(noise(20 * 16_000), 16_000, to="ada", seed=3)
    assert sorted(seeds) == list(range(len(seeds))) and len(seeds) >= 5
