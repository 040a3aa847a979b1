"""Teaching the listener by the rendered choir, measuring it on singers it never heard, and keeping it in the cache.

strangers' takes ──▶ spoiled, twice ──▶ network ──▶ listener ──presets of the choir, another song──▶ `same`
"""

import contextlib
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from vocalise.data.cache import Cache, key_of
from vocalise.data.choir import PRESETS, perform
from vocalise.data.choir.score import arrange
from vocalise.data.choir.tunes import TUNES
from vocalise.evaluation.content import lessons
from vocalise.evaluation.content.distance import mean_apart
from vocalise.evaluation.content.features import CEPSTRA, RATE, cepstra_of, features_of, power_of, sounding
from vocalise.evaluation.content.listener import PhoneListener
from vocalise.evaluation.content.network import Network, train
from vocalise.evaluation.content.sounds import SOUNDS
from vocalise.progress import Progress, silent

TAKES = 80  # of 12.5 s, each by a singer of its own
_VERSION = 2  # of all that the listener depends upon; another one is taught anew
_KIND = "listener"
_VERSIONS = 2  # ways in which each take is spoiled
_ROUNDS = 8
_EXAM = 20.0  # seconds of the song that every preset of the choir sings


def phone_listener(
    cache: Cache | None = None, *, seed: int = 0, takes: int = TAKES, progress: Progress = silent
) -> PhoneListener:
    """The listener for sounds of speech: from the cache, or taught in some twenty seconds of one core.

    Args:
        cache: where it is kept; None teaches it for this time only.
        seed: of the lessons and the weights.
        takes: how many lessons of 12.5 s; fewer are for tests.
        progress: told how the teaching goes.
    """
    key = key_of("phone listener", _VERSION, seed, takes)
    known = _read(cache, key) if cache is not None else None
    if known is not None:
        return known
    listener, packed = _teach(takes, seed, progress)
    if cache is not None:
        facts = {"same": listener.same, "sounds": list(SOUNDS)}
        with contextlib.suppress(OSError):  # it is made again the next time; what was asked for is here
            cache.store(_KIND, key, packed.numpy(), facts)
    return listener


def _read(cache: Cache, key: str) -> PhoneListener | None:
    """What was kept, if it is whole and fits."""
    facts = cache.facts(_KIND, key)
    try:
        if facts is None or facts["sounds"] != list(SOUNDS):
            return None
        return _unpacked(torch.from_numpy(np.array(cache.array(_KIND, key))), float(facts["same"]))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _unpacked(packed: Tensor, same: float) -> PhoneListener:
    usual, priors, weights = torch.split(packed, [CEPSTRA, len(SOUNDS), len(packed) - CEPSTRA - len(SOUNDS)])
    return PhoneListener(Network.unpacked(weights), usual, priors, same)


def _teach(takes: int, seed: int, progress: Progress) -> tuple[PhoneListener, Tensor]:
    rng = np.random.default_rng([seed, 3])
    powers: list[Tensor] = []
    sounds: list[Tensor] = []
    for place, (spectrum, sung) in enumerate(lessons.takes(takes, seed)):
        progress("rendering lessons for the listener", place, takes)
        powers += [lessons.spoiled(spectrum, rng) for _ in range(_VERSIONS)]
        sounds += [sung] * _VERSIONS
    progress("rendering lessons for the listener", takes, takes)
    usual = torch.cat([cepstra_of(power)[:, sounding(power)] for power in powers], dim=1).mean(dim=1)
    priors = torch.bincount(torch.cat(sounds), minlength=len(SOUNDS)).float() + 1.0
    priors = priors / priors.sum()
    features = [features_of(power, usual) for power in powers]
    network = train(features, sounds, rounds=_ROUNDS, seed=seed, progress=progress)
    same = _same(PhoneListener(network, usual, priors, same=0.0), seed)
    return PhoneListener(network, usual, priors, same), torch.cat([usual, priors, network.packed()])


def _same(listener: PhoneListener, seed: int) -> float:
    """The mean distance between any two presets of the choir, high and low voices, in one song of new words."""
    rng = np.random.default_rng([seed, 4])
    song = arrange(TUNES[int(rng.integers(len(TUNES)))], _EXAM, rng, name="examination", worded=False)
    waves = [perform(song, singer, RATE, seed).wave for singer in PRESETS]
    heard = [(listener.hear(wave, RATE), sounding(power_of(wave, RATE))) for wave in waves]
    apart = [mean_apart(one, other, here) for (one, here), (other, _) in permutations(heard, 2)]
    return sum(apart) / len(apart)
