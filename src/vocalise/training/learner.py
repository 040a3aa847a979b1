"""All that changes in a run, in one object that can be written down and taken back: weights, optimisers, luck."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vocalise.autoencoder import Autoencoder
from vocalise.data.batches import Batch, Batches
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Adversary, Lesson, Outcome, Protocol
from vocalise.recipes import Recipe
from vocalise.sampling.choice import chosen
from vocalise.training.checkpoints import Snapshot
from vocalise.training.precision import Precision, autocast


class Pupil:
    """A network and its Adam; an update that is not finite is not made."""

    def __init__(self, network: nn.Module, *, rate: float, betas: tuple[float, float], clip: float = math.inf) -> None:
        self.network, self.clip = network, clip
        self.parameters = list(network.parameters()) or [nn.Parameter(torch.zeros(0))]  # a rival may have no weights
        fused = self.parameters[0].device.type in ("cpu", "cuda")
        self.adam = torch.optim.Adam(self.parameters, lr=rate, betas=betas, fused=fused)

    def update(self, loss: Tensor) -> bool:
        """Backward, clip, step; False where loss or gradient is not finite, and nothing has changed then."""
        self.adam.zero_grad()
        if not loss.requires_grad or not torch.isfinite(loss):
            return bool(torch.isfinite(loss))
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.clip)
        sound = bool(torch.isfinite(norm))
        if sound:
            self.adam.step()
            # A fused step writes past the counter of versions, by which samplers notice that weights have moved.
            torch.autograd.graph.increment_version(self.parameters)
        return sound

    def state(self) -> dict[str, Tensor]:
        """Weights and moments by name."""
        weights = {f"weights/{name}": tensor for name, tensor in self.network.state_dict().items()}
        moments = {
            f"adam/{index}/{name}": tensor
            for index, state in self.adam.state_dict()["state"].items()
            for name, tensor in state.items()
        }
        return weights | moments

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes both back."""
        self.network.load_state_dict(_below("weights", state))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below("adam", state).items():
            index, _, name = key.partition("/")
            moments.setdefault(int(index), {})[name] = tensor
        self.adam.load_state_dict({**self.adam.state_dict(), "state": moments})


