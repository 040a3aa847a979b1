"""`vocalise export`: a voice's network as an ONNX file, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from vocalise.apps.console import in_one_line, show


@in_one_line("Nothing was written.")
def export(
    voice: Annotated[Path, typer.Option(help="Voice file, e.g. RUN/voice.safetensors.")],
    out: Annotated[Path, typer.Option(help="File to write, e.g. model.onnx.")],
    part: Annotated[str, typer.Option(help="decoder or encoder: whose network.")] = "decoder",
    precision: Annotated[str, typer.Option(help="float32 or int8.")] = "float32",
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is already there.")] = False,
) -> None:
    """Write the network of a voice's decoder (recipe aria) as an ONNX file, compared with PyTorch before."""
    from vocalise.checkpoint import load_voice
    from vocalise.errors import ConfigError
    from vocalise.sampling import export as write

    if out.exists() and not overwrite:
        raise ConfigError(f"{out} is there already; give --overwrite, or another name.")
    if not out.absolute().parent.is_dir():
        raise ConfigError(f"There is no folder {out.parent} to write {out.name} to; make it first.")
    done = write(load_voice(voice), out, part=part, precision=precision)
    show(f"{done.path}: {done.size / 1e6:.1f} MB, ONNX, {precision}; deviates from PyTorch by {done.deviation:.2g}.")
