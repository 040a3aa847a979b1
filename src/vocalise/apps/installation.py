"""What a bug report needs: versions, device, processor, sampler, extras, and where things lie; each in a line.

Whatever cannot be found out is said in its line: a broken installation is what this is for.
"""

import os
import platform
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vocalise.errors import VocaliseError

FEATURES = (  # as /proc/cpuinfo calls them
    *("avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"),
    *("neon", "asimd", "asimddp", "i8mm", "bf16"),
)
WIDTH = 14  # of the names


def lines() -> Iterator[str]:
    """A line on each thing that matters, `name  words`; never raises."""
    for name, ask in QUESTIONS:
        try:
            words = ask()
        except VocaliseError as error:
            words = str(error)
        except Exception as error:  # whatever is broken is what should be reported
            words = f"cannot be told ({type(error).__name__}: {error!s:.200})"
        yield f"{name:<{WIDTH}}{' '.join(words.split())}"


def _own() -> str:
    try:
        return version("vocalise")
    except PackageNotFoundError:
        return "not installed, run from its source"


def _python() -> str:
    return f"{platform.python_version()} ({platform.python_implementation()}) on {platform.platform()}"


def _torch() -> str:
    import torch

    return f"{torch.__version__}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"


def _device() -> str:
    import torch

    from vocalise.devices import choose_device

    found = choose_device("auto")
    name = f" ({torch.cuda.get_device_name()})" if found.type == "cuda" else ""
    return f"--device auto is {found.type}{name}"


def _processor() -> str:
    name, flags = platform.processor() or platform.machine(), ""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        rows = dict(row.split(":", 1) for row in facts.read_text(errors="replace").splitlines() if ":" in row)
        known = {key.strip(): value.strip() for key, value in rows.items()}
        name = known.get("model name", name)
        there = (known.get("flags") or known.get("Features") or "").split()
        flags = "; " + (" ".join(one for one in FEATURES if one in there) or "none of the features that are used")
    return f"{name}, {os.cpu_count()} logical cores{flags}"


def _sampler() -> str:
    from vocalise.devices import choose_device
    from vocalise.sampling.choice import PRECISION, choice_for, named

    choice = choice_for(choose_device("auto"), named(None))
    finest = "" if choice.kind == "torch" else f" in {PRECISION}"
    return f"{choice.kind}{finest}: {choice.why}"


def _native() -> str:
    from vocalise.sampling import native

    return native.why()


def _cuda() -> str:
    from vocalise.sampling import cuda

    return cuda.why()


def _package(name: str, extra: str) -> Callable[[], str]:
    """Whether an optional package can be imported, and what brings it if not."""

    def ask() -> str:
        try:
            found = import_module(name)
        except ImportError:
            return f"not installed: pip install 'vocalise[{extra}]'"
        except OSError as error:  # the package is there, and the library under it is not
            return f"installed, and does not load ({error!s:.150})"
        return f"{name} {getattr(found, '__version__', 'of unknown version')}"

    return ask


def _voice() -> str:
    from vocalise.checkpoint import default_voice, has_default_voice

    if not has_default_voice():
        return "missing from this build: name a voice file with --voice"
    return f"{', '.join(default_voice().names)}"


def _cache() -> str:
    from vocalise.data.cache import FOLDER_VARIABLE, cache_folder

    folder = cache_folder()
    state = "" if folder.is_dir() else " (not there yet)"
    return f"{folder}{state}; {FOLDER_VARIABLE} moves it"


def _environment() -> str:
    names = sorted(name for name in os.environ if name.startswith(("VOCALISE_", "OMP_NUM", "CUDA_VISIBLE")))
    return ", ".join(f"{name}={os.environ[name]}" for name in names) or "nothing that matters here"


QUESTIONS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("vocalise", _own),
    ("Python", _python),
    ("PyTorch", _torch),
    ("device", _device),
    ("processor", _processor),
    ("sampler", _sampler),
    ("compiled", _native),
    ("CUDA", _cuda),
    ("ONNX Runtime", _package("onnxruntime", "onnx")),
    ("sound card", _package("sounddevice", "live")),
    ("video, phones", _package("av", "media")),
    ("whole songs", _package("demucs", "songs")),
    ("default voice", _voice),
    ("cache", _cache),
    ("environment", _environment),
)
