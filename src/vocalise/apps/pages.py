"""Self-contained HTML pages: pictures and sound lie inside the file, and nothing is fetched from anywhere."""

import base64
import io
from pathlib import Path
from typing import Any

import soundfile
from jinja2 import Environment, PackageLoader, StrictUndefined
from torch import Tensor

from vocalise.audio.files import write_aside
from vocalise.errors import ConfigError


def render(template: str, **facts: Any) -> str:
    """A page from `templates/`, with everything escaped that is not marked as safe."""
    loader = PackageLoader("vocalise.apps", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(**facts)


def write_page(path: Path, page: str) -> None:
    """Writes a page, whole or not at all; makes its folder.

    Raises:
        ConfigError: the disk will not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(path) as aside:
            aside.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror or error}): choose another place.") from None


def picture(png: bytes) -> str:
    """A picture as the address of an image."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def sound(wave: Tensor, rate: int) -> str:
    """A wave (samples,) as the address of a player: FLAC, which every browser plays and nothing is lost in."""
    file = io.BytesIO()
    soundfile.write(file, wave.detach().clamp(-1.0, 1.0).cpu().numpy(), rate, format="FLAC", subtype="PCM_16")
    return f"data:audio/flac;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
