"""The demo: a choir that belongs to nobody, a few minutes of training, a song converted, and a page to hear it on.

default voice ──▶ choir ──▶ check ──▶ train ──▶ convert a held-out song ──▶ measure against the truth ──▶ index.html

Each stage leaves its result in the folder and is passed over the next time.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vocalise.apps.demo_first import first_song
from vocalise.apps.demo_page import Shown, demo_page
from vocalise.apps.demo_recipe import HASTE, PHRASE, choose_size, hasty
from vocalise.apps.pages import write_page
from vocalise.apps.tables import conclusion, row
from vocalise.audio.files import read_wave, write_aside, write_wave
from vocalise.audio.phrases import cut
from vocalise.conversion import Converter
from vocalise.data.cache import file_digest
from vocalise.data.check import Report, examine
from vocalise.data.choir import render_choir
from vocalise.data.corpus import Corpus, Recording
from vocalise.errors import ConfigError, CorpusError, RunError
from vocalise.progress import Progress
from vocalise.recipes import Recipe, Size
from vocalise.training.course import Verdict
from vocalise.training.journal import Journal
from vocalise.training.loop import train

EXCERPT = (8.0, 12.0)  # seconds of the song that is converted
PITCH_SECONDS = 10.0  # of each singer, for the check


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the demo is made of."""

    folder: Path
    minutes: float = 4.5  # of training
    device: str = "auto"
    singers: int = 5
    song_minutes: float = 3.0  # of each singer
    seed: int = 0
    size: Size | None = None  # chosen by measurement
    recipe: str = "aria"

    def __post_init__(self) -> None:
        """Refuses what cannot be shown."""
        if not 0.0 < self.minutes < 1e6:
            raise ConfigError(f"--minutes cannot be {self.minutes}: give more than 0.")
        if self.recipe not in HASTE:
            raise ConfigError(f"--recipe cannot be {self.recipe!r:.60}: choose {' or '.join(HASTE)}.")


@dataclass(frozen=True)
class Take:
    """A stretch of a held-out song: as sung, as it should become, and as it became; (samples,) at `rate` Hz."""

    song: str
    source: str
    target: str
    heard: Tensor
    truth: Tensor
    sung: Tensor
    rate: int
    took: float  # seconds of work


class Notebook:
    """`demo.json`: which stages are done, and with what."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            facts = {}
        self._facts: dict[str, Any] = facts if isinstance(facts, dict) else {}

    def find(self, stage: str, settings: object) -> Any:
        """What a stage left, if it was done with the same settings; else None."""
        entry = self._facts.get(stage)
        same = isinstance(entry, dict) and entry.get("settings") == json.loads(json.dumps(settings))
        return entry.get("result") if same and isinstance(entry, dict) else None

    def keep(self, stage: str, settings: object, result: object) -> None:
        """Notes a stage as done.

        Raises:
            RunError: the disk will not take it.
        """
        self._facts[stage] = {"settings": settings, "result": result}
        try:
            with write_aside(self._path) as aside:
                aside.write_text(json.dumps(self._facts, indent=2), encoding="utf-8")
        except OSError as error:
            raise RunError(f"{self._path} cannot be written ({error.strerror or error}): make room.") from None


def perform_demo(setting: Setting, *, say: Callable[[str], None], progress: Progress) -> Path | None:
    """Goes through all stages, passing over those that are done.

    Returns:
        The page; None if training was interrupted.

    Raises:
        VocaliseError: a stage cannot be done; the message says why.
    """
    _make(setting.folder)
    notebook = Notebook(setting.folder / "demo.json")
    _make(setting.folder / "songs")
    first = first_song(setting.folder / "songs", setting.device, say=say, progress=progress)
    corpus = _choir(setting, notebook, say, progress)
    facts = _checked(corpus, notebook, say, progress)
    recipe, size = _recipe(setting, corpus, notebook, progress)
    run = setting.folder / f"run-{setting.recipe}-{size}-{setting.minutes:g}min"
    over = any(row["kind"] == "verdict" for row in Journal(run / "journal.jsonl").rows())
    say(f"{'trained before' if over else 'training'}: {setting.recipe} ({size}), {setting.minutes:g} minutes, in {run}")
    verdict = train(
        recipe,
        corpus,
        run,
        minutes=setting.minutes,
        device=setting.device,
        licence="CC0: the choir belongs to nobody",
        consent="not needed: nobody's voice",
        seed=setting.seed,
        progress=progress,
    )
    say(verdict.words)
    if not verdict.finished:
        return None
    take = _converted(setting, corpus, facts["medians"], verdict, notebook, say, progress)
    progress("drawing the page", 0, 1)
    shown = Shown(
        minutes=setting.minutes,
        recipe=setting.recipe,
        size=size,
        rows=facts["rows"],
        check=facts["conclusion"],
        run=run,
        first=first,
    )
    page = setting.folder / "index.html"
    write_page(page, demo_page(shown, verdict, take))
    progress("drawing the page", 1, 1)
    return page


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made ({error.strerror}): choose another place with --out.") from None


def _choir(setting: Setting, notebook: Notebook, say: Callable[[str], None], progress: Progress) -> Corpus:
    """The choir, rendered unless it is there as it was left."""
    folder = setting.folder / "choir"
    wanted = {"singers": setting.singers, "minutes": setting.song_minutes, "seed": setting.seed}
    print_of_it = notebook.find("choir", wanted)
    if print_of_it is not None:
        try:
            corpus = Corpus.open(folder)
        except CorpusError:
            print_of_it = None
        else:
            if corpus.fingerprint == print_of_it:
                say(f"the choir in {folder} is there already")
                return corpus
    render_choir(
        folder,
        singers=setting.singers,
        minutes=setting.song_minutes,
        seed=setting.seed,
        progress=lambda share: progress("rendering the choir", share * setting.singers, setting.singers, "singers"),
    )
    corpus = Corpus.open(folder)
    notebook.keep("choir", wanted, corpus.fingerprint)
    return corpus


def _checked(corpus: Corpus, notebook: Notebook, say: Callable[[str], None], progress: Progress) -> dict[str, Any]:
    """What the doctor says: rows of the table, the conclusion, and the middle of each singer's range in Hz."""
    known: dict[str, Any] | None = notebook.find("check", corpus.fingerprint)
    if known is not None:
        say(f"checked before: {known['conclusion']}")
        return known
    report: Report = examine(corpus, pitch_seconds=PITCH_SECONDS, progress=progress)
    if not report.trainable:
        raise CorpusError(f"{corpus.folder}: {conclusion(report)}")
    medians = {one.singer: one.pitch[1] for one in report.singers if one.pitch is not None}
    facts = {"rows": [row(one) for one in report.singers], "conclusion": conclusion(report), "medians": medians}
    notebook.keep("check", corpus.fingerprint, facts)
    say(f"checked: {facts['conclusion']}")
    return facts


