"""What this machine must have before the set-up, what the set-up will cost it, and the remedy when it fails.

Only the standard library, and only syntax that Python 3.8 reads: see `environment.py`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# What the wheels pinned in constraints.txt weigh in MB on the public index, and how far they unpack (both measured).
BASE_MB, DEV_MB, DOCS_MB = 120, 290, 25
CPU_TORCH_MB, CUDA_TORCH_MB = 190, 2750
UNPACKED, UNPACKED_CUDA = 4.0, 1.7

REMEDIES = (
    (r"No space left on device|not enough space", "make room on the disk, then type the same command again."),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "name your network's certificates in PIP_CERT, then type the same command again.",
    ),
    (
        r"connection broken|ConnectionError|name resolution|Network is unreachable|timed out|ProxyError|versions: none",
        "check the network (a proxy goes into HTTPS_PROXY, a mirror into PIP_INDEX_URL, a folder of wheels into "
        "PIP_FIND_LINKS), then type the same command again; what has been downloaded is kept.",
    ),
    (
        r"No matching distribution",
        "there is no build for this Python or system: use Python 3.11 to 3.13, 64 bit, on Linux with glibc 2.28 "
        "or newer, macOS 14 or newer on Apple silicon, or Windows on x86-64.",
    ),
    (r"Permission denied|Access is denied", "close whatever uses the folder .venv, then type the same command again."),
)


class Refusal(Exception):  # noqa: N818 - it reads as what it says
    """Why the work cannot go on, in one line with the remedy; the last of `lines` are shown before it."""

    def __init__(self, message: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.lines = lines


def require_python(version: tuple[int, ...], task: str, newer: str | None) -> None:
    """Refuses a Python that is too old; `newer` is the command of one that is not, if one was found."""
    if version >= MINIMUM:
        return
    remedy = (
        f"{newer} is installed: type `make {task} PYTHON={newer}` (or `{newer} scripts/environment.py {task}`)."
        if newer
        else "install it from https://www.python.org/downloads/ or with your package manager (Debian, Ubuntu: "
        f"sudo apt install python3.11 python3.11-venv), then type `make {task} PYTHON=python3.11`."
    )
    raise Refusal(f"Python 3.11 or newer is needed, this is {version[0]}.{version[1]}: {remedy}")


def newer_python() -> str | None:
    """The first command on the PATH that runs a Python that is new enough."""
    for name in ("python3.13", "python3.12", "python3.11", "python3", "python"):
        if shutil.which(name) and output([name, "-c", f"import sys; print(sys.version_info >= {MINIMUM})"]) == "True":
            return name
    return None


def require_modules() -> None:
    """Refuses a Python without its modules venv and ensurepip, which some systems package apart."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Refusal(
            f"This Python lacks {' and '.join(missing)}: install it (Debian, Ubuntu: sudo apt install {package}; "
            "elsewhere, a Python from https://www.python.org/downloads/ has it), then type the same command again."
        )


def require_system(system: str, machine: str, wide: bool) -> None:
    """Refuses systems for which PyTorch has no build, before anything is downloaded."""
    if not wide:
        raise Refusal("This is a 32-bit Python and PyTorch has no build for it: install a 64-bit Python.")
    if system == "Darwin" and machine == "x86_64":
        raise Refusal(
            "PyTorch has no build for Intel Macs any more: on Apple silicon, install a native (arm64) Python."
        )
    if system == "Windows" and machine.upper() == "ARM64":
        raise Refusal(
            "PyTorch has no build for a native ARM Python on Windows: install the x86-64 Python, which runs there too."
        )


def nvidia_card() -> bool:
    """Whether this machine seems to have an NVIDIA card with its driver."""
    return Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None


def cpu_build_found(configuration: str) -> bool:
    """Whether pip, configured like this, comes upon a CPU build of PyTorch: an index of such, or a folder with one."""
    if any("/whl/cpu" in place for place in (os.environ.get("TORCH_INDEX", ""), configuration)):
        return True
    places = " ".join(re.findall(r"find-links='(.*)'", configuration)).replace("\\n", " ").split()
    return any(any(Path(place.replace("file://", "")).glob("torch-*+cpu*.whl")) for place in places)


def torch_megabytes(system: str, cpu_build: bool) -> int:
    """What PyTorch weighs: only the public builds for Linux bring the CUDA libraries."""
    return CUDA_TORCH_MB if system == "Linux" and not cpu_build else CPU_TORCH_MB


def room_megabytes(packages: int, torch: int) -> float:
    """How much disk that many megabytes of wheels take when installed."""
    return packages * UNPACKED + torch * (UNPACKED_CUDA if torch == CUDA_TORCH_MB else UNPACKED)


def announcement(packages: int, torch: int, task: str, card: bool) -> list[str]:
    """What to say before the download starts: its size, and how to spare most of it where it is of no use."""
    room = room_megabytes(packages, torch) / 1000
    said = [
        f"Up to {(packages + torch) / 1000:.1f} GB will be downloaded, less what pip has kept from before; "
        f"it takes {room:.1f} GB on disk."
    ]
    if torch == CUDA_TORCH_MB and not card:
        said += [
            f"{(torch - CPU_TORCH_MB) / 1000:.1f} GB of it serves only NVIDIA cards, and none was found here. To get",
            f"the small build of PyTorch, stop with Ctrl-C and type:  make {task} TORCH_INDEX={CPU_INDEX}",
            "(without make, set the environment variable TORCH_INDEX to that address).",
        ]
    return said


def require_room(folder: Path, megabytes: float) -> None:
    """Refuses to fill the disk."""
    free = shutil.disk_usage(folder).free / 1e6
    if free < megabytes:
        raise Refusal(
            f"{megabytes / 1000:.1f} GB are needed in {folder} and {free / 1000:.1f} GB are free: make room first."
        )


def output(command: list[str]) -> str | None:
    """What a short command prints, or None when it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def remedy(lines: tuple[str, ...]) -> str:
    """What to do about a set-up that failed with these last lines."""
    text = "\n".join(lines)
    for pattern, advice in REMEDIES:
        if re.search(pattern, text):
            return advice
    return "the reason stands in the lines above; once it is mended, type the same command again."
