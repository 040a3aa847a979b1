"""Draws the pictures of docs/systems from the code that they explain: `make figures`, or `python scripts/figures.py`.

Each picture is a function that asks the package's own parts for what it shows; a part that changes changes its picture.
"""

import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from torch import Tensor

from drawing import BLUE, GREEN, GREY, INK, ORANGE, axes, plain_style
from lessons_drawn import perturbation, simplex
from vocalise.audio import mulaw
from vocalise.parts import Framewise, Gaussian, Spectral, VectorQuantizer, WaveNet
from vocalise.parts.adversaries.games import told_apart
from vocalise.parts.bottlenecks.gaussian import divergence
from vocalise.recipes import RECIPES

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "systems"


def mu_law() -> Figure:
    """The companding curve, and how far apart neighbouring levels are."""
    figure, (curve, steps) = axes(7.2, 2.6, 2)
    x = torch.linspace(-1.0, 1.0, 801)
    curve.plot(x, mulaw.to_classes(x), color=BLUE, lw=1.5)
    curve.set(xlabel="sample x", ylabel="class", title="256 classes: most of them for faint sounds", ylim=(0, 256))
    levels = mulaw.from_classes(torch.arange(256))
    apart = 20.0 * levels.diff().log10()
    steps.plot(levels[1:], apart, color=BLUE, lw=1.5, label="μ-law")
    steps.axhline(20.0 * math.log10(2.0 / 255.0), color=ORANGE, ls="--", label="256 even steps")
    steps.set(xlabel="sample x", ylabel="step, dB re full scale", title="How coarse it is")
    steps.legend(fontsize=8)
    return figure


def receptive_field() -> Figure:
    """Which samples one output of a small WaveNet has heard: its dilations, and the gradient's own word on it."""
    torch.manual_seed(0)
    config = WaveNet.Config(blocks=1, layers=4, residual=8, skip=8)
    net = config.build(signal=1, condition=1, hop=1, singers=1, rate=16_000)
    spread = [layer.conv.dilation for layer in net.stack.layers]
    steps = 24
    felt = torch.zeros(1, 1, steps, requires_grad=True)
    net.logits(felt, torch.zeros(1, 1, steps))[0, -1].square().sum().backward()
    heard = felt.grad[0, 0] != 0 if felt.grad is not None else torch.zeros(steps)
    figure, (page,) = axes(7.2, 2.6)
    reached = {steps}
    for level in range(len(spread), -1, -1):
        for t in range(1, steps + 1):
            page.plot(t, level, "o", ms=5, color=BLUE if t in reached else GREY)
        if level:
            before = {t - tap * spread[level - 1] for t in reached for tap in (0, 1)}
            for t in reached:
                for tap in (0, 1):
                    page.plot([t - tap * spread[level - 1], t], [level - 1, level], color=BLUE, lw=0.8)
            reached = before
    for t in range(steps):
        page.plot(t + 1, -1, "s", ms=5, color=ORANGE if heard[t] else GREY)
    names = ["samples before (gradient)", "stem", *(f"layer {n + 1}: dilation {d}" for n, d in enumerate(spread))]
    page.set_yticks(range(-1, len(spread) + 1), names)
    page.set(xlabel="time, samples", title=f"One prediction hears {int(heard.sum())} samples before it", xlim=(0, 25))
    return figure


def latent_clock() -> Figure:
    """A moment of each encoder: how often it writes something down, and how many numbers."""
    figure, (page,) = axes(7.2, 3.0)
    rows = []
    for name, make in RECIPES.items():
        with torch.device("meta"):
            model = make("paper").model.build(singers=6)
        if model.latent_channels:
            neck, what = model.bottleneck, f"{model.latent_channels} numbers"
            what = f"one of {neck.config.codes} codes" if isinstance(neck, VectorQuantizer) else what
            rows.append((model.hop / model.rate, f"{name}: {what}, {model.rate / model.hop:g} Hz"))
    for place, (every, _) in enumerate(rows):
        times = torch.arange(0.0, 0.2001, every)
        page.vlines(times * 1000, place - 0.35, place + 0.35, color=BLUE, lw=1.6)
    page.set_yticks(range(len(rows)), [label for _, label in rows])
    page.invert_yaxis()
    page.set(xlabel="time, ms", title="The clock of the latent, in a fifth of a second", xlim=(-2, 202))
    return figure


