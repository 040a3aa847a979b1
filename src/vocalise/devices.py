"""Which device does the work, and how many of its cores."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vocalise.errors import ConfigError


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; `auto` takes CUDA, else Apple's GPU, else the processor.

    Raises:
        ConfigError: the device is unknown or not on this machine.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, found in there.items() if found))
    kind = name.partition(":")[0]
    if not there.get(kind, False):
        choices = ", ".join(["auto", *(kind for kind, found in there.items() if found)])
        raise ConfigError(f"--device {name!r} is not on this machine; the choices are {choices}.")
    return torch.device(name)


def finest(device: torch.device) -> torch.dtype:
    """The finest floating-point numbers that a device has: Apple's graphics processors have none of 64 bits."""
    return torch.float32 if device.type == "mps" else torch.float64


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes on the calling thread alone: where its pieces are tiny, or every core has a thread of ours.

    To be entered by each thread of Python that computes. What `torch.set_num_threads` said in another is not known to
    OpenMP in this one: a Fourier transform by MKL would wake helpers, which wait for each other on busy cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
