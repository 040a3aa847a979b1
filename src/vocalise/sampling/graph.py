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
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.errors import ConfigError
from vocalise.parts.layers import ConvNeXt, ConvNeXtStack

GraphPrecision = Literal["float32", "int8"]
REMEDY = "pip install 'vocalise[onnx]'"
OPSET = 20  # the first with Gelu
FORMAT = 9  # of the file, which goes with it
LEVELS = 63  # weights in ±63: processors without VNNI add two products in 16 bits, and 2 · 255 · 127 overflows there

Array = NDArray[Any]
Shape = tuple[str | int, ...]


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
    outgoing = stack.width if head is None else head.out_features
    inputs: dict[str, Shape] = {"told": ("batch", "columns", stack.stem.in_features)}
    outputs: dict[str, Shape] = {"drawn": ("batch", "columns", outgoing)}
    for number, block in enumerate(stack.layers):
        inputs[f"past_{number}"] = outputs[f"after_{number}"] = ("batch", block.memory, stack.width)
    return graph.bytes(inputs, outputs, facts)


def step_graph(stack: ConvNeXtStack, head: nn.Linear) -> bytes:
    """The same in float32, for one voice and one step at a time: fewer operators, and one past for all blocks.

    Inputs: `told` (1, channels) and `past` (blocks, memory, width). Outputs: `drawn` (1, out) and `after`, like it.
    What the convolutions take from the past is one product for all blocks. The biases that blocks end with are added up
    beforehand, and owed to x until it is heard, so that x itself can be added within the product.
    """
    graph, blocks = _Graph("float32"), stack.layers
    steps = [torch.zeros_like(stack.stem.bias), *(block.scale * block.narrow.bias for block in blocks)]
    owed = torch.stack(steps).detach().cpu().cumsum(0)
    x, xs = graph.norm(graph.gemm("told", stack.stem), stack.first), []
    for block, heard in zip(blocks, graph.heard(blocks, owed[:-1]), strict=True):
        xs.append(x)
        x = graph.step(x, block, heard)
    graph.after(xs, owed[:-1])
    x = graph.norm(graph.add("Add", [x, graph.constant(owed[-1])]), stack.last)
    graph.gemm(x, head, out="drawn")
    past: Shape = (len(blocks), max(1, blocks[0].memory), stack.width)
    told, drawn = (1, stack.stem.in_features), (1, head.out_features)
    return graph.bytes({"told": told, "past": past}, {"drawn": drawn, "after": past}, {})


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

    def gemm(self, x: str, layer: nn.Linear, *, more: str = "", out: str = "") -> str:
        """x W + b for one step, or x W + `more`."""
        matrix = layer.weight.detach().t()
        return self.add("Gemm", [x, self.constant(matrix), more or self.constant(layer.bias)], out=out)

    def heard(self, blocks: list[ConvNeXt], owed: Tensor) -> list[str]:
        """What the convolution of each block takes from `past`, and what x still lacks before it, (1, width) each."""
        taps = torch.stack([block.depthwise.weight[:, 0].t() for block in blocks])
        bias = torch.stack([block.depthwise.bias for block in blocks if block.depthwise.bias is not None])
        taken = self.add("Mul", ["past", self.constant(_kept(taps[:, :-1]))])
        taken = self.add("ReduceSum", [taken, self.constant(np.array([1]))], keepdims=0)
        taken = self.add("Add", [taken, self.constant(bias + taps[:, -1] * owed)])
        outs = [f"heard_{number}" for number in range(len(blocks))]
        self.nodes.append(self.onnx.helper.make_node("Split", [taken], outs, axis=0, num_outputs=len(blocks)))
        return outs

    def step(self, x: str, block: ConvNeXt, heard: str) -> str:
        """One residual block for one step, without the bias that it ends with."""
        mixed = self.add("Add", [self.add("Mul", [x, self.constant(block.depthwise.weight[:, 0, -1])]), heard])
        bent = self.add("Gelu", [self.gemm(self.norm(mixed, block.norm), block.widen)], approximate="none")
        matrix = (block.narrow.weight * block.scale[:, None]).t()
        return self.add("Gemm", [bent, self.constant(matrix), x])

    def after(self, steps: list[str], owed: Tensor) -> None:
        """The past of the next step: the oldest column goes, this one comes."""
        fresh = self.add("Add", [self.add("Concat", steps, axis=0), self.constant(owed)])
        ends = (np.array([end]) for end in (1, np.iinfo(np.int64).max, 1))
        kept = self.add("Slice", ["past", *map(self.constant, ends)])
        fresh = self.add("Unsqueeze", [fresh, self.constant(np.array([1]))])
        self.add("Concat", [kept, fresh], axis=1, out="after")

    def bytes(self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], facts: Mapping[str, str]) -> bytes:
        """The whole as a file."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        values = [
            [helper.make_tensor_value_info(name, kind, list(shape)) for name, shape in shapes.items()]
            for shapes in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, "vocalise", *values, self.numbers)
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=sets, ir_version=FORMAT, producer_name="vocalise")
        helper.set_model_props(model, dict(facts))
        return bytes(model.SerializeToString())


def _kept(taps: Tensor) -> Tensor:
    """Taps (blocks, memory, width), and a silent one where there would be none: a graph has no use for empty pasts."""
    return taps if taps.shape[1] else F.pad(taps, (0, 0, 0, 1))


def _onnx() -> Any:
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise ConfigError(f"Writing an ONNX graph needs the package onnx: {REMEDY}.") from None
    return onnx
