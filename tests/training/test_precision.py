"""In which precision a run multiplies: by what the processor really gains, and without long trials where it loses."""

import pytest
import torch

from vocalise.training import precision
from vocalise.training.precision import choose_precision


class Processor:
    """Takes so long for a product, by size and kind of number, and remembers what was asked."""

    def __init__(self, little: float, large: float) -> None:
        self.gains = {128: little, 512: large}
        self.asked: list[int] = []

    def __call__(self, matrix: torch.Tensor) -> float:
        self.asked.append(len(matrix))
        return 1.0 / self.gains[len(matrix)] if matrix.dtype == torch.bfloat16 else 1.0


@pytest.mark.parametrize(
    ("little", "large", "chosen"),
    [(0.02, 0.01, "float32"), (0.9, 1.9, "bf16"), (0.5, 1.0, "float32"), (1.1, 1.2, "float32"), (0.3, 1.6, "bf16")],
)
def test_bf16_is_for_processors_that_gain_by_it(monkeypatch, little, large, chosen):
    processor = Processor(little, large)
    monkeypatch.setattr(precision, "_seconds", processor)
    assert choose_precision(torch.device("cpu")) == chosen
    assert (512 in processor.asked) == (little > 0.25)  # a large product can take a quarter of a second


def test_the_processor_that_is_here_is_asked_in_a_moment():
    assert choose_precision(torch.device("cpu")) in ("float32", "bf16")
    assert choose_precision(torch.device("mps")) == "float32"
