"""A WaveNet sung by one Triton kernel: each program sings its streams sample after sample, and waits for no other.

streams 0 … 15 ── program 0: for each sample, for each layer ──▶ levels
streams 16 … 31 ─ program 1 …                                      weights are read from the L2 cache by all of them

It needs kernels of two taps and widths that fit a multiprocessor; `GraphWaveNet` serves the rest.
"""

import os
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.config import Part
from vocalise.errors import Unsupported
from vocalise.parts.contracts import Chance, Controls
from vocalise.parts.decoders.wavenet import WaveNet
from vocalise.sampling.cuda.tiles import LEAST, Tiles, filled, unfit
from vocalise.sampling.cuda.twins import TwinPrecision, WaveNetTwin, on_the_card_of, replaced, settle

LAUNCH = 4000  # samples of one launch at most: a card that also draws a screen stops what takes seconds
MOST_ROWS = 64  # streams of a program


@dataclass
class KernelState:
    """What streams remember; their number is filled up to whole programs."""

    memory: Tensor  # (slots of all rings, streams, residual)
    heard: Tensor  # (2, streams)   the level before the last, and the last; float32
    clock: Tensor  # (1,)   steps taken
    batch: int  # streams that are asked for


@final
class TritonWaveNet(WaveNetTwin, Part):
    """A WaveNet whose loops over time and layers are inside one kernel, with 16 to 64 streams a program.

    Products are in the precision asked for, sums and sampling in float32. Same luck, same meaning as the module.
    """

    def __init__(
        self, decoder: WaveNet, *, precision: TwinPrecision = "bf16", rows: int | None = None, stages: int = 1
    ) -> None:
        """Makes a twin: `rows` streams a program (None: as many as keep the card busy), `stages` of look-ahead.

        Raises:
            Unsupported: sizes that the kernel cannot sing, or no Triton.
            ConfigError: an unknown precision.
        """
        super().__init__(decoder, precision=precision)
        reason = unfit(decoder) or missing()
        if reason:
            raise Unsupported(f"The Triton kernel cannot sing this WaveNet: {reason}. GraphWaveNet can.")
        if rows not in (None, 16, 32, 64):
            raise Unsupported(f"{rows} streams a program: the choices are 16, 32, 64.")
        self._rows, self._stages = rows, stages
        self._packed: tuple[object, Tiles] | None = None

    def begin(self, batch: int) -> KernelState:
        """Nothing sung yet, on the device of the weights."""
        tiles = self.tiles()
        rows = self.rows(batch)
        streams = -(-batch // rows) * rows
        return KernelState(
            memory=tiles.gates.new_zeros(tiles.slots, streams, tiles.widths[0]),
            heard=tiles.stem.new_zeros(2, streams),
            clock=tiles.rings.new_zeros(1),
            batch=batch,
        )

    def renew(self, state: KernelState, row: int) -> None:
        """Forgets what one stream has sung: it begins again from silence beside others that sing on."""
        self.check_row(row, state.batch)
        with torch.inference_mode():
            state.memory[:, row] = 0.0
            state.heard[:, row] = 0.0

    def extend(self, state: KernelState, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (batch, channels, controls) -> signal (batch, 1, controls * hop), one level after the other.

        Raises:
            ConfigError: condition, luck or device do not fit the state.
        """
        self.check(state.batch, state.memory.device, condition, chance)
        tiles = self.tiles()
        with torch.inference_mode():
            layers, head = settle(self, condition)
            luck = chance.uniform(len(layers) * self.hop, condition.device).t()
            sung, frames = [], max(1, LAUNCH // self.hop)
            for first in range(0, len(layers), frames):
                part = slice(first, first + frames)
                told = tiles.told(layers[part], head[part], state.heard.shape[1])
                fate = luck[first * self.hop : (first + frames) * self.hop]
                sung.append(self._launch(state, tiles, told, fate, chance.temperature)[0])
        whole = torch.cat(sung).t()[: state.batch].unsqueeze(1)
        return whole.to(condition.dtype).clone()

    def logits(self, target: Tensor, condition: Tensor) -> Tensor:
        """As `WaveNet.logits`, by the kernel that sings, each step told what was sung before it: float32."""
        state, tiles = self.begin(len(target)), self.tiles()
        with torch.inference_mode():
            layers, head = settle(self, condition)
            seen = []
            for frame in range(len(layers)):  # one at a time: logits are many
                part = slice(frame, frame + 1)
                told = tiles.told(layers[part], head[part], state.heard.shape[1])
                given = target[:, 0, frame * self.hop : (frame + 1) * self.hop].t().float()
                seen.append(self._launch(state, tiles, told, given, 0.0, forced=True)[1])
        return torch.cat(seen).transpose(0, 1)[: len(target), :, : self.levels].clone()

    def _launch(
        self,
        state: KernelState,
        tiles: Tiles,
        told: tuple[Tensor, Tensor],
        fate: Tensor,
        temperature: float,
        *,
        forced: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """One run over luck, or levels that are given (steps, batch): sung (steps, streams), logits if forced."""
        from vocalise.sampling.cuda import kernel

        steps, streams, (residual, width, classes) = len(fate), state.heard.shape[1], tiles.widths
        fate = F.pad(fate, (0, streams - fate.shape[1])).contiguous()
        sung, rows = torch.empty_like(fate), self.rows(state.batch)
        seen = fate.new_empty((steps, streams, classes) if forced else (1, 1, 1))
        weights = (tiles.stem, tiles.skip_stem, tiles.gates, tiles.onward, tiles.skips, tiles.mix, tiles.levels)
        with on_the_card_of(fate):
            kernel.sing[(streams // rows,)](
                *(*weights, tiles.biases, tiles.head, tiles.rings, state.memory, state.heard, state.clock),
                *(*told, fate, sung, fate, seen, steps, self.hop, len(tiles.gates), streams),
                *(1.0 / temperature if temperature else 0.0, 1.0 if forced else 0.0),
                *(rows, residual, width, classes, self.levels, interpreted(), self._stages),
                num_warps=8 if residual >= 64 else 4,
            )
        state.clock += steps
        return sung, seen

    def rows(self, batch: int) -> int:
        """Streams of a program: few where the card has room for more programs, since each then sings faster."""
        if self._rows is not None:
            return self._rows
        room = processors(self.device)
        return min(MOST_ROWS, filled(max(LEAST, -(-batch // room))))

    def tiles(self) -> Tiles:
        """The weights as they are now."""
        told = self.fingerprint()
        if self._packed is None or self._packed[0] != told:
            with torch.inference_mode(False), torch.no_grad():
                fresh = Tiles.of(self.wavenet, self.dtype)
                if self._packed is not None and replaced(self._packed[1], fresh):
                    fresh = self._packed[1]
            self._packed = (told, fresh)
        return self._packed[1]


def interpreted() -> bool:
    """Whether Triton's kernels run on the processor, through its interpreter."""
    return os.environ.get("TRITON_INTERPRET", "0") == "1"


def missing() -> str:
    """Why Triton cannot be had; empty if it can."""
    try:
        import triton  # noqa: F401
    except ImportError:
        return "the package triton is not installed (it comes with PyTorch for CUDA on Linux)"
    return ""


def processors(device: torch.device) -> int:
    """Multiprocessors of a card; one elsewhere."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 1
