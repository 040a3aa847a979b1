"""Measuring several things in turns, so that a neighbour's load falls on all of them alike.

Each contender is a function that does its work once and returns what it achieved (FLOP/s, samples/s). In every round
each has one turn, in an order that rotates. What is compared is compared within rounds; medians are printed.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

Contender = Callable[[], float]
Results = Mapping[str, Sequence[float]]


def take_turns(
    contenders: Mapping[str, Contender], rounds: int, say: Callable[[str], None] = lambda _: None
) -> dict[str, list[float]]:
    """One unmeasured turn for each, then so many rounds: what each achieved in each round."""
    names = list(contenders)
    for name in names:
        say(f"warming up: {name}")
        contenders[name]()
    results: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(contenders[name]())
            say(f"round {number + 1} of {rounds}: {name}")
    return results


def best(results: Results, names: Sequence[str]) -> str:
    """The contender with the highest median."""
    return max(names, key=lambda name: median(results[name]))


def ratio(results: Results, name: str, to: str) -> float:
    """The median over rounds of one contender's result to that of another in the same round."""
    return median(a / b for a, b in zip(results[name], results[to], strict=True))


def spread(values: Sequence[float]) -> float:
    """How far the middle half of the rounds lies apart, as a share of their median."""
    ordered, quarter = sorted(values), len(values) // 4
    return (ordered[-1 - quarter] - ordered[quarter]) / median(values)
