"""What the figures were measured on, and how quiet it was."""

import os
import platform
import subprocess
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent


def physical_cores() -> int:
    """Cores that this process may use, two threads of one counted once; PyTorch's own idea where Linux does not say."""
    try:
        allowed = os.sched_getaffinity(0)
        siblings = {
            Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text(encoding="ascii")
            for cpu in allowed
        }
    except (AttributeError, OSError):
        return torch.get_num_threads()
    return max(1, len(siblings))


def processor() -> str:
    """The processor's name and the units that matter for matrix products."""
    name, flags = platform.processor() or platform.machine(), set[str]()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return name
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() == "flags":
            flags = set(value.split())
    units = [unit for unit in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if unit in flags]
    return f"{name} ({', '.join(units)})" if units else name


def load() -> str:
    """Load averages over 1, 5 and 15 minutes, where the system keeps them."""
    try:
        return " ".join(f"{value:.2f}" for value in os.getloadavg())
    except (AttributeError, OSError):
        return "not known"


def stolen() -> tuple[int, int]:
    """Ticks that other virtual machines took, and all ticks, since the start; zeros where nobody counts them."""
    try:
        ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]]
    except (OSError, ValueError, IndexError):
        return 0, 0
    return (ticks[7] if len(ticks) > 7 else 0), sum(ticks[:8])


def commit() -> str:
    """The commit that was measured, and whether the tree had changed since."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        return f"{name}, with changes" if _git("status", "--porcelain") else name
    except (OSError, subprocess.CalledProcessError):
        return "none"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
