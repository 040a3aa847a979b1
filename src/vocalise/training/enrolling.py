"""Enrolling: a place for one more singer in a voice that is trained already, from a minute of singing.

recordings ──model, frozen──▶ estimate ──distance──▶ gradient ──▶ the new row of the table, and nothing else

An embedding fitted to somebody new while all other weights rest is the least that adapts a model to a voice (Arik et
al., 2018, "speaker adaptation", embedding only); `fine_tune` lets the decoder learn as well (the same, whole model).
Where each singer has a decoder, the newcomer gets one too, which begins as the nearest one's and learns alone: that
adds a domain to a trained translator (Mor et al., 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vocalise.audio.files import AUDIO_SUFFIXES
from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import Voice, with_places
from vocalise.checkpoint.places import table_names
from vocalise.config import Count, Positive
from vocalise.data.batches import Batch, Batches, windows
from vocalise.data.corpus import Corpus
from vocalise.data.headers import read_headers
from vocalise.data.prepare import prepare
from vocalise.data.prepared import Prepared
from vocalise.data.ranges import pitch_ranges
from vocalise.data.records import Recording, Split, legible
from vocalise.devices import choose_device
from vocalise.errors import ConfigError, CorpusError, RunError
from vocalise.parts import PerSinger
from vocalise.parts.contracts import Decoded, Outcome, Unit
from vocalise.parts.protocols import recorded_lesson
from vocalise.progress import Progress, silent

LEAST = 5.0  # seconds of recordings
MOST_WINDOWS = 32  # on which a place is judged
TRIED = 8  # of them, on which every known singer's place is tried as a beginning


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """How a place is learned."""

    steps: Count = 400
    batch: Count = 8
    seconds: Positive = 1.5  # of an excerpt
    rate: Positive = 0.02  # of the place, falling to nothing; entries of a place are about 0.1
    fine_tune: bool = False  # whether the decoder learns as well, in the second half
    fine_rate: Positive = 3e-4  # of the decoder
    own_rate: Positive = 1e-3  # of a decoder of one's own, falling to nothing
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """A voice with one more place, and what is known of it."""

    voice: Voice
    nearest: str  # of the singers known before
    before: float  # loss of the recordings as sung from the nearest one's place, in `unit`
    after: float  # from the new one
    held_out: bool  # whether that was measured on recordings that the place was not fitted to
    unit: Unit


_DEFAULT = Lessons()


def enrol(
    voice: Voice,
    singer: str,
    recordings: Sequence[Path | str],
    *,
    lessons: Lessons = _DEFAULT,
    device: str = "cpu",
    licence: str = "",
    consent: str = "",
    progress: Progress = silent,
) -> Enrolled:
    """Gives a new singer a place in a voice; the voice given stays as it is.

    Args:
        voice: of a recipe that is told who sings.
        singer: the new name.
        recordings: sound files, or folders of them, in which nobody else sings; a minute is enough.
        lessons: how long, how fast, and whether the decoder learns as well (others' places then change their sound).
        device: `auto`, `cpu`, `cuda`, `mps`.
        licence: of the recordings, for the card.
        consent: of the singer, for the card.
        progress: told what goes on.

    Raises:
        ConfigError: the name is taken, or the decoder should be fine-tuned and is the newcomer's own anyway.
        CorpusError: no recording can be read, or they are too short.
        Unsupported: the recipe does not keep singers in a table.
        RunError: the loss is not finite.
    """
    if singer in (*voice.singers, *voice.names):
        raise ConfigError(f"{singer!r:.60} has a place already: choose another name, or `vocalise forget` it first.")
    table_names(voice.recipe, len(voice.singers))  # refuses before any work
    if lessons.fine_tune and voice.model.decoder.per_singer:
        raise ConfigError(
            f"--fine-tune has no meaning for the recipe {voice.recipe.name!r:.60}: {singer!r:.60} gets a decoder, "
            "which learns throughout, and all others stay as they are. Leave it out."
        )
    prepared, split = _prepared(voice, recordings_of(singer, recordings), progress)
    place = choose_device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(lessons.seed)
        wider = _widened(voice, singer, place)
        heard = _windows(wider, prepared, split, lessons).to(place)
        nearest, start = _nearest(wider, heard)
        before = _loss(wider.model, heard, wider.singers.index(nearest))
        _begin_at(wider, start)
        _fit(wider, _batches(wider, prepared, split, lessons), lessons, progress)
        after = _loss(wider.model, heard, len(wider.singers) - 1)
    unit = wider.model.decoder.unit
    return Enrolled(
        voice=_described(wider, singer, prepared, licence, consent),
        nearest=nearest,
        before=before,
        after=after,
        held_out=bool(split.held_out),
        unit=unit,
    )


def recordings_of(singer: str, paths: Sequence[Path | str]) -> Corpus:
    """Recordings of one singer as a corpus: sound files, and all sound files below folders.

    Raises:
        CorpusError: there are none, none can be read, or they are shorter than 5 s in all.
    """
    found = [file for path in map(Path, paths) for file in _files(path)]
    if not found:
        named = ", ".join(legible(path) for path in paths)
        raise CorpusError(f"{named or 'Nothing'} holds no sound file: give files in which {singer!r:.60} sings alone.")
    headers = read_headers(found[0].parent, found)
    readable = {path: header for path, header in headers.items() if not isinstance(header, str)}
    if not readable:
        raise CorpusError(f"None of {len(found)} sound files can be read. {next(iter(headers.values()))}")
    facts = {one.digest: (path, one) for path, one in readable.items()}  # a copy counts once
    every = tuple(
        Recording(path, singer, path.stem, one.seconds, one.rate, one.channels, one.digest)
        for path, one in facts.values()
    )
    seconds = sum(one.seconds for one in every)
    if seconds < LEAST:
        raise CorpusError(f"{seconds:.1f} s of {singer!r:.60} are too little: give {LEAST:g} s, or better a minute.")
    return Corpus(found[0].parent, (singer,), every, ())


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(one for one in path.rglob("*") if one.suffix.lower() in AUDIO_SUFFIXES and one.is_file())


def _prepared(voice: Voice, corpus: Corpus, progress: Progress) -> tuple[Prepared, Split]:
    total = sum(corpus.seconds.values())
    prepared = prepare(
        corpus,
        rate=voice.model.rate,
        level=voice.recipe.material.level,
        contours=voice.model.condition.uses_pitch,
        analyst=voice.model.signal,
        progress=lambda share: progress("preparing", share * total, total, "seconds of audio"),
    )
    return prepared, prepared.corpus.split(voice.recipe.material.held_out)


def _widened(voice: Voice, singer: str, device: torch.device) -> Voice:
    """The voice with one more place in the middle of the others, on weights of its own."""
    places = {name: {name: 1.0} for name in voice.singers}
    among = voice.singers[:1] if voice.model.decoder.per_singer else voice.singers  # decoders have no middle
    middle = dict.fromkeys(among, 1.0 / len(among))
    offered = {**voice.offered, singer: {singer: 1.0}} if voice.offered else {}
    wider = with_places(replace(voice, offered={}), {**places, singer: middle}, offered=offered)
    wider.model.to(device).requires_grad_(False)
    return wider


def _windows(voice: Voice, prepared: Prepared, split: Split, lessons: Lessons) -> Batch:
    found = windows(prepared, split.held_out or split.train, most=MOST_WINDOWS, **_shape(voice, lessons))
    return found if len(found) else _batches(voice, prepared, split, lessons).draw(TRIED)


def _batches(voice: Voice, prepared: Prepared, split: Split, lessons: Lessons) -> Batches:
    return Batches(prepared, split.train, seed=lessons.seed, **_shape(voice, lessons))


def _shape(voice: Voice, lessons: Lessons) -> dict[str, int]:
    """Of excerpts."""
    model = voice.model
    samples = max(1, round(lessons.seconds * model.rate / model.hop)) * model.hop
    return {"samples": samples, "hop": model.condition.hop, "lead": model.lead}


def _nearest(voice: Voice, heard: Batch) -> tuple[str, int]:
    """Whose place, of those who are there, renders the recordings best; and the place where the new one shall begin."""
    few = heard.rows(slice(TRIED))
    losses = [_loss(voice.model, few, place) for place in range(len(voice.singers))]  # the last is the middle of all
    best = min(range(len(losses) - 1), key=losses.__getitem__)
    return voice.singers[best], len(losses) - 1 if losses[-1] < losses[best] else best


def _begin_at(voice: Voice, place: int) -> None:
    """Puts the newcomer where somebody else is."""
    for table in _tables(voice):
        table[-1] = table[place].clone()
    decoder = voice.model.decoder
    if isinstance(decoder, PerSinger):
        decoder.hands[-1].load_state_dict(decoder.hands[place].state_dict())


def _fit(voice: Voice, batches: Batches, lessons: Lessons, progress: Progress) -> None:
    """Adam on the table, of which only the new row is asked for, so no other moves; and on decoders, own or wanted."""
    model, place = voice.model, len(voice.singers) - 1
    tables = [table.requires_grad_(True) for table in _tables(voice)]
    own = list(model.decoder.hands[-1].parameters()) if isinstance(model.decoder, PerSinger) else []
    fine = list(model.decoder.parameters()) if lessons.fine_tune else []
    groups: list[dict[str, Any]] = [{"params": tables}, {"params": fine}, {"params": own}]
    adam = torch.optim.Adam(groups, lr=0.0, betas=(0.8, 0.99))
    model.train()
    for step in range(lessons.steps):
        left = 1.0 - step / lessons.steps
        late = lessons.fine_tune and left <= 0.5
        model.decoder.requires_grad_(late)
        for weight in own:
            weight.requires_grad_(True)
        adam.param_groups[0]["lr"] = lessons.rate * left
        adam.param_groups[1]["lr"] = lessons.fine_rate * 2.0 * left
        adam.param_groups[2]["lr"] = lessons.own_rate * left
        decoded = _rendered(model, batches.draw(lessons.batch).to(model.device), place)
        loss = decoded.loss.mean()
        if not torch.isfinite(loss):
            raise RunError(f"Enrolling diverged at step {step}: choose a lower rate than {lessons.rate:g}.")
        adam.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_([*tables, *fine, *own], 1.0)
        adam.step()
        unit = model.decoder.unit
        progress("enrolling", step + 1, lessons.steps, unit.shown(float(unit.of(decoded).detach().mean())))
    model.requires_grad_(False).eval()


@torch.no_grad()
def _loss(model: Autoencoder, heard: Batch, place: int) -> float:
    """What is told of the decoder's work on windows sung from one place, in its unit; nothing is drawn by chance."""
    model.eval()
    parts = [_rendered(model, heard.rows(slice(n, n + TRIED)), place) for n in range(0, len(heard), TRIED)]
    return float(torch.cat([model.decoder.unit.of(part) for part in parts]).mean())


def _rendered(model: Autoencoder, batch: Batch, place: int) -> Decoded:
    """What the decoder makes of a batch of recordings, heard and sung from one place."""
    sung = replace(batch, singer=torch.full_like(batch.singer, place))
    outcome: Outcome = model(recorded_lesson(sung, model.singers))
    return outcome.decoded


def _tables(voice: Voice) -> list[nn.Parameter]:
    return [voice.model.get_parameter(name) for name in table_names(voice.recipe, len(voice.singers))]


def _described(voice: Voice, singer: str, prepared: Prepared, licence: str, consent: str) -> Voice:
    """With the new singer's range, and a word in the card."""
    card, minutes = voice.card, sum(prepared.corpus.seconds.values()) / 60.0
    marks = pitch_ranges(prepared)[singer]
    ranges = {name: found for name, found in voice.pitch_ranges.items() if name != singer}
    return replace(
        voice,
        pitch_ranges=ranges | ({singer: marks} if min(marks) > 0.0 else {}),
        card=replace(
            card,
            minutes={**card.minutes, singer: minutes},
            licence=_added(card.licence, singer, licence),
            consent=_added(card.consent, singer, consent),
        ),
    )


def _added(there: str, singer: str, words: str) -> str:
    """What a card says, and what is to be said of one more singer."""
    return "; ".join(part for part in (there, f"{singer}: {words}" if words else "") if part)
