"""Conversion: hear a recording and sing it as somebody else, where the range of that singer is; adversaries judge.

recording ──────────────────────────▶ heard          wanted = the recording, unpaired: nobody knows the truth
pitch, asked singer ──transposed────▶ controls
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.config import Count, Share
from vocalise.parts.contracts import Controls, Excerpts, Lesson, Model, Protocol
from vocalise.parts.protocols.reconstruction import recorded_controls, recorded_lesson

_REMEMBERED = 32  # excerpts for each singer from which ranges are known
_FARTHEST = 24.0  # semitones of transposition


@final
class Conversion(Protocol):
    """Sings recordings by other singers while the model learns; what comes out goes to critics and judges.

    Where a decoder sings all at once, its song is differentiable, and backtranslation needs no detour: nothing has to
    be rendered first and heard again. The lesson is unpaired, so the decoder's own loss does not count.

    Each item is asked of another singer, or, for the share `mixing` of items, of a mixture
    u = α v_j + (1 - α) v_k, α ~ U[0, 1], of another singer j and any k but j (mixtures after Nachmani & Wolf, 2019,
    section 3.4). Pitch moves by whole semitones, so that the tune stays in tune with itself, the share `reach` of the
    way from the median pitch of who is heard to that of who is asked. Medians are those of excerpts drawn so far; a
    singer not yet heard is not moved to.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Protocol.Config):
        """When, by whom, and how high."""

        start: Share = 0.2  # of the run
        every: Count = 2  # steps from one lesson to the next
        mixing: Share = 0.5  # share of items that a mixture sings; the others one singer
        reach: Share = 1.0  # 0: pitch as recorded; 1: in the middle of the asked singer's range

    def __init__(self, config: Config, *, steps: int, batch: int, singers: int) -> None:
        self.config, self.batch, self.singers = config, batch, singers
        self.first = round(steps * config.start)
        self.heights = torch.zeros(_REMEMBERED * singers)  # median octave above 1 Hz of each excerpt, 0 if none; a ring
        self.owners = torch.zeros(_REMEMBERED * singers, dtype=torch.long)  # by whom it was
        self.noted = 0

    def takes(self, step: int) -> bool:
        """Every so many steps from its start on, where there is anybody else to be."""
        return self.singers > 1 and step >= self.first and (step - self.first) % self.config.every == 0

    def lesson(self, draw: Callable[[int], Excerpts], model: Model, step: int, generator: torch.Generator) -> Lesson:
        """A batch of recordings, each asked of somebody else."""
        excerpts = draw(self.batch)
        self._note(excerpts)
        asked = self._asked(excerpts, generator).to(excerpts.wave)
        recorded = recorded_controls(excerpts, self.singers)
        pitch = self._moved(recorded, asked)
        controls = replace(recorded, identity=asked.unsqueeze(2), pitch=pitch)
        nobody = excerpts.wave.new_zeros(len(excerpts.wave))
        return replace(recorded_lesson(excerpts, self.singers), paired=nobody, controls=controls)

    def state(self) -> dict[str, Tensor]:
        """What is known of the singers' ranges."""
        return {"heights": self.heights, "owners": self.owners, "noted": torch.tensor(self.noted)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes it back."""
        self.heights, self.owners, self.noted = state["heights"], state["owners"], int(state["noted"])

    def _asked(self, excerpts: Excerpts, generator: torch.Generator) -> Tensor:
        """Identities (batch, singers): corners, none of them the excerpt's own, and mixtures with such a corner."""
        own, count = excerpts.singer.cpu(), len(excerpts.singer)
        other = (own + torch.randint(1, self.singers, (count,), generator=generator)) % self.singers
        third = (other + torch.randint(1, self.singers, (count,), generator=generator)) % self.singers
        alpha = torch.rand(count, 1, generator=generator)
        whole = torch.rand(count, 1, generator=generator) >= self.config.mixing
        alpha = torch.where(whole, 1.0, alpha)
        return alpha * F.one_hot(other, self.singers) + (1.0 - alpha) * F.one_hot(third, self.singers)

    def _note(self, excerpts: Excerpts) -> None:
        """Remembers where each excerpt is sung; the oldest are forgotten."""
        device = excerpts.pitch.device
        self.heights, self.owners = self.heights.to(device), self.owners.to(device)
        octaves = torch.log2(excerpts.pitch.clamp(min=1.0)).masked_fill(excerpts.voicing < 0.5, math.nan)
        places = (torch.arange(len(octaves), device=device) + self.noted) % len(self.heights)
        # Not in place: a checkpoint may still hold what was.
        self.heights = self.heights.index_copy(0, places, octaves.nanmedian(dim=1).values.nan_to_num().to(self.heights))
        self.owners = self.owners.index_copy(0, places, excerpts.singer.to(self.owners))
        self.noted += len(octaves)

    def _ranges(self) -> Tensor:
        """The median octave of each singer (singers,), NaN for one who was not heard."""
        theirs = self.owners == torch.arange(self.singers, device=self.owners.device)[:, None]
        theirs &= self.heights > 0
        return self.heights.expand(self.singers, -1).masked_fill(~theirs, math.nan).nanmedian(dim=1).values

    def _moved(self, recorded: Controls, asked: Tensor) -> Tensor:
        """The pitch where the asked singer sings, by whole semitones."""
        ranges = self._ranges()
        unknown = ranges.isnan().to(asked)
        ranges = ranges.nan_to_num().to(asked)
        own = recorded.identity[:, :, 0]
        lost = (asked + own) @ unknown > 0  # somebody's range is not known: stay
        semitones = (12.0 * self.config.reach * ((asked - own) @ ranges)).round().clamp(-_FARTHEST, _FARTHEST)
        return recorded.pitch * torch.exp2(semitones.masked_fill(lost, 0.0) / 12.0)[:, None]
