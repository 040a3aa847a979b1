"""The doctor: what a corpus is like, singer by singer, and what should be mended before hours go into training.

Corpus ──every file heard once──▶ Quality ──by singer──▶ Checkup ──┐
                     └── excerpts ──▶ pitch ──▶ Company ───────────┴──▶ Report with findings
"""

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.loudness import SILENCE
from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.data.accompaniment import company
from vocalise.data.advice import advise
from vocalise.data.checkup import Checkup
from vocalise.data.corpus import Corpus
from vocalise.data.quality import CHUNK, RATE, Quality, listen
from vocalise.data.records import Finding, Recording, legible
from vocalise.data.twins import find_twins
from vocalise.errors import AudioError
from vocalise.progress import Progress, silent

HOP = 0.01  # seconds: of the contours, for statistics only
PLACES = 12  # recordings of a singer at most in which pitch is measured
MEND = "record or export it again, or take it away"


@dataclass(frozen=True, eq=False)
class Report:
    """What the doctor says."""

    corpus: Corpus  # what is left of it
    singers: tuple[Checkup, ...]
    findings: tuple[Finding, ...]

    @property
    def trainable(self) -> bool:
        """Whether anything can be learnt from it."""
        return bool(self.singers) and not any(finding.level == "error" for finding in self.findings)

    def facts(self) -> dict[str, Any]:
        """As plain values for JSON; nothing in it is infinite or not a number."""
        findings = [{**asdict(one), "path": None if one.path is None else legible(one.path)} for one in self.findings]
        return {
            "folder": legible(self.corpus.folder),
            "fingerprint": self.corpus.fingerprint,
            "trainable": self.trainable,
            "singers": [_finite(one.facts()) for one in self.singers],
            "findings": findings,
        }


def examine(corpus: Corpus, *, pitch_seconds: float = 20.0, progress: Progress = silent) -> Report:
    """Hears every recording once and measures the pitch of some excerpts of each singer.

    Args:
        corpus: as `Corpus.open` found it.
        pitch_seconds: of each singer, in which pitch and company are measured (about three times as fast as it sounds).
        progress: told seconds of sound heard, and then of pitch measured.
    """
    kept = _excerpts_each(corpus, pitch_seconds)
    heard = _hear(corpus, kept, progress)
    said = list(corpus.findings)
    usable: dict[Recording, Quality] = {}
    for recording in corpus.recordings:
        answer = heard[recording]
        if isinstance(answer, Quality) and answer.loudest > SILENCE:
            usable[recording] = answer
        else:
            silence = f"{legible(recording.path)} is silent: it never rises above {SILENCE:.0f} dBFS."
            message = answer if isinstance(answer, str) else silence
            said.append(Finding("warning", recording.singer, recording.path, message, MEND))
    left = corpus.without([one for one in corpus.recordings if one not in usable], said[len(corpus.findings) :])
    checkups = _check_singers(left, usable, progress)
    findings = (*left.findings, *find_twins(usable), *left.split().findings, *advise(left, checkups, usable))
    return Report(left, checkups, tuple(sorted(findings, key=_urgency)))


def _urgency(finding: Finding) -> tuple[int, bool, str]:
    return ("error", "warning", "note").index(finding.level), finding.singer is not None, finding.singer or ""


def _excerpts_each(corpus: Corpus, seconds: float) -> Mapping[Recording, int]:
    """How many excerpts of each recording are looked at closely: the same time of each singer, spread over songs."""
    kept: dict[Recording, int] = {}
    for singer in corpus.singers:
        own = [one for one in corpus.recordings if one.singer == singer]
        wanted = max(1, round(seconds / CHUNK))
        count = min(len(own), PLACES if own[0].seconds < CHUNK else wanted)
        for place in range(count):
            recording = own[(2 * place + 1) * len(own) // (2 * count)]
            kept[recording] = min(math.ceil(wanted / count), max(1, int(recording.seconds / CHUNK)))
    return kept


def _hear(corpus: Corpus, kept: Mapping[Recording, int], progress: Progress) -> dict[Recording, Quality | str]:
    """The quality of every recording, or in one line why it cannot be read."""
    heard: dict[Recording, Quality | str] = {}
    total, done = sum(one.seconds for one in corpus.recordings), 0.0

    def hear(recording: Recording) -> Quality | str:
        try:
            quality = listen(recording.path, seconds=recording.seconds, excerpts=kept.get(recording, 1))
            return quality if recording in kept else quality.without_excerpts()
        except (AudioError, OSError) as error:
            return str(AudioError(error))

    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    try:
        waiting = {pool.submit(hear, one): one for one in corpus.recordings}
        for future in as_completed(waiting):
            recording = waiting[future]
            heard[recording] = future.result()
            done += recording.seconds
            progress("hearing", done, total, recording.singer)
    finally:
        pool.shutdown(cancel_futures=True)
    return heard


def _check_singers(corpus: Corpus, usable: Mapping[Recording, Quality], progress: Progress) -> tuple[Checkup, ...]:
    checkups = []
    for place, singer in enumerate(corpus.singers):
        progress("measuring pitch", place, len(corpus.singers), singer)
        own = [one for one in corpus.recordings if one.singer == singer]
        checkups.append(_check(singer, own, [usable[one] for one in own]))
    progress("measuring pitch", len(corpus.singers), len(corpus.singers))
    return tuple(checkups)


def _check(singer: str, recordings: Sequence[Recording], qualities: Sequence[Quality]) -> Checkup:
    """One singer's checkup."""
    waves = [wave for quality in qualities for wave in quality.excerpts]
    contours = _contours(waves)
    pitches = torch.cat([torch.zeros(0), *(contour.pitch for contour in contours)])
    voiced = pitches[pitches > 0].double().numpy()
    widths = [quality.width for quality in qualities if quality.excerpts and quality.width is not None]
    best = max(range(len(waves)), key=lambda n: float(contours[n].voicing.mean()) * len(waves[n]), default=None)
    seconds = np.array([quality.seconds for quality in qualities])
    low, middle, high = (float(value) for value in np.percentile(voiced, (5, 50, 95))) if len(voiced) else (0, 0, 0)
    return Checkup(
        singer=singer,
        files=len(recordings),
        minutes=float(seconds.sum()) / 60.0,
        level=float(np.median([quality.level for quality in qualities])),
        peak=max(quality.peak for quality in qualities),
        noise=float(np.median([quality.noise for quality in qualities])),
        silence=float(np.average([quality.silence for quality in qualities], weights=seconds)),
        clipped=float(np.average([quality.clipped for quality in qualities], weights=seconds)),
        clipped_files=sum(quality.is_clipped for quality in qualities),
        bandwidth=_weighted_median(np.array([quality.bandwidth for quality in qualities]), seconds),
        pitch=(low, middle, high) if len(voiced) else None,
        voiced=len(voiced) / max(1, len(pitches)),
        company=company(waves, contours, RATE, float(np.median(widths)) if widths else None),
        sample=torch.zeros(0) if best is None else waves[best],
        sample_contour=None if best is None else contours[best],
        pitches=pitches,
    )


def _contours(waves: Sequence[Tensor]) -> list[Contour]:
    """The pitch of each excerpt, several at a time: each is too short to be divided."""
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return list(pool.map(lambda wave: pitch_contour(wave, RATE, hop=HOP, workers=1), waves))


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) >= weights.sum() / 2
    return float(values[order][reached.argmax()])


def _finite(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in facts.items()
    }
