"""One step of a WaveNet after another without a word from the host: clock, rings and luck are on the device.

clock ──mod each ring's length──▶ slots ──▶ all layers' past at once ──▶ layer by layer ──▶ a level ──▶ rings, clock

What the host decides must be the same for every chunk, because a CUDA graph repeats it: shapes, addresses, the number
of steps. All that moves (clock, place within a frame, luck) is read from tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.parts.decoders.wavenet import WaveNet

Draw = Callable[[Tensor, Tensor], Tensor]  # logits (batch, levels) and luck (batch,) -> a level for each, (batch, 1)


@dataclass(frozen=True)
class Network:
    """The weights as a step wants them: one product with the past of all layers, many with the present."""

    stem: Tensor  # (kernel, residual)   float32, as the head: 256 levels are too fine for bfloat16
    stem_bias: Tensor
    skip_stem: Tensor  # (residual, skip)
    skip_stem_bias: Tensor
    past: Tensor  # (depth, (kernel - 1) * residual, 2 residual)
    now: Tensor  # (depth, residual, 2 residual)
    out: Tensor  # (depth, residual, residual + skip)   of the last layer the skip alone is not zero
    out_bias: Tensor  # (depth, residual + skip)
    mix: Tensor  # (skip, skip)   float32
    mix_bias: Tensor
    levels: Tensor  # (skip, levels)   float32
    levels_bias: Tensor
    lags: Tensor  # (depth, kernel - 1)   from the write slot of a ring to each tap's, in steps
    lengths: Tensor  # (depth,)   of the rings
    starts: Tensor  # (depth,)   where each ring begins among all slots

    @classmethod
    def of(cls, decoder: WaveNet, dtype: torch.dtype) -> "Network":
        """The weights as they are now; products of the layers are in `dtype`."""
        blocks, residual, device = decoder.stack.layers, decoder.stack.residual, decoder.out.weight.device
        convs = torch.stack([block.conv.linear.weight.detach().t() for block in blocks]).to(dtype)
        outs = [F.pad(block.out.weight.detach().t(), (residual - block.split[0], 0)) for block in blocks]
        biases = [F.pad(block.out.bias.detach(), (residual - block.split[0], 0)) for block in blocks]
        lengths = torch.tensor([block.conv.memory for block in blocks])
        taps = blocks[0].conv.kernel - 1
        lags = torch.tensor([[tap * block.conv.dilation for tap in range(taps)] for block in blocks])
        stem, head = decoder.stem.linear, decoder.out
        return cls(
            stem=_laid(stem.weight),
            stem_bias=_copied(stem.bias),
            skip_stem=_laid(decoder.skip_stem.weight).to(dtype),
            skip_stem_bias=_copied(decoder.skip_stem.bias).to(dtype),
            past=convs[:, : taps * residual].contiguous(),
            now=convs[:, taps * residual :].contiguous(),
            out=torch.stack(outs).to(dtype),
            out_bias=torch.stack(biases).to(dtype),
            mix=_laid(decoder.mix.weight),
            mix_bias=_copied(decoder.mix.bias),
            levels=_laid(head.weight),
            levels_bias=_copied(head.bias),
            lags=lags.to(device),
            lengths=lengths.to(device),
            starts=(lengths.cumsum(0) - lengths).to(device),
        )

    def slots(self, clock: Tensor) -> Tensor:
        """The slot of each tap of each layer at times (steps,): (steps, depth, kernel - 1); the first is the oldest.

        At time t the slot t mod length holds the oldest tap, and is the one to be overwritten (as `CausalConv.step`).
        """
        return self.starts[:, None] + (clock[:, None, None] + self.lags) % self.lengths[:, None]


def _copied(values: Tensor) -> Tensor:
    """Float32 numbers of our own: what is packed anew is written over them, and must not be anybody's weights."""
    return values.detach().to(torch.float32, copy=True)


def _laid(weight: Tensor) -> Tensor:
    return _copied(weight).t().contiguous()


@dataclass
class Memory:
    """What streams remember, on the device."""

    ring: Tensor  # (slots of all layers, batch, residual)
    heard: Tensor  # (batch, kernel)   the levels sung last, oldest first, float32
    clock: Tensor  # (1,)   steps taken

    @classmethod
    def blank(cls, network: Network, batch: int) -> "Memory":
        """Silence before the first step."""
        slots, residual = int(network.lengths.sum()), network.now.shape[1]
        return cls(
            ring=network.now.new_zeros(slots, batch, residual),
            heard=network.stem.new_zeros(batch, network.stem.shape[0]),
            clock=network.starts.new_zeros(1),
        )


