"""The default voice: the one that lies in the package, so that the first command needs nothing but a song."""

from importlib.resources import as_file, files

import torch

from vocalise.checkpoint.voice import Voice, load_voice
from vocalise.errors import VoiceError

FOLDER, NAME = "voices", "default.safetensors"


def has_default_voice() -> bool:
    """Whether this build of the package carries one."""
    return files("vocalise").joinpath(FOLDER, NAME).is_file()


def default_voice(*, device: torch.device | str = "cpu") -> Voice:
    """The voice that is sung with where no other is named; whom it offers belongs to nobody.

    Raises:
        VoiceError: this build of the package carries none, or it is damaged.
    """
    packaged = files("vocalise").joinpath(FOLDER, NAME)
    if not packaged.is_file():
        raise VoiceError(
            f"This build of vocalise carries no default voice ({FOLDER}/{NAME} is missing from the package): name a "
            "voice file with --voice, or install a release."
        )
    with as_file(packaged) as path:
        return load_voice(path, device=device)
