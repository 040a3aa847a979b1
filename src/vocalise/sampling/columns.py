"""A model for one voice, a few columns at a time, for singing live: compiled, or its sums in NumPy; and the ears of it.

A call of PyTorch costs some microseconds whatever it does, and a column of 10 ms is hardly anything to do: two hundred
calls for it take longer than the networks themselves. NumPy needs a third of that, compiled code hardly anything.
`Mel`, `Conditioner` and `Parallel` stay the truth, and parity tests hold them and their twins together.
"""

import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vocalise.autoencoder import Autoencoder
from vocalise.parts.conditions import Conditioner
from vocalise.parts.decoders.parallel import FilterNetwork, Parallel, in_groups, out_of_groups
from vocalise.parts.encoders.mel import Mel
from vocalise.parts.layers import ConvNeXtStack
from vocalise.sampling.hands import Hands, require_one
from vocalise.sampling.native.steps import NativeSteps
from vocalise.sampling.native.sums import NativeShapes, NativeSums
from vocalise.sampling.shapes import PlainShapes, Shapes
from vocalise.sampling.steps import PlainSteps, RuntimeSteps, Steps
from vocalise.sampling.sums import PlainSums
from vocalise.sampling.telling import Teller


def by_columns(model: Autoencoder, *, threads: int | None = None, compiled: bool = False) -> Autoencoder:
    """The model with ears, hands and what they are told for one voice: for streams on the processor only.

    Parts that have no such twin stay as they are.

    Args:
        model: its weights are shared.
        threads: of ONNX Runtime, which then runs the networks step by step; None leaves them as they are.
        compiled: whether compiled code runs networks and sums; `threads` then says nothing, for it takes one.

    Raises:
        ConfigError: ONNX Runtime or compiled code is wanted and not there, or has no form for these sizes.
    """
    twin = copy.copy(model)
    twin._modules = dict(model._modules)
    if isinstance(model.encoder, Mel):
        ear = model.encoder
        shapes = NativeShapes(ear) if compiled else PlainShapes(ear)
        steps = _quick_steps(ear.stack, ear.head, threads, compiled=compiled) or _plain_ears(ear)
        twin._modules["encoder"] = Ears(ear, steps, shapes)
    if isinstance(model.condition, Conditioner):
        twin._modules["condition"] = Teller(model.condition)
    if isinstance(model.decoder, Parallel):
        hand, network = model.decoder, model.decoder.network
        sums = NativeSums(hand) if compiled else PlainSums(hand)
        steps = _quick_steps(network.stack, network.head, threads, compiled=compiled) or _plain_hands(network)
        twin._modules["decoder"] = Hands(hand, steps, sums)
    return twin


def _quick_steps(stack: ConvNeXtStack, head: nn.Linear, threads: int | None, *, compiled: bool) -> Steps | None:
    """Who steps a network quicker than PyTorch, if anybody is to."""
    if compiled:
        return NativeSteps(stack, head)
    return None if threads is None else RuntimeSteps(stack, head, threads=threads)


def _plain_ears(encoder: Mel) -> Steps:
    stack, head = encoder.stack, encoder.head

    def network(told: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        deep, after = stack(told, pasts)
        return head(deep), after

    return PlainSteps(partial(stack.begin, 1), network)


def _plain_hands(network: FilterNetwork) -> Steps:
    def drawn(told: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        columns, after = network(out_of_groups(told, network.at_once).transpose(1, 2), pasts)
        return in_groups(columns.transpose(1, 2), network.at_once), after

    return PlainSteps(partial(network.stack.begin, 1), drawn)


@dataclass
class Heard:
    """What the ears remember; see `encoders.Hearing`."""

    shapes: Any
    past: Any  # of the network
    fed: int = 0


class Ears(nn.Module):
    """`Mel`, one voice at a time."""

    streams = True

    def __init__(self, encoder: Mel, steps: Steps, shapes: Shapes) -> None:
        super().__init__()
        self.stack, self.head, self._steps, self._shapes = encoder.stack, encoder.head, steps, shapes
        self.hop, self.channels = encoder.hop, encoder.channels
        self.context, self.ahead = encoder.context, encoder.ahead

    def begin(self, batch: int) -> Heard:
        """Nothing heard yet; `batch` must be 1."""
        require_one(batch)
        return Heard(self._shapes.begin(), self._steps.begin())

    def extend(self, state: Heard, signal: Tensor) -> Tensor:
        """(1, channels, n · hop) more -> (1, channels, frames that are final by now)."""
        if not signal.shape[2]:
            return signal.new_zeros(1, self.channels, 0)
        wave = signal.mean(1).numpy()[0] if signal.shape[1] > 1 else signal.numpy()[0, 0]
        content = self._steps.extend(state.past, self._shapes.extend(state.shapes, wave))
        late = max(0, min(len(content), self.ahead - state.fed))
        state.fed += len(content)
        return torch.from_numpy(content[late:].T[None])
