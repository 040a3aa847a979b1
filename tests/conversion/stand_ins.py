"""Stand-ins for parts that are too slow, or have to be watched, and small voices with real parts."""

import copy

import torch
from torch import Tensor, nn

from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import Card, Voice
from vocalise.config import override
from vocalise.parts.contracts import Chance, Controls, Latent
from vocalise.recipes import recipe

# The stand-ins are no subclasses of the families: those are registered by being subclassed, and would show up in
# every other test of this process.


class Murmur(nn.Module):
    """A decoder that mumbles at once: luck, and a trace of what it is told."""

    per_singer = False

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop, self.autoregressive = hop, True
        self.widest = 0
        self.sung = 0

    def begin(self, batch: int) -> None:
        return None

    def renew(self, state: None, row: int) -> None:
        return

    def extend(self, state: None, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        self.widest = max(self.widest, condition.shape[2])
        steps = condition.shape[2] * self.hop
        self.sung += steps * condition.shape[0]
        told = condition[:, :1].tanh().repeat_interleave(self.hop, dim=2)
        return 0.8 * (chance.uniform(steps, condition.device) - 0.5).unsqueeze(1) + 0.05 * told


class Averager(nn.Module):
    """An encoder that keeps the mean of each frame."""

    streams, lead = False, 0

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop, self.channels, self.context = hop, 1, (0, 0)

    def forward(self, signal: Tensor) -> Tensor:
        return signal.unflatten(2, (-1, self.hop)).mean(dim=3)


class Unchanged(nn.Module):
    channels = 1

    def forward(self, content: Tensor) -> Latent:
        return Latent(z=content, terms={}, facts={})


class Told(nn.Module):
    """A condition that passes the content on, on a faster clock, and writes down what it is told."""

    def __init__(self, hop: int, times: int) -> None:
        super().__init__()
        self.hop, self.times, self.channels = hop // times, times, 1
        self.uses_voice, self.uses_pitch = True, True
        self.heard: list[Controls] = []
        self.place = nn.Parameter(torch.zeros(()))  # tells where the model is

    def forward(self, z: Tensor, controls: Controls) -> Tensor:
        self.heard.append(controls)
        return z.repeat_interleave(self.times, dim=2)


class Hold(nn.Module):
    """A decoder that holds what it is told; with `Averager` it gives back any wave that is constant in each frame."""

    per_singer = False

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop, self.autoregressive = hop, True

    def begin(self, batch: int) -> None:
        return None

    def renew(self, state: None, row: int) -> None:
        return

    def extend(self, state: None, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        return condition[:, :1].repeat_interleave(self.hop, dim=2)


class Strike(nn.Module):
    """A decoder that raises whatever it is given as soon as it should sing."""

    per_singer = False

    def __init__(self, hop: int, error: BaseException) -> None:
        super().__init__()
        self.hop, self.autoregressive, self.error = hop, True, error

    def begin(self, batch: int) -> None:
        raise self.error


def with_parts(model: Autoencoder, **parts: nn.Module) -> Autoencoder:
    twin = copy.copy(model)
    twin._modules = {**model._modules, **parts}
    return twin


SHALLOW = ("model.decoder.blocks=1", "model.decoder.layers=3")  # for those that sing sample by sample in every test
SHALLOW_EACH = ("model.decoder.decoder.blocks=1", "model.decoder.decoder.layers=3")  # the same where each has their own


def voice_of(name: str, *settings: str, singers: tuple[str, ...] = ("ada", "Bob", "Zoë")) -> Voice:
    chosen = recipe(name, "tiny")
    for setting in settings:
        chosen = override(chosen, setting)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = chosen.model.build(singers=len(singers)).eval()
    ranges = {"ada": (200.0, 300.0, 500.0), "Bob": (80.0, 120.0, 200.0)}
    return Voice(recipe=chosen, singers=singers, pitch_ranges=ranges, card=Card(minutes={}, figures={}), model=model)
