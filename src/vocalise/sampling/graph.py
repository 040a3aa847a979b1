"""A ConvNeXt stack as an ONNX graph, in float32 or with matrix products in whole numbers of 8 bits.

(told, pasts) ──stem, norm, [depthwise, norm, widen, gelu, narrow, +] x blocks, norm──▶ (head, pasts)

It is written out operator by operator, so that it needs no tracing of Python, streams by the same pasts as the stack,
and has the shapes that ONNX Runtime is fast at: a depthwise convolution over (1, steps) instead of (steps,) goes to its
blocked kernels, and the scale of a block is multiplied into the layer before it.
"""

import types
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from vocalise.errors import ConfigError
from vocalise.parts.layers import ConvNeXt, ConvNeXtStack

GraphPrecision = Literal["float32", "int8"]
REMEDY = "pip install 'vocalise[onnx]'"
OPSET = 20  # the first with Gelu
FORMAT = 9  # of the file, which goes with it
LEVELS = 63  # weights in ±63: processors without VNNI add two products in 16 bits, and 2 · 255 · 127 overflows there

Array = NDArray[Any]


def stack_graph(
    stack: ConvNeXtStack,
    head: nn.Linear | None = None,
    *,
    precision: GraphPrecision = "float32",
    facts: Mapping[str, str] = types.MappingProxyType({}),
) -> bytes:
    """The graph of a stack, and of the linear layer that follows it, as the bytes of an ONNX file.

    Inputs: `told` (batch, columns, channels) and `past_0` … (batch, memory, width). Outputs: `drawn` (batch, columns,
    out) and `after_0` … like the pasts. With int8, weights have a scale for each output, and what they are multiplied
    with has one scale for each call (Jacob et al., 2018, section 2.1, with scales taken on the spot).

    Raises:
        ConfigError: the package onnx is not installed.
    """
    graph = _Graph(precision)
    x = graph.norm(graph.linear("told", stack.stem), stack.first)
    for number, block in enumerate(stack.blocks):
        assert isinstance(block, ConvNeXt)
        x = graph.block(x, block, number)
    x = graph.norm(x, stack.last)
    graph.add("Identity", [x if head is None else graph.linear(x, head)], out="drawn")
    return graph.bytes(stack, stack.width if head is None else head.out_features, facts)


class _Graph:
    """Nodes and numbers as they are added."""

    def __init__(self, precision: GraphPrecision) -> None:
        self.onnx = _onnx()
        self.precision = precision
        self.nodes: list[Any] = []
        self.numbers: list[Any] = []

    def add(self, kind: str, inputs: list[str], *, out: str = "", domain: str = "", **choices: Any) -> str:
        """A node with one output, whose name is given back."""
        out = out or f"x{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [out], domain=domain, **choices))
        return out

    def constant(self, value: Tensor | Array) -> str:
        """Numbers that are part of the file."""
        name = f"w{len(self.numbers)}"
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        self.numbers.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def linear(self, x: str, layer: nn.Linear, scale: Tensor | None = None) -> str:
        """x W + b, each output multiplied by its `scale`."""
        weight, bias = layer.weight.detach(), layer.bias.detach()
        if scale is not None:
            weight, bias = weight * scale.detach()[:, None], bias * scale.detach()
        matrix = weight.t().float().cpu().numpy()
        if self.precision == "float32":
            return self.add("Add", [self.add("MatMul", [x, self.constant(matrix)]), self.constant(bias)])
        steps = np.maximum(np.abs(matrix).max(axis=0), 1e-12).astype(np.float32) / np.float32(LEVELS)
        levels = np.round(matrix / steps).astype(np.int8)
        zeros = np.zeros(len(steps), np.int8)
        inputs = [x, *map(self.constant, (levels, steps, zeros, bias))]
        return self.add("DynamicQuantizeMatMul", inputs, domain="com.microsoft")

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        """Layer normalisation over channels."""
        inputs = [x, self.constant(layer.weight), self.constant(layer.bias)]
        return self.add("LayerNormalization", inputs, axis=-1, epsilon=layer.eps)

    def block(self, x: str, block: ConvNeXt, number: int) -> str:
        """One residual block, and its past for the next call."""
        heard = self.add("Concat", [f"past_{number}", x], axis=1)
        ends = (np.array([start]) for start in (-block.memory, np.iinfo(np.int64).max, 1))
        self.add("Slice", [heard, *map(self.constant, ends)], out=f"after_{number}")
        conv, height = block.depthwise, self.constant(np.array([2]))
        lines = self.add("Unsqueeze", [self.add("Transpose", [heard], perm=[0, 2, 1]), height])
        inputs = [lines, self.constant(conv.weight[:, :, None]), self.constant(conv.bias)]  # type: ignore[arg-type]
        mixed = self.add("Squeeze", [self.add("Conv", inputs, group=conv.groups), height])
        wide = self.linear(self.norm(self.add("Transpose", [mixed], perm=[0, 2, 1]), block.norm), block.widen)
        bent = self.add("Gelu", [wide], approximate="none")
        return self.add("Add", [x, self.linear(bent, block.narrow, block.scale)])

    def bytes(self, stack: ConvNeXtStack, outgoing: int, facts: Mapping[str, str]) -> bytes:
        """The whole as a file."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT

        def value(name: str, *shape: str | int) -> Any:
            return helper.make_tensor_value_info(name, kind, list(shape))

        blocks = [block for block in stack.blocks if isinstance(block, ConvNeXt)]
        pasts = [("batch", block.memory, stack.width) for block in blocks]
        inputs = [value("told", "batch", "columns", stack.stem.in_features)]
        inputs += [value(f"past_{n}", *shape) for n, shape in enumerate(pasts)]
        outputs = [value("drawn", "batch", "columns", outgoing)]
        outputs += [value(f"after_{n}", *shape) for n, shape in enumerate(pasts)]
        graph = helper.make_graph(self.nodes, "vocalise", inputs, outputs, self.numbers)
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=sets, ir_version=FORMAT, producer_name="vocalise")
        helper.set_model_props(model, dict(facts))
        return bytes(model.SerializeToString())


def _onnx() -> Any:
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise ConfigError(f"Writing an ONNX graph needs the package onnx: {REMEDY}.") from None
    return onnx
