"""The passages of an evaluation's page: a song from one singer to another, as every system sang it, the worst first.

clips ──same song, source, target──▶ passages ──gravest first──▶ the worst and a spread ──files──▶ players and pictures
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from torch import Tensor

from vocalise.apps.pages import picture, sound
from vocalise.audio.files import read_wave
from vocalise.audio.loudness import frame_levels, level
from vocalise.audio.pitch import Contour
from vocalise.audio.resampling import resample
from vocalise.errors import AudioError
from vocalise.evaluation.catalogue import BY_NAME, MEASURES, Measure
from vocalise.evaluation.records import Clip
from vocalise.evaluation.summary import verdicts
from vocalise.evaluation.symptoms import symptom
from vocalise.measures.pictures import Panel, comparison, pitch_curves
from vocalise.measures.tracker import track_pitch

WORST = 5  # passages shown first
PICTURED = 24  # clips with players and pictures, at most
SECONDS = 20.0  # of each, at most
HIGHEST = 24_000  # Hz; rate of the players at most
SPECTROGRAM = 1.3  # inches high
_QUIET = 40.0  # dB below the loudest moment: nothing to hear
_STILL = -120.0  # dBFS, for silence, which has no level

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Passage:
    """What every system made of a song by one singer for another."""

    song: str
    source: str
    target: str
    kind: str
    clips: tuple[Clip, ...]

    @property
    def gravity(self) -> tuple[int, float]:
        """That of its worst clip."""
        return max(map(gravity, self.clips))


@dataclass(frozen=True)
class Player:
    """A take that can be listened to."""

    key: str  # "source", "truth", or the system's place
    kind: str  # "the source", "the truth", or the system
    label: str
    address: str
    level: float  # dBFS, RMS
    link: str


@dataclass(frozen=True)
class Line:
    """A row of a passage's table of figures: a value for each clip."""

    measure: Measure
    cells: tuple[tuple[str, str, str], ...]  # value, verdict where it decides, and what to hold it against


@dataclass(frozen=True)
class Outcome:
    """A clip of a passage in words."""

    clip: Clip
    worst: str  # "good", "fair" or "poor"; empty where nothing decides
    poor: tuple[str, ...]  # titles and values of the figures it fails on
    fair: tuple[str, ...]
    words: str  # what seems to have happened
    link: str


@dataclass(frozen=True)
class Scene:
    """A passage as the page shows it."""

    passage: Passage
    outcomes: tuple[Outcome, ...]
    lines: tuple[Line, ...]
    players: tuple[Player, ...]
    spectrograms: str
    curves: str
    window: str  # which seconds are shown; empty where it is all
    missing: tuple[str, ...]  # files that could not be read, and why


def gravity(clip: Clip) -> tuple[int, float]:
    """How bad a clip is: headline figures that are poor, then how far all are from good, in widths of fair."""
    found = verdicts(clip)
    short = 0.0
    for name in found:
        good, poor, value = BY_NAME[name].good, BY_NAME[name].poor, clip.figures[name]
        if good is not None and poor is not None:
            short += max(0.0, (good - value) / (good - poor))  # the sign takes care of which way is better
    return sum(one == "poor" for one in found.values()), short


def passages(clips: Iterable[Clip]) -> list[Passage]:
    """The scored clips by passage, the gravest first; a system's second clip of one passage begins a new one."""
    groups: dict[tuple[Key, int], list[Clip]] = {}
    seen: dict[tuple[Key, str], int] = {}
    for clip in clips:
        if clip.state == "scored":
            key = (clip.song, clip.source, clip.target, clip.kind)
            turn = seen[key, clip.system] = seen.get((key, clip.system), -1) + 1
            groups.setdefault((key, turn), []).append(clip)
    found = [Passage(*key, tuple(some)) for (key, _), some in groups.items()]
    return sorted(found, key=lambda one: tuple(-number for number in one.gravity))


