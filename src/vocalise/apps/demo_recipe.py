"""What the demo trains: a recipe at the largest size that this machine can train and sing with in the time."""

from collections.abc import Mapping
from types import MappingProxyType

from vocalise.apps.estimate import estimate, singing_pace
from vocalise.config import override
from vocalise.data.corpus import Corpus
from vocalise.devices import choose_device
from vocalise.progress import Progress
from vocalise.recipes import Recipe, Size, recipe

PHRASE = 4.0  # seconds
MOST_SINGING = 90.0  # seconds that the conversion may take
# A size that cannot take so many steps in the time is too large.
LEAST_STEPS: Mapping[str, int] = MappingProxyType({"usvc": 2000, "aria": 200})
# What learns most in minutes on two cores. The smallest `usvc` remembers 4 ms, less than a period of a low voice; these
# nine layers remember 32 ms, and cost little more, since most time goes into the 256 classes of every sample. Short
# excerpts and a high rate make many bold steps.
HASTE: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "usvc": {
            "tiny": (
                "model.decoder.layers=9",
                "model.decoder.residual=32",
                "model.decoder.skip=64",
                "material.samples=2400",
                "material.batch=4",
                "optimiser.rate=0.008",
                "optimiser.decay=0.99",
            )
        },
        "aria": {"small": ("material.seconds=1.0", "material.batch=8")},
    }
)


def hasty(name: str, size: Size) -> Recipe:
    """The recipe for minutes: sizes for processors are made bolder."""
    found = recipe(name, size)
    for setting in HASTE.get(name, {}).get(size, ()):
        found = override(found, setting)
    return found


def choose_size(name: str, corpus: Corpus, *, minutes: float, device: str, progress: Progress) -> Size:
    """The largest size with which the time is enough, by a measurement."""
    place = choose_device(device)
    sizes: tuple[Size, ...] = ("medium", "small")
    for number, size in enumerate(sizes if place.type != "cpu" else sizes[1:]):
        progress("measuring this machine", number, len(sizes), size)
        found = hasty(name, size)
        steps = 60.0 * minutes / estimate(corpus, found, size, place).step_seconds
        enough = steps >= LEAST_STEPS.get(name, LEAST_STEPS["usvc"])
        if enough and singing_pace(found, place, streams=3) * PHRASE <= MOST_SINGING:
            progress("measuring this machine", len(sizes), len(sizes))
            return size
    progress("measuring this machine", len(sizes), len(sizes))
    return "tiny"
