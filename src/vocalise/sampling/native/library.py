"""The compiled module `_core`, if this installation has one that fits, and which variant of it this processor runs."""

import importlib
import os
import types
from typing import Any

from vocalise.errors import ConfigError

MODULE = "vocalise.sampling.native._core"
INTERFACE = 2  # what `_core.pyi` says; counted up with every change of it, here and in native/binding.cpp
VARIABLE = "VOCALISE_NATIVE_VARIANT"
WORDS = types.MappingProxyType(
    {
        "avx512": "AVX-512 with dot products of bfloat16 and 8 bits",
        "avx2": "AVX2 with fused multiply-add",
        "neon": "NEON",
        "portable": "plain C++, no vector instructions beyond the least",
    }
)
REMEDY = "install a C++17 compiler and install vocalise again"


def core() -> Any | None:
    """The compiled module, or None where the installation has none that fits."""
    return _found()[0]


def available() -> str | None:
    """The name of the variant in use, or None: there is no compiled sampler, or not the one that was asked for."""
    library = core()
    if library is None:
        return None
    runs: list[str] = library.variants()
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return runs[0]
    return wanted if wanted in runs else None


def why() -> str:
    """Which variant is in use and why, or why none is; one sentence."""
    (library, fault), found, wanted = _found(), available(), os.environ.get(VARIABLE, "")
    if library is None:
        return f"{fault}; {REMEDY}."
    if found is None:
        return f"{VARIABLE} asks for {wanted!r}; this processor runs {', '.join(library.variants())}."
    reason = f"{VARIABLE} asks for it" if wanted else "it is the fastest that this processor runs"
    return f"The compiled sampler uses {found} ({WORDS.get(found, found)}): {reason}."


def require() -> tuple[Any, str]:
    """The compiled module and the variant to be used.

    Raises:
        ConfigError: there is none.
    """
    library, found = core(), available()
    if library is None or found is None:
        raise ConfigError(f"The compiled sampler cannot be used. {why()}")
    return library, found


def _found() -> tuple[Any | None, str]:
    """The compiled module; or none, and what is the matter.

    A checkout that moves on leaves the module behind that was compiled before. Whatever of it would still do, it is as
    good as none: calls that are half understood are worse than slow ones.
    """
    try:
        library = importlib.import_module(MODULE)
    except ModuleNotFoundError:
        return None, "This installation has no compiled sampler: it was built without a C++ compiler"
    except ImportError as error:
        return None, f"The compiled part of this installation does not load ({error!s:.150})"
    interface = vars(library).get("INTERFACE", 1)  # the first did not tell
    if interface != INTERFACE:
        told = f"its interface is {interface!s:.20}, and {INTERFACE} is wanted"
        return None, f"The compiled part of this installation is from another version of vocalise ({told})"
    return library, ""
