"""The folder of an evaluation: what it is of, so that the same command goes on in it and another one is refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocalise.audio.files import write_aside
from vocalise.errors import RunError

NOTE = "evaluation.json"
FORMAT = 1
WORDS = (
    *(("kind", "kind of work"), ("data", "recordings"), ("seconds", "--seconds"), ("seed", "--seed")),
    *(("temperature", "--temperature"), ("transpose", "--transpose"), ("held_out", "held-out share")),
)


def claim(out: Path, facts: Mapping[str, Any], systems: Mapping[str, str]) -> None:
    """Makes the folder, or takes it up again where it holds the same evaluation; further systems may join it.

    Args:
        out: the folder.
        facts: what decides all sound in it; it must be the same as then.
        systems: digests of voices by name; those that are there already must be the same.

    Raises:
        RunError: it cannot be written, or holds something else; the message says what differs.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        before = _before(out)
        if before is not None:
            _require_same(out, before, facts, systems)
            systems = {**before.get("systems", {}), **systems}
        note = {"format": FORMAT, **facts, "systems": dict(systems)}
        with write_aside(out / NOTE) as aside:
            aside.write_text(json.dumps(note, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise RunError(f"{out} cannot be written ({error.strerror or error}): choose another --out.") from None


def _before(out: Path) -> dict[str, Any] | None:
    """What was noted here; None for a new folder.

    Raises:
        RunError: there is something in it, and no note.
        OSError: it cannot be looked at.
    """
    path = out / NOTE
    if not path.is_file():
        if any(entry for entry in out.iterdir() if not entry.name.startswith(".")):
            raise RunError(f"{out} is not empty and holds no evaluation: choose another --out.")
        return None
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        if note["format"] <= FORMAT:
            return dict(note)
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path} is damaged: take it away with its folder, or choose another --out.") from None
    raise RunError(f"{out} was written by a later vocalise: choose another --out.")


def _require_same(out: Path, before: Mapping[str, Any], facts: Mapping[str, Any], systems: Mapping[str, str]) -> None:
    apart = [
        f"{words} there {before.get(name)!s:.40}, here {facts[name]!s:.40}"
        for name, words in WORDS
        if name in facts and before.get(name) != facts[name]
    ]
    there = before.get("systems", {})
    apart += [f"{name} is another voice" for name, digest in systems.items() if there.get(name, digest) != digest]
    if apart:
        raise RunError(f"{out} holds another evaluation: {'; '.join(apart)}. Say the same as then, or another --out.")
