"""Latents of songs of any length: the encoder hears windows with all the context that their frames depend on.

heard ──windows with context──▶ encoder ──▶ bottleneck ──▶ latent, that of the whole
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.pitch import Contour, contour_from
from vocalise.autoencoder import Autoencoder

WINDOW = 4.0  # seconds that the encoder hears at a time, beside their context
STRETCH = 1000  # frames that are heard or sung at once by parts that can


@torch.no_grad()
def listen(model: Autoencoder, heard: Tensor, contour: Contour | None = None, *, gain: float = 1.0) -> Tensor:
    """The latent (channels, frames) of a wave (samples,) of any length, on the CPU.

    It is that of `model.encode` on the whole: each window is heard with all the context that its frames depend on,
    unless the encoder can remember it. Signals that look at the melody are told it, if it is known.
    """
    if model.encoder.streams:
        return _listened_through(model, heard, gain)
    samples, hop = heard.shape[-1], model.hop
    left, right = (math.ceil(reach / hop) * hop for reach in model.context)
    step = max(1, int(WINDOW * model.rate / hop)) * hop
    parts = []
    for start in range(0, samples, step):
        first = max(0, start - left)
        window = heard[first : min(samples, start + step + right)] * gain
        window = F.pad(window, (0, -len(window) % hop))
        at, prepared = (start - first) // hop, analysed(model, window, first, contour)
        parts.append(model.encode(window[None].to(model.device), prepared).z[0, :, at : at + step // hop].cpu())
    return torch.cat(parts, dim=-1)


def _listened_through(model: Autoencoder, heard: Tensor, gain: float) -> Tensor:
    """The same by an encoder that listens as the sound comes in."""
    hop, (_, ahead) = model.hop, model.context
    samples = len(heard) + -len(heard) % hop + ahead
    state, parts = model.encoder.begin(1), []
    for start in range(0, samples, STRETCH * hop):
        here = heard[start : start + STRETCH * hop] * gain
        here = F.pad(here, (0, min(STRETCH * hop, samples - start) - len(here)))
        signal, _ = model.signal.from_wave(here[None].to(model.device))
        parts.append(model.bottleneck(model.encoder.extend(state, signal)).z[0].cpu())
    return torch.cat(parts, dim=-1)


def analysed(model: Autoencoder, window: Tensor, first: int, contour: Contour | None) -> Tensor | None:
    """What the signal prepares of a window (samples,) from sample `first` on, (1, rows, steps); None: nothing."""
    if not model.signal.analysis:
        return None
    part = contour and contour_from(contour, first / model.rate, len(window) / model.rate)
    return model.signal.prepare(window, part)[None]
