"""What a judge is: someone who learnt who sings from genuine recordings, and is asked about any other sound."""

from collections.abc import Set
from typing import Protocol

from torch import Tensor


class Judge(Protocol):
    """A listener for who sings, taught by genuine recordings alone."""

    @property
    def name(self) -> str:
        """The kind: "network", "network-band", "gaussian" or "gaussian-band"."""

    @property
    def persons(self) -> tuple[str, ...]:
        """Whom it tells apart, sorted; a person with too little material is not among them."""

    @property
    def learnt(self) -> Set[tuple[str, str]]:
        """Person and song (casefolded) of everything that it learnt from."""

    def hear(self, wave: Tensor, rate: int) -> Tensor:
        """Who sings in a wave (samples,) at `rate` Hz: probabilities (pieces, persons); silence gives no piece."""
