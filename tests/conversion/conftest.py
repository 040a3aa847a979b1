"""Voices for tests: real parts where they are what is tested, and quick stand-ins where they are not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conversion.stand_ins import Averager, Hold, Murmur, Unchanged, voice_of, with_parts
from vocalise.checkpoint import Voice
from vocalise.conversion import Converter


@pytest.fixture(scope="session")
def voice() -> Voice:
    return voice_of("usvc")


@pytest.fixture(scope="session")
def real(voice: Voice) -> Converter:
    """The whole `usvc`, which sings slowly."""
    return Converter(voice)


@pytest.fixture
def remade(voice: Voice) -> Callable[..., Converter]:
    """A converter with other parts."""
    return lambda **parts: Converter(replace(voice, model=with_parts(voice.model, **parts)))


@pytest.fixture(scope="session")
def quick(voice: Voice) -> Converter:
    """`usvc` with hands that mumble: as long and as lucky as the real one, but quick."""
    hop = voice.model.hop
    quicker = with_parts(voice.model, encoder=Averager(hop), bottleneck=Unchanged(), decoder=Murmur(hop))
    return Converter(replace(voice, model=quicker))


@pytest.fixture(scope="session")
def mirror(voice: Voice) -> Converter:
    """A model that gives back what it hears, frame by frame."""
    hop = voice.model.hop
    parts = with_parts(voice.model, encoder=Averager(hop), bottleneck=Unchanged(), decoder=Hold(hop))
    return Converter(replace(voice, model=parts))
