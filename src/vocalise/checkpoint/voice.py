"""The voice file: weights, recipe, singers and card in one safetensors file, and a door that lets nothing else in.

Its header holds JSON strings under format, version, recipe, singers, pitch_ranges, card and rate, and may hold offered.
Whatever is read is held against what the recipe would build before anything is allocated; only classes of our own
tables are ever built.
"""

import json
import math
import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vocalise.audio.files import write_aside
from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint.blank import blank, is_familiar
from vocalise.checkpoint.container import Layout, is_finite, parse_json, read_layout, write_tensors
from vocalise.config import from_json, to_json
from vocalise.errors import ConfigError, VocaliseError, VoiceError
from vocalise.recipes import Recipe

FORMAT = "vocalise-voice"
VERSION = 1
MOST_SINGERS = 4096
MOST_PARAMETERS = 1 << 30
MOST_CONTEXT = 1 << 20  # steps to either side that an encoder may ask for
MOST_MEMORY = 1 << 26  # bytes a stream that a decoder may remember


@dataclass(frozen=True, kw_only=True)
class Card:
    """Where a voice comes from, who agreed to it, and how good it is."""

    data: str = ""  # fingerprint of the corpus
    minutes: Mapping[str, float]  # of training material, for each singer
    licence: str = ""
    consent: str = ""
    steps: int = 0
    figures: Mapping[str, float]  # held-out bits a sample, accuracy of the probe, …
    software: str = ""  # versions of vocalise and torch
    credits: str = ""  # whom to name for the recordings


