"""The key of a listening test: what lies behind its meaningless ids; whoever listens must not see it.

`TEST.html` holds sounds and questions under ids, `TEST.key.json` beside it says which is which.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from vocalise.audio.files import write_aside
from vocalise.config import from_json, to_json
from vocalise.data.records import legible
from vocalise.errors import ConfigError

Question = Literal["quality", "similarity", "voice", "systems"]
Role = Literal["system", "natural", "anchor", "target", "source"]

QUESTIONS: tuple[Question, ...] = ("quality", "similarity", "voice", "systems")
KINDS: Mapping[str, tuple[Question, ...]] = MappingProxyType(
    {"mos": ("quality", "similarity"), "abx": ("voice", "systems"), "both": QUESTIONS}
)
WHAT = "vocalise listening key"
FORMAT = 1
LARGEST = 1 << 26  # bytes of a key; a test of a thousand sounds has less than one in a hundred of it
IDENTITY = re.compile(r"[0-9a-f]{8,32}")


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Where a sound of the test comes from."""

    role: Literal["system", "natural", "anchor", "reference"]
    singer: str  # who is heard, or should be
    song: str
    path: str
    start: float  # seconds
    stop: float
    system: str = ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One question: quality(clip), similarity(clip, reference), voice(X, one, other), systems(one, other).

    `role` and `system` tell what is judged: a system's conversion, or one of the real recordings and anchors that are
    hidden among them to check the listener.
    """

    id: str
    question: Question
    clips: tuple[str, ...]
    role: Role
    song: str
    source: str
    target: str
    phrase: int = 0  # of the song, counted in the order in which they were drawn
    system: str = ""
    second: str = ""  # the other system, where two are compared
    right: str = ""  # voice: the clip that is the target's, or that X is really of
    practice: bool = False

    @property
    def item(self) -> str:
        """What is the same for all systems."""
        return json.dumps([self.song, self.source, self.target, self.phrase], ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Key:
    """A whole test, for the experimenter alone."""

    what: str = WHAT
    format: int = FORMAT
    test: str  # the id that page, key and answers share
    title: str
    systems: tuple[str, ...]
    points: int  # of the similarity scale
    rate: int  # Hz of all sounds
    level: float  # LUFS of all sounds
    seed: int
    trials: tuple[Trial, ...]
    sounds: Mapping[str, Sound] = field(default_factory=dict)
    software: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        if self.what != WHAT or self.format != FORMAT:
            raise ValueError(f"this is {self.what!r:.40} of format {self.format}, not {WHAT!r} of format {FORMAT}")
        clips = {clip for trial in self.trials for clip in trial.clips}
        if not IDENTITY.fullmatch(self.test) or len({trial.id for trial in self.trials}) < len(self.trials):
            raise ValueError("its ids are not those of a test")
        if clips - self.sounds.keys():
            raise ValueError(f"trials play sounds that are not there ({min(clips - self.sounds.keys())!r:.40})")
        sizes = {"quality": 1, "similarity": 2, "voice": 3, "systems": 2}
        for trial in self.trials:
            if len(trial.clips) != sizes[trial.question] or (trial.right and trial.right not in trial.clips[1:]):
                raise ValueError(f"trial {trial.id!r:.40} does not play what its question needs")

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that are asked, in order."""
        return tuple(name for name in QUESTIONS if any(trial.question == name for trial in self.trials))


def key_path(page: Path) -> Path:
    """Where the key of a page lies: `TEST.key.json` beside `TEST.html`."""
    return page.with_name(f"{page.stem}.key.json")


def write_key(path: Path, key: Key) -> None:
    """Writes a key, whole or not at all.

    Raises:
        ConfigError: the disk will not take it.
    """
    write_text(path, json.dumps(to_json(key), ensure_ascii=False, indent=1) + "\n")


def read_key(path: Path) -> Key:
    """Reads a key.

    Raises:
        ConfigError: it is missing, damaged, or the key of nothing.
    """
    data = read_object(path, LARGEST)
    if data.get("what") != WHAT:
        raise ConfigError(f"{legible(path)} is no key of a listening test: give the file TEST.key.json.")
    try:
        return from_json(Key, data, "key")
    except ConfigError as error:
        raise ConfigError(f"{legible(path)} is damaged: {error} Make the test again.") from None


def read_object(path: Path, largest: int) -> dict[str, Any]:
    """The JSON object in a file of at most so many bytes; NaN and the like are refused.

    Raises:
        ConfigError: there is none.
    """
    try:
        with path.open("rb") as file:
            text = file.read(largest + 1)
        if len(text) > largest:
            raise ConfigError(f"{legible(path)} is longer than {largest} bytes: it is something else.")
        found = json.loads(text.decode("utf-8-sig"), parse_constant=_refuse)
    except OSError as error:
        raise ConfigError(f"{legible(path)} cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(f"{legible(path)} holds no JSON ({reason:.80}).") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{legible(path)} holds no JSON object.")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def write_text(path: Path, text: str) -> None:
    """Writes a text, whole or not at all; makes its folder.

    Raises:
        ConfigError: the disk will not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(path) as aside:
            aside.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(
            f"{legible(path)} cannot be written ({error.strerror or error}): choose another place."
        ) from None