def principal() -> Figure:
    """A linear autoencoder with one number in the middle, trained on two bins, beside the first principal component."""
    torch.manual_seed(1)
    points = torch.randn(400, 2) * torch.tensor([1.0, 0.25]) @ torch.tensor([[0.8, 0.6], [-0.6, 0.8]])
    ear = Framewise.Config(convolutions=(), layers=(), channels=1).build(channels=2, rate=16_000)
    hand = Spectral.Config(convolutions=(), layers=()).build(signal=2, condition=1, hop=1, singers=1, rate=16_000)
    adam = torch.optim.Adam([*ear.parameters(), *hand.parameters()], lr=0.02)
    frames = points.T[None]
    for _ in range(600):
        adam.zero_grad()
        torch.autograd.backward((hand.drawn(ear(frames)) - frames).square().mean())
        adam.step()
    made = hand.drawn(ear(frames)).detach()[0].T
    _, _, directions = torch.linalg.svd(points - points.mean(dim=0))
    figure, (page,) = axes(3.8, 3.0)
    page.plot(points[:, 0], points[:, 1], ".", color=GREY, ms=3, label="frames (2 bins)")
    ends = points.mean(dim=0) + torch.tensor([[-3.0], [3.0]]) * directions[0]
    page.plot(ends[:, 0], ends[:, 1], color=ORANGE, lw=4, alpha=0.5, label="first principal component")
    page.plot(made[:, 0], made[:, 1], ".", color=BLUE, ms=3, label="through 1 number and back")
    page.set(xlabel="bin 1", ylabel="bin 2", aspect="equal")
    page.legend(fontsize=7, loc="upper left")
    return figure


def _book(steps: int, codes: int = 12) -> tuple[Tensor, VectorQuantizer]:
    """Frames of two channels, and a book that has learned from them."""
    torch.manual_seed(3)
    centres = torch.tensor([[-2.0, -1.0], [0.0, 1.6], [1.8, -0.6], [-1.4, 1.4], [0.4, -1.6]])
    frames = centres[torch.arange(600) % 5] + 0.35 * torch.randn(600, 2)
    book = VectorQuantizer.Config(codes=codes, decay=0.9, jitter=0.0).build(channels=2)
    for _ in range(steps):
        book(frames.T[None].clone().requires_grad_())
    return frames, book.eval()


def quantizer() -> Figure:
    """One dimension: a staircase with a gradient of one. Two: cells, each with its code."""
    figure, (stairs, plane) = axes(7.2, 3.0, 2)
    torch.manual_seed(0)
    line = VectorQuantizer.Config(codes=5, decay=0.9, jitter=0.0).build(channels=1)
    for _ in range(80):
        line((torch.rand(1, 1, 400) * 4.0 - 2.0).requires_grad_())
    line.eval()
    x = torch.linspace(-2.4, 2.4, 601)
    z = line(x[None, None]).z[0, 0].detach()
    stairs.plot(x, x, color=GREY, ls="--", lw=1, label="slope that the gradient sees: 1")
    stairs.plot(x, z, color=BLUE, lw=1.8, label="what gets through")
    stairs.plot(line.codes[:, 0], line.codes[:, 0], "o", color=ORANGE, ms=5, label="codes")
    stairs.set(xlabel="what the encoder says", ylabel="what the decoder is told", title="One dimension, 5 codes")
    stairs.legend(fontsize=7)
    frames, book = _book(60)
    span = torch.linspace(-3.0, 3.0, 181)
    grid = torch.cartesian_prod(span, span)
    chosen = book(grid.T[None]).z[0].T.detach()
    which = torch.cdist(chosen, book.codes).argmin(dim=1).view(181, 181).T
    plane.imshow(which, origin="lower", extent=(-3, 3, -3, 3), cmap="Pastel1", interpolation="nearest")
    plane.plot(frames[:, 0], frames[:, 1], ".", color=INK, ms=1.5)
    plane.plot(book.codes[:, 0], book.codes[:, 1], "o", color=ORANGE, ms=6, mec="white")
    plane.set(title="Two dimensions, 12 codes", xlim=(-3, 3), ylim=(-3, 3))
    return figure