def _recipe(setting: Setting, corpus: Corpus, notebook: Notebook, progress: Progress) -> tuple[Recipe, Size]:
    """The recipe at a size that is settled once."""
    asked = {"minutes": setting.minutes, "device": setting.device, "size": setting.size, "recipe": setting.recipe}
    size: Size | None = setting.size or notebook.find("size", asked)
    if size is None:
        size = choose_size(setting.recipe, corpus, minutes=setting.minutes, device=setting.device, progress=progress)
    notebook.keep("size", asked, size)
    return hasty(setting.recipe, size), size


def _converted(
    setting: Setting,
    corpus: Corpus,
    medians: dict[str, float],
    verdict: Verdict,
    notebook: Notebook,
    say: Callable[[str], None],
    progress: Progress,
) -> Take:
    """A held-out song by one singer, as another one sings it, and as the other one would have sung it."""
    if verdict.voice is None:
        raise RunError(f"{setting.folder}: the training left no voice; delete the run folder and start again.")
    converter = Converter.load(verdict.voice, setting.device)
    source, target = pair(corpus, medians)
    heard, truth, rate = _excerpt(source, target, converter.rate)
    folder = setting.folder / "songs"
    take = Take(source.song, source.singer, target.singer, heard, truth, torch.zeros(0), rate, 0.0)
    asked = [file_digest(verdict.voice), source.digest, target.digest, len(heard), setting.seed]
    took, path = notebook.find("conversion", asked), folder / "converted.flac"
    if took is not None and path.is_file():
        say("the song was converted before")
        return replace(take, sung=read_wave(path)[0], took=float(took))
    say(f"converting {len(heard) / rate:.0f} s of {source.song} from {source.singer} to {target.singer}")
    begun = time.perf_counter()
    sung = converter.convert(heard, rate, to=target.singer, seed=setting.seed, progress=progress)
    took = time.perf_counter() - begun
    for name, wave in (("source", heard), ("truth", truth), ("converted", sung)):
        write_wave(folder / f"{name}.flac", wave, rate)
    notebook.keep("conversion", asked, took)
    return replace(take, sung=sung, took=took)


def pair(corpus: Corpus, medians: dict[str, float]) -> tuple[Recording, Recording]:
    """A held-out song sung by two singers whose ranges lie nearest to each other: this system keeps the pitch.

    Raises:
        CorpusError: no two singers hold out the same song.
    """
    held = [piece.recording for piece in corpus.split().held_out if not piece.guarded]
    pairs = [
        (max(medians[a.singer], medians[b.singer]) / min(medians[a.singer], medians[b.singer]), a, b)
        for a in held
        for b in held
        if a.song == b.song and a.singer < b.singer and a.singer in medians and b.singer in medians
    ]
    if not pairs:
        raise CorpusError(f"{corpus.folder}: no two singers hold out the same song; render the choir anew.")
    _, source, target = min(pairs, key=lambda one: (one[0], one[1].singer, one[2].singer, one[1].song))
    return source, target


def _excerpt(source: Recording, target: Recording, rate: int) -> tuple[Tensor, Tensor, int]:
    """The first phrases of a song in two voices, the same samples of both."""
    heard, truth = (read_wave(one.path, rate=rate)[0] for one in (source, target))
    stop = 0
    for span in cut(heard, rate, longest=PHRASE):
        if stop and span.stop > EXCERPT[1] * rate:
            break
        stop = span.stop
        if stop >= EXCERPT[0] * rate:
            break
    return heard[:stop], truth[:stop], rate
