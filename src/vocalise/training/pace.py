"""From minutes to steps: a short measurement of what the parts of a run cost, and how many steps fit.

    seconds(N) = N · step + Σ excerpts drawn by each protocol in N steps · lesson + evaluations + the end

Rendering a burst costs much more than the steps that learn from it, so bursts are counted by rehearsing the schedule.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vocalise.data.batches import Batch
from vocalise.parts.contracts import Chance, Controls, Protocol
from vocalise.recipes import Recipe
from vocalise.training.closing import MOST_TAUGHT, MOST_TESTED, TAUGHT, TESTED
from vocalise.training.learner import Learner
from vocalise.training.listening import SECONDS
from vocalise.training.settings import Settings

ENOUGH = 4.0  # seconds that a measurement goes on for, if so many steps fit
STEPS = 5
PRACTISED = 1000  # turns after which every adversary has a say, and costs what it costs
CLASSIFIER = 0.004  # seconds a step of the probe's three classifiers, about
MOST_SAMPLING = 0.1  # of the time may go into singing along the way


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What things cost on this machine, in seconds."""

    step: float
    lessons: tuple[float, ...]  # for each protocol, an excerpt that it draws
    window: float  # a window of an evaluation
    stream: float  # a sample sung, with a few streams side by side


def measure(learner: Learner, learn: Callable[[Learner], object]) -> Pace:
    """Times a few real steps of a learner that will not be used any more, as they are late in a run."""
    every = learner.protocols
    learner.step, learner.protocols = max(0, learner.steps - STEPS - 2), every[:1]
    for adversary in learner.adversaries:
        for _ in range(PRACTISED):
            adversary.after_turn()
    learn(learner)  # the first step allocates
    begun, taken = time.perf_counter(), 0
    while taken < STEPS and (taken == 0 or time.perf_counter() - begun < ENOUGH):
        learn(learner)
        taken += 1
    step = (time.perf_counter() - begun) / taken
    learner.protocols = every
    window = step / learner.recipe.material.batch / 3  # a pass without its gradient costs a third of a step
    return measure_lessons(learner, Pace(step=step, lessons=(), window=window, stream=0.0))


def measure_lessons(learner: Learner, pace: Pace) -> Pace:
    """The same with the lessons of later protocols timed anew: many streams sung at once are cheaper each.

    How many a burst has depends on the length of the run, so this is to be done once that is roughly known.
    """
    lessons, stream = [0.0], 0.0  # the first protocol's are in the step
    for protocol in learner.protocols[1:]:
        seconds, drawn, samples = _time_lesson(learner, protocol) if protocol.renders else (0.0, 0, 0)
        lessons.append(seconds / max(1, drawn) * learner.batches.samples / max(1, samples))
        stream = max(stream, seconds / max(1, samples))
    return replace(pace, lessons=tuple(lessons), stream=stream)


def steps_within(minutes: float, pace: Pace, settings: Settings) -> tuple[int, bool]:
    """The most steps that fit into the minutes, and whether there is time for samples along the way."""
    budget = minutes * 60.0
    most = max(1, min(1 << 20, int(budget / pace.step)))
    rate = settings.recipe.model.signal.build().rate
    phrase = 2 * SECONDS * rate * pace.stream
    low, high = 1, most
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        if seconds_for(middle, pace, settings) <= budget:
            low = middle
        else:
            high = middle
    sampling = low >= settings.routine.samples_from and phrase < MOST_SAMPLING * budget
    return (max(1, round(low * (1.0 - phrase / budget))) if sampling else low), sampling


def seconds_for(steps: int, pace: Pace, settings: Settings) -> float:
    """What a run of so many steps would take, without samples along the way."""
    settings = replace(settings, steps=steps)
    singers = len(settings.singers)
    drawn = rehearse(settings.recipe, steps=steps, singers=singers)
    lessons = sum(count * seconds for count, seconds in zip(drawn, pace.lessons, strict=True))
    evaluations = (settings.routine.evaluations + 1) * settings.windows * pace.window
    probed = min(TAUGHT * singers, MOST_TAUGHT) + min(TESTED * singers, MOST_TESTED)
    probe = 2 * probed * pace.window / 2 + settings.routine.probe * CLASSIFIER
    return steps * pace.step + lessons + evaluations + probe


def rehearse(recipe: Recipe, *, steps: int, singers: int) -> list[int]:
    """How many excerpts each protocol that renders would draw in a run: its lessons are given, but to nobody."""
    batch = recipe.material.batch
    protocols: list[Protocol] = [one.build(steps=steps, batch=batch, singers=singers) for one in recipe.protocols]
    chance, counts = torch.Generator().manual_seed(0), [0] * len(protocols)
    rate = recipe.model.signal.build().rate
    for step in range(steps):
        number = max((n for n, protocol in enumerate(protocols) if n and protocol.takes(step)), default=0)
        if protocols[number].renders:

            def draw(count: int, number: int = number) -> Batch:
                counts[number] += count
                return _nothing(count)

            protocols[number].lesson(draw, _Mute(rate, singers), step, chance)
    return counts


@dataclass(frozen=True)
class _Mute:
    """Sings nothing, at once."""

    rate: int
    singers: int
    latent_channels: int = 0

    def convert(self, wave: Tensor, controls: Controls, chance: Chance) -> Tensor:
        return wave


def _nothing(count: int) -> Batch:
    none = torch.zeros(count, 1)
    return Batch(none, torch.zeros(count, dtype=torch.long), none, none, none, none[:, 0], none)


def _time_lesson(learner: Learner, protocol: Protocol) -> tuple[float, int, int]:
    """Seconds, excerpts and samples of the dearest kind of lesson, on excerpts as short as they can be."""
    first = next((step for step in range(learner.steps) if protocol.takes(step)), None)
    if first is None:
        return 0.0, 0, 0
    counts: list[int] = []
    samples, hop = learner.model.hop, learner.batches.hop

    def draw(count: int) -> Batch:
        counts.append(count)
        whole = learner.draw(count)
        frames = slice(samples // hop)
        short = (whole.pitch[:, frames], whole.voicing[:, frames], whole.loudness[:, frames])
        return Batch(whole.wave[:, :samples], whole.singer, *short, whole.bandwidth, whole.before)

    begun = time.perf_counter()
    protocol.lesson(draw, learner.performer, first, learner.chance)
    return time.perf_counter() - begun, sum(counts), samples
