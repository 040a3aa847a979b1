"""A voice's network as an ONNX file for other programs, held against PyTorch before it is written.

voice ──decoder's (or encoder's) network──▶ graph ──run on some noise, compared──▶ model.onnx
"""

import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from vocalise.audio.files import write_aside
from vocalise.checkpoint import Voice
from vocalise.errors import ConfigError, Unsupported
from vocalise.parts.decoders import Parallel
from vocalise.parts.encoders import Mel
from vocalise.parts.layers import ConvNeXtStack
from vocalise.sampling.graph import GraphPrecision, stack_graph
from vocalise.sampling.runtime import RuntimeStack

Part = Literal["decoder", "encoder"]
PARTS: tuple[Part, ...] = get_args(Part)
GRAPHS: tuple[GraphPrecision, ...] = get_args(GraphPrecision)
COLUMNS = 200  # of noise on which the two are compared
ALLOWED = MappingProxyType({"float32": 1e-4, "int8": 0.1})  # greatest deviation, as a share of the output


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and how well it agrees."""

    path: Path
    size: int  # bytes
    deviation: float  # root mean square of the difference to PyTorch, as a share of the output's
    facts: dict[str, str]


def export(voice: Voice, out: str | os.PathLike[str], *, part: str = "decoder", precision: str = "float32") -> Exported:
    """Writes the network of the decoder, or of the encoder behind its log-mel front, as an ONNX file.

    The transforms around it are not in the file. For the decoder they are: `told`, (batch, steps, at_once · channels),
    is the condition of `at_once` columns, one after the other; `drawn`, (batch, steps, at_once · 3 · bands), holds for
    each of them in nepers the level of the tone's filter, its phase in radians, and the level of the noise's filter.
    The facts in the file give rate, hop, `at_once` and the rest.

    Raises:
        Unsupported: the voice's recipe has no such network.
        ConfigError: an unknown part or precision, a package that is missing, or a graph that does not agree.
        OSError: the file cannot be written.
    """
    stack, head, facts = _network(voice, part)
    kind = next((one for one in GRAPHS if one == precision), None)
    if kind is None:
        raise ConfigError(f"--precision {precision!r}: an ONNX file has one of {', '.join(GRAPHS)}.")
    graph = stack_graph(stack, head, precision=kind, facts={**facts, "precision": kind})
    deviation = _deviation(stack, head, graph)
    if deviation > ALLOWED[kind]:
        raise ConfigError(
            f"The ONNX network deviates from PyTorch's by {deviation:.1%}, more than {ALLOWED[kind]:.2%}; nothing "
            "was written. Take --precision float32, or another version of onnxruntime."
        )
    with write_aside(out) as aside:
        aside.write_bytes(graph)
    return Exported(path=Path(out), size=len(graph), deviation=deviation, facts=facts)


def _network(voice: Voice, part: str) -> tuple[ConvNeXtStack, nn.Linear, dict[str, str]]:
    model, kinds = voice.model, {"decoder": Parallel, "encoder": Mel}
    if part not in PARTS:
        raise ConfigError(f"--part {part!r}: the choices are {', '.join(PARTS)}.")
    facts = {"recipe": voice.recipe.name, "part": part, "rate": str(model.rate), "hop": str(model.condition.hop)}
    if part == "decoder" and isinstance(model.decoder, Parallel):
        decoder = model.decoder
        facts |= {"bands": str(decoder.bands), "overlap": str(decoder.overlap), "at_once": str(decoder.network.at_once)}
        return decoder.network.stack, decoder.network.head, facts | {"licence": voice.card.licence}
    if part == "encoder" and isinstance(model.encoder, Mel):
        return model.encoder.stack, model.encoder.head, facts | {"licence": voice.card.licence}
    raise Unsupported(
        f"The {part} of recipe {voice.recipe.name!r} cannot be exported; one of kind {kinds[part].__name__} (recipe "
        "aria) can."
    )


@torch.no_grad()
def _deviation(stack: ConvNeXtStack, head: nn.Linear, graph: bytes) -> float:
    """How far the graph is from PyTorch's network on noise, told in two pieces."""
    told = torch.randn(1, COLUMNS, stack.stem.in_features, generator=torch.Generator().manual_seed(0))
    deep, _ = stack(told, stack.begin(1))
    wanted: Tensor = head(deep)
    quick = RuntimeStack(stack, graph, threads=1)
    first, pasts = quick(told[:, : COLUMNS // 3], quick.begin(1))
    second, _ = quick(told[:, COLUMNS // 3 :], pasts)
    difference = torch.cat([first, second], dim=1) - wanted
    return float(difference.square().mean().sqrt() / wanted.square().mean().sqrt())
