"""ConvNeXt stacks run by ONNX Runtime in place of PyTorch: the same numbers in, the same out.

told, pasts ──(no copy)──▶ ONNX Runtime, on the processor ──(no copy)──▶ drawn, pasts
"""

from typing import Any

import torch
from torch import Tensor, nn

from vocalise.errors import ConfigError
from vocalise.parts.decoders.parallel import FilterNetwork, in_groups, out_of_groups
from vocalise.parts.layers import ConvNeXtStack
from vocalise.sampling.graph import REMEDY, GraphPrecision, stack_graph


class RuntimeStack(nn.Module):
    """Stands in for a `ConvNeXtStack`; the weights stay where they were, under the same names.

    The graph is a picture of them as they are now: after a training step it has to be taken again.
    """

    def __init__(self, stack: ConvNeXtStack, graph: bytes, *, threads: int) -> None:
        super().__init__()
        self._modules.update(stack._modules)
        self.original = (stack,)  # in a tuple, so that its weights are not counted twice
        self.session = session(graph, threads=threads)
        self.outputs = [output.name for output in self.session.get_outputs()]

    def begin(self, batch: int) -> list[Tensor]:
        """The past before anything: silence within every block."""
        return self.original[0].begin(batch)

    @torch.no_grad()
    def forward(self, x: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """(batch, columns, channels) after the pasts of all blocks -> (batch, columns, out), and the new pasts."""
        fed = {"told": x.float().contiguous().numpy()}
        fed.update({f"past_{n}": past.contiguous().numpy() for n, past in enumerate(pasts)})
        drawn, *after = map(torch.from_numpy, self.session.run(self.outputs, fed))
        return drawn, after


class RuntimeNetwork(nn.Module):
    """Stands in for the network of a `Parallel` decoder: a stack and the head behind it in one graph."""

    def __init__(self, network: FilterNetwork, *, precision: GraphPrecision, threads: int) -> None:
        super().__init__()
        self._modules.update(network._modules)
        self.at_once = network.at_once
        graph = stack_graph(network.stack, network.head, precision=precision)
        self.quick = (RuntimeStack(network.stack, graph, threads=threads),)

    @torch.no_grad()
    def forward(self, condition: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """(batch, channels, columns) after the pasts of all blocks -> (batch, columns, out), and the new pasts."""
        drawn, after = self.quick[0](in_groups(condition, self.at_once), pasts)
        return out_of_groups(drawn, self.at_once), after


def session(graph: bytes, *, threads: int) -> Any:
    """An ONNX Runtime session on so many threads of the processor.

    Raises:
        ConfigError: onnxruntime is not installed, or too old for the graph.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError(f"ONNX Runtime is not installed: {REMEDY}, or take the precision bf16.") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors only
    # Threads that wait in a busy loop slow down whatever else runs on the machine, a microphone's driver for one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ConfigError(f"ONNX Runtime {onnxruntime.__version__} refuses the network: {error!s:.200}.") from None