def gaussian() -> Figure:
    """What a cloud costs, and what the bottleneck makes of a frame that it hears again and again."""
    figure, (cost, cloud) = axes(7.2, 2.8, 2)
    mean = torch.linspace(-3.0, 3.0, 201)
    for sigma, colour in ((1.0, BLUE), (0.5, ORANGE), (0.1, GREEN)):
        logs = torch.full_like(mean, 2.0 * math.log(sigma))
        cost.plot(mean, divergence(mean, logs), color=colour, label=f"σ = {sigma:g}")
    cost.set(xlabel="μ", ylabel="nats a number", title="KL( N(μ, σ²) ‖ N(0, 1) ): the fee")
    cost.legend(fontsize=8)
    torch.manual_seed(0)
    neck = Gaussian.Config(channels=2).build(channels=2).train()
    with torch.no_grad():
        neck.cloud.weight.zero_()
        neck.cloud.weight[:2, :, 0] = torch.eye(2)
        neck.cloud.bias[2:] = 2.0 * math.log(0.35)
        for place, colour in (((-1.2, 0.4), BLUE), ((0.9, -0.8), ORANGE), ((0.5, 1.3), GREEN)):
            drawn = neck(torch.tensor(place)[None, :, None].expand(1, 2, 150)).z[0]
            cloud.plot(drawn[0], drawn[1], ".", color=colour, ms=3)
    turn = torch.linspace(0.0, 2.0 * math.pi, 100)
    for radius in (1.0, 2.0):
        cloud.plot(radius * turn.cos(), radius * turn.sin(), color=GREY, lw=1)
    cloud.set(title="Three frames, drawn 150 times each", aspect="equal")
    return figure


def distances(apart: Tensor, width: float = 0.5) -> tuple[Tensor, Tensor]:
    """Jensen-Shannon divergence in nats and Wasserstein's distance of two Gaussians, at so many distances."""
    x = torch.linspace(-20.0, 20.0, 40_001, dtype=torch.float64)
    found = []
    for one in apart.double():
        p, q = (torch.softmax(-0.5 * ((x - shift) / width) ** 2, dim=0) for shift in (-one / 2, one / 2))
        middle = 0.5 * (p + q)
        js = sum(0.5 * torch.xlogy(each, each / middle.clamp(min=1e-300)).sum() for each in (p, q))
        cumulated = (p.cumsum(0) - q.cumsum(0)).abs().sum() * (x[1] - x[0])
        found.append(torch.stack([torch.as_tensor(js), cumulated]))
    both = torch.stack(found)
    return both[:, 0], both[:, 1]


def wasserstein() -> Figure:
    """Two Gaussians that move apart: one measure stops telling, the other goes on; and what two critics see."""
    figure, (measures, critics) = axes(7.2, 2.8, 2)
    apart = torch.linspace(0.0, 6.0, 61)
    js, w1 = distances(apart)
    measures.plot(apart, js, color=ORANGE, label="Jensen-Shannon (GAN)")
    measures.plot(apart, w1, color=BLUE, label="Wasserstein (WGAN)")
    measures.axhline(math.log(2.0), color=GREY, lw=0.8)
    measures.annotate("ln 2: no slope, nothing to learn from", (2.3, 0.85), fontsize=7, color=INK)
    measures.set(xlabel="distance of the two clouds", ylabel="measure", title="How far is the song from singing?")
    measures.legend(fontsize=8)
    x = torch.linspace(-4.0, 4.0, 401)
    real, sung = (torch.exp(-0.5 * ((x - shift) / 0.5) ** 2) for shift in (2.0, -2.0))
    critics.fill_between(x, 0 * x, real, color=GREEN, alpha=0.3, label="recordings")
    critics.fill_between(x, 0 * x, sung, color=GREY, alpha=0.5, label="songs")
    # The best answers in closed form: ln p/q between Gaussians is a line, steep; and the line of slope 1.
    sure, plain = torch.sigmoid(4.0 * x / 0.25), 0.25 * x
    critics.plot(x, sure, color=ORANGE, label="best GAN critic: flat where the songs are")
    critics.plot(x, plain, color=BLUE, label="best Wasserstein critic (slope 1, drawn at ¼)")
    lost = told_apart("wasserstein", torch.tensor([2.0]), torch.tensor([-2.0]))
    critics.set(xlabel="x", title=f"E f(x) - E f(x̂) of the line = {-float(lost):g}, the distance", ylim=(-1.1, 2.3))
    critics.legend(fontsize=6.5, loc="upper left")
    return figure


PICTURES: Mapping[str, Callable[[], Figure]] = MappingProxyType(
    {
        function.__name__.replace("_", "-"): function
        for function in (
            *(mu_law, receptive_field, latent_clock, principal, quantizer, gaussian, wasserstein),
            *(simplex, perturbation),
        )
    }
)


def draw_all(folder: Path) -> list[Path]:
    """Draws every picture into a folder, and says which."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context():
        plain_style()
        for name, draw in PICTURES.items():
            written.append(folder / f"{name}.png")
            draw().savefig(written[-1], dpi=100, metadata={"Software": None})
    return written


if __name__ == "__main__":
    torch.set_num_threads(1)
    for path in draw_all(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        sys.stdout.write(f"{path}\n")
