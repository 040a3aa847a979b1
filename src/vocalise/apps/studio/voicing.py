"""Voices by the names that the page shows them under: the one that comes along, one's own, those of runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from vocalise.apps.studio.workspace import Workspace
from vocalise.errors import ConfigError

if TYPE_CHECKING:
    from vocalise.checkpoint import Voice
    from vocalise.conversion import Converter, Separator

DEFAULT = "vocalise"  # the voice that comes along


@dataclass(frozen=True)
class Offer:
    """What the page needs to know of a voice."""

    names: tuple[str, ...]  # who may be asked to sing
    ranges: Mapping[str, tuple[float, float, float]]  # Hz, where they are known
    follows_pitch: bool
    mixes: bool
    moves_formants: bool
    weighs_breath: bool
    transpose: float | str  # semitones, or how they are found, where nobody says
    recipe: str
    card: Mapping[str, str]


def voice_names(space: Workspace) -> list[str]:
    """All voices; those of one's own come first."""
    return [*space.voices(), DEFAULT]


def voice_path(space: Workspace, name: object) -> Path:
    """The file behind a name.

    Raises:
        ConfigError: there is no such voice.
    """
    if name in (None, "", DEFAULT):
        from vocalise.checkpoint import default

        return Path(str(files("vocalise").joinpath(default.FOLDER, default.NAME)))
    found = space.voices().get(str(name))
    if found is None:
        raise ConfigError(
            f"There is no voice {str(name)!r:.60} in the workspace; there are {', '.join(voice_names(space))}."
        )
    return found


def converter_of(space: Workspace, name: object) -> "Converter":
    """A converter for a voice.

    Raises:
        VocaliseError: there is no such voice, it is damaged, or it does not convert.
    """
    from vocalise.conversion import Converter

    return Converter.load(voice_path(space, name))


def separator_of(space: Workspace, name: object) -> "Separator | None":
    """A separation network of the workspace by its name; None where no name is given.

    Raises:
        ConfigError: there is none of that name, it is damaged, or the extra is not installed.
    """
    if name in (None, ""):
        return None
    from vocalise.conversion import load_separator

    found = space.separators().get(str(name))
    if found is None:
        raise ConfigError(f"There is no separator {str(name)!r:.60} in the workspace.")
    return load_separator(found)


def offer_of(voice: "Voice") -> Offer:
    """What is to be known of a voice."""
    from vocalise.checkpoint.places import ranges
    from vocalise.conversion import abilities
    from vocalise.conversion.curves import parse_transpose

    card = {"licence": voice.card.licence, "consent": voice.card.consent, "credits": voice.card.credits}
    return Offer(
        names=voice.names,
        ranges=ranges(voice, voice.names, voice.shares()),
        follows_pitch=abilities.follows_pitch(voice.model),
        mixes=abilities.mixes(voice.model),
        moves_formants=abilities.moves_formants(voice.model),
        weighs_breath=abilities.weighs_breath(voice.model),
        transpose=parse_transpose(voice.model.signal.transpose),
        recipe=voice.recipe.name,
        card={key: words for key, words in card.items() if words},
    )


class Offers:
    """What voices offer, read when first asked for and again when the file has changed."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._known: dict[tuple[str, int, int], Offer] = {}

    def of(self, name: object) -> Offer:
        """The offer of a voice by its name.

        Raises:
            VocaliseError: there is no such voice, or it cannot be read.
        """
        from vocalise.checkpoint import load_voice

        path = voice_path(self._space, name)
        try:
            facts = path.stat()
        except OSError as error:
            raise ConfigError(f"The voice {str(name)!r:.60} cannot be read: {error.strerror}.") from None
        key = (str(path), facts.st_mtime_ns, facts.st_size)
        if key not in self._known:
            self._known[key] = offer_of(load_voice(path))
        return self._known[key]
