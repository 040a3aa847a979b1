"""The melody probe: how much of the pitch is left in the latent of a model that is told the melody anyway.

latent, three frames ──ridge regression──▶ log pitch of the middle one ──▶ share of its variance that is foretold

A fresh probe, fitted after the encoder stopped moving, as for the singer: the adversary that was fooled proves little.
"""

import math

import torch
from torch import Tensor

from vocalise.data.batches import Batch
from vocalise.measures.probe import Listener, encode_windows

RIDGE = 1e-3  # of the frames that are fitted, with features of variance 1


def melody_left(model: Listener, taught: Batch, tested: Batch) -> float:
    """R² of log pitch on windows that were not fitted: 1 if the latent tells the melody, 0 or less if it does not.

    Args:
        model: in evaluation mode.
        taught: windows with contours, drawn with the latent's own hop (`data.batches.windows`, hop=model.hop).
        tested: others.

    Returns:
        NaN where fewer than two frames of either are voiced; 0 where the latent has no channels.
    """
    (seen, heights), (unseen, wanted) = (_pairs(model, batch) for batch in (taught, tested))
    if min(len(heights), len(wanted)) < 2:
        return math.nan
    if not seen.shape[1]:
        return 0.0
    centre, spread = seen.mean(dim=0), seen.std(dim=0).clamp(min=1e-9)
    seen, unseen, level = (seen - centre) / spread, (unseen - centre) / spread, heights.mean()
    grip = seen.T @ seen + RIDGE * len(seen) * torch.eye(seen.shape[1], dtype=seen.dtype)
    weights = torch.linalg.solve(grip, seen.T @ (heights - level))
    left = (wanted - level - unseen @ weights).square().mean()
    return 1.0 - float(left / wanted.var(correction=0).clamp(min=1e-12))


def _pairs(model: Listener, batch: Batch) -> tuple[Tensor, Tensor]:
    """Three frames of the latent (n, 3 · channels) and the octave of the middle one (n,), where it is voiced."""
    lead = batch.before.shape[1]
    z = encode_windows(model, torch.cat([batch.before, batch.wave], dim=1), batch.analysis, lead=lead).double()
    around = torch.cat([z[:, :, :-2], z[:, :, 1:-1], z[:, :, 2:]], dim=1).transpose(1, 2)
    voiced = batch.voicing[:, 1:-1] > 0.5
    return around[voiced], torch.log2(batch.pitch[:, 1:-1][voiced]).double()
