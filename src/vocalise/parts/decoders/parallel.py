"""Parallel: all samples at once, harmonics and noise through filters that a network draws frame by frame.

condition ──ConvNeXt, some columns a step──▶ three curves a column: tone's level, its phase, breath's level
pitch ──▶ pulses ──STFT──┐× tone's filter                   (Wang et al., 2019; Engel et al., 2020; Siuzdak, 2023)
noise ───────────STFT────┴× breath's filter ──▶ sum ──inverse STFT──▶ wave
"""

import math
from dataclasses import dataclass, field, replace
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.audio.filtering import band_centres, curve_matrix, frames_of, overlapped, soonest_phase
from vocalise.audio.harmonics import between_columns, phase_after, pulses
from vocalise.config import Channels, Depth
from vocalise.parts.contracts import Chance, Controls, Decoded, Decoder
from vocalise.parts.layers import ConvNeXtStack
from vocalise.parts.losses import SpectralLoss

LOUDEST = 6.0  # nepers that a filter may amplify by: 52 dB
NEPERS = 8.685889638  # dB
_COUNTED = 1000  # columns whose periods are counted at once


@dataclass(frozen=True)
class _Free:
    """PyTorch's own luck, for training."""

    batch: int

    def noise(self, steps: int, device: torch.device) -> Tensor:
        return (torch.rand(self.batch, steps, device=device) - 0.5) * math.sqrt(12.0)


