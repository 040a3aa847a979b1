"""Work on recordings: the doctor's look at them, what training costs, training, and places for singers in a voice."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocalise.apps.studio.slate import Slate
from vocalise.apps.studio.voicing import voice_path
from vocalise.apps.studio.workspace import VOICE, Workspace, free_place
from vocalise.errors import ConfigError

if TYPE_CHECKING:
    from vocalise.data.corpus import Corpus
    from vocalise.recipes import Recipe

Facts = Mapping[str, Any]
EARLY = 500  # steps from which on a run sings on its way
PROBE = (50, 2000)  # steps of the singer probe: as many as the run has, within these


def check(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """The doctor's report on singers, as facts and as a page with pictures."""
    from vocalise.apps.checkup_page import checkup_page
    from vocalise.apps.pages import write_page
    from vocalise.apps.tables import HEADS, conclusion, row
    from vocalise.data.check import examine

    space = slate.workspace
    report = examine(_corpus(space, wishes), progress=slate.interruptible)
    page = space.room("checks") / f"{slate.folder.name}.html"
    write_page(page, checkup_page(report, None))
    return {
        "page": space.address(page),
        "conclusion": conclusion(report),
        "trainable": report.trainable,
        "heads": list(HEADS),
        "rows": [list(row(one)) for one in report.singers],
        "findings": [
            {
                "level": one.level,
                "singer": one.singer,
                "message": one.message.replace(f"{space.folder}", ""),
                "remedy": one.remedy,
            }
            for one in report.findings
        ],
    }


def estimate(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """What training would cost on this machine, in words and figures."""
    from vocalise.apps.estimate import estimate as measured
    from vocalise.apps.tables import cost_lines
    from vocalise.devices import choose_device

    chosen = _recipe(wishes)
    corpus = _corpus(slate.workspace, wishes, chosen)
    slate.interruptible("measuring this machine", 0, 1)
    cost = measured(corpus, chosen, str(wishes["size"]), choose_device("auto"))
    return {"lines": list(cost_lines(cost)), "facts": cost.facts()}


def train(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """Trains; the same wishes again go on where an earlier work on them ended."""
    from vocalise.training import Routine
    from vocalise.training import train as run

    space, chosen = slate.workspace, _recipe(wishes)
    folder = space.place("runs", str(wishes["run"]))
    steps = _positive(wishes, "steps", int)
    verdict = run(
        chosen,
        _corpus(space, wishes, chosen),
        folder,
        steps=steps,
        minutes=_positive(wishes, "minutes", float),
        licence=str(wishes.get("licence", "")),
        consent=str(wishes.get("consent", "")),
        progress=slate,
        stop=slate.asked_to_stop,
        routine=Routine(samples_from=EARLY, probe=max(PROBE[0], min(PROBE[1], steps or PROBE[1]))),
    )
    return {
        "unfinished": not verdict.finished,
        "words": verdict.words.replace(f"{space.folder}", ""),
        "step": verdict.step,
        "voice": f"run: {folder.name}" if verdict.voice is not None else None,
    }


def enrol(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """A place in a voice for one more singer, from recordings in the workspace; writes a new voice."""
    from vocalise.checkpoint import load_voice, save_voice
    from vocalise.training.enrolling import Lessons
    from vocalise.training.enrolling import enrol as fit

    space, singer = slate.workspace, str(wishes["singer"])
    recordings = space.singers().get(singer)
    if not recordings:
        raise ConfigError(f"There are no recordings of {singer!r:.60} in the workspace: add some first.")
    found = fit(
        load_voice(voice_path(space, wishes.get("voice"))),
        singer,
        recordings,
        lessons=Lessons(steps=_positive(wishes, "steps", int) or Lessons().steps),
        licence=str(wishes.get("licence", "")),
        consent=str(wishes.get("consent", "")),
        progress=slate.interruptible,
    )
    out = _new_voice(space, wishes, f"with {singer}")
    save_voice(out, found.voice)
    return {
        "voice": out.stem,
        "singer": singer,
        "nearest": found.nearest,
        "before": found.unit.shown(found.before),
        "after": found.unit.shown(found.after),
    }


def forget(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """Takes a singer's place out of a voice; writes a new voice, and leaves the old one."""
    from vocalise.checkpoint import forgotten, load_voice, save_voice

    space, singer = slate.workspace, str(wishes["singer"])
    left = forgotten(load_voice(voice_path(space, wishes.get("voice"))), singer)
    out = _new_voice(space, wishes, "without one")
    save_voice(out, left)
    return {"voice": out.stem, "singer": singer, "left": list(left.names)}


def _recipe(wishes: Facts) -> "Recipe":
    from vocalise import recipes

    return recipes.recipe(str(wishes["recipe"]), str(wishes["size"]))


def _corpus(space: Workspace, wishes: Facts, recipe: "Recipe | None" = None) -> "Corpus":
    from vocalise.data.corpus import Corpus

    singers = [str(singer) for singer in wishes.get("singers") or ()]
    rate = 16000 if recipe is None else recipe.model.signal.build().rate
    return Corpus.open(space.room("singers"), singers=singers or None, rate=rate)


def _new_voice(space: Workspace, wishes: Facts, after: str) -> Path:
    """A place for a voice file that is not there yet."""
    base = str(wishes.get("voice") or "vocalise").removeprefix("run: ")
    return free_place(space.place("voices", f"{str(wishes.get('out') or '') or f'{base[:40]} {after}'[:70]}{VOICE}"))


def _positive(wishes: Facts, name: str, kind: type[Any]) -> Any:
    value = wishes.get(name)
    if not value:
        return None
    if not 0 < float(value) <= 1e8:
        raise ConfigError(f"{name} cannot be {value!r:.40}: give more than 0.")
    return kind(value)
