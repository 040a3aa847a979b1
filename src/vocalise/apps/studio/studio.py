"""The studio itself: what a page may ask for, checked before any work begins; no page is known here, and no gradio.

page ──asks (names, numbers)──▶ Studio ──wishes──▶ Jobs ──▶ a process of its own
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocalise.apps.studio.jobs import Job, Jobs
from vocalise.apps.studio.voicing import Offer, Offers
from vocalise.apps.studio.workspace import Refused, Workspace, checked
from vocalise.errors import ConfigError, VocaliseError

if TYPE_CHECKING:
    from vocalise.audio.pitch import Contour

KEYS = ("recipe", "auto", "range", "fixed")  # how a song is transposed
MOST_MIXED = 4  # singers that are mixed on the page
ALIKE = 0.02  # Hz by which a melody that was not touched may differ after its way through the page


class Studio:
    """A workspace, its work, and its voices."""

    def __init__(self, folder: Path) -> None:
        self.space = Workspace(folder)
        self.jobs = Jobs(self.space.room("jobs"))
        self.offers = Offers(self.space)
        self._melodies: dict[tuple[str, int], Contour] = {}

    def take_songs(self, paths: Sequence[str]) -> tuple[list[str], list[Refused]]:
        """Takes uploaded songs in; addresses of those that are sound, and why others are not."""
        taken, refused = self.space.take_in("songs", map(Path, paths))
        return [self.space.address(path) for path in taken], refused

    def take_recordings(self, singer: str, paths: Sequence[str]) -> tuple[int, list[Refused]]:
        """Takes uploaded recordings of a singer in.

        Raises:
            ConfigError: no name for a singer.
        """
        taken, refused = self.space.take_in("singers", map(Path, paths), folder=checked(singer))
        return len(taken), refused

    def keep_take(self, path: str | None, name: str) -> str:
        """Keeps a recording from the microphone under a name; its address.

        Raises:
            VocaliseError: no name for a file, or no sound.
        """
        if not path:
            raise ConfigError("")
        given = Path(path)
        named = given.with_name(checked(name) + given.suffix)
        self.space.require_uploaded(given)
        given.replace(named)
        taken, refused = self.space.take_in("takes", [named])
        if refused:
            raise ConfigError(refused[0].why)
        return self.space.address(taken[0])

    def convert(
        self,
        songs: Sequence[str],
        voice: str,
        to: Mapping[str, float],
        *,
        key: str = "recipe",
        semitones: float = 0.0,
        drawn: str = "",
        refused: Sequence[Refused] = (),
        **more: Any,
    ) -> str:
        """Asks for a conversion; the number of the work.

        Raises:
            VocaliseError: something in it cannot be.
        """
        for song in songs:
            self.space.sound(song)
        offer = self.offers.of(voice)
        unknown = next((name for name in to if name not in offer.names), None)
        if unknown is not None:
            raise ConfigError(f"{unknown!r:.60} is not in this voice; it offers {', '.join(offer.names)}.")
        if key not in KEYS:
            raise ConfigError(f"{key!r:.20} is no way to transpose: choose {', '.join(KEYS)}.")
        transpose = {"recipe": None, "fixed": float(semitones)}.get(key, key)
        pitch = self._drawn(songs, drawn) if drawn else None
        names = [Path(song).name for song in songs] or [one.name for one in refused]
        return self.jobs.start(
            "convert",
            {
                "songs": list(songs),
                "voice": voice,
                "to": {name: share for name, share in to.items() if share > 0.0} or dict(to),
                "transpose": transpose,
                "pitch": pitch,
                "refused": [{"name": one.name, "why": one.why} for one in refused],
                **more,
            },
            title=f"{names[0]}{f' + {len(names) - 1}' if len(names) > 1 else ''} → {' + '.join(to)}",
        )

    def melody_of(self, song: str) -> "tuple[Job | None, Contour | None]":
        """The melody of a song, if it has been measured; else the work that measures it, which is begun if need be."""
        path = self.space.sound(song)
        place = self.space.place("melodies", f"{path.name[:70]}.csv")
        if place.exists() and place.stat().st_mtime >= path.stat().st_mtime:
            return None, self._contour(place)
        job = next((job for job in self.jobs.all("melody") if job.wishes.get("song") == song), None)
        if job is None or job.state == "done":
            job = self.jobs.get(self.jobs.start("melody", {"song": song}, title=path.name))
        return job, None

    def is_accompanied(self, song: str) -> bool:
        """Whether a song whose melody has been measured seemed to have accompaniment."""
        jobs = self.jobs.all("melody")
        return any(job.result.get("accompanied", False) for job in jobs if job.wishes.get("song") == song)

    def moved(self, song: str, voice: str, to: Mapping[str, float], key: str, semitones: float) -> float | None:
        """Semitones by which a song would be transposed; None where that is not known."""
        from vocalise.conversion.curves import STEPS, semitones_towards

        _, contour = self.melody_of(song)
        offer = self.offers.of(voice)
        how = offer.transpose if key == "recipe" else float(semitones) if key == "fixed" else key
        if isinstance(how, float):
            return how
        marks, step = blended(offer, to), next((step for name, step in STEPS.items() if name == how), None)
        return None if contour is None or marks is None or step is None else semitones_towards(contour, marks, step)

    def train(self, wishes: Mapping[str, Any]) -> str:
        """Asks for training, or, if work with that run is stopped, for its continuation; the number of the work.

        Raises:
            VocaliseError: something in it cannot be.
        """
        run = checked(str(wishes["run"]))
        before = next((job for job in self.jobs.all("train") if job.wishes.get("run") == run), None)
        if before is not None:
            raise ConfigError(f"There is a run {run!r} already: choose another name, or go on with that one.")
        return self.jobs.start("train", {**wishes, "run": run}, title=run)

    def examine(self) -> str:
        """Asks for the doctor's look at all recordings of singers; nothing to say yet."""
        self.jobs.start("check", {})
        return ""

    def estimate(self, wishes: Mapping[str, Any]) -> str:
        """Asks what training would cost; nothing to say yet."""
        self.jobs.start("estimate", wishes, title=f"{wishes['recipe']}, {wishes['size']}")
        return ""

    def enrol(self, voice: str, singer: str, *, steps: float | None = None, **notes: str) -> None:
        """Asks for a place in a voice for a singer whose recordings are there; steps as usual where none are said."""
        self.jobs.start("enrol", {"voice": voice, "singer": singer, "steps": steps or None, **notes}, title=singer)

    def forget(self, voice: str, singer: str) -> None:
        """Asks for a voice without a place for a singer."""
        self.jobs.start("forget", {"voice": voice, "singer": singer}, title=singer)

    def evaluate(self, voice: str, against: str | None, seconds: float | None) -> str:
        """Asks for an evaluation; nothing to say yet."""
        title = " / ".join(name for name in (voice, against) if name)
        self.jobs.start("evaluate", {"voice": voice, "against": against or None, "seconds": seconds}, title=title)
        return ""

    def listen(self, report: str, kind: str, *, language: str) -> None:
        """Asks for a blind listening test of an evaluation."""
        self.jobs.start("listen", {"report": report, "kind": kind, "language": language}, title=report)

    def estimated(self, wishes: Mapping[str, Any]) -> Job | None:
        """The newest estimate of these wishes."""
        return next((job for job in self.jobs.all("estimate") if job.wishes == wishes), None)

    def journal(self, run: str) -> list[Mapping[str, Any]]:
        """The rows of a run's journal."""
        from vocalise.training.journal import Journal

        return list(Journal(self.space.place("runs", run) / "journal.jsonl").rows())

    def samples(self, run: str) -> list[Path]:
        """What a run has sung on its way, the newest first."""
        return sorted((self.space.place("runs", run) / "samples").glob("step-*.wav"), reverse=True)

    def _drawn(self, songs: Sequence[str], drawn: str) -> str:
        """Keeps a melody as it was drawn; its address.

        Raises:
            ConfigError: it belongs to another song, or holds what is no pitch.
        """
        import torch

        from vocalise.audio.pitch import Contour
        from vocalise.conversion import write_pitch_csv
        from vocalise.conversion.curves import RANGE

        song, pitch = _read_drawing(drawn)
        if list(songs) != [song]:
            raise ConfigError("The melody that was drawn belongs to another song: choose that one alone.")
        _, measured = self.melody_of(song)
        if measured is None or len(measured.pitch) != len(pitch):
            raise ConfigError("The melody that was drawn does not fit this song: draw it again.")
        if not all(value == 0.0 or RANGE[0] <= value <= RANGE[1] for value in pitch):  # false for NaN too
            raise ConfigError(f"The melody that was drawn leaves {RANGE[0]:g} to {RANGE[1]:g} Hz.")
        given = torch.tensor(pitch)
        merged = torch.where((given - measured.pitch).abs() <= ALIKE, measured.pitch, given)
        place = self.space.place("melodies", f"{Path(song).name[:60]} {time.time_ns()}.csv")
        write_pitch_csv(place, Contour(merged, (merged > 0.0).float(), measured.hop))
        return self.space.address(place)

    def _contour(self, place: Path) -> "Contour":
        from vocalise.conversion import read_pitch_csv

        key = (str(place), place.stat().st_mtime_ns)
        if key not in self._melodies:
            if len(self._melodies) > 8:  # an hour's melody takes six megabytes
                self._melodies.clear()
            self._melodies[key] = read_pitch_csv(place)
        return self._melodies[key]


def blended(offer: Offer, to: Mapping[str, float]) -> tuple[float, float, float] | None:
    """The range of a mixture: between those of its singers on a logarithmic scale; None where nothing is known."""
    known = {name: share for name, share in to.items() if name in offer.ranges and share > 0.0}
    total = sum(known.values())
    if total <= 0.0:
        return None
    low, middle, high = (
        2.0 ** (sum(share * math.log2(offer.ranges[name][n]) for name, share in known.items()) / total)
        for n in range(3)
    )
    return low, middle, high


def in_one_line(error: Exception) -> str:
    """What went wrong, for the page; what nobody foresaw is told by its kind."""
    return (
        str(error) if isinstance(error, VocaliseError) else " ".join(f"{type(error).__name__}: {error}".split())[:300]
    )


def _read_drawing(drawn: str) -> tuple[str, list[float]]:
    try:
        facts = json.loads(drawn)
        return str(facts["song"]), [float(value) for value in facts["pitch"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigError("The melody that was drawn cannot be read: draw it again.") from None
