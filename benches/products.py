"""The matrix-product peak: what this machine can multiply at all, in the precision that training takes."""

import time

import torch

from rounds import Contender
from vocalise.training.precision import Precision

DTYPES = {"bf16": torch.bfloat16, "float32": torch.float32}


def synchronise(device: torch.device) -> None:
    """Waits until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def product(size: int, precision: Precision, device: torch.device, seconds: float) -> Contender:
    """Square matrices of `size`, multiplied over and over for about so many seconds: FLOP/s."""
    a, b = (torch.randn(size, size, device=device).to(DTYPES[precision]) for _ in range(2))
    out = torch.empty_like(a)
    torch.mm(a, b, out=out)
    synchronise(device)
    begun = time.perf_counter()
    torch.mm(a, b, out=out)
    synchronise(device)
    times = max(1, round(seconds / (time.perf_counter() - begun)))

    def multiply() -> float:
        begun = time.perf_counter()
        for _ in range(times):
            torch.mm(a, b, out=out)
        synchronise(device)
        return 2.0 * size**3 * times / (time.perf_counter() - begun)

    return multiply
