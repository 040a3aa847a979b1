"""What many tests need: one thread, a seed, and made-up excerpts in place of recordings."""

from collections.abc import Iterator

import pytest
import torch

from tests.material import Made


@pytest.fixture(autouse=True)
def _steady(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test starts from one seed, one thread, and a cache that is nobody's."""
    monkeypatch.setenv("VOCALISE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def made() -> Made:
    """Excerpts of three singers who do not exist."""
    return Made(singers=3, samples=3200, hop=800)
