"""When an adversary joins a run, how often it takes its turn, and whether it has learnt enough to be listened to.

steps ──start──▶ practice: it learns, the model does not hear of it ──▶ both learn
"""

from torch import Tensor, nn, tensor


class Entry(nn.Module):
    """Counts the turns an adversary has taken; the count lies in checkpoints beside its weights."""

    def __init__(self, *, steps: int, start: float, every: int, practice: int) -> None:
        """From the share `start` of `steps` on, every so many steps; it speaks after `practice` turns, at least one."""
        super().__init__()
        self.first, self.every, self.practice = round(start * steps), every, max(1, practice)
        self.taken = 0

    @property
    def speaks(self) -> bool:
        """Whether it has learnt enough for the model to learn from it."""
        return self.taken >= self.practice

    def turns(self, step: int) -> int:
        """How many turns it takes at this step: none or one."""
        return int(step >= self.first and (step - self.first) % self.every == 0)

    def note(self) -> None:
        """A turn was taken."""
        self.taken += 1

    def get_extra_state(self) -> Tensor:
        """The count, for the state dictionary."""
        return tensor(self.taken)

    def set_extra_state(self, state: Tensor) -> None:
        """Takes the count back."""
        self.taken = int(state)


def silent(heard: Tensor) -> Tensor:
    """Exactly zero, with a way for gradients."""
    return (heard * 0.0).sum()
