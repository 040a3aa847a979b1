"""The singer probe: how much of the singer a fresh classifier finds in what the bottleneck lets through.

wave ──encode, frozen──▶ latent ──classifier of its own──▶ share of held-out windows told right; 1/k if nothing is left

An adversary that was fooled proves little: another, trained after the encoder stopped moving, may still find the
singer. So the probe starts anew, beside a ceiling (the same on log-mel frames) and a floor (an untrained encoder).
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.audio.spectrum import log_mel
from vocalise.parts.adversaries import SingerClassifier
from vocalise.parts.contracts import Latent

_ENCODED = 16  # windows encoded at a time
_FRAMES = 100  # a second; more are averaged, since nobody becomes someone else within 10 ms


class Listener(Protocol):
    """What the probe asks of a model."""

    @property
    def hop(self) -> int: ...  # noqa: D102
    @property
    def device(self) -> torch.device: ...  # noqa: D102
    def encode(self, wave: Tensor, analysis: Tensor | None = None, before: Tensor | None = None) -> Latent: ...  # noqa: D102
    def eval(self) -> object: ...  # noqa: D102
    def train(self, mode: bool = True) -> object: ...  # noqa: D102
    @property
    def training(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class ProbeFigures:
    """How often the probe was right, in [0, 1]."""

    accuracy: float  # mean over the singers that were tested, so that none counts more for having more windows
    chance: float  # 1 / singers
    per_singer: tuple[float, ...]  # NaN for a singer without a test window


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The same probe on three kinds of features; the latent's figures mean something only between the other two."""

    latent: ProbeFigures
    log_mel: ProbeFigures  # the ceiling: what a small classifier can find at all
    untrained: ProbeFigures  # the latent of the same encoder before training


def probe_model(
    model: Listener,
    untrained: Listener,
    train_waves: Tensor,
    train_labels: Tensor,
    test_waves: Tensor,
    test_labels: Tensor,
    *,
    rate: int,
    lead: int = 0,
    analyses: tuple[Tensor | None, Tensor | None] = (None, None),
    singers: int | None = None,
    steps: int = 2000,
    seed: int = 0,
) -> Probe:
    """Probes a model's latent, log-mel frames on the latent's clock, and the latent of an untrained twin.

    Args:
        model: what is probed; in evaluation mode meanwhile.
        untrained: a model of the same recipe with fresh weights.
        train_waves: windows (n, samples) of training material, about a second; samples a multiple of the model's hop.
        train_labels: (n,), each window's singer.
        test_waves: held-out windows (m, samples), equally many of each singer.
        test_labels: (m,).
        rate: Hz.
        lead: so many samples of each window only go before it, for a model that remembers.
        analyses: what the model's signal prepared of both kinds of windows, where it prepares anything.
        singers: how many there are; by default one more than the greatest label.
        steps: of the classifier's training.
        seed: of its weights and batches; torch's global generator stays as it was.
    """
    if (train_waves.shape[1] - lead) % model.hop or (test_waves.shape[1] - lead) % model.hop:
        raise ValueError(f"Windows must be multiples of the model's hop, {model.hop} samples.")
    heard = tuple(zip((train_waves, test_waves), analyses, strict=True))
    kinds = {
        "latent": [encode_windows(model, *windows, lead=lead) for windows in heard],
        "log_mel": [mel_windows(waves[:, lead:], rate, hop=model.hop) for waves in (train_waves, test_waves)],
        "untrained": [encode_windows(untrained, *windows, lead=lead) for windows in heard],
    }
    some = math.ceil(rate / model.hop / _FRAMES)
    labels = (train_labels, test_labels)
    figures = {
        name: probe_singer(
            _slower(train, some), labels[0], _slower(test, some), labels[1], singers=singers, steps=steps, seed=seed
        )
        for name, (train, test) in kinds.items()
    }
    return Probe(**figures)