@dataclass
class Desk:
    """Where the host lays what a chunk of steps needs, and takes what was sung, always at the same addresses."""

    layers: Tensor  # (frames that a chunk may touch, depth, batch, 2 residual)   what the layers are told
    head: Tensor  # (frames, batch, skip)   what the head is told
    phase: Tensor  # (1,)   steps between the beginning of the first frame and that of the chunk
    luck: Tensor  # (steps, batch)   uniform numbers
    sung: Tensor  # (steps, batch)
    numbers: Tensor  # (steps,)   0, 1, 2, …
    hop: int
    laid: tuple[int, int] = (0, 0)  # the frames that lie on it

    @classmethod
    def of(cls, network: Network, *, steps: int, hop: int, batch: int) -> "Desk":
        """An empty desk for chunks of `steps`."""
        depth, _, double = network.now.shape
        frames = 1 + (steps - 1 + hop - 1) // hop  # a chunk may begin at the last step of a frame
        return cls(
            layers=network.now.new_zeros(frames, depth, batch, double),
            head=network.mix.new_zeros(frames, batch, network.mix.shape[0]),
            phase=network.starts.new_zeros(1),
            luck=network.stem.new_zeros(steps, batch),
            sung=network.stem.new_zeros(steps, batch),
            numbers=torch.arange(steps, device=network.stem.device),
            hop=hop,
        )

    def lay(self, layers: Tensor, head: Tensor, luck: Tensor, start: int) -> None:
        """What the steps from `start` on need of a song's layers, head and luck (count, batch)."""
        first, last = start // self.hop, (start + len(luck) - 1) // self.hop + 1
        if self.laid != (first, last):
            self.layers[: last - first].copy_(layers[first:last])
            self.head[: last - first].copy_(head[first:last])
            self.laid = (first, last)
        self.phase.fill_(start - first * self.hop)
        self.luck[: len(luck)].copy_(luck)


def advance(network: Network, memory: Memory, desk: Desk, draw: Draw, count: int) -> None:
    """So many steps: reads and moves on `memory`, reads `desk`, writes what was sung there. Nothing is waited for."""
    frames = torch.div(desk.phase + desk.numbers[:count], desk.hop, rounding_mode="floor")
    slots = network.slots(memory.clock + desk.numbers[:count])
    for step in range(count):
        frame = frames[step : step + 1]
        layers, head = desk.layers.index_select(0, frame)[0], desk.head.index_select(0, frame)[0]
        level = draw(logits(network, memory, layers, head, slots[step]), desk.luck[step])
        memory.heard.copy_(torch.cat([memory.heard[:, 1:], level], dim=1))
        desk.sung[step].copy_(level[:, 0])
    memory.clock.add_(count)


def logits(network: Network, memory: Memory, layers: Tensor, head: Tensor, slots: Tensor) -> Tensor:
    """The logits (batch, levels) of the next sample, float32.

    Layers are told (depth, batch, 2 residual), the head (batch, skip); `slots` (depth, kernel - 1) are the taps' places
    in the rings, and the present column of each layer is left in the first of them.
    """
    depth, residual, _ = network.now.shape
    batch, dtype = memory.heard.shape[0], network.now.dtype
    taps = memory.ring.index_select(0, slots.flatten()).view(depth, -1, batch, residual)
    past = torch.baddbmm(layers, taps.transpose(1, 2).reshape(depth, batch, -1), network.past)
    x = torch.addmm(network.stem_bias, memory.heard, network.stem)
    skip = torch.addmm(network.skip_stem_bias, x.to(dtype), network.skip_stem)
    sums, columns = torch.cat([x, skip.float()], dim=1), []  # float32: layers only ever add to it
    for layer in range(depth):
        x = sums[:, :residual].to(dtype)
        columns.append(x)
        gates = torch.addmm(past[layer], x, network.now[layer])
        gates[:, :residual].tanh_()
        sums = sums + torch.addmm(network.out_bias[layer], F.glu(gates), network.out[layer])
    memory.ring.index_copy_(0, slots[:, 0], torch.stack(columns))
    mixed = torch.addmm(network.mix_bias, torch.relu(sums[:, residual:]), network.mix) + head
    return torch.addmm(network.levels_bias, torch.relu(mixed), network.levels)
