"""What the page shows of the workspace, as HTML from templates in which everything is escaped."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from vocalise.apps.console import span
from vocalise.apps.studio.jobs import Job
from vocalise.apps.studio.scale import Bar, curves, keyboard
from vocalise.apps.studio.studio import Studio, blended
from vocalise.apps.studio.words import Speech
from vocalise.errors import VocaliseError

SHOWN = 6  # results on the page; the others stay in the workspace
RECENT = 3  # pieces of work that did not end well and are still pointed out


class Views:
    """The views of one studio in one language."""

    def __init__(self, studio: Studio, speech: Speech) -> None:
        self.studio, self.speech = studio, speech
        loader = PackageLoader("vocalise.apps.studio", "templates")
        self._pages = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def render(self, template: str, **facts: Any) -> str:
        """A piece of the page."""
        return self._pages.get_template(f"{template}.html").render(t=self.speech, href=href, **facts)

    def said(self, words: str, *, bad: bool = False) -> str:
        """A line in answer to something that was asked."""
        return self.render("said", words=words, bad=bad)

    def work(self, *kinds: str) -> str:
        """What is under way or did not end well."""
        jobs = self.studio.jobs.all(*kinds)
        open_ones = [job for job in jobs if job.is_open and job.kind != "melody"]
        bad = [job for job in jobs if job.state in ("failed", "stopped", "lost") and job.kind != "melody"][:RECENT]
        return self.render("work", jobs=[self._told(job) for job in open_ones + bad])

    def results(self) -> str:
        """What conversions made, with the ledger of each."""
        jobs = [job for job in self.studio.jobs.all("convert") if job.result.get("entries")][:SHOWN]
        shown = [
            {"job": job, "entries": job.result["entries"], "all": job.result.get("all"), **_counts(job)} for job in jobs
        ]
        return self.render("results", jobs=shown)

    def ranges(self, songs: Sequence[str], voice: str, to: Mapping[str, float], key: str, semitones: float) -> str:
        """The range of a song, of the song as it will be sung, and of who will sing it, on a keyboard."""
        from vocalise.apps.studio.works import range_of

        bars: list[Bar] = []
        words, job = "", None
        try:
            if len(songs) == 1:
                job, contour = self.studio.melody_of(songs[0])
                marks = None if contour is None else range_of(contour)
                if marks:
                    low, middle, high = marks
                    bars.append(Bar(self.speech("range.song"), (low, middle, high), "song"))
                    by = self.studio.moved(songs[0], voice, to, key, semitones)
                    if by:
                        up = 2.0 ** (by / 12.0)
                        label = f"{self.speech('range.moved')} ({by:+g})"
                        bars.append(Bar(label, (low * up, middle * up, high * up), "moved"))
                elif contour is not None:
                    words = self.speech("range.silent")
                if contour is not None and self.studio.is_accompanied(songs[0]):
                    words = self.speech("accompanied")
            else:
                words = self.speech("range.none")
            own = blended(self.studio.offers.of(voice), to)
            if own is not None:
                bars.append(Bar(" + ".join(to), own, "singer"))
        except VocaliseError as error:
            words = str(error)
        drawn = keyboard(bars) if bars else ""
        return self.render("ranges", drawn=drawn, words=words, job=None if job is None else self._told(job))

    def melody(self, songs: Sequence[str]) -> str:
        """The melody of a song, to be drawn over; nothing unless exactly one is chosen and measured."""
        try:
            contour = self.studio.melody_of(songs[0])[1] if len(songs) == 1 else None
        except VocaliseError:
            contour = None
        if contour is None:
            return ""
        facts = {"song": songs[0], "hop": contour.hop, "pitch": [round(value, 2) for value in contour.pitch.tolist()]}
        return self.render("melody", data=json.dumps(facts), song=Path(songs[0]).name)

    def takes(self) -> str:
        """What was recorded."""
        found = [one for one in self.studio.space.sounds() if one.startswith("takes/")]
        return self.render("takes", takes=[(Path(one).name, one) for one in found])

    def singers(self) -> str:
        """Whose recordings there are."""
        return self.render("singers", singers={name: len(found) for name, found in self.studio.space.singers().items()})

    def report(self) -> str:
        """The doctor's newest report."""
        done = next((job for job in self.studio.jobs.all("check") if job.state == "done"), None)
        return self.render("check", report=None if done is None else done.result)

    def places(self) -> str:
        """What became of enrolling and forgetting."""
        jobs = [job for job in self.studio.jobs.all("enrol", "forget") if job.state == "done"][:RECENT]
        return self.render("places", jobs=jobs)

    def cost(self, wishes: Mapping[str, Any]) -> str:
        """What training would cost, if it has been asked."""
        job = self.studio.estimated(wishes)
        done = job is not None and job.state == "done"
        return self.render("cost", lines=job.result.get("lines", ()) if job and done else None)

    def training(self) -> str:
        """How the newest training goes: its curves and its words."""
        job = next(iter(self.studio.jobs.all("train")), None)
        if job is None:
            return self.render("training", job=None)
        run = str(job.wishes["run"])
        words = {name: self.speech(f"curve.{name}") for name in ("training", "held_out")}
        drawn = curves(self.studio.journal(run), {**words, "title": self.speech("curve", unit="{unit}")})
        ready = f"run: {run}" if (self.studio.space.place("runs", run) / "voice.safetensors").is_file() else ""
        return self.render(
            "training",
            job=self._told(job),
            drawn=drawn,
            ready=ready,
            words="" if job.is_open or job.state == "lost" else job.result.get("words", ""),
        )

    def samples(self) -> str:
        """What the newest training has sung on its way."""
        job = next(iter(self.studio.jobs.all("train")), None)
        found = [] if job is None else self.studio.samples(str(job.wishes["run"]))[:9]
        steps: dict[str, list[tuple[str, str]]] = {}
        for path in found:
            _, step, name = path.stem.split("-", 2)
            steps.setdefault(f"{int(step):,}", []).append((name, self.studio.space.address(path)))
        return self.render("samples", steps=steps)

    def evaluations(self) -> str:
        """What evaluations found."""
        return self.render(
            "evaluations", jobs=[job for job in self.studio.jobs.all("evaluate") if job.state == "done"][:3]
        )

    def tests(self) -> str:
        """Listening tests that were made."""
        return self.render("tests", jobs=[job for job in self.studio.jobs.all("listen") if job.state == "done"][:3])

    def _told(self, job: Job) -> dict[str, Any]:
        """A piece of work as its line on the page has it."""
        left = self.speech("left", span=span(job.left)) if job.left is not None and job.is_open else ""
        what = self.speech.doing(job.what) if job.is_open else ""
        said = (self.speech(f"state.{job.state}"), what, left, job.note if job.is_open else "", job.why)
        return {
            "number": job.number,
            "kind": self.speech(f"kind.{job.kind}"),
            "title": job.title,
            "state": job.state,
            "open": job.is_open,
            "share": round(100 * job.share) if job.state == "running" and job.total else None,
            "said": " · ".join(part for part in said if part),
            "stop": self.speech("work.pause") if job.kind == "train" else self.speech("work.stop"),
        }


def href(address: str, *, download: bool = False) -> str:
    """Where the page fetches a file of the workspace."""
    return f"/files/{quote(address)}{'?download=1' if download else ''}"


def _counts(job: Job) -> dict[str, int]:
    states = [entry["state"] for entry in job.result["entries"]]
    return {state: states.count(state) for state in ("converted", "failed")}
