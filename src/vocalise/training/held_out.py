"""The held-out loss: how well the model renders songs that it never heard, on a fixed set of windows."""

import torch

from vocalise.data.batches import Batch
from vocalise.parts.protocols import recorded_lesson
from vocalise.training.learner import Learner


@torch.no_grad()
def held_out_loss(learner: Learner, windows: Batch) -> float:
    """The mean decoder loss over the windows as they were sung, in the decoder's unit; nothing is drawn by chance.

    It is measured with averaged weights where there are such, in the run's precision.
    """
    batch, total = learner.recipe.material.batch, 0.0
    with learner.presentable():
        for some in windows.parts(batch):
            lesson = recorded_lesson(some.to(learner.device), learner.model.singers)
            total += float(learner.model.decoder.unit.of(learner.attempt(lesson).decoded).sum())
    return total / len(windows)