def probe_singer(
    train_features: Tensor,
    train_labels: Tensor,
    test_features: Tensor,
    test_labels: Tensor,
    *,
    singers: int | None = None,
    steps: int = 2000,
    batch: int = 32,
    seed: int = 0,
) -> ProbeFigures:
    """Trains a small classifier on features (n, channels, frames) and counts how often it tells unheard ones right.

    The classifier has the confusion network's shape at 100 channels; Adam at 1e-3; features are standardised per
    channel by the training set. Features of zero channels hold nothing, and count as chance without training.
    """
    known = singers or int(torch.cat([train_labels, test_labels]).max()) + 1
    present = [singer for singer in range(known) if bool((test_labels == singer).any())]
    if train_features.shape[1] == 0:
        blind = tuple(1.0 / known if singer in present else math.nan for singer in range(known))
        return ProbeFigures(accuracy=1.0 / known, chance=1.0 / known, per_singer=blind)
    train, test = _standardised(train_features.float().cpu(), test_features.float().cpu())
    classifier = _train(train, train_labels.cpu(), known, steps=steps, batch=batch, seed=seed)
    with torch.no_grad():
        right = (
            torch.cat([classifier(part) for part in torch.split(test, 256)]).argmax(dim=1) == test_labels.cpu()
        ).double()
    per_singer = tuple(
        float(right[test_labels.cpu() == singer].mean()) if singer in present else math.nan for singer in range(known)
    )
    accuracy = sum(per_singer[singer] for singer in present) / len(present)
    return ProbeFigures(accuracy=accuracy, chance=1.0 / known, per_singer=per_singer)


@torch.no_grad()
def encode_windows(model: Listener, waves: Tensor, analyses: Tensor | None = None, *, lead: int = 0) -> Tensor:
    """The model's latent of windows (n, samples), some at a time: (n, channels, frames) on the CPU.

    The first `lead` samples of each are only remembered.
    """
    was_training, parts = model.training, []
    model.eval()
    try:
        for start in range(0, len(waves), _ENCODED):
            span = slice(start, start + _ENCODED)
            known = None if analyses is None else analyses[span].to(model.device)
            part = waves[span].to(model.device)
            latent = model.encode(part[:, lead:], known, part[:, :lead] if lead else None)
            parts.append(latent.z.float().cpu())
    finally:
        model.train(was_training)
    return torch.cat(parts)


def mel_windows(waves: Tensor, rate: int, *, hop: int) -> Tensor:
    """Log-mel of windows (n, samples), averaged within each frame of `hop` samples: (n, 80, frames), dB."""
    frames = waves.shape[1] // hop
    parts = [F.adaptive_avg_pool1d(log_mel(part.float().cpu(), rate), frames) for part in torch.split(waves, _ENCODED)]
    return torch.cat(parts)


def _slower(features: Tensor, some: int) -> Tensor:
    """Means over so many frames of (n, channels, frames)."""
    return F.avg_pool1d(features, some, ceil_mode=True) if some > 1 and features.shape[1] else features


def _standardised(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    mean, spread = train.mean(dim=(0, 2), keepdim=True), train.std(dim=(0, 2), keepdim=True).clamp(min=1e-6)
    return (train - mean) / spread, (test - mean) / spread


def _train(features: Tensor, labels: Tensor, singers: int, *, steps: int, batch: int, seed: int) -> nn.Module:
    """A classifier of features (n, channels, frames), trained; torch's global generator is put back afterwards."""
    # Weights and dropout draw from the CPU's global generator; devices=[] spares the others, which stay untouched
    # because only the CPU's is seeded.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        classifier = SingerClassifier(features.shape[1], singers, width=100, dropout=0.2)
        optimiser = torch.optim.Adam(classifier.parameters(), lr=1e-3)
        for _ in range(steps):
            chosen = torch.randint(len(features), (batch,))
            loss = F.cross_entropy(classifier(features[chosen]), labels[chosen])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
    return classifier.eval()
