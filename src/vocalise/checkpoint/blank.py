"""Building a model whose weights will come from a file: nothing is drawn for them, and no luck is spent.

Recipes from strangers are first built on the `meta` device, as shapes without memory. That is slow: PyTorch loads its
compiler and a computer algebra system for it, eight hundred modules in more than a second. A recipe that asks for
nothing beyond what our own sizes of it ask for can do no harm and is spared that.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from vocalise.config import to_json
from vocalise.recipes import RECIPES, SIZES, Recipe, recipe

HIGHEST = 48_000  # Hz; the rates of our own sizes are lower, and users choose others
FEW = 256  # singers; each may have a decoder
_IN_PLACE = frozenset(
    {torch.Tensor.normal_, torch.Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_}
)
_NEW = frozenset({torch.randn, torch.rand})


def is_familiar(found: Recipe, singers: int) -> bool:
    """Whether every number of the model lies within what our own sizes of the recipe have, and all else is as there."""
    if found.name not in RECIPES or singers > FEW:
        return False
    ours = [to_json(recipe(found.name, size).model) for size in SIZES]
    widest = {**ours[0], "signal": {**ours[0]["signal"], "rate": HIGHEST}}
    return _within(to_json(found.model), [*ours, widest])


def _within(value: object, ours: Sequence[Any]) -> bool:
    if isinstance(value, dict):
        alike = [one for one in ours if isinstance(one, dict) and one.keys() == value.keys()]
        return bool(alike) and all(_within(value[key], [one[key] for one in alike]) for key in value)
    if isinstance(value, list):
        equal = [one for one in ours if isinstance(one, list) and len(one) == len(value)]
        return bool(equal) and all(_within(item, [one[n] for one in equal]) for n, item in enumerate(value))
    if type(value) in (int, float):
        numbers = [one for one in ours if type(one) in (int, float)]
        return bool(numbers) and min(numbers) <= value <= max(numbers)
    return any(type(one) is type(value) and one == value for one in ours)


@contextmanager
def blank(device: str) -> Iterator[None]:
    """Modules built inside lie on `device`, with weights that hold whatever is in memory: fill every one of them."""
    with torch.device(device), torch.random.fork_rng(devices=[]), warnings.catch_warnings(), _Undrawn():
        warnings.simplefilter("ignore")  # torch remarks on layers of no width, which recipes may have
        yield


class _Undrawn(TorchFunctionMode):
    """Leaves out the drawing of numbers, unless by a generator of its own: what that gives is no mere beginning."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if named.get("generator") is None:
            if func in _IN_PLACE:
                return args[0] if args else named["tensor"]
            if func in _NEW:
                return torch.empty(*args, **{name: value for name, value in named.items() if name != "generator"})
        return func(*args, **named)