class Meter:
    """Means of what happened since the journal's last row; kept on the device, so that no step waits for them."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, facts: Mapping[str, Tensor]) -> None:
        """Takes note of scalars."""
        for name, value in facts.items():
            total = self.sums.get(name)
            self.sums[name] = value.detach().float() + (0.0 if total is None else total)
            self.counts[name] = self.counts.get(name, 0) + 1

    def read(self) -> dict[str, float]:
        """The means, and begins anew."""
        means = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means


class Learner:
    """The model, its adversaries, their optimisers, the protocols and everything drawn by chance, at some step."""

    def __init__(
        self,
        recipe: Recipe,
        batches: Batches,
        *,
        singers: int,
        steps: int,
        seed: int,
        device: torch.device,
        precision: Precision,
        sampler: str | None = None,
    ) -> None:
        """A fresh one; sets torch's global generators.

        Raises:
            ConfigError: an adversary has no weight, or the sampler is none that serves here.
        """
        torch.manual_seed(seed)
        self.recipe, self.batches, self.steps = recipe, batches, steps
        self.device, self.precision = device, precision
        self.step = 0
        self.failed = False  # whether an update of this step was not finite
        self.unlucky = 0  # such steps in a row
        self.skipped = 0  # and in all
        self.chance = torch.Generator().manual_seed(seed + 1)
        self.meter = Meter()
        self.model: Autoencoder = recipe.model.build(singers=singers).to(device)
        self.performer = chosen(self.model, sampler)  # the same weights, sung faster
        self.adversaries: list[Adversary] = [
            one.build(model=self.model, steps=steps).to(device) for one in recipe.adversaries
        ]
        for adversary in self.adversaries:
            weight_of(adversary.name, recipe.weights)
        self.protocols: list[Protocol] = [
            one.build(steps=steps, batch=recipe.material.batch, singers=singers) for one in recipe.protocols
        ]
        schedule = recipe.optimiser
        self.main = Pupil(self.model, rate=schedule.rate, betas=schedule.betas, clip=schedule.clip)
        self.rivals = [
            Pupil(one, rate=one.pace * schedule.rate, betas=one.betas or schedule.betas) for one in self.adversaries
        ]
        window = round(schedule.average * steps)
        self.window = window if window > 1 else 0
        self.average = {k: v.clone() for k, v in self.model.state_dict().items()} if self.window else {}

    def draw(self, count: int) -> Batch:
        """Fresh excerpts, on the device."""
        return self.batches.draw(count).to(self.device)

    def protocol_at(self, step: int) -> int:
        """Which protocol gives the lesson: the last that takes this step."""
        return max((n for n, protocol in enumerate(self.protocols) if protocol.takes(step)), default=0)

    def lesson(self, draw: Callable[[int], Batch] | None = None) -> Lesson:
        """The lesson of this step."""
        protocol = self.protocols[self.protocol_at(self.step)]
        return protocol.lesson(draw or self.draw, self.performer, self.step, self.chance)

    def attempt(self, lesson: Lesson) -> Outcome:
        """The model's pass over a lesson, in the run's precision."""
        with autocast(self.precision, self.device):
            outcome: Outcome = self.model(lesson)
        return outcome

    @torch.no_grad()
    def glance(self) -> Outcome:
        """A pass over a fresh lesson, for one more turn of an adversary."""
        return self.attempt(self.lesson())

    def scored(self, loss: Callable[[Outcome], Tensor], outcome: Outcome) -> Tensor:
        """A loss of an adversary, in the run's precision."""
        with autocast(self.precision, self.device):
            return loss(outcome)

    @contextmanager
    def adversaries_at_rest(self) -> Iterator[None]:
        """Their weights take no gradient while the model learns to fool them."""
        for adversary in self.adversaries:
            adversary.requires_grad_(False)
        try:
            yield
        finally:
            for adversary in self.adversaries:
                adversary.requires_grad_(True)

    def update(self, pupil: Pupil, loss: Tensor) -> None:
        """Has a network learn; remembers if it could not."""
        if pupil is self.main:
            self.main.adam.param_groups[0]["lr"] = self.recipe.optimiser.rate_at(self.step / self.steps)
        self.failed |= not pupil.update(loss)

    def record(self, terms: Mapping[str, Tensor], facts: Mapping[str, Tensor]) -> None:
        """Takes note of a step's terms and facts; those of later protocols under their own names."""
        number = self.protocol_at(self.step)
        mark = f"_{type(self.protocols[number]).__name__.lower()}" if number else ""
        self.meter.add({f"{name}{mark}": value for name, value in {**terms, **facts}.items()})

    def advance(self) -> None:
        """Ends a step: luck is counted, and the moving average follows, a plain mean until its window is full."""
        self.step += 1
        self.unlucky = self.unlucky + 1 if self.failed else 0
        self.skipped += self.failed
        self.failed = False
        weights = self.model.state_dict() if self.average else {}
        share = 1.0 / max(1, min(self.window, self.step))
        for name, mean in self.average.items():
            if mean.is_floating_point():
                mean.lerp_(weights[name], share)
            else:
                mean.copy_(weights[name])

    @contextmanager
    def presentable(self) -> Iterator[Autoencoder]:
        """The model as others get it: with averaged weights where there are such, in evaluation mode."""
        own = {name: tensor.clone() for name, tensor in self.model.state_dict().items()} if self.average else {}
        if own:
            self.model.load_state_dict(self.average)
        self.model.eval()
        try:
            yield self.model
        finally:
            if own:
                self.model.load_state_dict(own)
            self.model.train()

    def snapshot(self) -> Snapshot:
        """Everything, for a checkpoint."""
        tensors = _under("main", self.main.state()) | _under("average", self.average)
        for adversary, rival in zip(self.adversaries, self.rivals, strict=True):
            tensors |= _under(f"rival/{adversary.name}", rival.state())
        for number, protocol in enumerate(self.protocols):
            tensors |= _under(f"protocol/{number}", protocol.state())
        tensors |= _under("batches", self.batches.state()) | _under("meter", self.meter.sums)
        tensors |= {"chance/loop": self.chance.get_state(), "chance/torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            tensors["chance/cuda"] = torch.cuda.get_rng_state(self.device)
        elif self.device.type == "mps":
            tensors["chance/mps"] = torch.mps.get_rng_state()
        counts = {"unlucky": self.unlucky, "skipped": self.skipped, "meter": self.meter.counts}
        return Snapshot(tensors, {"step": self.step, **counts})

    def restore(self, snapshot: Snapshot) -> None:
        """Goes on where `snapshot` was taken."""
        tensors, facts = snapshot.tensors, snapshot.facts
        self.main.restore(_below("main", tensors))
        for name, mean in self.average.items():
            mean.copy_(tensors[f"average/{name}"])
        for adversary, rival in zip(self.adversaries, self.rivals, strict=True):
            rival.restore(_below(f"rival/{adversary.name}", tensors))
        for number, protocol in enumerate(self.protocols):
            state = _below(f"protocol/{number}", tensors)
            protocol.restore({name: tensor.to(self.device) for name, tensor in state.items()})
        self.batches.restore(_below("batches", tensors))
        self.meter.sums = {name: tensor.to(self.device) for name, tensor in _below("meter", tensors).items()}
        self.meter.counts = dict(facts["meter"])
        self.step, self.unlucky, self.skipped = facts["step"], facts["unlucky"], facts["skipped"]
        self.chance.set_state(tensors["chance/loop"])
        torch.set_rng_state(tensors["chance/torch"])
        if self.device.type == "cuda" and "chance/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["chance/cuda"], self.device)
        elif self.device.type == "mps" and "chance/mps" in tensors:
            torch.mps.set_rng_state(tensors["chance/mps"])

    @property
    def sound(self) -> bool:
        """Whether all weights are finite numbers."""
        networks: Sequence[nn.Module] = [self.model, *self.adversaries]
        return all(bool(torch.isfinite(weight).all()) for network in networks for weight in network.parameters())


def weight_of(term: str, weights: Mapping[str, float]) -> float:
    """How much a term counts.

    Raises:
        ConfigError: the recipe does not say.
    """
    if term not in weights:
        known = ", ".join(weights) or "none"
        remedy = f"""--set 'weights={json.dumps({**weights, term: 1.0})}' would give it one"""
        raise ConfigError(f"The term {term!r} has no weight; the recipe weighs {known}: {remedy}.")
    return weights[term]


def weigh(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """The sum of all terms, each by its weight.

    Raises:
        ConfigError: a term has no weight.
    """
    return torch.stack([weight_of(name, weights) * term.float() for name, term in terms.items()]).sum()


def _under(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}/{key}": tensor for key, tensor in tensors.items()}


def _below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {key.removeprefix(f"{name}/"): tensor for key, tensor in tensors.items() if key.startswith(f"{name}/")}
