"""The build backend: scikit-build-core, but an editable installation is nothing more than a path.

Its own puts a finder before all others, so that the checkout that was installed would be imported even where another
stands first on PYTHONPATH: a test of one checkout would silently run the code of another.
"""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import scikit_build_core.build as _original
from scikit_build_core.build import *  # noqa: F403 - the hooks that pip calls; which there are depends on the settings

Settings = Mapping[str, "list[str] | str"] | None


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Builds in place and gives a wheel that leads to the source tree; returns its name."""
    settings = dict(config_settings) if config_settings else None
    name: str = _original.build_editable(wheel_directory, settings, metadata_directory)
    path = Path(wheel_directory) / name
    with zipfile.ZipFile(path) as wheel:
        files = {one: wheel.read(one) for one in wheel.namelist()}
    record = next(one for one in files if one.endswith(".dist-info/RECORD"))
    kept = {one: _paths(one, content) for one, content in files.items() if not _finder(one) and one != record}
    rows = [f"{one},sha256={_digest(content)},{len(content)}" for one, content in kept.items()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for one, content in kept.items():
            wheel.writestr(one, content)
        wheel.writestr(record, "\n".join([*rows, f"{record},,", ""]))
    return name


def _finder(name: str) -> bool:
    return name.startswith("_editable_") and not name.endswith(".pth")


def _paths(name: str, content: bytes) -> bytes:
    if not name.endswith(".pth"):
        return content
    return b"\n".join(line for line in content.splitlines() if not line.startswith(b"import ")) + b"\n"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