def chosen(ranked: Sequence[Passage], most: int = PICTURED) -> tuple[list[Passage], list[Passage]]:
    """The worst, and of the rest a spread from bad to good, so that no more than `most` clips have pictures."""
    worst, rest = list(ranked[:WORST]), list(ranked[WORST:])
    room = most - sum(len(one.clips) for one in worst)
    each = max((len(one.clips) for one in rest), default=1)
    count = min(len(rest), max(0, room // each))
    places = [round(n * (len(rest) - 1) / max(1, count - 1)) for n in range(count)]
    return worst, [rest[place] for place in places]


def outcome(clip: Clip, folder: Path) -> Outcome:
    """What a clip's verdicts say."""
    found = verdicts(clip)
    told: dict[str, tuple[str, ...]] = {
        wanted: tuple(
            f"{BY_NAME[name].title} {firm(BY_NAME[name].shown(clip.figures[name]))}"
            for name, verdict in found.items()
            if verdict == wanted
        )
        for wanted in ("poor", "fair", "good")
    }
    shown = symptom(clip)
    return Outcome(
        clip=clip,
        worst=next((verdict for verdict, names in told.items() if names), ""),
        poor=told["poor"],
        fair=told["fair"],
        words=(clip.why or (shown.words if shown else "")).rstrip("."),
        link=link(clip.path, folder),
    )


def lines(clips: Sequence[Clip], references: Mapping[str, float]) -> tuple[Line, ...]:
    """All figures that any of the clips has, those that decide first; ceilings and floors stand beside theirs."""
    sides = {name for one in MEASURES for name in one.beside if not BY_NAME[name].beside}
    known = [one for one in MEASURES if one.name not in sides and any(one.name in clip.figures for clip in clips)]
    return tuple(
        Line(measure, tuple(_cell(measure, clip.figures, references) for clip in clips))
        for measure in sorted(known, key=lambda one: not one.headline)
    )


def _cell(measure: Measure, figures: Mapping[str, float], references: Mapping[str, float]) -> tuple[str, str, str]:
    value = figures.get(measure.name)
    verdict = measure.verdict(value) if measure.headline and value is not None else ""
    return firm(measure.shown(value)), verdict, beside(measure, {**references, **figures})


def beside(measure: Measure, figures: Mapping[str, float]) -> str:
    """What a figure is to be held against: its ceilings and floors, as far as they are known."""
    known = [BY_NAME[name] for name in measure.beside if name in figures and name in BY_NAME]
    return "; ".join(f"{one.title} {firm(one.shown(figures[one.name]))}" for one in known)


def firm(value: str) -> str:
    """A value that stays on one line with its unit."""
    return value.replace(" ", "\N{NO-BREAK SPACE}")


def link(path: str, folder: Path) -> str:
    """A file's address as a page in the report's folder names it; empty where there is no file."""
    if not path or not (folder / path).is_file():
        return ""
    return Path(path).as_uri() if Path(path).is_absolute() else quote(path)


class Desk:
    """Cuts the shown stretch out of each file below the report's folder, once, and tracks its pitch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waves: dict[tuple[str, float], tuple[Tensor, int]] = {}
        self._tracks: dict[tuple[str, float], Contour] = {}

    def scene(self, passage: Passage, systems: Sequence[str], references: Mapping[str, float]) -> Scene:
        """A passage with its sound and pictures; what cannot be read is said instead."""
        takes, missing = _takes(passage, systems), []
        start = self._start(next(iter(takes.values()))[1], passage)
        players, panels = [], []
        for key, (label, path) in takes.items():
            try:
                wave, rate = self._cut(path, start)
            except AudioError as error:
                missing.append(str(error))
                continue
            if not wave.numel():
                missing.append(f"{label} ends before the seconds that are shown here.")
                continue
            loudness = max(_STILL, level(wave))
            kind = {"source": "the source", "truth": "the truth"}.get(key) or _called(systems, int(key))
            players.append(Player(key, kind, label, sound(wave, rate), loudness, link(path, self._folder)))
            panels.append((label, wave, rate, self._track(path, start)))
        longest = max((clip.seconds for clip in passage.clips), default=0.0)
        return Scene(
            passage=passage,
            outcomes=tuple(outcome(clip, self._folder) for clip in passage.clips),
            lines=lines(passage.clips, references),
            players=tuple(players),
            window=f"{start:g} to {start + SECONDS:g} s of {longest:.0f} s" if longest > SECONDS else "",
            missing=tuple(missing),
            **_pictures(panels),
        )

    def _start(self, path: str, passage: Passage) -> float:
        """Where the stretch begins in which the source sings most."""
        if not path or all(clip.seconds <= SECONDS for clip in passage.clips):
            return 0.0
        try:
            wave, rate = read_wave(self._folder / path)
        except AudioError:
            return 0.0
        levels = frame_levels(wave, window=rate // 20, hop=rate // 2)
        sounding = (levels > levels.max() - _QUIET).double().cumsum(0)
        reach = min(round(2 * SECONDS), len(sounding) - 1)
        return 0.5 * int((sounding[reach:] - sounding[: len(sounding) - reach]).argmax())

    def _cut(self, path: str, start: float) -> tuple[Tensor, int]:
        if (path, start) not in self._waves:
            wave, rate = read_wave(self._folder / path)
            wave = wave[round(start * rate) : round((start + SECONDS) * rate)]
            if rate > HIGHEST:
                wave, rate = resample(wave, rate, HIGHEST), HIGHEST
            self._waves[path, start] = wave, rate
        return self._waves[path, start]

    def _track(self, path: str, start: float) -> Contour:
        if (path, start) not in self._tracks:
            self._tracks[path, start] = track_pitch(*self._cut(path, start))
        return self._tracks[path, start]


def _takes(passage: Passage, systems: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Label and path of all that can be heard of a passage, the source first."""
    first = passage.clips[0]
    found = {"source": (f"source: {first.source}" if first.source else "source", first.source_path)}
    for clip in passage.clips:
        what = "conversion" if len(systems) == 1 else clip.system
        found[str(systems.index(clip.system))] = (f"{what}: as {clip.target}" if clip.target else what, clip.path)
    truth = next((clip.truth_path for clip in passage.clips if clip.truth_path), "")
    if truth and first.kind == "conversion":
        found["truth"] = (f"truth: {first.target}'s own take" if first.target else "truth", truth)
    return {key: take for key, take in found.items() if take[1]}


def _called(systems: Sequence[str], place: int) -> str:
    return "the conversion" if len(systems) == 1 else systems[place]


def _pictures(panels: Sequence[Panel]) -> dict[str, str]:
    if not panels:
        return {"spectrograms": "", "curves": ""}
    contours = {label: contour for label, _, _, contour in panels if contour is not None}
    voiced = any(bool((contour.pitch > 0).any()) for contour in contours.values())
    return {
        "spectrograms": picture(comparison(panels, height=SPECTROGRAM, thrifty=True)),
        "curves": picture(pitch_curves(contours, thrifty=True)) if voiced else "",
    }
