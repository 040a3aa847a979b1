"""Networks for one voice, a few columns at a time: arrays in, arrays out, whoever computes what lies between.

told (columns, channels), past ──PyTorch, or ONNX Runtime step by step──▶ drawn (columns, out), past
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vocalise.parts.layers import ConvNeXtStack
from vocalise.sampling.graph import step_graph
from vocalise.sampling.runtime import session

Array = NDArray[Any]


class Steps(Protocol):
    """A network that remembers."""

    def begin(self) -> Any:
        """The past before anything."""

    def extend(self, past: Any, told: Array) -> Array:
        """(steps, channels) more -> (steps, out); `past` is moved on."""


@dataclass(frozen=True)
class PlainSteps:
    """A network as PyTorch runs it, or what stands in for one there."""

    first: Callable[[], list[Tensor]]  # the past before anything
    network: Callable[[Tensor, list[Tensor]], tuple[Tensor, list[Tensor]]]  # (1, steps, channels) -> (1, steps, out)

    def begin(self) -> list[Tensor]:
        """The past before anything."""
        return self.first()

    @torch.no_grad()
    def extend(self, past: list[Tensor], told: Array) -> Array:
        """(steps, channels) more -> (steps, out); `past` is moved on."""
        drawn, past[:] = self.network(torch.from_numpy(told)[None], past)
        columns: Array = drawn[0].float().numpy()
        return columns


class RuntimeSteps:
    """A stack and the layer behind it, by a graph that is made for single steps.

    The graph is a picture of the weights as they are now: after a training step it has to be taken again.
    """

    def __init__(self, stack: ConvNeXtStack, head: nn.Linear, *, threads: int) -> None:
        """Makes the graph.

        Raises:
            ConfigError: onnx or onnxruntime is not installed, or too old.
        """
        self._run = session(step_graph(stack, head), threads=threads).run
        self._past = (len(stack.layers), max(1, stack.layers[0].memory), stack.width)
        self._out = head.out_features

    def begin(self) -> list[Array]:
        """The past before anything: silence within every block."""
        return [np.zeros(self._past, np.float32)]

    def extend(self, past: list[Array], told: Array) -> Array:
        """(steps, channels) more -> (steps, out); `past` is moved on."""
        columns = np.empty((len(told), self._out), np.float32)
        for number in range(len(told)):
            fed = {"told": told[number : number + 1], "past": past[0]}
            columns[number], past[0] = self._run(("drawn", "after"), fed)
        return columns
