"""A WaveNet's weights and memory as the Triton kernel wants them: square tiles, widths filled up to powers of two.

residual 24, skip 40, 3 streams ──zeros──▶ residual 32, skip 64, 16 streams

A channel of zeros stays zero through every layer (its gate is tanh 0), so nothing has to be masked.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.parts.decoders.wavenet import WaveNet

LEAST = 16  # rows and columns of a tile
WIDEST = (128, 256, 256)  # residual, skip, levels: more does not fit a multiprocessor
NEVER = -1e30  # the logit of a level that does not exist


def unfit(decoder: WaveNet) -> str:
    """Why the kernel cannot sing as this WaveNet; empty if it can."""
    sizes = (decoder.stack.residual, decoder.skip_stem.out_features, decoder.levels)
    for name, size, most in zip(("residual", "skip", "levels"), sizes, WIDEST, strict=True):
        if size > most:
            return f"{name} {size} is more than {most}"
    kernel = decoder.stem.kernel
    return "" if kernel == 2 else f"kernel {kernel} is not 2"


def filled(size: int) -> int:
    """The power of two to which a width is filled up."""
    return max(LEAST, 1 << (size - 1).bit_length())


@dataclass(frozen=True)
class Tiles:
    """All weights in rows of inputs and columns of outputs; layers' biases of the first product are told instead."""

    stem: Tensor  # (3, residual)   float32: of the level before, of the last level, bias
    skip_stem: Tensor  # (residual, skip)
    gates: Tensor  # (depth, 4, residual, residual)   filter and gate of the past, filter and gate of the present
    onward: Tensor  # (depth, residual, residual)   to the next layer; zeros in the last
    skips: Tensor  # (depth, residual, skip)
    mix: Tensor  # (skip, skip)
    levels: Tensor  # (skip, levels)
    biases: Tensor  # (depth, residual + skip)   float32
    head: Tensor  # (2 skip + levels,)   float32: of skip_stem, mix and levels
    rings: Tensor  # (depth, 2)   int64: where each layer's ring begins, and its length
    sizes: tuple[int, int, int]  # residual, skip, levels as they are in truth

    @classmethod
    def of(cls, decoder: WaveNet, dtype: torch.dtype) -> "Tiles":
        """The weights as they are now, products in `dtype`."""
        blocks, residual, skip = decoder.stack.layers, decoder.stack.residual, decoder.skip_stem.out_features
        r, s, a = (filled(size) for size in (residual, skip, decoder.levels))
        convs = torch.stack([_rows(block.conv.linear.weight) for block in blocks]).view(-1, 2, residual, 2, residual)
        gates = _filled(convs.transpose(2, 3), r, r)  # (depth, tap, filter or gate, in, out)
        onward = torch.stack([_of_last(block.out.weight, block.split[0], residual) for block in blocks])
        skips = torch.stack([_rows(block.out.weight)[:, -skip:] for block in blocks])
        onward_bias = torch.stack([_of_last(block.out.bias, block.split[0], residual) for block in blocks])
        skip_bias = torch.stack([block.out.bias.detach()[-skip:] for block in blocks])
        stem = torch.cat([_rows(decoder.stem.linear.weight), decoder.stem.linear.bias.detach()[None]])
        head = [
            _filled(decoder.skip_stem.bias.detach(), s),
            _filled(decoder.mix.bias.detach(), s),
            _filled(decoder.out.bias.detach(), a, value=NEVER),
        ]
        # A ring has one slot more than its layer's dilation: what is read is then never what is written meanwhile.
        lengths = torch.tensor([block.conv.memory + 1 for block in blocks])
        return cls(
            stem=_filled(stem.float(), r),
            skip_stem=_filled(_rows(decoder.skip_stem.weight), r, s).to(dtype),
            gates=gates.flatten(1, 2).to(dtype).contiguous(),
            onward=_filled(onward, r, r).to(dtype),
            skips=_filled(skips, r, s).to(dtype),
            mix=_filled(_rows(decoder.mix.weight), s, s).to(dtype),
            levels=_filled(_rows(decoder.out.weight), s, a).to(dtype),
            biases=torch.cat([_filled(onward_bias, r), _filled(skip_bias, s)], dim=1).float(),
            head=torch.cat(head).float(),
            rings=torch.stack([lengths.cumsum(0) - lengths, lengths], dim=1).to(stem.device),
            sizes=(residual, skip, decoder.levels),
        )

    @property
    def widths(self) -> tuple[int, int, int]:
        """Residual, skip and levels, filled up."""
        return self.gates.shape[2], self.mix.shape[0], self.levels.shape[1]

    @property
    def slots(self) -> int:
        """Slots of all rings together."""
        return int(self.rings[:, 1].sum())

    def told(self, layers: Tensor, head: Tensor, streams: int) -> tuple[Tensor, Tensor]:
        """Layers (frames, depth, batch, 2 residual) and head (frames, batch, skip), filled up, float32."""
        r, s, _ = self.widths
        frames, depth, batch, _ = layers.shape
        halves = layers.float().view(frames, depth, batch, 2, -1)
        halves = F.pad(halves, (0, r - halves.shape[4], 0, 0, 0, streams - batch))
        return halves.flatten(3).contiguous(), F.pad(head.float(), (0, s - head.shape[2], 0, streams - batch))


def _rows(weight: Tensor) -> Tensor:
    return weight.detach().t()


def _of_last(values: Tensor, residual: int, wanted: int) -> Tensor:
    """The residual part of a layer's output, (in, wanted) or (wanted,): zeros in the last layer, which has none."""
    rows = values.detach().t() if values.dim() == 2 else values.detach()
    return F.pad(rows[..., :residual], (0, wanted - residual))


def _filled(values: Tensor, *sizes: int, value: float = 0.0) -> Tensor:
    """A copy whose last dimensions have these sizes."""
    pads = [
        pad for size, have in zip(reversed(sizes), reversed(values.shape), strict=False) for pad in (0, size - have)
    ]
    return F.pad(values, pads, value=value).clone(memory_format=torch.contiguous_format)
