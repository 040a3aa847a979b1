"""Memory: what an adversary was shown of late, so that it learns from more than the few excerpts of a step.

latents and what is true of them ──▶ the last so many ──any of them, each channel by its deviation──▶ its lesson
"""

from typing import Any

import torch
from torch import Tensor, nn

RECALLED = 32  # excerpts that a lesson holds


class Memory(nn.Module):
    """The latents of late and what is true of them (a history of what was shown, Shrivastava et al., 2017).

    An encoder moves with every step, and a step shows a few excerpts: an adversary that learns from those alone is
    always behind. With a memory it learns from many, and hears them as the probe does, each channel by its own
    deviation: what is whispered in a channel that hardly moves is no secret then, and a latent that shrinks hides
    nothing. A memory without room changes nothing: an adversary hears what there is, as it is.

    What is remembered lies in checkpoints beside the adversary's weights, since what it learns next depends on it.
    Excerpts of another length than before put an end to it.
    """

    rows: Tensor  # (excerpts, numbers of each)
    centre: Tensor  # (channels, 1)   mean of the latents that are remembered
    spread: Tensor  # (channels, 1)   and their deviation

    def __init__(self, channels: int, *, room: int) -> None:
        """Nothing yet; room for so many excerpts."""
        super().__init__()
        self.room = room
        self.register_buffer("rows", torch.zeros(0, 0), persistent=room > 0)
        self.register_buffer("centre", torch.zeros(channels, 1), persistent=room > 0)
        self.register_buffer("spread", torch.ones(channels, 1), persistent=room > 0)

    def heard(self, z: Tensor) -> Tensor:
        """A latent (batch, channels, frames) as the adversary hears it."""
        return (z.float() - self.centre) / self.spread if self.room else z

    def lesson(self, z: Tensor, *facts: Tensor) -> list[Tensor]:
        """What the adversary is to learn from, as it hears it: these excerpts, or some of all that were shown."""
        shown = [z.detach(), *facts]
        if not self.room:
            return shown
        fresh = torch.cat([line.float().reshape(len(line), -1) for line in shown], dim=1)
        known = self.rows if self.rows.shape[1] == fresh.shape[1] else fresh[:0]
        fresh = fresh[torch.isfinite(fresh).all(dim=1)]  # or a step that was skipped would spoil many more
        self.rows = torch.cat([known, fresh])[-self.room :]  # not in place: a checkpoint may still hold what was
        if not len(self.rows):
            return shown
        everything = self._recalled(torch.arange(len(self.rows)), shown)[0].transpose(0, 1).flatten(1)
        self.spread, self.centre = torch.std_mean(everything, dim=1, keepdim=True)
        self.spread = self.spread.clamp(min=1e-9)
        recalled, *truth = self._recalled(torch.randint(len(self.rows), (RECALLED,)), shown)
        return [self.heard(recalled), *truth]

    def all_of(self, z: Tensor, *facts: Tensor) -> list[Tensor]:
        """What is true of everything that it remembers; of these, if it remembers nothing like them."""
        width = sum(line[0].numel() for line in (z, *facts))
        if self.rows.shape[1] != width:
            return list(facts)
        return self._recalled(torch.arange(len(self.rows)), [z, *facts])[1:]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """Makes room for as many rows as come."""
        rows = state_dict.get(f"{prefix}rows")
        if self.room and rows is not None:
            self.rows = torch.empty_like(rows, device=self.rows.device)
        super()._load_from_state_dict(state_dict, prefix, *others)

    def _recalled(self, places: Tensor, like: list[Tensor]) -> list[Tensor]:
        rows = self.rows[places.to(self.rows.device)]
        parts = zip(torch.split(rows, [line[0].numel() for line in like], dim=1), like, strict=True)
        return [part.reshape(len(rows), *line.shape[1:]) for part, line in parts]
