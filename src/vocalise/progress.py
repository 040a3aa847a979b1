"""How long work tells whoever waits: what it does, how far it is, and a word on how it goes."""

from typing import Protocol


class Progress(Protocol):
    """Called now and then by long work; `done` of `total` in the unit of the work (seconds of audio, steps, files)."""

    def __call__(self, what: str, done: float, total: float, note: str = "") -> None:
        """Takes note; must be quick and must not raise."""


def silent(what: str, done: float, total: float, note: str = "") -> None:
    """The progress of work that nobody watches."""