class FilterNetwork(nn.Module):
    """From what is told to what is drawn: (batch, channels, columns) -> (batch, columns, 3 · bands); no transform.

    A step hears and draws `at_once` columns (the reduction factor of Wang et al., 2017), of which there must be whole
    groups: half as many steps cost half as much, and every column keeps curves of its own.
    """

    def __init__(
        self, channels: int, bands: int, *, width: int, blocks: int, expansion: int, kernel: int, at_once: int
    ) -> None:
        super().__init__()
        self.at_once = at_once
        self.stack = ConvNeXtStack(at_once * channels, width, blocks=blocks, expansion=expansion, kernel=kernel)
        self.head = nn.Linear(width, at_once * 3 * bands)
        # The columns of a step begin alike, or their differences would be heard as a tone of their own.
        column = nn.init.normal_(torch.empty(3 * bands, width), std=0.02)
        self.head.weight.data.copy_(column.repeat(at_once, 1))
        nn.init.zeros_(self.head.bias)

    def forward(self, condition: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """What is drawn, and the pasts of what follows."""
        deep, after = self.stack(in_groups(condition, self.at_once), pasts)
        return out_of_groups(self.head(deep), self.at_once), after


def in_groups(condition: Tensor, at_once: int) -> Tensor:
    """(batch, channels, columns) -> (batch, columns / at_once, at_once · channels)."""
    return torch.unflatten(condition.transpose(1, 2), 1, (-1, at_once)).flatten(2)


def out_of_groups(drawn: Tensor, at_once: int) -> Tensor:
    """(batch, groups, at_once · n) -> (batch, groups · at_once, n)."""
    return torch.unflatten(drawn, 2, (at_once, -1)).flatten(1, 2)


def _amplitude(nepers: Tensor) -> Tensor:
    return torch.exp(nepers.clamp(max=LOUDEST))


def _product(curves: Tensor, matrix: Tensor) -> Tensor:
    """(..., bands) by (bands, bins) as one product of matrices; PyTorch would make one of every column."""
    return torch.unflatten(curves.reshape(-1, curves.shape[-1]) @ matrix, 0, curves.shape[:-1])


def _prolonged(controls: Controls, columns: int) -> Controls:
    """The same performer, who holds the last column for so many more."""
    lines = (controls.pitch, controls.voicing, controls.loudness)
    pitch, voicing, loudness = (F.pad(line, (0, columns), mode="replicate") for line in lines)
    return replace(controls, pitch=pitch, voicing=voicing, loudness=loudness)


@dataclass
class State:
    """What the decoder remembers: its network's past, the phase, and columns that still wait for later ones."""

    pasts: list[Tensor]
    told: Tensor  # (batch, channels, columns)   fewer than a step of the network hears
    phase: Tensor  # (batch,)   periods
    nodes: Tensor  # (2, batch, 2)   pitch and voicing of the last two columns
    sources: Tensor  # (2, batch, columns, hop)   tone and noise not yet in a frame, or in some of theirs
    curves: Tensor  # (batch, columns, 3 · bands)   drawn for columns whose frame is not complete
    levels: Tensor  # (batch, columns)   powers told of columns that are in such a frame
    sounding: Tensor  # (batch, overlap - 1, hop)   of frames whose overlap goes on
    fed: int = 0  # columns told so far
    last: tuple[Tensor, Controls] | None = None  # the last column, held when nothing more is told
    shapes: dict[float, tuple[Tensor, Tensor]] = field(default_factory=dict)  # bands to bins, by formant


@final
class Parallel(Decoder):
    """Exact pitch by construction: pulses of the pitch that is told, a filter for them, and one for noise.

    A frame covers its own column and `overlap` - 1 before it. The filter of the tone is the minimum-phase one of its
    level, turned by a phase of its own. Loudness sets the level from which the network deviates.
    """

    to_bins: Tensor
    to_phases: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(Decoder.Config):
        """Sizes, and how far a column may look ahead: one column costs no delay, because pitch has to wait as long."""

        width: Channels = 512
        blocks: Depth = 8
        expansion: Annotated[int, Field(ge=1, le=8)] = 3
        kernel: Annotated[int, Field(ge=1, le=63)] = 7
        bands: Annotated[int, Field(ge=8, le=1024)] = 128
        overlap: Annotated[int, Field(ge=2, le=8)] = 2  # columns that a frame covers
        at_once: Annotated[int, Field(ge=1, le=16)] = 2  # columns that a step of the network draws
        ahead: Annotated[int, Field(ge=0, le=256)] = 0  # columns beyond its step that a filter depends on
        peaks: Annotated[float, Field(ge=0.0, le=1e3)] = 10.0  # weight of spectral convergence beside a dB
        mel: Annotated[float, Field(ge=0.0, le=1e3)] = 1.0  # weight of mel bands beside bins

        def scaled(self, factor: float) -> "Parallel.Config":
            """The same depth at another width."""
            return replace(self, width=max(8, round(self.width * factor)))

    def __init__(self, config: Config, *, signal: int, condition: int, hop: int, singers: int, rate: int) -> None:
        super().__init__()
        if signal != 1:
            raise ValueError(f"a Parallel decoder sings a signal of one channel, this one has {signal}; take Wave")
        self.hop, self.autoregressive, self.rate = hop, False, rate
        self.shapes_formants = self.shapes_breath = True
        self.overlap, self.ahead, self.size = config.overlap, config.ahead, config.overlap * hop
        # Columns until all that a frame needs is known: the next one's pitch, and all that its step hears.
        self.wait = max(1, config.ahead + config.at_once - 1)
        self.lookahead = self.wait + config.overlap - 1
        self.bands = len(band_centres(rate, self.size, config.bands))
        self.network = FilterNetwork(
            condition,
            self.bands,
            width=config.width,
            blocks=config.blocks,
            expansion=config.expansion,
            kernel=config.kernel,
            at_once=config.at_once,
        )
        self.channels = condition
        self.loss = SpectralLoss(rate, peaks=config.peaks, mel=config.mel)
        curves, phases = self._shapes(0.0)
        self.register_buffer("to_bins", curves, persistent=False)
        self.register_buffer("to_phases", phases, persistent=False)

    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        """The distance to the target (batch, 1, steps), and the wave, through which gradients go.

        In training noise is torch's own; in evaluation it is always the same.
        """
        chance = _Free(len(target)) if self.training else Chance((torch.Generator().manual_seed(0),))
        told = F.pad(condition, (0, self.lookahead), mode="replicate")
        held = _prolonged(controls, self.lookahead)
        estimate = self._extended(self.begin(len(target)), told, held, chance)
        with torch.autocast(target.device.type, enabled=False):
            loss, apart = self.loss.measured(target[:, 0].float(), estimate[:, 0], bandwidth)
        return Decoded(loss=loss, estimate=estimate, figure=apart)

    def begin(self, batch: int) -> State:
        """Silence, on the device of the weights."""
        zeros, overlap = self.network.head.weight.new_zeros, self.overlap
        return State(
            pasts=self.network.stack.begin(batch),
            told=zeros(batch, self.channels, 0),
            phase=zeros(batch),
            nodes=zeros(2, batch, 2),
            sources=zeros(2, batch, self.wait + overlap - 2, self.hop),  # what is fed first lies before the beginning
            curves=zeros(batch, self.wait - self.ahead, 3 * self.bands),
            levels=zeros(batch, self.wait + overlap - 1),
            sounding=zeros(batch, overlap - 1, self.hop),
        )

    @torch.no_grad()
    def extend(self, state: State, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (batch, channels, n) -> what is final of the signal, (batch, 1, up to n * hop)."""
        return self._extended(state, condition, controls, chance)

    @torch.no_grad()
    def finish(self, state: State, chance: Chance) -> Tensor:
        """The last `lookahead` columns (fewer, if fewer were told), as if the last one were held."""
        if state.last is None:
            return state.sounding.new_zeros(len(state.sounding), 1, 0)
        condition, controls = state.last
        held = _prolonged(controls, self.lookahead - 1)
        return self._extended(state, condition.expand(-1, -1, self.lookahead), held, chance)

    @torch.no_grad()
    def skip(self, state: State, condition: Tensor, controls: Controls, chance: Chance) -> None:
        """Counts periods and draws noise for every column; the network hears no more of them than it remembers."""
        step = self.network.at_once
        heard = self.network.stack.memory * step + self.wait + self.overlap
        unheard = (condition.shape[2] - heard) // step * step
        if unheard <= step:
            self.extend(state, condition, controls, chance)
            return
        for start in range(0, unheard, _COUNTED):
            told = controls.columns(slice(start, min(start + _COUNTED, unheard)))
            pitch, _ = self._lines(state, told)
            state.phase = phase_after(pitch, self.rate, state.phase)
            chance.noise(pitch.shape[1], pitch.device)
        state.fed += unheard
        state.told = condition[:, :, unheard - state.told.shape[2] : unheard]
        self.extend(state, condition[:, :, unheard:], controls.columns(slice(unheard, None)), chance)

    def _extended(self, state: State, condition: Tensor, controls: Controls, chance: Chance | _Free) -> Tensor:
        columns = condition.shape[2]
        if not columns:
            return condition.new_zeros(condition.shape[0], 1, 0)
        drawn = self._drawn(state, condition)
        state.last = (condition[:, :, -1:], controls.columns(slice(columns - 1, columns)))
        with torch.autocast(condition.device.type, enabled=False):
            self._feed(state, drawn.float(), controls, chance)
            sung = self._sounded(state, columns, controls)
        late = max(0, min(columns, self.lookahead - state.fed))  # columns from before the beginning
        state.fed += columns
        return sung[:, late:].flatten(1).unsqueeze(1)

    def _drawn(self, state: State, condition: Tensor) -> Tensor:
        """What the network draws for as many columns as make whole steps: (batch, columns, 3 · bands)."""
        told = torch.cat([state.told.to(condition), condition], dim=2)
        drawn = state.curves[:, :0]
        whole = told.shape[2] - told.shape[2] % self.network.at_once
        state.told = told[:, :, whole:]
        if whole:
            drawn, state.pasts = self.network(told[:, :, :whole], state.pasts)
        return drawn

    def _feed(self, state: State, drawn: Tensor, controls: Controls, chance: Chance | _Free) -> None:
        """Puts curves, levels and sources into their queues: a source is one column late, a curve `ahead`."""
        state.curves = torch.cat([state.curves, drawn], dim=1)
        powers = torch.exp(controls.loudness.to(state.levels) * (2.0 / NEPERS))
        state.levels = torch.cat([state.levels, powers], dim=1)
        pitch, voicing = self._lines(state, controls)
        tone, state.phase = pulses(pitch, self.rate, state.phase)
        noise = chance.noise(tone.shape[1], tone.device)
        fresh = torch.stack([tone * voicing, noise.expand_as(tone)])
        fresh = torch.unflatten(fresh, 2, (-1, self.hop))
        state.sources = torch.cat([state.sources, fresh.to(state.sources)], dim=2)

    def _lines(self, state: State, controls: Controls) -> tuple[Tensor, Tensor]:
        """Pitch and voicing at every sample between the last column told and the one before it, (batch, samples)."""
        lines = torch.stack([controls.pitch, controls.voicing]).to(state.nodes)
        nodes = torch.cat([state.nodes, lines], dim=2)
        state.nodes = nodes[:, :, -2:]
        pitch = between_columns(nodes[1], self.hop, pitch=nodes[0])
        return pitch.flatten(1), between_columns(nodes[1], self.hop).flatten(1)

    def _sounded(self, state: State, columns: int, controls: Controls) -> Tensor:
        """Takes so many frames from the queues: the columns that they complete, (batch, columns, hop)."""
        curves, state.curves = state.curves[:, :columns], state.curves[:, columns:]
        sources, state.sources = state.sources[:, :, : columns + self.overlap - 1], state.sources[:, :, columns:]
        powers, state.levels = state.levels[:, : columns + self.overlap - 1], state.levels[:, columns:]
        loudness = 0.5 * torch.log(powers.unfold(1, self.overlap, 1).mean(dim=2) + 1e-10)[:, :, None]
        to_bins, to_phases = self._shaping(state, controls.formant)
        tones, noises = torch.fft.rfft(frames_of(sources.flatten(0, 1), self.overlap)).chunk(2)
        curves = torch.unflatten(curves, 2, (3, -1))
        tone, phase, breath = _product(curves, to_bins).unbind(2)
        # A curve that is the same at all bands is the same at all bins and has no phase: loudness comes in here.
        turned = torch.polar(_amplitude(tone + loudness), _product(curves[:, :, 0], to_phases) + phase)
        spectrum = tones * turned + noises * _amplitude(breath + (loudness + controls.breath / NEPERS))
        sung = overlapped(torch.fft.irfft(spectrum, n=self.size), self.overlap)
        begun = sung[:, : self.overlap - 1] + state.sounding
        whole = torch.cat([begun, sung[:, self.overlap - 1 :]], dim=1)
        state.sounding = whole[:, columns:]
        return whole[:, :columns]

    def _shaping(self, state: State, formant: float) -> tuple[Tensor, Tensor]:
        if not formant:
            return self.to_bins, self.to_phases
        if formant not in state.shapes:
            curves, phases = self._shapes(formant)
            state.shapes = {formant: (curves.to(self.to_bins), phases.to(self.to_bins))}
        return state.shapes[formant]

    def _shapes(self, formant: float) -> tuple[Tensor, Tensor]:
        """What turns bands into bins, and levels of bands into minimum phases of bins; (bands, bins) each."""
        curves = curve_matrix(self.rate, self.size, self.bands, semitones=formant)
        return curves, soonest_phase(curves.double()).float()
