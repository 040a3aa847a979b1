"""One small listener for all tests of this folder: teaching it takes longer than most of them."""

import pytest

from vocalise.data.cache import Cache
from vocalise.evaluation.content import PhoneListener, phone_listener

LESSONS = 20  # of the eighty that the real one gets


@pytest.fixture(scope="session")
def kept_in(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Where the listener is kept."""
    return Cache(tmp_path_factory.mktemp("listener"))


@pytest.fixture(scope="session")
def listener(kept_in: Cache) -> PhoneListener:
    """A listener that was taught a quarter of what the real one is."""
    return phone_listener(kept_in, takes=LESSONS)
