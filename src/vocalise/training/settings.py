"""What is settled when a run begins, and never again: recipe, corpus, steps, seed, precision, cadences."""

import dataclasses
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from vocalise.audio.files import write_aside
from vocalise.config import Count, Positive, from_json, to_json
from vocalise.errors import ConfigError, RunError
from vocalise.recipes import Recipe
from vocalise.training.precision import Precision

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Routine:
    """How often a run looks up from its work."""

    evaluations: Count = 20  # of held-out windows in a run, evenly spread, beside the one before the first step
    checkpoints: Count = 50  # in a run, evenly spread; besides, there is one at least every two minutes
    windows: Count = 64  # held out, to be evaluated on, at most
    patience: Count = 8  # evaluations without a better one, after which the run stops; see `Course`
    probe: Count = 2000  # steps of the singer probe
    samples_from: Count = 2000  # steps; shorter runs sing nothing along the way, because sampling is slow


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The content of a run's `recipe.json`."""

    format: int = FORMAT
    recipe: Recipe
    corpus: str  # fingerprint
    singers: tuple[str, ...]
    steps: Count
    minutes: Positive | None = None  # what the steps were worked out from
    seed: int = 0
    routine: Routine = Routine()
    precision: Precision = "float32"
    device: str = "cpu"
    sampling: bool = False  # whether a phrase is sung along the way
    threads: int = 1
    sampler: str = ""  # which kind of sampler sings what is learnt from, where something is
    software: str = ""

    @property
    def evaluate_every(self) -> int:
        """Steps between evaluations."""
        return max(1, self.steps // self.routine.evaluations)

    @property
    def save_every(self) -> int:
        """Steps between checkpoints."""
        return max(1, self.steps // self.routine.checkpoints)

    @property
    def note_every(self) -> int:
        """Steps between rows of the journal."""
        return max(1, self.steps // 500)

    @property
    def windows(self) -> int:
        """How many windows an evaluation takes: all of them together cost at most 3 % of the training.

        A pass without its gradient costs a third of a step; a step takes `batch` windows.
        """
        share = 0.03 * 3 * self.steps * self.recipe.material.batch / (self.routine.evaluations + 1)
        return max(len(self.singers), min(self.routine.windows, int(share)))


def software() -> str:
    """The versions on which bit identity depends."""
    try:
        own = version("vocalise")
    except PackageNotFoundError:
        own = "unknown"
    return f"vocalise {own}, torch {torch.__version__}, Python {platform.python_version()}"


def read_settings(path: Path) -> Settings | None:
    """What was settled for the run in this folder; None if nothing was yet.

    Raises:
        RunError: the file is damaged or of a later version.
    """
    if not path.exists():
        return None
    remedy = "choose another folder, or get that file again"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] > FORMAT:
            raise RunError(f"{path} was written by a later vocalise: update vocalise, or choose another folder.")
        return from_json(Settings, data, "settings")
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}): {remedy}.") from None
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        raise RunError(f"{path} does not describe a run ({error!s:.200}): {remedy}.") from None


def write_settings(path: Path, settings: Settings) -> None:
    """Writes `recipe.json`.

    Raises:
        OSError: the disk will not take it.
    """
    with write_aside(path) as aside:
        aside.write_text(json.dumps(to_json(settings), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def require_same(
    folder: Path,
    there: Settings,
    *,
    recipe: Recipe,
    corpus: str,
    steps: int | None,
    minutes: float | None,
    seed: int,
) -> None:
    """Refuses to go on with anything but what the folder was begun with; steps or minutes may be left open.

    Raises:
        RunError: naming what differs.
    """
    ours: dict[str, Any] = {"corpus": corpus, "seed": seed}
    if steps is not None:
        ours["steps"] = steps
    if minutes is not None:
        ours["minutes"] = minutes
    apart = [f"{name} is {getattr(there, name)} there, {value} here" for name, value in ours.items()]
    apart = [text for text, (name, value) in zip(apart, ours.items(), strict=True) if getattr(there, name) != value]
    apart += _differences(to_json(there.recipe), to_json(recipe), "recipe")
    if apart:
        shown = "; ".join(apart[:4]) + (f"; and {len(apart) - 4} more" if len(apart) > 4 else "")
        raise RunError(f"{folder} holds another run: {shown}. Say the same as then to go on, or choose another folder.")


def changes(there: Settings, *, device: str, sampler: str = "") -> str:
    """What no longer lets a resumed run be the same bit for bit; empty if nothing."""
    facts: dict[str, Any] = {"device": device, "threads": torch.get_num_threads(), "software": software()}
    now = dataclasses.replace(there, **facts, sampler=sampler or there.sampler)
    names = (*facts, *(["sampler"] if there.sampler else []))
    return "; ".join(
        f"{name} was {getattr(there, name)}, is {getattr(now, name)}"
        for name in names
        if getattr(there, name) != getattr(now, name)
    )


def _differences(there: Any, here: Any, where: str) -> Iterator[str]:
    """Every leaf in which two JSON trees differ, by its path."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            yield from _differences(there.get(key), here.get(key), f"{where}.{key}")
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for number, (one, other) in enumerate(zip(there, here, strict=True)):
            yield from _differences(one, other, f"{where}.{number}")
    elif there != here:
        yield f"{where} is {there!r:.60} there, {here!r:.60} here"
