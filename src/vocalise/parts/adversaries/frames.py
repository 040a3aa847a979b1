"""Critics of frames: is this spectral frame a singer's own, or one converted to that singer?

target, who sang ─────────────────────────────────────┐
latent.z ──decoder, told somebody else──▶ converted ──┴──▶ a score for each frame and singer
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.config import Channels, Count, Positive, Share
from vocalise.parts.adversaries.entry import Entry, silent
from vocalise.parts.adversaries.games import Game, told_apart, unconvinced
from vocalise.parts.adversaries.views import Bare, Spectrum
from vocalise.parts.adversaries.whole import Whole, require_audible
from vocalise.parts.contracts import Adversary, Controls, Decoded, Outcome
from vocalise.parts.layers import narrower

_WINDOW = 0.064  # seconds: frames of a wave, where the signal has none of its own
_KERNELS = (7, 7, 115)  # bins; the last also of what follows
_STRIDE = 3
_LEAK = 0.02
_STEADY = 1e-8  # added to variances: clipped weights leave little to divide by
_GAMES: Mapping[str, Game] = types.MappingProxyType(
    {"clipped": "wasserstein", "penalty": "wasserstein", "gan": "gan", "least_squares": "least_squares"}
)


class FrameScorer(nn.Module):
    """Convolutions along frequency, then a score for each singer: one critic for each, with a common ear.

    `normed` layers, all but the first, keep scores from vanishing where weights are clipped; a critic under a gradient
    penalty does without.
    """

    def __init__(self, bins: int, singers: int, *, widths: tuple[int, ...], normed: bool) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        width = 1
        for number, wider in enumerate(widths):
            kernel = _KERNELS[min(number, len(_KERNELS) - 1)]
            stages.append(nn.Conv1d(width, wider, kernel, stride=_STRIDE, padding=kernel // 2))
            stages += [nn.GroupNorm(1, wider, eps=_STEADY)] if normed and number else []
            stages.append(nn.LeakyReLU(_LEAK))
            bins, width = -(-bins // _STRIDE), wider
        self.ear = nn.Sequential(*stages)
        self.scores = nn.Linear(bins * width, singers)

    def forward(self, frames: Tensor, identity: Tensor) -> Tensor:
        """Frames (n, bins) and who each should be by (n, singers) -> (n,); of a mixture, the mixed score."""
        every: Tensor = self.scores(self.ear(frames[:, None]).flatten(1))
        return (every * identity.to(every)).sum(dim=1)


@final
class FrameCritic(Adversary):
    """Frames of singers against frames converted to them (Hsu et al., 2017, VAW-GAN), for any pair of many singers.

        clipped:  own: E D_y(x̂_y) - E D_y(x_y), all weights clamped to ±k      model: -E D_y(x̂_y)
        penalty:  own: the same + λ E ( ‖∇D‖ - 1 )², weights free (Gulrajani et al., 2017, eq. 3)
        gan, least_squares: the losses of Goodfellow et al., 2014, and Mao et al., 2017

    x̂_y is the latent of one excerpt decoded to the singer y of its neighbour in the batch, and at that one's mean
    pitch; reconstructions are not judged. Published are a critic for each pair of singers, 5 turns a step, and 100 at
    the first 25 and every 100th; the term's weight is γ / k = 50 / 0.01. The encoder was not taught by it (`teaches`).
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """Sizes, turns and constants as published."""

        kind: Literal["clipped", "penalty", "gan", "least_squares"] = "clipped"
        widths: tuple[Channels, ...] = (16, 32, 64)
        clip: Positive = 0.01  # k
        penalty: Annotated[float, Field(ge=0.0, le=1e4)] = 10.0  # λ
        start: Share = 0.25  # of the run: first an autoencoder is learned
        turns: Count = 5  # a step
        many: Count = 100  # turns at a step while the critic is far from its best
        eager: Annotated[int, Field(ge=0, le=1 << 20)] = 25  # steps from the start on that have so many
        every: Count = 100  # steps from one that has so many to the next
        pace: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0  # its learning rate, in the model's
        teaches: Literal["both", "decoder"] = "both"

        def scaled(self, factor: float) -> "FrameCritic.Config":
            """The critic keeps its strength at every size but the smallest, which is for tests."""
            return self if factor > 0.1 else replace(self, widths=narrower(self.widths, 0.25), many=2, eager=1)

    name = "frame_critic"
    betas = (0.0, 0.9)  # Adam without momentum, in the place of RMSProp

    def __init__(self, config: Config, *, model: Whole, steps: int = 0) -> None:
        """For a model that sings all at once.

        Raises:
            ConfigError: the decoder is autoregressive.
        """
        super().__init__()
        require_audible(model, "FrameCritic")
        self.config, self.pace = config, config.pace
        self.game = _GAMES[config.kind]
        # Methods: the model is no part of its adversary.
        self.tell: Callable[[Tensor, Controls], Tensor] = model.condition.forward
        self.sing: Callable[..., Decoded] = model.decoder.forward
        self.entry = Entry(steps=steps, start=config.start, every=1, practice=1)
        wave = (model.signal.channels, model.signal.hop) == (1, 1)
        self.view: Spectrum | Bare = Spectrum(model.rate, window=_WINDOW) if wave else Bare(model.signal.channels)
        self.scorer = FrameScorer(self.view.bands, model.singers, widths=config.widths, normed=config.kind == "clipped")

    def turns(self, step: int) -> int:
        """None before its start, then some at every step, and many at the first ones and every now and then."""
        since = step - self.entry.first
        if since < 0:
            return 0
        return self.config.many if since < self.config.eager or since % self.config.every == 0 else self.config.turns

    def after_turn(self) -> None:
        """Clips, where weights are clipped, and counts."""
        self.entry.note()
        if self.config.kind == "clipped":
            with torch.no_grad():
                for weight in self.scorer.parameters():
                    weight.clamp_(-self.config.clip, self.config.clip)

    def own_loss(self, outcome: Outcome) -> Tensor:
        """How badly singers' frames are told from converted ones, which are detached."""
        with torch.no_grad():
            asked = _neighbours(outcome.lesson.controls)
            real = self._frames(outcome, outcome.target).roll(1, dims=0)  # beside the frames that should be like them
            sung = self._frames(outcome, self._converted(outcome, asked, outcome.latent.z))
            who = _through(asked.identity, real.shape[1])
        known = outcome.lesson.paired.roll(1, dims=0) * outcome.lesson.paired > 0
        if not known.any():
            return silent(self.scorer.scores.weight)
        real, sung, who = (every[known].flatten(0, 1) for every in (real, sung, who))
        loss = told_apart(self.game, self.scorer(real, who).float(), self.scorer(sung, who).float())
        if self.config.kind == "penalty":
            loss = loss + self.config.penalty * slope_penalty(self.scorer, real, sung, who)
        return loss

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """How little the converted frames pass for their singers'."""
        if not self.entry.speaks:
            return silent(outcome.decoded.estimate)
        z = outcome.latent.z if self.config.teaches == "both" else outcome.latent.z.detach()
        asked = _neighbours(outcome.lesson.controls)
        sung = self._frames(outcome, self._converted(outcome, asked, z))
        scores = self.scorer(sung.flatten(0, 1), _through(asked.identity, sung.shape[1]).flatten(0, 1))
        return unconvinced(self.game, scores.float())

    def _converted(self, outcome: Outcome, asked: Controls, z: Tensor) -> Tensor:
        return self.sing(outcome.target, self.tell(z, asked), asked, outcome.lesson.bandwidth).estimate

    def _frames(self, outcome: Outcome, signal: Tensor) -> Tensor:
        """(batch, channels, steps) -> (batch, frames, bins)."""
        seen: Tensor = self.view(signal, outcome.lesson.bandwidth)
        return seen.transpose(1, 2)


