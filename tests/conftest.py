"""What many tests need: one thread, a seed, and made-up excerpts in place of recordings."""

import pytest
import torch

from tests.material import Made


def pytest_configure() -> None:
    """One thread from the start, for what fixtures share; tests run side by side anyway."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _steady(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test starts from one seed, one thread, and a cache that is nobody's."""
    monkeypatch.setenv("VOCALISE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def made() -> Made:
    """Excerpts of three singers who do not exist."""
    return Made(singers=3, samples=3200, hop=800)
