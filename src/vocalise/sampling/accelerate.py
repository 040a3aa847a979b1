"""A model that sings faster: the same parts and weights, their networks run by ONNX Runtime or in bfloat16.

model ──with other networks inside its decoder and encoder──▶ a model of the same type and contract
"""

import copy
from typing import Literal, TypeVar, get_args

from torch import nn

from vocalise.autoencoder import Autoencoder
from vocalise.errors import ConfigError, Unsupported
from vocalise.parts.contracts import Decoder, Encoder
from vocalise.parts.decoders import Parallel, WaveNet
from vocalise.parts.encoders import Mel
from vocalise.sampling.graph import stack_graph
from vocalise.sampling.halves import HalfNetwork
from vocalise.sampling.native import NativeWaveNet
from vocalise.sampling.runtime import RuntimeNetwork, RuntimeStack

Precision = Literal["float32", "bf16", "int8"]
M = TypeVar("M", bound=nn.Module)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def accelerate(model: Autoencoder, *, precision: Precision = "float32", threads: int | None = None) -> Autoencoder:
    """The model with faster networks; float32 and int8 go to ONNX Runtime, bf16 to PyTorch, a WaveNet to C++.

    The encoder keeps float32, whatever the precision: it is small, and what it hears decides about the words.

    Args:
        model: with a `Parallel` or a `WaveNet` decoder, on the processor; it is left as it is, and shares its weights.
        precision: float32 gives the same singing to rounding. The others are a little rough: within int8 every call
            takes scales from all that it is given, so a stream depends (below 1 %) on how it is cut.
        threads: of ONNX Runtime, by default one, because a long song is sung in lanes of a thread each, which is
            faster; of the compiled WaveNet, by default all cores.

    Raises:
        Unsupported: the decoder has no faster form.
        ConfigError: an unknown precision, a model that is not on the processor, or a package that is missing.
    """
    twin = model.with_decoder(accelerated_decoder(model.decoder, precision=precision, threads=threads))
    if precision != "bf16" and isinstance(model.encoder, Mel):
        twin._modules["encoder"] = accelerated_encoder(model.encoder, threads=threads)
    return twin


def accelerated_decoder(decoder: Decoder, *, precision: Precision = "float32", threads: int | None = None) -> Decoder:
    """A twin of the decoder, of the same type, whose network is faster; see `accelerate`."""
    if precision not in PRECISIONS:
        raise ConfigError(f"There is no precision {precision!r}; the choices are {', '.join(PRECISIONS)}.")
    if isinstance(decoder, WaveNet):
        return NativeWaveNet(decoder, precision=precision, threads=threads)
    if not isinstance(decoder, Parallel):
        raise Unsupported(
            f"A decoder of kind {type(decoder).__name__} has no faster form; those of kind Parallel (recipe aria) and "
            "WaveNet (recipe usvc) have."
        )
    _require_processor(decoder)
    network = decoder.network
    if precision == "bf16":
        return _twin(decoder, network=HalfNetwork(network))
    return _twin(decoder, network=RuntimeNetwork(network, precision=precision, threads=threads or 1))


def accelerated_encoder(encoder: Mel, *, threads: int | None = None) -> Encoder:
    """A twin of the encoder, whose network runs in ONNX Runtime, in float32."""
    _require_processor(encoder)
    graph = stack_graph(encoder.stack)
    return _twin(encoder, stack=RuntimeStack(encoder.stack, graph, threads=threads or 1))


def _twin(module: M, **parts: nn.Module) -> M:
    """A module that shares all but the parts that are named."""
    twin = copy.copy(module)
    twin._modules = {**module._modules, **parts}
    return twin


def _require_processor(module: nn.Module) -> None:
    device = next(module.parameters()).device
    if device.type != "cpu":
        raise ConfigError(f"ONNX Runtime and bfloat16 are used on the processor only; this model is on {device}.")
