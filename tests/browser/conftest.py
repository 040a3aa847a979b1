"""One browser for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.browser.stage import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage that is up; every `open` starts with an empty console."""
    with Stage.up(tmp_path_factory.mktemp("browser")) as stage:
        yield stage
