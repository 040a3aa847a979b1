"""Which sampler a CUDA card gets: the fastest that serves the WaveNet, and has proved on this card that it agrees.

Triton kernel ──does not fit, or disagrees──▶ CUDA graph ──disagrees──▶ the module itself
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.errors import ConfigError
from vocalise.parts.contracts import Decoder
from vocalise.parts.decoders.wavenet import WaveNet
from vocalise.sampling.accelerate import PRECISIONS, Precision
from vocalise.sampling.cuda.graphs import GraphWaveNet
from vocalise.sampling.cuda.persistent import TritonWaveNet, missing
from vocalise.sampling.cuda.tiles import unfit
from vocalise.sampling.cuda.twins import TwinPrecision, WaveNetTwin

CLOSE = 3e-3  # nats a sample by which a sampler may differ from its module; bfloat16 needs a hundredth of it
TRIAL = 64  # samples of the trial of a sampler that steps slowly
STREAMS = 3  # of the trial


def available() -> str | None:
    """The fastest kind of sampler that CUDA offers here, `triton` or `graph`; None without a card."""
    if not torch.cuda.is_available():
        return None
    return "graph" if missing() else "triton"


def why() -> str:
    """One sentence: which sampler CUDA offers here, and why."""
    if not torch.cuda.is_available():
        return "No sampler for CUDA: PyTorch finds no CUDA card."
    name, reason = torch.cuda.get_device_name(), missing()
    if reason:
        return f"CUDA graphs on {name}: {reason}."
    return f"The Triton kernel on {name}; CUDA graphs for a WaveNet that does not fit it."


def fastest(decoder: WaveNet, *, precision: Precision = "bf16") -> Decoder:
    """The fastest twin of a WaveNet on a CUDA card; the WaveNet itself where every twin disagrees with it.

    Each candidate sings a trial first, so that a driver or a compiler that goes wrong costs speed and not the song.
    There is nothing below bf16 on cards: int8 is taken for it.

    Raises:
        ConfigError: the WaveNet is not on a CUDA card, or an unknown precision.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"There is no precision {precision!r:.40}; the choices are {', '.join(PRECISIONS)}.")
    device = decoder.out.weight.device
    if device.type != "cuda":
        raise ConfigError(f"The CUDA samplers need a model on a CUDA card, this one is on {device}. {why()}")
    return chosen(decoder, candidates(decoder, "float32" if precision == "float32" else "bf16"))


def candidates(decoder: WaveNet, precision: TwinPrecision) -> list[Callable[[], WaveNetTwin]]:
    """How to make the twins that may serve this WaveNet, the fastest first."""
    graph = partial(GraphWaveNet, decoder, precision=precision)
    return [graph] if unfit(decoder) or missing() else [partial(TritonWaveNet, decoder, precision=precision), graph]


def chosen(decoder: WaveNet, makers: list[Callable[[], WaveNetTwin]]) -> Decoder:
    """The first twin that can be made, runs and agrees; else the decoder itself."""
    for make in makers:
        try:
            twin = make()
            if trial_of(twin) < CLOSE:
                return twin
        except Exception:  # compilers and drivers raise what they like; the next one may do
            continue
    return decoder


@torch.no_grad()
def trial_of(twin: WaveNetTwin) -> float:
    """How far a twin's distributions are from its module's, in nats, over a trial (past its rings if it is quick)."""
    luck = torch.Generator().manual_seed(0)
    wavenet, hop = twin.wavenet, twin.hop
    steps = TRIAL if isinstance(twin, GraphWaveNet) else wavenet.receptive_field + 1
    frames = -(-steps // hop)
    levels = torch.randint(twin.levels, (STREAMS, 1, frames * hop), generator=luck)
    target = (levels / (twin.levels - 1) - 0.5).to(twin.device)
    condition = torch.randn(STREAMS, wavenet.told.in_features, frames, generator=luck).to(twin.device)
    if isinstance(twin, GraphWaveNet):
        target = target[:, :, :steps]
        wanted = wavenet.logits(F.pad(target, (0, -steps % hop)), condition)[:, :steps]
    else:
        wanted = wavenet.logits(target, condition)
    return divergence(wanted, twin.logits(target, condition))


def divergence(wanted: Tensor, given: Tensor) -> float:
    """Mean Kullback-Leibler divergence of two sets of logits (..., levels), in nats; nan where anything is nan."""
    p, q = (torch.log_softmax(x.double(), dim=-1) for x in (wanted, given))
    return float((p.exp() * (p - q)).sum(dim=-1).mean())
