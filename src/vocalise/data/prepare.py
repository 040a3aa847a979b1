"""Prepares a corpus: decodes, mixes down, resamples and levels each recording once, and keeps it in the cache.

The cache is keyed by the file's content, the settings and a version, so that an entry can be absent but never stale.
"""

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import NoReturn, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.files import RATES, read_wave
from vocalise.audio.loudness import SILENCE
from vocalise.audio.pitch import pitch_contour
from vocalise.data.bandwidth import believed, limit
from vocalise.data.cache import FOLDER_VARIABLE, Cache, file_digest
from vocalise.data.corpus import Corpus
from vocalise.data.prepared import (
    CONTOUR_HOP,
    FULL_SCALE,
    LEVEL,
    Analyst,
    Prepared,
    contour_key,
    wave_key,
)
from vocalise.data.records import Finding, Piece, Recording, legible
from vocalise.errors import AudioError, ConfigError, CorpusError

__all__ = ["Prepared", "Progress", "estimate_bytes", "prepare"]

SPARE = 64 << 20  # bytes to be left free on the disk
ROOM = 1 << 30  # bytes of memory for recordings being decoded at once
FRAME = 0.05  # seconds over which a recording's loudest moment is taken
BLOCK = 1 << 20  # samples
DECODING = 0.1  # of the time, where contours are asked for

Progress = Callable[[float], None]
T = TypeVar("T")