Range = tuple[float, float, float]  # Hz: 5, 50 and 95 % of what somebody sings
# Who may be asked to sing, where that is not just everybody whom the model learned: names, and the weights of singers
# that each of them stands for. Nobody is offered by an own name only because a recording of theirs was learned from.
Offered = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A trained model with all that is needed to sing with it."""

    recipe: Recipe
    singers: tuple[str, ...]
    pitch_ranges: Mapping[str, Range]  # singers without pitch are left out
    card: Card
    model: Autoencoder
    offered: Offered = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Who may be asked to sing."""
        return tuple(self.offered) or self.singers

    def shares(self) -> Tensor:
        """The point on the simplex of singers behind each of the names, (names, singers) float32."""
        if not self.offered:
            return torch.eye(len(self.singers))
        place = {name: number for number, name in enumerate(self.singers)}
        points = torch.zeros(len(self.offered), len(self.singers), dtype=torch.float64)
        for row, weights in enumerate(self.offered.values()):
            for name, weight in weights.items():
                points[row, place[name]] = weight
        return (points / points.sum(dim=1, keepdim=True)).float()


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What the header says, beside format and version."""

    recipe: Recipe
    singers: tuple[str, ...]
    pitch_ranges: Mapping[str, Range]
    card: Card
    rate: int
    offered: Offered = field(default_factory=dict)


def save_voice(
    path: str | os.PathLike[str], voice: Voice, *, weights: Mapping[str, Tensor] | None = None, half: bool = False
) -> None:
    """Writes a voice as one safetensors file, whole or not at all; the same voice gives the same bytes.

    Args:
        path: usually ends in `.safetensors`.
        voice: what to write; figures and pitch ranges that are not finite numbers are left out.
        weights: instead of those of `voice.model`, for instance the best of a run; the same names and shapes.
        half: in 16 bits a number, which is read back as 32; half the bytes.

    Raises:
        VoiceError: weights that are not finite or do not belong to the model, or a disk that will not take them.
    """
    own = voice.model.state_dict()
    given = own if weights is None else weights
    if {name: x.shape for name, x in given.items()} != {name: x.shape for name, x in own.items()}:
        raise VoiceError(f"{path}: these weights do not belong to this model; nothing was written.")
    for name, tensor in given.items():
        if half and is_finite(tensor) and not is_finite(tensor.half()):
            raise VoiceError(f"{path}: the weights {name} are too large for 16 bits: write it without half.")
        if not is_finite(tensor):
            raise VoiceError(
                f"{path}: the weights {name} are not finite, so training has diverged and nothing was written. "
                "Go back to an earlier checkpoint, or lower optimiser.rate."
            )
    try:
        with write_aside(path) as aside:
            write_tensors(aside, given, _metadata(voice), half=half)
    except OSError as error:
        raise VoiceError(f"{path} cannot be written: {error.strerror}.") from None


def _metadata(voice: Voice) -> dict[str, str]:
    _require_singers(voice.singers)
    _require_offered(voice.offered, voice.singers)
    card = {**asdict(voice.card), "figures": {k: v for k, v in voice.card.figures.items() if math.isfinite(v)}}
    ranges = {name: marks for name, marks in voice.pitch_ranges.items() if all(map(math.isfinite, marks))}
    facts = {"recipe": to_json(voice.recipe), "singers": voice.singers, "pitch_ranges": ranges, "card": card}
    facts |= {"offered": voice.offered} if voice.offered else {}
    written = {key: json.dumps(to_json(value), allow_nan=False) for key, value in facts.items()}
    return {"format": FORMAT, "version": str(VERSION), **written, "rate": str(voice.model.rate)}


def load_voice(path: str | os.PathLike[str], *, device: torch.device | str = "cpu") -> Voice:
    """Reads a voice file; its model is in evaluation mode. Files may come from strangers: nothing in them is executed.

    Raises:
        VoiceError: not a voice file, truncated, damaged, hostile, or of a later version; the message says which.
    """
    path = Path(path)
    layout = read_layout(path)
    _require_format(path, layout.metadata)
    try:
        facts = _facts(layout.metadata)
        _require_singers(facts.singers)
        _require_offered(facts.offered, facts.singers)
        model = _model(facts, layout)
        _fill(model, path, layout)
    except ConfigError as error:
        raise VoiceError(
            f"{path} does not describe a voice that this version can build: {error} Update vocalise, or get the file "
            "again."
        ) from None
    except VocaliseError as error:
        raise VoiceError(f"{path}: {error}") from None
    return Voice(
        recipe=facts.recipe,
        singers=facts.singers,
        pitch_ranges=facts.pitch_ranges,
        card=facts.card,
        model=model.to(device).eval(),
        offered=facts.offered,
    )


def _require_format(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise VoiceError(
            f"{path} is a safetensors file, but not a voice of vocalise. Give the voice.safetensors of a run folder."
        )
    version = metadata.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10) or int(version) < 1:
        raise VoiceError(f"{path} is damaged: its format version is {version!r:.40}. Get the file again.")
    if int(version) > VERSION:
        raise VoiceError(
            f"{path} was written by a later vocalise (voice format {int(version)}; this one reads up to {VERSION}): "
            "update vocalise."
        )


def _facts(metadata: Mapping[str, str]) -> _Facts:
    values = {key: text for key, text in metadata.items() if key not in ("format", "version")}
    known = (entry.name for entry in fields(_Facts) if entry.default_factory is MISSING)
    missing = [name for name in known if name not in values]
    if missing:
        raise VoiceError(f"it is damaged: its header lacks {', '.join(missing)}. Get the file again.")
    return from_json(_Facts, {key: parse_json(text, key) for key, text in values.items()}, "header")


def _require_singers(singers: tuple[str, ...]) -> None:
    if not 1 <= len(singers) <= MOST_SINGERS:
        raise VoiceError(f"it names {len(singers)} singers; a voice has 1 to {MOST_SINGERS}.")
    if len(set(singers)) != len(singers):
        raise VoiceError("two of its singers have the same name.")
    for name in singers:
        if not name.strip() or len(name) > 255 or any(unicodedata.category(c) in _UNPRINTED for c in name):
            raise VoiceError(f"a singer is called {name!r:.60}; names are 1 to 255 characters that can be printed.")


def _require_offered(offered: Offered, singers: tuple[str, ...]) -> None:
    """Names like those of singers, each a blend of singers who are there."""
    if not offered:
        return
    _require_singers(tuple(offered))
    there = frozenset(singers)
    for name, weights in offered.items():
        unknown = next((singer for singer in weights if singer not in there), None)
        if unknown is not None:
            raise VoiceError(f"it offers {name!r:.60} as a blend with {unknown!r:.60}, who is none of its singers.")
        total = sum(weights.values())
        if not all(0.0 <= weight <= 1.0 for weight in weights.values()) or not abs(total - 1.0) < 1e-3:
            raise VoiceError(f"the weights of {name!r:.60} are no shares of one.")


_UNPRINTED = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, halves of characters, line separators


def _model(facts: _Facts, layout: Layout) -> Autoencoder:
    """The model, whose weights the file will fill; a stranger's is first built as shapes without memory."""
    if not is_familiar(facts.recipe, len(facts.singers)):
        _require_fit(facts, layout, _built(facts, device="meta"))
    model = _built(facts, device="cpu")
    _require_fit(facts, layout, model)
    return model


