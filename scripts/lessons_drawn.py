"""Pictures of what is asked for and heard in training: points between singers, and a stretch out of tune."""

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor

from drawing import BLUE, GREY, INK, ORANGE, axes
from vocalise.audio.perturbing import perturb
from vocalise.audio.pitch import pitch_contour
from vocalise.data.batches import Batch
from vocalise.parts import Backtranslation
from vocalise.parts.contracts import Chance, Controls


class _Listener:
    """In the model's place: remembers as whom it was asked to sing."""

    rate, singers, latent_channels = 16_000, 3, 1
    asked: Tensor

    def convert(self, wave: Tensor, controls: Controls, chance: Chance) -> Tensor:
        self.asked = controls.identity[:, :, 0]
        return wave


def simplex() -> Figure:
    """As whom backtranslation has songs sung: points between two of three singers."""

    def draw(count: int) -> Batch:
        line = torch.zeros(count, 2)
        wave, band = torch.zeros(count, 1600), torch.full((count,), 8000.0)
        return Batch(wave, torch.arange(count) % 3, line, line, line, band, wave[:, :0])

    listener = _Listener()
    protocol = Backtranslation.Config(segments=240, bursts=1).build(steps=10_000, batch=24, singers=3)
    protocol.lesson(draw, listener, protocol.first, torch.Generator().manual_seed(0))
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])
    places = listener.asked @ corners
    figure, (page,) = axes(3.8, 3.0)
    page.plot(*corners[[0, 1, 2, 0]].T, color=GREY, lw=1)
    page.plot(places[:, 0], places[:, 1], ".", color=BLUE, ms=5, alpha=0.6)
    for name, (x, y), side in zip(("Ada", "Bruno", "Clara"), corners.tolist(), (-0.06, -0.06, 0.03), strict=True):
        page.text(x, y + side, name, ha="center", va="center", color=INK)
    page.set(aspect="equal", title="Singers are corners; backtranslation asks for points between")
    page.title.set_fontsize(8)
    page.axis("off")
    return figure


def perturbation() -> Figure:
    """The pitch of what umt hears beside that of what it should sing."""
    rate = 16_000
    time = torch.arange(rate) / rate
    pitch = 220.0 * torch.exp2(0.04 * torch.sin(2.0 * math.pi * 5.5 * time))
    phase = 2.0 * math.pi * pitch.double().cumsum(0) / rate
    wanted = sum((torch.sin(n * phase) / n for n in range(2, 9)), torch.sin(phase)).float() * 0.2
    heard = perturb(wanted[None], rate, 0.5, torch.Generator().manual_seed(6))[0]
    figure, (page,) = axes(7.2, 2.4)
    for wave, colour, label in ((heard, ORANGE, "what the encoder hears"), (wanted, BLUE, "what should be sung")):
        contour = pitch_contour(wave, rate)
        cents = 1200.0 * torch.log2(contour.pitch.clamp(min=1.0) / 220.0)
        cents[contour.voicing < 0.5] = math.nan
        page.plot(torch.arange(len(cents)) * contour.hop, cents, color=colour, label=label, lw=1.5)
    page.set(
        xlabel="time, s", ylabel="cents", title="A stretch of it is out of tune", ylim=(-110, 110), xlim=(0.05, 0.95)
    )
    page.legend(fontsize=8)
    return figure
