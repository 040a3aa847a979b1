"""VectorQuantizer: a bottleneck that lets through which code of a learnt book is nearest, and nothing else.

content ──nearest of K codes──▶ z        gradient of z ──straight through──▶ gradient of content
   └───────moving averages────▶ codes    ‖content - z‖² ──▶ term `commitment`
"""

from dataclasses import dataclass
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from vocalise.config import Count, Positive, Share
from vocalise.parts.contracts import Bottleneck, Latent


@final
class VectorQuantizer(Bottleneck):
    """The nearest code of a learnt book, its gradient passed straight through (van den Oord et al., 2017, section 3).

        k = argmin_j ‖z_e - e_j‖²,  z_q = e_k      term `commitment`: mean (z_e - sg[e_k])², weighed by β in the recipe

    The book learns from moving averages (appendix A.1): N ← γN + (1-γ)n, m ← γm + (1-γ)Σz_e, e = m / N, with N after
    Laplace's smoothing. A code that nothing was near to for some time is dead, and starts again at a frame of the
    moment; so does the whole book at its first frames. In training a frame may take the code of a neighbour (jitter,
    Chorowski et al., 2019, section III.C), so that no code can mean more than its stretch of sound.

    The book is in buffers: it is saved, averaged and resumed with the weights. It learns only where the encoder does:
    listening to the model in the middle of its training does not move it, nor does enrolling somebody.
    """

    counts: Tensor  # (codes,)   N: moving average of how many frames take a code in a pass
    sums: Tensor  # (codes, channels)   m: moving average of the sum of those frames
    idle: Tensor  # (codes,)   passes since a code was last taken
    continuous = False  # between two codes there is nothing

    @dataclass(frozen=True, kw_only=True)
    class Config(Bottleneck.Config):
        """Sizes of the book, and how it learns."""

        codes: Annotated[int, Field(ge=2, le=1 << 16)] = 512  # K
        decay: Share = 0.99  # γ
        smoothing: Positive = 1e-5  # ε of Laplace's rule: N ← n (N + ε) / (n + Kε), n = ΣN
        patience: Count = 200  # passes in which nobody takes a code before it starts again
        jitter: Share = 0.12  # of the frames that take a neighbour's code, half of them from either side

    def __init__(self, config: Config, *, channels: int) -> None:
        super().__init__()
        self.channels, self.config = channels, config
        self.register_buffer("counts", torch.ones(config.codes))
        self.register_buffer("sums", torch.randn(config.codes, channels))
        self.register_buffer("idle", torch.full((config.codes,), config.patience))  # dead until the first frames

    @property
    def codes(self) -> Tensor:
        """The book, (codes, channels)."""
        total = self.counts.sum()
        smooth = (self.counts + self.config.smoothing) / (total + len(self.counts) * self.config.smoothing) * total
        return self.sums / smooth[:, None]

    def forward(self, content: Tensor) -> Latent:
        """The nearest codes; their facts are those of this pass."""
        with torch.autocast(content.device.type, enabled=False):
            frames = content.to(self.sums.dtype).transpose(1, 2)  # (batch, frames, channels)
            learns = self.training and content.requires_grad and torch.is_grad_enabled()
            if learns:
                self._revive(frames.detach().flatten(0, 1))
            book = self.codes
            chosen = nearest(frames.detach().flatten(0, 1), book)
            if learns:
                self._learn(frames.detach().flatten(0, 1), chosen)
            quantized = F.embedding(chosen.view(frames.shape[:2]), book)
            commitment = (frames - quantized).square().mean()
            if learns and self.config.jitter:
                near = self._jittered(frames.shape[:2], frames.device)[..., None].expand_as(frames)
                quantized, frames = quantized.gather(1, near), frames.gather(1, near)
            # The difference is zero to the last bit, and the gradient of `frames` is that of z.
            z = (quantized + (frames - frames.detach())).transpose(1, 2).to(content.dtype)
        return Latent(z=z, terms={"commitment": commitment}, facts=self._facts(chosen))

    def _revive(self, frames: Tensor) -> None:
        """Dead codes start again at frames (n, channels) of the moment, none twice while there are enough."""
        dead = (self.idle >= self.config.patience) & torch.isfinite(frames).all()
        drawn = torch.randperm(len(frames), device=frames.device)
        taken = frames[drawn[torch.arange(len(dead), device=frames.device) % len(frames)]]
        self.sums.copy_(torch.where(dead[:, None], taken, self.sums))
        self.counts.copy_(torch.where(dead, 1.0, self.counts))
        self.idle.copy_(torch.where(dead, 0, self.idle))

    def _learn(self, frames: Tensor, chosen: Tensor) -> None:
        """The averages follow; frames that are not finite, as in a step that is skipped, teach nothing."""
        sound = torch.isfinite(frames).all()
        taken = F.one_hot(chosen, len(self.counts)).to(frames.dtype)
        share = torch.where(sound, 1.0 - self.config.decay, 0.0).to(taken.dtype)
        self.counts.lerp_(taken.sum(dim=0), share)
        self.sums.lerp_(torch.where(sound, taken.T @ frames, self.sums), share)
        self.idle.copy_(torch.where(taken.sum(dim=0) > 0, 0, self.idle + 1))

    def _jittered(self, shape: torch.Size, device: torch.device) -> Tensor:
        """For each frame (batch, frames) whose code it takes; at the ends a neighbour that is not there is itself."""
        luck, half = torch.rand(shape, device=device), self.config.jitter / 2
        step = (luck > 1.0 - half).long() - (luck < half).long()
        return (torch.arange(shape[1], device=device) + step).clamp(0, shape[1] - 1)

    def _facts(self, chosen: Tensor) -> dict[str, Tensor]:
        """Perplexity exp(H) of the codes that a pass takes, and the share of the book that is alive."""
        taken = torch.zeros_like(self.counts).index_add_(0, chosen, torch.ones_like(chosen, dtype=self.counts.dtype))
        share = taken / max(1, len(chosen))
        perplexity = torch.exp(-torch.xlogy(share, share).sum())
        return {"perplexity": perplexity, "codes_alive": (self.idle < self.config.patience).float().mean()}


def nearest(frames: Tensor, book: Tensor) -> Tensor:
    """Which code (codes, channels) is nearest to each frame (n, channels): (n,); the first of equals."""
    # ‖z‖² is the same for all codes.
    return torch.addmm(book.square().sum(dim=1), frames, book.T, alpha=-2.0).argmin(dim=1)