def slope_penalty(scorer: Callable[[Tensor, Tensor], Tensor], real: Tensor, sung: Tensor, identity: Tensor) -> Tensor:
    """E ( ‖∇D(x)‖ - 1 )² at points drawn between real and sung frames (Gulrajani et al., 2017, eq. 3).

    Frames (n, bins) and identities (n, singers); the norm is Euclid's over the bins of a frame.
    """
    with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
        share = torch.rand(len(real), 1, device=real.device)
        between = torch.lerp(sung.float(), real.float(), share).requires_grad_()
        (slope,) = torch.autograd.grad(scorer(between, identity).sum(), between, create_graph=True)
        return ((slope.square().sum(dim=1) + 1e-12).sqrt() - 1.0).square().mean()


def _neighbours(controls: Controls) -> Controls:
    """The same songs, each asked of the singer of the one before it in the batch, at that one's mean pitch."""
    octaves = torch.log2(controls.pitch.clamp(min=1.0)) * controls.voicing
    voiced = controls.voicing.sum(dim=1)
    mean = octaves.sum(dim=1) / voiced.clamp(min=1.0)
    away = (mean.roll(1, dims=0) - mean) * ((voiced > 0.0) & (voiced.roll(1, dims=0) > 0.0))
    pitch = controls.pitch * torch.exp2(away)[:, None]
    return replace(controls, identity=controls.identity.roll(1, dims=0), pitch=pitch)


def _through(identity: Tensor, frames: int) -> Tensor:
    """Who sings (batch, singers, columns or 1), for each frame: (batch, frames, singers)."""
    return F.interpolate(identity.float(), size=frames, mode="nearest").transpose(1, 2)
