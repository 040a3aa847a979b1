"""The held-out loss: how well the model renders songs that it never heard, on a fixed set of windows."""

import torch

from vocalise.data.batches import Batch
from vocalise.parts.contracts import Lesson
from vocalise.parts.protocols import recorded_controls
from vocalise.training.learner import Learner


@torch.no_grad()
def held_out_loss(learner: Learner, windows: Batch) -> float:
    """The mean decoder loss over the windows as they were sung, in the decoder's unit; nothing is drawn by chance.

    It is measured with averaged weights where there are such, in the run's precision.
    """
    batch, total = learner.recipe.material.batch, 0.0
    with learner.presentable():
        for start in range(0, len(windows), batch):
            rows = slice(start, start + batch)
            every = (windows.wave, windows.singer, windows.pitch, windows.voicing, windows.loudness, windows.bandwidth)
            part = Batch(*(tensor[rows].to(learner.device) for tensor in every))
            controls = recorded_controls(part, learner.model.singers)
            lesson = Lesson(part.wave, part.wave, part.wave.new_ones(len(part)), controls, bandwidth=part.bandwidth)
            total += float(learner.model.decoder.unit.of(learner.attempt(lesson).decoded).sum())
    return total / len(windows)
