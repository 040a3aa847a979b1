"""Work on voices: evaluating one, or two side by side, and making a blind listening test of what came of it."""

from collections.abc import Mapping
from typing import Any

from vocalise.apps.studio.slate import Slate
from vocalise.apps.studio.voicing import voice_path
from vocalise.errors import ConfigError

Facts = Mapping[str, Any]
PAGE = "index.html"


def evaluate(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """Evaluates a voice on held-out songs of the workspace's singers, beside another if one is named: a page."""
    from vocalise.apps.evaluation_page import evaluation_page
    from vocalise.apps.pages import write_page
    from vocalise.evaluation import evaluate as run

    space = slate.workspace
    names = [str(name) for name in (wishes["voice"], wishes.get("against")) if name]
    if len(set(names)) != len(names):
        raise ConfigError(f"{names[0]!r:.60} cannot be compared with itself: choose another voice beside it.")
    out = space.place("reports", slate.folder.name)
    report = run(
        [(name.removeprefix("run: "), voice_path(space, name)) for name in names],
        space.room("singers"),
        out,
        progress=slate.interruptible,
        seconds=float(wishes["seconds"]) if wishes.get("seconds") else None,
        singers=[str(singer) for singer in wishes.get("singers") or ()] or None,
        title=" / ".join(names),
        command="vocalise studio",
    )
    write_page(out / PAGE, evaluation_page(report, out))
    failed = [
        f"{clip.song}: {clip.why}".replace(f"{space.folder}", "") for clip in report.clips if clip.state != "scored"
    ]
    return {
        "page": space.address(out / PAGE),
        "report": out.name,
        "sayings": [{"level": one.level, "system": one.system, "words": one.words} for one in report.sayings],
        "scored": sum(clip.state == "scored" for clip in report.clips),
        "failed": failed[:20],
    }


def listen(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """A blind listening test of an evaluation's conversions: a page to send, and a key to keep."""
    from vocalise.apps.listen_page import listen_page
    from vocalise.apps.pages import write_page
    from vocalise.evaluation.listening import KINDS, Setting, design, gather, key_path, obstacles, write_key

    space = slate.workspace
    folder = space.place("reports", str(wishes["report"]))
    if not (folder / PAGE).is_file():
        raise ConfigError(f"There is no evaluation {str(wishes['report'])!r:.40} in the workspace: make one first.")
    material = gather([folder])
    kind = str(wishes.get("kind", "mos"))
    if kind not in KINDS:
        raise ConfigError(f"{kind!r:.20} is no kind of test: choose {', '.join(KINDS)}.")
    missing = obstacles(material)
    asked = tuple(name for name in KINDS[kind] if name not in missing)
    if not asked:
        raise ConfigError(f"None of the questions of {kind!r} can be asked of this: {'; '.join(missing.values())}.")
    setting = Setting(questions=asked, clips=int(wishes.get("clips", 6)), command="vocalise studio")
    listening = design(material, setting, progress=slate.interruptible)
    page = space.room("tests") / f"{slate.folder.name}.html"
    write_key(key_path(page), listening.key)
    write_page(page, listen_page(listening, language=str(wishes.get("language", "en"))))
    return {"page": space.address(page), "key": space.address(key_path(page)), "minutes": listening.minutes}
