"""Critics: networks that tell recordings from what the model sings, told nobody; the model learns to pass for real.

target, estimate ──log-mel at several resolutions──▶ convolutions over time ──▶ a score for each stretch
"""

from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from vocalise.config import Channels, Count, Share
from vocalise.parts.adversaries.confusion import mean_where
from vocalise.parts.adversaries.entry import Entry, silent
from vocalise.parts.adversaries.games import Game, told_apart, unconvinced
from vocalise.parts.adversaries.views import Bare, Spectrum
from vocalise.parts.adversaries.whole import Whole, require_audible
from vocalise.parts.contracts import Adversary, Outcome

_Window = Annotated[float, Field(ge=0.001, le=1.0)]


class Verdict(NamedTuple):
    """What one resolution says."""

    scores: Tensor  # (batch, stretches)   greater: more like a recording
    hidden: list[Tensor]  # each (batch, width, steps), for feature matching


class Scorer(nn.Module):
    """Convolutions over time with weight normalisation, bands as channels; each but the first halves the clock.

    Batch statistics are out of place here, since the penalty is taken item by item (Gulrajani et al., 2017, section 4).
    """

    def __init__(self, bands: int, *, width: int, layers: int) -> None:
        super().__init__()
        sizes = [bands, *[width] * layers]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv1d(sizes[n], sizes[n + 1], 5, stride=1 if n == 0 else 2, padding=2))
            for n in range(layers)
        )
        self.score = weight_norm(nn.Conv1d(width, 1, 3, padding=1))

    def forward(self, seen: Tensor) -> Verdict:
        """(batch, bands, frames) -> `Verdict`."""
        hidden = []
        for layer in self.layers:
            seen = F.leaky_relu(layer(seen), 0.2)
            hidden.append(seen)
        return Verdict(self.score(seen)[:, 0], hidden)


@final
class Critic(Adversary):
    """Tells real from sung at several resolutions (as Jang et al., 2021, do on magnitudes).

    The losses are those of `games`; a Wasserstein critic's has λ E (‖∇D‖ - 1)² beside it (Gulrajani et al., 2017).

    Distances, and so ‖∇D‖, are root mean squares over bands and frames, in units of 20 dB: the penalty does not depend
    on the length of an excerpt. `matching` adds feature matching (Kumar et al., 2019, section 3) over paired items.
    A signal that is a spectrum already is looked at as it is.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """Who looks, from when on, and how its losses are made up."""

        kind: Game = "hinge"
        windows: tuple[_Window, ...] = (0.011, 0.022, 0.045)  # seconds
        bands: Annotated[int, Field(ge=0, le=512)] = 80  # of the mel scale; 0: every bin
        width: Channels = 64
        layers: Annotated[int, Field(ge=1, le=8)] = 4
        matching: Annotated[float, Field(ge=0.0, le=1e4)] = 2.0  # weight of feature matching within the model's term
        penalty: Annotated[float, Field(ge=0.0, le=1e4)] = 10.0  # λ of the Wasserstein critic
        start: Share = 0.1  # of the run: before, there is nothing worth telling apart
        every: Count = 1  # steps from one turn to the next
        practice: Annotated[int, Field(ge=1, le=1000)] = 50  # turns before the model hears of it
        pace: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5  # its learning rate, in the model's

        def __post_init__(self) -> None:
            if not self.windows:
                raise ValueError("windows: a critic needs at least one")

        def scaled(self, factor: float) -> "Critic.Config":
            """The critic keeps its strength at every size but the smallest, which is for tests."""
            return self if factor > 0.1 else replace(self, width=16, layers=2)

    name = "critic"

    def __init__(self, config: Config, *, model: Whole, steps: int = 0) -> None:
        """For a model that sings all at once.

        Raises:
            ConfigError: the decoder is autoregressive.
        """
        super().__init__()
        require_audible(model, "Critic")
        self.config, self.pace = config, config.pace
        self.betas = (0.5, 0.9) if config.kind != "wasserstein" else (0.0, 0.9)  # Gulrajani et al., algorithm 1
        self.entry = Entry(steps=steps, start=config.start, every=config.every, practice=config.practice)
        wave = (model.signal.channels, model.signal.hop) == (1, 1)
        views: list[Spectrum | Bare] = [Bare(model.signal.channels)]
        if wave:
            views = [Spectrum(model.rate, window=window, bands=config.bands) for window in config.windows]
        self.views = nn.ModuleList(views)
        self.scorers = nn.ModuleList(Scorer(view.bands, width=config.width, layers=config.layers) for view in views)

    def turns(self, step: int) -> int:
        """None before its start, then one every so many steps."""
        return self.entry.turns(step)

    def after_turn(self) -> None:
        """Counts."""
        self.entry.note()

    def own_loss(self, outcome: Outcome) -> Tensor:
        """How badly it tells recordings from the song, which is detached; the mean over resolutions."""
        losses = []
        for view, scorer in zip(self.views, self.scorers, strict=True):
            with torch.no_grad():
                real = view(outcome.target, outcome.lesson.bandwidth)
                sung = view(outcome.decoded.estimate.detach(), outcome.lesson.bandwidth)
            scores = scorer(torch.cat([real, sung])).scores.float()
            losses.append(told_apart(self.config.kind, *scores.chunk(2)))
            if self.config.kind == "wasserstein" and self.config.penalty:
                losses[-1] = losses[-1] + self.config.penalty * _penalty(scorer, real, sung)
        return torch.stack(losses).mean()

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """How little the song passes for a recording, and how far it is from its own in what the critic looks at."""
        if not self.entry.speaks:
            return silent(outcome.decoded.estimate)
        losses = []
        for view, scorer in zip(self.views, self.scorers, strict=True):
            scores, hidden = scorer(view(outcome.decoded.estimate, outcome.lesson.bandwidth))
            losses.append(unconvinced(self.config.kind, scores.float()))
            if self.config.matching:
                with torch.no_grad():
                    wanted = scorer(view(outcome.target, outcome.lesson.bandwidth)).hidden
                losses[-1] = losses[-1] + self.config.matching * _apart(hidden, wanted, outcome.lesson.paired)
        return torch.stack(losses).mean()


def _penalty(scorer: nn.Module, real: Tensor, sung: Tensor) -> Tensor:
    """(‖∇D‖ - 1)² at points between recordings and songs, E over items (Gulrajani et al., 2017, eq. 3).

    The two are drawn apart, as in the paper: a song is set against the recording of its neighbour in the batch.
    """
    with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
        share = torch.rand(len(real), 1, 1, device=real.device)
        between = torch.lerp(real, sung.roll(1, dims=0), share).requires_grad_()
        score = scorer(between).scores.mean(dim=1).sum()
        (slope,) = torch.autograd.grad(score, between, create_graph=True)
        norm = (slope.square().sum(dim=(1, 2)) * slope[0].numel() + 1e-12).sqrt()
        return (norm - 1.0).square().mean()


def _apart(ours: list[Tensor], theirs: list[Tensor], paired: Tensor) -> Tensor:
    """Mean absolute difference of hidden layers, relative to the size of theirs, over paired items."""
    layers = []
    for a, b in zip(ours, theirs, strict=True):
        difference, size = (x.float().abs().mean(dim=(1, 2)) for x in (a - b, b))
        layers.append(mean_where(difference / size.clamp(min=1e-3), paired))
    return torch.stack(layers).mean()
