"""A judge that is a committee of small convolutional networks: the singer classifier of Nachmani & Wolf (2019).

cepstra (20, frames) ──5 × [conv 3×3, 32, batch norm, ReLU]──▶ dropout ──mean over time──▶ 320 ──▶ 16 ──▶ persons

The published net pools 2×2 after its five convolutions and learns for 50,000 steps. Ours pools after the first, which
leaves the same 320 features at a quarter of the work, and stops when a part of the training songs is told right. Its
weights are a moving average over the last steps (Polyak & Juditsky, 1992): those of any one step are a lottery. And one
net is a lottery still: two that tell all real recordings right disagree about sounds that are none. So several are
asked, and the mean of what they think is said.
"""

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.evaluation.judge.hearing import Hearing, Pieces

WIDTH, DROPOUT, LAYERS, NARROW = 32, 0.75, 5, 16
BATCH, CROP = 16, 150  # crops, frames
RATE, DECAY, EVERY = 1e-3, 0.95, 1000  # Adam's; multiplied by the decay after so many steps
MEMBERS = 3  # of the committee
MOST, CHECK = 400, 100  # steps: no more, and from one look at the validation part to the next
AVERAGED = 0.98  # of the average is kept at each step
CONTENT, LOOKS = 0.05, 3  # nats of validation loss, at so many looks in a row, at which it stops
VALIDATION = 8  # every so many pieces of a stretch, its last ones are kept for validation
KEPT = 32  # of each person at most, evenly drawn from them: a look at all would cost as much as the lesson
TOGETHER = 64  # pieces judged at a time


