"""What can go wrong, each in one line that names the value, the cause, the choices and the remedy."""

from collections.abc import Iterable


class VocaliseError(Exception):
    """Anything that a user can mend; the command line prints it on one line and exits with 1."""

    def __str__(self) -> str:
        """The message, folded to one line: a file name or a library's message may hold a line break."""
        return " ".join(super().__str__().split())


class AudioError(VocaliseError):
    """A sound file that cannot be read or written."""


class CorpusError(VocaliseError):
    """A folder of recordings that cannot be trained on."""


class ConfigError(VocaliseError):
    """A recipe, field or value that does not exist or does not fit."""


class VoiceError(VocaliseError):
    """A voice file that is not one, is damaged, or comes from a later version."""


class RunError(VocaliseError):
    """A run folder that belongs to something else, or cannot go on."""


class UnknownSinger(VocaliseError):  # noqa: N818 - it reads as what it says
    """A singer whom this voice or corpus does not know."""

    def __init__(self, name: str, known: Iterable[str], hint: str = "") -> None:
        super().__init__(f"UnknownSinger: {name!r} is not in this voice; it knows {', '.join(known)}. {hint}".strip())


class Unsupported(VocaliseError):  # noqa: N818 - it reads as what it says
    """Something asked of a recipe that it cannot do, with the recipes that can."""
