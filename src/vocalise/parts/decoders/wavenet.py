"""WaveNet: every sample from all samples before it (van den Oord et al., 2016), told content and voice.

signal ──one step late──▶ stem ──▶ gated layers ══skips══▶ ReLU, 1x1, + condition, ReLU, 1x1 ──▶ 256 logits ──▶ a level
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.config import Channels, Count, Depth, Doublings
from vocalise.devices import one_thread
from vocalise.parts.contracts import BITS, Chance, Controls, Decoded, Decoder
from vocalise.parts.layers import CausalConv, GatedStack, StackState, delayed, receptive_field


@dataclass
class State:
    """What the decoder remembers of its song: its layers' past, the stem's past, and the level sung last."""

    stack: StackState
    stem: Tensor  # ring of the stem, (kernel - 1, batch, 1)
    sung: Tensor  # (batch, 1) in [-1/2, 1/2]


@torch.no_grad()
def spread_thresholds(stem: nn.Linear, *, steepness: float = 3.0, reach: float = 0.3) -> None:
    """Starts a layer that hears a signal in ±1/2 with steep units whose zeros lie all over the signal's range.

    With the usual small weights the first layers are all but linear in one number, and hundreds of steps pass before
    the 256 classes can tell neighbouring levels apart. The published systems do not say how they begin.
    """
    nn.init.normal_(stem.weight, std=steepness)
    zeros = torch.empty_like(stem.bias).uniform_(-reach, reach)
    stem.bias.copy_(-stem.weight.sum(dim=1) * zeros)


@final
class WaveNet(Decoder):
    """An autoregressive decoder over `levels` equal steps of a signal in [-1/2, 1/2].

    Sizes as in Mor et al., 2018, whom Nachmani & Wolf, 2019, follow: 4 blocks of 10 layers, receptive field 4,093
    samples (4,094 with the stem). The condition is projected for all layers at once on its own slow clock, and
    broadcast.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Decoder.Config):
        """Depth, widths and kernel."""

        blocks: Depth = 4
        layers: Doublings = 10  # dilations 1 … 512 in each block
        kernel: Depth = 2
        residual: Channels = 128
        skip: Channels = 128
        levels: Count = 256

        def scaled(self, factor: float) -> "WaveNet.Config":
            """The same depth at another width."""
            return replace(self, residual=max(4, round(self.residual * factor)), skip=max(8, round(self.skip * factor)))

    unit = BITS

    def __init__(self, config: Config, *, signal: int, condition: int, hop: int, singers: int, rate: int) -> None:
        super().__init__()
        if signal != 1:
            raise ValueError(f"a WaveNet sings a signal of one channel, this one has {signal}; take MuLaw")
        self.hop, self.levels, self.autoregressive = hop, config.levels, True
        self.receptive_field = receptive_field(config.kernel, config.blocks, config.layers) + config.kernel - 1
        self.stem = CausalConv(1, config.residual, kernel=config.kernel)
        self.skip_stem = nn.Linear(config.residual, config.skip)
        self.stack = GatedStack(
            blocks=config.blocks, layers=config.layers, kernel=config.kernel, residual=config.residual, skip=config.skip
        )
        depth = config.blocks * config.layers
        self.sizes = (depth * 2 * config.residual, config.skip)
        self.told = nn.Linear(condition, sum(self.sizes))
        self.mix = nn.Linear(config.skip, config.skip)
        self.out = nn.Linear(config.skip, config.levels)
        spread_thresholds(self.stem.linear)

    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        """Target (batch, 1, steps) -> the cross entropy in nats a sample, and the likeliest levels, teacher-forced."""
        logits = self.logits(target, condition).float()
        classes = self._classes(target.squeeze(1))
        nats = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view(classes.shape)
        return Decoded(loss=nats.mean(dim=1), estimate=self._signal(logits.detach().argmax(dim=-1)).unsqueeze(1))

    def logits(self, target: Tensor, condition: Tensor) -> Tensor:
        """(batch, 1, steps) and (batch, channels, steps / hop) -> (batch, steps, levels); none at t sees target[t]."""
        layers, head = self._told(condition)
        stem = self.stem(delayed(target.transpose(1, 2), 1))
        skip = self.stack(stem, layers, self.skip_stem(stem))
        mixed = self.mix(torch.relu(skip))
        mixed = mixed.view(*head.shape[:2], -1, head.shape[2]) + head[:, :, None]
        logits: Tensor = self.out(torch.relu(mixed.view(*skip.shape)))
        return logits

    def begin(self, batch: int) -> State:
        """Nothing sung yet: zeros, as `logits` has before the beginning."""
        weight = self.out.weight
        ring = weight.new_zeros(self.stem.memory, batch, 1)
        return State(stack=self.stack.begin(batch, weight), stem=ring, sung=weight.new_zeros(batch, 1))

    @torch.inference_mode()
    def renew(self, state: State, row: int) -> None:
        """Silence in all that one stream remembers; the clock goes on for everybody, as zeros have no place in time."""
        for ring in (*state.stack.rings, state.stem):
            ring[:, row] = 0.0
        state.sung[row] = 0.0

    def extend(self, state: State, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (batch, channels, controls) -> signal (batch, 1, controls * hop), one level after the other."""
        with torch.inference_mode(), one_thread():  # hundreds of tiny products a step
            sung = self._sing(state, condition, chance)
        return sung.clone()  # a tensor that autograd may meet again, when backtranslation listens to it

    def _sing(self, state: State, condition: Tensor, chance: Chance) -> Tensor:
        layers, head = self._told(condition)
        layers = self.stack.with_biases(layers)
        steps = condition.shape[2] * self.hop
        luck = chance.uniform(steps, condition.device)
        sung = condition.new_zeros(condition.shape[0], steps)
        for t in range(steps):
            frame = t // self.hop
            logits = self.step(state, layers[frame], head[:, frame])
            state.sung = self._signal(self._draw(logits, luck[:, t], chance.temperature))
            sung[:, t] = state.sung[:, 0]
        return sung.unsqueeze(1)

    def step(self, state: State, layers: Tensor, head: Tensor) -> Tensor:
        """The logits (batch, levels) of the next sample; layers (depth, batch, 2 residual), head (batch, skip)."""
        stem = self.stem.step(state.sung, state.stem, state.stack.clock, self.stem.linear.bias)
        skip = self.stack.step(stem, layers, self.skip_stem(stem), state.stack)
        logits: Tensor = self.out(torch.relu(self.mix(torch.relu(skip)) + head))
        return logits

    def _told(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """What each layer is told, (batch, controls, depth, 2 residual), and the head (batch, controls, skip)."""
        layers, head = self.told(condition.transpose(1, 2)).split(self.sizes, dim=-1)
        return layers.unflatten(-1, (len(self.stack.layers), -1)), head

    def _draw(self, logits: Tensor, luck: Tensor, temperature: float) -> Tensor:
        """A class for each stream (batch, 1), where its luck falls in the cumulative distribution."""
        if temperature == 0:
            return logits.argmax(dim=-1, keepdim=True)
        heights = torch.softmax(logits / temperature, dim=-1).cumsum(dim=-1)
        return torch.searchsorted(heights, luck[:, None] * heights[:, -1:], right=True).clamp(max=self.levels - 1)

    def _classes(self, signal: Tensor) -> Tensor:
        return ((signal.float() + 0.5) * (self.levels - 1)).round().long().clamp(0, self.levels - 1)

    def _signal(self, classes: Tensor) -> Tensor:
        return classes.to(self.out.weight.dtype) / (self.levels - 1) - 0.5