class Classifier(nn.Module):
    """The net; standardisation of its input belongs to it."""

    mean: Tensor
    spread: Tensor

    def __init__(self, coefficients: int, persons: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(coefficients, 1))
        self.register_buffer("spread", torch.ones(coefficients, 1))
        layers: list[nn.Module] = []
        for number in range(LAYERS):
            channels = WIDTH if number else 1
            layers += [nn.Conv2d(channels, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()]
            layers += [] if number else [nn.MaxPool2d(2, ceil_mode=True)]
        self.convolutions = nn.Sequential(*layers)
        self.dropout = nn.Dropout(DROPOUT)
        wide = WIDTH * -(-coefficients // 2)
        self.verdict = nn.Sequential(nn.Linear(wide, NARROW), nn.ReLU(), nn.Linear(NARROW, persons))

    def forward(self, heard: Tensor) -> Tensor:
        """Cepstra (batch, coefficients, frames) -> logits (batch, persons)."""
        standard = ((heard - self.mean) / self.spread)[:, None].contiguous(memory_format=torch.channels_last)
        pooled: Tensor = self.dropout(self.convolutions(standard)).mean(dim=-1)
        logits: Tensor = self.verdict(pooled.flatten(1))
        return logits


@dataclass(frozen=True, eq=False)
class NetworkJudge:
    """Trained nets with their hearing."""

    name: str
    persons: tuple[str, ...]
    learnt: frozenset[tuple[str, str]]
    hearing: Hearing
    networks: tuple[Classifier, ...]

    def hear(self, wave: Tensor, rate: int) -> Tensor:
        """Probabilities (pieces, persons) of the pieces of a wave (samples,) at `rate` Hz."""
        return self.judge(self.hearing.pieces(wave, rate))

    @torch.no_grad()
    def judge(self, pieces: Pieces) -> Tensor:
        """The same of pieces that were cut before."""
        parts = torch.split(pieces.cepstra, TOGETHER) if len(pieces) else ()
        empty = torch.zeros(0, len(self.persons))
        said = [torch.stack([torch.softmax(one(part), dim=1) for one in self.networks]).mean(dim=0) for part in parts]
        return torch.cat([empty, *said])

    def parameters(self) -> Tensor:
        """All numbers in one row, for the cache."""
        return torch.cat([tensor.reshape(-1).float() for one in self.networks for tensor in _state(one).values()])

    @classmethod
    def restored(
        cls,
        name: str,
        persons: tuple[str, ...],
        learnt: frozenset[tuple[str, str]],
        hearing: Hearing,
        parameters: Tensor,
    ) -> Self:
        """The judge of those numbers.

        Raises:
            ValueError: there are too few or too many of them.
        """
        with torch.random.fork_rng(devices=[]):  # fresh weights draw from the global generator
            networks = [Classifier(hearing.coefficients, len(persons)) for _ in range(MEMBERS)]
        sizes = [tensor.numel() for tensor in _state(networks[0]).values()]
        if parameters.shape != (MEMBERS * sum(sizes),):
            raise ValueError(f"{parameters.numel()} numbers are no judge of {len(persons)} persons")
        for network, own in zip(networks, parameters.view(MEMBERS, -1), strict=True):
            state, rows = _state(network), torch.split(own, sizes)
            network.load_state_dict(
                {key: row.view(state[key].shape) for key, row in zip(state, rows, strict=True)}, strict=False
            )
        return cls(name, persons, learnt, hearing, tuple(map(_ready, networks)))


def train(
    name: str,
    persons: tuple[str, ...],
    learnt: frozenset[tuple[str, str]],
    hearing: Hearing,
    pieces: Sequence[Sequence[Pieces]],
    *,
    seed: int,
    report: Callable[[int, int, str], None],
) -> NetworkJudge:
    """A judge of what each person sang; torch's global generator stays as it was. `pieces`: each person's stretches."""
    divided = [_divided(own) for own in pieces]
    taught = [torch.cat([one for one, _ in own]) for own in divided]
    kept = [torch.cat([other for _, other in own]) for own in divided]
    kept = [other if len(other) else one[-1:] for one, other in zip(taught, kept, strict=True)]  # all stretches short
    kept = [other[:: -(-len(other) // KEPT)] for other in kept]
    labels = torch.cat([torch.full((len(own),), label) for label, own in enumerate(kept)])
    every, members = torch.cat(taught), []
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        for place in range(MEMBERS):
            network = Classifier(hearing.coefficients, len(persons))
            network.mean.copy_(every.mean(dim=(0, 2))[:, None])
            network.spread.copy_(every.std(dim=(0, 2))[:, None].clamp(min=1.0))
            within = functools.partial(_reported, report, place)
            members.append(_ready(_learn(network, taught, torch.cat(kept), labels, within)))
    return NetworkJudge(name, persons, learnt, hearing, tuple(members))


def _reported(report: Callable[[int, int, str], None], place: int, done: int, total: int, note: str) -> None:
    """Tells what one member of the committee reports, as a part of the whole."""
    report(place * total + done, MEMBERS * total, note)


def _learn(
    network: Classifier, taught: list[Tensor], kept: Tensor, labels: Tensor, report: Callable[[int, int, str], None]
) -> Classifier:
    """Teaches the network; its average over the last steps."""
    averaged = copy.deepcopy(network).eval()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, EVERY, DECAY)
    round_of: list[int] = []
    good = 0
    for step in range(1, MOST + 1):
        while len(round_of) < BATCH:  # every person once in each round
            round_of += torch.randperm(len(taught)).tolist()
        drawn, round_of = round_of[:BATCH], round_of[BATCH:]
        loss = F.cross_entropy(network(torch.stack([_crop(taught[label]) for label in drawn])), torch.tensor(drawn))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        _follow(averaged, network)
        if step % CHECK == 0:
            apart, right = _validated(averaged, kept, labels)
            report(step, MOST, f"{100.0 * right:.0f} % of its validation part")
            good = good + 1 if apart < CONTENT else 0
            if good == LOOKS:
                break
    report(MOST, MOST, "")
    return averaged


@torch.no_grad()
def _follow(averaged: Classifier, network: Classifier) -> None:
    """Moves the average a little towards the network."""
    for mean, now in zip(_state(averaged).values(), _state(network).values(), strict=True):
        mean.lerp_(now, 1.0 - AVERAGED)


def _crop(own: Tensor) -> Tensor:
    """Some moment of some piece of a person's (pieces, coefficients, frames)."""
    piece = own[int(torch.randint(len(own), ()))]
    start = int(torch.randint(piece.shape[1] - CROP + 1, ()))
    return piece[:, start : start + CROP]


def _validated(network: Classifier, kept: Tensor, labels: Tensor) -> tuple[float, float]:
    """Loss in nats and share told right of what was kept for validation."""
    with torch.no_grad():
        logits = torch.cat([network(part) for part in torch.split(kept, TOGETHER)])
    return float(F.cross_entropy(logits, labels)), float((logits.argmax(dim=1) == labels).double().mean())


def _divided(own: Sequence[Pieces]) -> list[tuple[Tensor, Tensor]]:
    """What of each stretch is taught and what is kept; a piece between the two overlaps both and is neither."""
    parts = []
    for stretch in own:
        kept = max(1, len(stretch) // VALIDATION) if len(stretch) > 3 else 0
        last = len(stretch) - kept
        parts.append((stretch.cepstra[: last - 1 if kept else last], stretch.cepstra[last:]))
    return parts


def _state(network: Classifier) -> dict[str, Tensor]:
    """What is kept of the net; the counters of batch normalisation are not."""
    return {key: tensor for key, tensor in network.state_dict().items() if tensor.is_floating_point()}


def _ready(network: Classifier) -> Classifier:
    network.eval().requires_grad_(False)
    return network