def _require_fit(facts: _Facts, layout: Layout, skeleton: Autoencoder) -> None:
    """Holds the file against a model of its recipe."""
    expected = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    found = {name: entry.shape for name, entry in layout.tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            wanted, there = (str(list(x[name])) if name in x else "none" for x in (expected, found))
            raise VoiceError(
                f"its weights do not fit its recipe: {name!r:.80} should be {wanted:.60} and is {there:.60}. "
                "Get the file again."
            )
    parameters = sum(map(math.prod, expected.values()))
    if parameters > MOST_PARAMETERS:
        raise VoiceError(f"it has {parameters:,} parameters; at most {MOST_PARAMETERS:,} are read.")
    if facts.rate != skeleton.rate:
        raise VoiceError(f"it says {facts.rate} Hz, but its recipe sings at {skeleton.rate} Hz. Get the file again.")
    unknown = [name for name in facts.pitch_ranges if name not in facts.singers]
    if unknown:
        raise VoiceError(f"it has a pitch range for {unknown[0]!r:.60}, who is none of its singers.")
    _require_modest(skeleton)


def _require_modest(skeleton: Autoencoder) -> None:
    """A few weights can ask for endless dilations; what they would need to run is bounded too."""
    if not 0 < skeleton.hop <= skeleton.rate:
        raise VoiceError(f"its frames are {skeleton.hop} samples long; at most a second ({skeleton.rate}) is allowed.")
    if max(skeleton.context) > MOST_CONTEXT:
        raise VoiceError(f"its encoder hears {max(skeleton.context)} samples around a frame; at most {MOST_CONTEXT}.")
    try:
        memory = sum(x.numel() * x.element_size() for x in _tensors(skeleton.decoder.begin(1)))
    except (RuntimeError, TypeError, OverflowError):  # lengths beyond 64 bits
        memory = MOST_MEMORY + 1
    if memory > MOST_MEMORY:
        raise VoiceError(f"its decoder would remember more than {MOST_MEMORY >> 20} MiB for each stream.")


def _tensors(state: Any) -> Iterator[Tensor]:
    if isinstance(state, Tensor):
        yield state
    elif is_dataclass(state) and not isinstance(state, type):
        for entry in fields(state):
            yield from _tensors(getattr(state, entry.name))
    elif isinstance(state, list | tuple):
        for item in state:
            yield from _tensors(item)


def _built(facts: _Facts, *, device: str) -> Autoencoder:
    try:
        with blank(device):
            return facts.recipe.model.build(singers=len(facts.singers))
    except (ValueError, TypeError, RuntimeError, ArithmeticError) as error:
        raise VoiceError(f"its recipe cannot be built: {error!s:.200}. Get the file again.") from None


def _fill(model: Autoencoder, path: Path, layout: Layout) -> None:
    state = model.state_dict()  # shares memory with the model
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            for name in layout.tensors:
                tensor = file.get_tensor(name)
                if not is_finite(tensor):
                    raise VoiceError(f"its weights {name} are not finite numbers: it is damaged. Get the file again.")
                state[name].copy_(tensor)
    except (SafetensorError, OSError) as error:
        raise VoiceError(f"its weights cannot be read: {error!s:.200}. Get the file again.") from None