def prepare(
    corpus: Corpus,
    *,
    rate: int | None = None,
    level: float = LEVEL,
    contours: bool = False,
    analyst: Analyst | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Brings every recording to one rate and peak level, from the cache where it is there whole.

    Args:
        corpus: what to prepare; recordings that turn out silent or damaged are passed over with a finding.
        rate: Hz; the corpus' own unless given.
        level: peak of each recording, above 0 and at most 1.
        contours: whether to measure pitch as well (slow the first time).
        analyst: the signal whose analysis is wanted as well, if it makes any; it needs the contours too.
        progress: is told the share done, in [0, 1].

    Raises:
        CorpusError: nothing audible is left, or the disk would not hold it.
        ConfigError: a rate or level that makes no sense.
    """
    rate = corpus.rate if rate is None else rate
    if rate not in RATES or not 0.0 < level <= 1.0:
        raise ConfigError(
            f"Audio cannot be prepared at {rate} Hz and level {level}: {RATES[0]} Hz or more, and within 0 and 1."
        )
    report = progress or (lambda _: None)
    analyst = analyst if analyst and analyst.analysis else None
    contours = contours or analyst is not None
    try:
        cache, said = Cache.open()
        _require_room(corpus, cache, rate, level, contours, analyst)
        unique = list({one.digest: one for one in corpus.recordings}.values())
        whole = DECODING if contours else 1.0
        answers = _spread(unique, lambda one: _make_wave(cache, one, rate, level), rate, _within(report, 0.0, whole))
        lengths = {digest: answer for digest, answer in answers.items() if isinstance(answer, int)}
        narrowed = _narrowed(corpus, answers, said)
        bands = _bands(narrowed, cache, rate, level)
        prepared = Prepared(narrowed, rate, level, contours, cache, lengths, bands)
        if contours:
            _make_contours(prepared, _within(report, whole, 1.0 - whole))
        if analyst:
            prepared = replace(prepared, analyst=analyst)
            unique = list({one.digest: one for one in narrowed.recordings}.values())
            _spread(unique, lambda one: _make_analysis(prepared, analyst, one), rate, lambda _: None)
    except OSError as error:
        _refuse(error)
    report(1.0)
    return prepared


def estimate_bytes(
    corpus: Corpus, *, rate: int | None = None, contours: bool = False, analyst: Analyst | None = None
) -> int:
    """How much disk a corpus takes when it is prepared, in bytes."""
    unique = list({one.digest: one for one in corpus.recordings}.values())
    return _bytes(unique, rate or corpus.rate, contours, analyst if analyst and analyst.analysis else None)


def _bytes(recordings: Sequence[Recording], rate: int, contours: bool, analyst: Analyst | None) -> int:
    a_second = 2 * rate + (8 / CONTOUR_HOP if contours or analyst else 0)
    a_second += 2 * len(analyst.prepare(torch.zeros(analyst.hop))) * rate / analyst.hop if analyst else 0
    return sum(round(one.seconds * a_second) + 4096 for one in recordings)


def _require_room(
    corpus: Corpus, cache: Cache, rate: int, level: float, contours: bool, analyst: Analyst | None
) -> None:
    unique = {one.digest: one for one in corpus.recordings}.values()
    waves = [one for one in unique if not cache.exists("wave", wave_key(one.digest, rate, level))]
    needed = _bytes(waves, rate, contours, analyst)
    free = shutil.disk_usage(cache.folder).free
    if waves and needed + SPARE > free:
        raise CorpusError(
            f"Preparing needs {needed / 1e6:.0f} MB in {legible(cache.folder)}, where {free / 1e6:.0f} MB are free: "
            f"make room, or set {FOLDER_VARIABLE} to a folder on another disk."
        )


def _spread(
    recordings: Sequence[Recording], task: Callable[[Recording], T], rate: int, report: Progress
) -> dict[str, T]:
    """The task's answer for each recording, by digest, worked out by threads (the work releases Python's lock)."""
    longest = max(one.seconds for one in recordings)
    threads = max(1, min(8, os.cpu_count() or 1, int(ROOM / (1 + 6 * rate * longest))))
    whole = sum(one.seconds for one in recordings)
    done, answers = 0.0, {}
    pool = ThreadPoolExecutor(threads)
    try:
        waiting = {pool.submit(task, one): one for one in sorted(recordings, key=lambda one: -one.seconds)}
        for future in as_completed(waiting):
            recording = waiting[future]
            answers[recording.digest] = future.result()
            done += recording.seconds
            report(min(1.0, done / whole))
    finally:
        pool.shutdown(cancel_futures=True)
    return answers


def _make_wave(cache: Cache, recording: Recording, rate: int, level: float) -> int | str:
    """Prepares one recording unless it is there; how many samples it has, or why it is of no use."""
    key = wave_key(recording.digest, rate, level)
    facts = cache.facts("wave", key)
    if facts is None:
        try:
            wave, _ = read_wave(recording.path, rate=rate)
            unchanged = file_digest(recording.path) == recording.digest
        except (AudioError, OSError) as error:
            return str(AudioError(error))
        if not unchanged:
            return f"{legible(recording.path)} changed while it was being read: start again when it is finished."
        loudest = _loudest(wave, rate)
        facts = {"samples": len(wave), "loudest": loudest}
        cache.store("wave", key, _levelled(wave, level) if loudest > SILENCE else np.zeros(0, np.int16), facts)
    if not facts["samples"]:
        return f"{legible(recording.path)} has less than one sample at {rate} Hz and is passed over."
    if not facts["loudest"] > SILENCE:
        return f"{legible(recording.path)} is silent: it never rises above {SILENCE:.0f} dBFS, and is passed over."
    return int(facts["samples"])


def _loudest(wave: Tensor, rate: int) -> float:
    """Level of the loudest frame, in dBFS; at least -200, which JSON can hold."""
    frame = max(1, min(len(wave), round(FRAME * rate)))
    frames = wave[: len(wave) // frame * frame].view(-1, frame)
    if not frames.numel():
        return -200.0
    root_mean_square = float(torch.linalg.vector_norm(frames, dim=1).max()) / frame**0.5
    return 20.0 * float(np.log10(max(root_mean_square, 1e-10)))


def _levelled(wave: Tensor, level: float) -> NDArray[np.int16]:
    low, high = (float(value) for value in torch.aminmax(wave))
    gain = FULL_SCALE * level / max(-low, high)
    levelled = np.empty(len(wave), np.int16)
    for start in range(0, len(wave), BLOCK):
        levelled[start : start + BLOCK] = torch.round(wave[start : start + BLOCK] * gain).short().numpy()
    return levelled


def _narrowed(corpus: Corpus, answers: dict[str, int | str], said: Sequence[Finding]) -> Corpus:
    """The corpus without what is of no use."""
    lost = [one for one in corpus.recordings if isinstance(answers[one.digest], str)]
    remedy = "record or export it again, or take it away"
    found = [Finding("warning", one.singer, one.path, str(answers[one.digest]), remedy) for one in lost]
    narrowed = corpus.without(lost, (*said, *found))
    if not narrowed.recordings:
        raise CorpusError(f"{legible(corpus.folder)} holds nothing that can be heard. {found[0].message}")
    return narrowed


def _bands(corpus: Corpus, cache: Cache, rate: int, level: float) -> dict[str, float]:
    unique = {one.digest: one for one in corpus.recordings}.values()
    limits = {one.digest: limit(cache, one, wave_key(one.digest, rate, level), rate) for one in unique}
    return believed(limits, corpus.recordings, rate)


def _make_contours(prepared: Prepared, report: Progress) -> None:
    """Tracks what is not there: many recordings side by side, few ones phrase by phrase."""
    unique = {one.digest: one for one in prepared.corpus.recordings}.values()
    missing = [one for one in unique if prepared.cache.facts("contour", _contour_key(prepared, one)) is None]
    if len(missing) >= 2 * torch.get_num_threads():
        _spread(missing, lambda one: _make_contour(prepared, one, None), prepared.rate, report)
        return
    whole = sum(one.seconds for one in missing)
    done = 0.0
    for one in missing:
        _make_contour(prepared, one, _within(report, done / whole, one.seconds / whole))
        done += one.seconds


def _make_contour(prepared: Prepared, recording: Recording, report: Progress | None) -> None:
    """Tracks one recording, with all threads where somebody watches it."""
    wave = prepared.excerpt(Piece(recording), 0, prepared.lengths[recording.digest])
    workers = None if report else 1
    contour = pitch_contour(wave, prepared.rate, hop=CONTOUR_HOP, workers=workers, glance=True, progress=report)
    frames = torch.stack((contour.pitch, contour.voicing)).float().numpy()
    prepared.cache.store("contour", _contour_key(prepared, recording), frames, {})


def _make_analysis(prepared: Prepared, analyst: Analyst, recording: Recording) -> None:
    """Analyses one recording unless that was done; in 16 bits a number, of which envelopes in dB need fewer."""
    key = prepared.key_of_analysis(recording)
    if prepared.cache.facts("analysis", key) is None:
        piece = Piece(recording)
        found = analyst.prepare(prepared.excerpt(piece, 0, prepared.lengths[recording.digest]), prepared.contour(piece))
        prepared.cache.store("analysis", key, found.T.contiguous().half().numpy(), {})


def _contour_key(prepared: Prepared, recording: Recording) -> str:
    return contour_key(recording.digest, prepared.rate, prepared.level)


def _within(report: Progress, before: float, part: float) -> Progress:
    return lambda share: report(before + part * share)


def _refuse(error: OSError) -> NoReturn:
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    what = "The disk is full" if full else f"Prepared audio cannot be written ({error.strerror or error})"
    remedy = f"make room, or set {FOLDER_VARIABLE} to a folder on another disk; what is done so far is kept"
    raise CorpusError(f"{what}: {remedy}.") from None
