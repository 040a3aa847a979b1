"""What the studio can do, as plain functions: from wishes to a result, by the same Python face as the command line's.

    wishes (names only) ──workspace──▶ paths ──Converter, train, evaluate, examine, enrol, …──▶ result (plain facts)

Wishes come from a page and are believed in nothing: every name is looked up in the workspace.
"""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vocalise.apps.studio.slate import Slate
from vocalise.apps.studio.voicing import converter_of, separator_of
from vocalise.apps.studio.works_judging import evaluate, listen
from vocalise.apps.studio.works_training import check, enrol, estimate, forget, train
from vocalise.apps.studio.workspace import Workspace
from vocalise.audio.files import write_aside
from vocalise.errors import ConfigError

if TYPE_CHECKING:
    from vocalise.audio.pitch import Contour

Facts = Mapping[str, Any]
KINDS = (".wav", ".flac", ".ogg", ".mp3")  # of results
SHARES = (0.05, 0.5, 0.95)


def melody(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """Measures the melody of a song: a CSV, the range it moves in, and whether it seems to have accompaniment."""
    from vocalise.audio.files import read_channels
    from vocalise.audio.pitch import pitch_contour
    from vocalise.conversion import write_pitch_csv
    from vocalise.data.accompaniment import company_in

    space = slate.workspace
    song, rate = read_channels(space.sound(str(wishes["song"])))
    seconds = song.shape[1] / rate
    contour = pitch_contour(
        song.mean(dim=0),
        rate,
        glance=True,
        progress=lambda share: slate.interruptible("measuring pitch", share * seconds, seconds),
    )
    place = melody_place(space, str(wishes["song"]))
    write_pitch_csv(place, contour)
    accompanied = company_in(song, rate, contour).likely
    return {
        "melody": space.address(place),
        "seconds": seconds,
        "range": range_of(contour),
        "accompanied": accompanied,
    }


def convert(slate: Slate, wishes: Facts) -> dict[str, Any]:
    """Converts songs into a folder of results, and keeps a ledger; what is there already is passed over."""
    from vocalise.conversion import convert_files, read_pitch_csv

    space = slate.workspace
    songs = [space.sound(str(song)) for song in wishes["songs"]]
    suffix = str(wishes.get("suffix", KINDS[0]))
    if suffix not in KINDS:
        raise ConfigError(f"{suffix!r:.20} is no kind of result: choose {', '.join(KINDS)}.")
    drawn = wishes.get("pitch")
    if drawn and len(songs) != 1:
        raise ConfigError(f"A melody that was drawn belongs to one song, not to {len(songs)}: choose one.")
    pitch = read_pitch_csv(space.found(str(drawn))) if drawn else None
    converter = converter_of(space, wishes.get("voice"))
    folder = space.room("results") / slate.folder.name
    none = {"state": "failed", "source": "", "result": None, "seconds": 0.0, "took": 0.0}
    entries = [{**none, "song": str(one["name"]), "why": str(one["why"])} for one in wishes.get("refused", ())]
    made = []
    if songs:
        ledger = convert_files(
            converter,
            songs,
            folder / f"*{suffix}",
            separator=separator_of(space, wishes.get("separator")),
            progress=slate.interruptible,
            to={str(name): float(weight) for name, weight in wishes["to"].items()},
            transpose=wishes.get("transpose"),
            temperature=float(wishes.get("temperature", 1.0)),
            formant=float(wishes.get("formant", 0.0)),
            breath=float(wishes.get("breath", 0.0)),
            seed=int(wishes.get("seed", 0)),
            pitch=pitch,
        )
        made = [_entry(space, one, str(song)) for one, song in zip(ledger.entries, wishes["songs"], strict=True)]
    facts: dict[str, Any] = {"entries": entries + made}
    if sum(one["result"] is not None for one in made) > 1:
        facts["all"] = space.address(_together(folder))
    return facts


def melody_place(space: Workspace, song: str) -> Path:
    """Where the melody of a song is kept."""
    return space.place("melodies", f"{Path(song).name[:70]}.csv")


def range_of(contour: "Contour") -> list[float] | None:
    """Hz below which 5, 50 and 95 % of what is sung lies; None where nothing is sung."""
    import torch

    sung = contour.pitch[contour.voicing > 0.5].double()
    if not len(sung):
        return None
    marks: list[float] = torch.quantile(sung[:: len(sung) // 1_000_000 + 1], torch.tensor(SHARES).double()).tolist()
    return marks


def _together(folder: Path) -> Path:
    """All results of a folder as one archive; sound does not get smaller by it."""
    archive = folder / "all.zip"
    with write_aside(archive) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as whole:
        for path in sorted(folder.iterdir()):
            if path.suffix in KINDS and not path.name.startswith("."):
                whole.write(path, path.name)
    return archive


def _entry(space: Workspace, entry: Any, song: str) -> dict[str, Any]:
    """A line of the ledger as plain facts; a result that was there already counts as one."""
    there = entry.target is not None and entry.target.is_file()
    state = "converted" if entry.state == "skipped" and there else entry.state
    return {
        "song": Path(song).name,
        "source": song,
        "state": state,
        "why": "" if state == "converted" != entry.state else entry.why.replace(f"{space.folder}", ""),
        "result": space.address(entry.target) if there and state == "converted" else None,
        "seconds": entry.seconds,
        "took": entry.took,
    }


WORKS: Mapping[str, Callable[[Slate, Facts], dict[str, Any]]] = MappingProxyType(
    {
        "melody": melody,
        "convert": convert,
        "check": check,
        "estimate": estimate,
        "train": train,
        "enrol": enrol,
        "forget": forget,
        "evaluate": evaluate,
        "listen": listen,
    }
)
# Trainings wait for each other, and so does all the rest: a song must not wait for a day of training.
LANES: Mapping[str, str] = MappingProxyType({"train": "training", "melody": "melody"})
