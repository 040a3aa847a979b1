"""PerSinger: a decoder of its own for each singer (Mor et al., 2018), chosen by who is to sing.

condition ──rows of singer 1──▶ decoder 1 ──┐
          ──rows of singer 2──▶ decoder 2 ──┼──▶ rows in their former order
          …                                 ┘
"""

from dataclasses import dataclass, field, replace
from typing import Any, final

import torch
from torch import Tensor, nn

from vocalise.errors import Unsupported
from vocalise.parts.contracts import Chance, Controls, Decoded, Decoder
from vocalise.parts.decoders.wavenet import WaveNet

MOST_SINGERS = 256  # each costs a whole decoder


@dataclass
class Choir:
    """Streams of one singer, and what its decoder remembers of them."""

    singer: int
    rows: list[int | None]  # of the batch; None: a place that a stream has left
    memory: Any


@dataclass
class State:
    """What the singers' decoders remember: who sings a stream is known with its first column."""

    blank: Any  # a stream's memory before anybody sings
    choirs: list[Choir] = field(default_factory=list)

    def choir_of(self, row: int) -> Choir | None:
        """Where a stream sings; None: nowhere yet."""
        return next((choir for choir in self.choirs if row in choir.rows), None)


@final
class PerSinger(Decoder):
    """A decoder for each singer, all of one kind; nothing but the condition joins them (Mor et al., 2018, section 3.1).

    The identity chooses: only corners of the simplex can be sung. A decoder learns from its own singer's rows alone,
    so another can be added later without a change to those that are there.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Decoder.Config):
        """What each singer's decoder is."""

        decoder: Decoder.Config = field(default_factory=WaveNet.Config)

        def __post_init__(self) -> None:
            if isinstance(self.decoder, PerSinger.Config):
                raise ValueError("a decoder for each singer cannot hold a decoder for each singer; take WaveNet")

        def scaled(self, factor: float) -> "PerSinger.Config":
            """The same singers' decoders at another width."""
            return replace(self, decoder=self.decoder.scaled(factor))

    per_singer = True

    def __init__(self, config: Config, *, signal: int, condition: int, hop: int, singers: int, rate: int) -> None:
        super().__init__()
        if singers > MOST_SINGERS:
            raise ValueError(
                f"a decoder for each of {singers} singers is too much; it takes {MOST_SINGERS} at most. Choose fewer "
                "singers, or a recipe with one decoder that is told who sings, such as usvc"
            )
        facts = {"signal": signal, "condition": condition, "hop": hop, "singers": singers, "rate": rate}
        self.hands: list[Decoder] = [config.decoder.build(**facts) for _ in range(singers)]
        self.decoders = nn.ModuleList(self.hands)
        first = self.hands[0]
        self.hop, self.autoregressive, self.lookahead, self.unit = (
            hop,
            first.autoregressive,
            first.lookahead,
            first.unit,
        )
        self.shapes_formants, self.shapes_breath = first.shapes_formants, first.shapes_breath

    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        """Each row of the batch by its singer's decoder; gradients go to those decoders alone.

        Raises:
            Unsupported: an identity is a mixture, or changes.
        """
        singers = corners(controls)
        parts: list[tuple[Tensor, Decoded]] = []
        for singer in sorted(set(singers)):
            rows = _rows(singers, singer, condition.device)
            known = None if bandwidth is None else bandwidth[rows]
            decoded = self.hands[singer](target[rows], condition[rows], _of(controls, rows), known)
            parts.append((rows, decoded))
        back = torch.cat([rows for rows, _ in parts]).argsort()
        figures = [decoded.figure for _, decoded in parts if decoded.figure is not None]
        return Decoded(
            loss=torch.cat([decoded.loss for _, decoded in parts])[back],
            estimate=torch.cat([decoded.estimate for _, decoded in parts])[back],
            figure=torch.cat(figures)[back] if figures else None,
        )

    def begin(self, batch: int) -> State:
        """Nothing sung yet, and by nobody yet."""
        return State(blank=self.hands[0].begin(1))

    def extend(self, state: State, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Sings on; a stream keeps its singer from its first column to its last.

        Raises:
            Unsupported: an identity is a mixture, or changes.
        """
        singers = corners(controls)
        self._seat(state, singers)
        found = []
        for choir in state.choirs:
            if any(row is not None and singers[row] != choir.singer for row in choir.rows):
                raise Unsupported(_NO_MIXTURE)
            heard = torch.tensor([row or 0 for row in choir.rows], device=condition.device)  # an empty place hears any
            own = self.hands[choir.singer]
            sung = own.extend(choir.memory, condition[heard], _of(controls, heard), _luck(chance, choir))
            found.append((choir, sung))
        return _together(found)

    def finish(self, state: State, chance: Chance) -> Tensor:
        """The last columns of every stream."""
        return _together([(one, self.hands[one.singer].finish(one.memory, _luck(chance, one))) for one in state.choirs])

    def renew(self, state: State, row: int) -> None:
        """A stream begins again, as whatever singer it will be told to be; its place waits for one of the former's."""
        choir = state.choir_of(row)
        if choir is not None:
            choir.rows[choir.rows.index(row)] = None
        state.choirs = [one for one in state.choirs if any(place is not None for place in one.rows)]

    def _seat(self, state: State, singers: list[int]) -> None:
        """Finds a place for every stream that has none: one that was left, or one of a new choir."""
        waiting = [row for row in range(len(singers)) if state.choir_of(row) is None]
        for singer in sorted({singers[row] for row in waiting}):
            rows = [row for row in waiting if singers[row] == singer]
            for choir in (one for one in state.choirs if one.singer == singer):
                for place in (place for place, taken in enumerate(choir.rows) if taken is None):
                    if rows:
                        choir.rows[place] = rows.pop(0)
                        self.hands[singer].renew(choir.memory, place)
            if rows:
                state.choirs.append(Choir(singer, [*rows], self.hands[singer].begin(len(rows))))


_NO_MIXTURE = (
    "A decoder for each singer sings as one singer from beginning to end; it knows no mixtures and no changes. "
    "Name one singer, or take a recipe whose one decoder is told the voice, such as usvc."
)


def corners(controls: Controls) -> list[int]:
    """The singer of each row of the batch.

    Raises:
        Unsupported: an identity is a mixture, or changes.
    """
    identity = controls.identity.detach()
    highest, singer = identity.max(dim=1)  # (batch, controls or 1)
    steady = (highest > 1.0 - 1e-4) & (singer == singer[:, :1])
    if not bool(steady.all()):
        raise Unsupported(_NO_MIXTURE)
    return [int(one) for one in singer[:, 0].tolist()]


def _rows(singers: list[int] | tuple[int, ...], singer: int, device: torch.device) -> Tensor:
    return torch.tensor([row for row, one in enumerate(singers) if one == singer], device=device)


def _of(controls: Controls, rows: Tensor) -> Controls:
    lines = {name: getattr(controls, name)[rows] for name in ("identity", "pitch", "voicing", "loudness")}
    return replace(controls, **lines)


def _luck(chance: Chance, choir: Choir) -> Chance:
    """The luck of a choir's streams; what is sung in an empty place is nobody's."""
    own = (torch.Generator() if row is None else chance.generators[row] for row in choir.rows)
    return replace(chance, generators=tuple(own))


def _together(found: list[tuple[Choir, Tensor]]) -> Tensor:
    """What the choirs sang, row by row in the order of the batch."""
    kept = [(row, part[place]) for choir, part in found for place, row in enumerate(choir.rows) if row is not None]
    return torch.stack([part for _, part in sorted(kept, key=lambda one: one[0])])
