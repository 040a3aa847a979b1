"""Gestures: all that a singer does over time, frame by frame: pitch, breath, and the way of the tract.

Targets step from sound to sound and are smoothed by windows; where a sound is shorter than its window the target is
not reached, which is what coarticulation is. Consonants lean towards their vowels (locus equations).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import convolve1d, gaussian_filter1d

from vocalise.data.choir.diction import Segment
from vocalise.data.choir.glottis import HARDEST, SOFTEST
from vocalise.data.choir.phonemes import CONSONANTS, VOWELS, Array, is_vowel
from vocalise.data.choir.score import CENTRE, Note, Song
from vocalise.data.choir.singers import Singer
from vocalise.data.choir.tract import NASAL_POLE, bandwidths

FRAMES_PER_SECOND = 400
MOVING, ONSET, HISSING = 0.075, 0.03, 0.009  # seconds: windows of the tract, the voice, the noises
SWELL = 0.2  # dB a semitone: high notes are sung louder
INHALE = -31.0  # dB
AUDIBLE = 0.03  # voice gain above which a frame counts as voiced


@dataclass(frozen=True)
class Gestures:
    """A whole song's worth of control, in frames of `step` samples."""

    pitch: Array  # (frames,)      Hz, defined everywhere
    voice: Array  # (frames,)      gain of the voice, 1 for a vowel at medium loudness
    breath: Array  # (frames,)     gain of the noise at the glottis
    hisses: Mapping[str, Array]  # (frames,) each: gains of the noises at a constriction, by colour
    formants: Array  # (frames, 5) Hz
    widths: Array  # (frames, 5)   Hz
    zero: Array  # (frames,)       Hz
    rd: Array  # (frames,)         shape of the glottal pulse

    @property
    def voiced(self) -> Array:
        """1 where the vocal folds can be heard, else 0, (frames,)."""
        return (self.voice > AUDIBLE).astype(np.float64)


def gesticulate(
    song: Song, segments: tuple[Segment, ...], singer: Singer, times: Array, rng: np.random.Generator
) -> Gestures:
    """All gestures of a singer in a song, at times (frames,) in s."""
    rate = 1 / (times[1] - times[0])
    place = np.searchsorted(np.array([s.start for s in segments]), times, side="right") - 1
    place = np.clip(place, 0, None)

    def smooth(targets: list[float] | Array, seconds: float) -> Array:
        return np.asarray(convolve1d(np.asarray(targets)[place], window(seconds * rate), axis=0, mode="nearest"))

    pitch = melody(song.notes, singer, times, rng)
    loud = _loudness(song.notes, times, rng)
    effort = np.clip(loud + SWELL * (12 * np.log2(pitch / 440) + 69 - CENTRE - 12 * singer.octave), -9, 9)
    gain = 10 ** (effort / 20)
    voice = smooth([_gain(s.phase.voice) for s in segments], ONSET) * _release(song.notes, times)
    breathing = smooth([_gain(s.phase.breath) for s in segments], 2 * HISSING) + _inhalations(song, segments, times)
    ways = {
        (s.sound, s.vowel): np.log(_formants(s, singer)) for s in {(s.sound, s.vowel): s for s in segments}.values()
    }
    formants = np.exp(smooth(np.array([ways[s.sound, s.vowel] for s in segments]), MOVING))
    formants[:, 0] = np.maximum(formants[:, 0], 1.04 * pitch)  # sopranos tune F1 to the note (Sundberg, 1975)
    widths = singer.damping * bandwidths(formants)
    widths[:, 0] *= smooth([s.phase.wide for s in segments], ONSET)
    colours = [_colour(s) for s in segments]
    hisses = {
        name: smooth(
            [_gain(s.phase.hiss) if c == name else 0.0 for s, c in zip(segments, colours, strict=True)], HISSING
        )
        for name in sorted({*colours} - {""})
    }
    return Gestures(
        pitch=pitch,
        voice=voice * gain,
        breath=breathing + voice * np.sqrt(gain) * _gain(singer.breath),
        hisses=hisses,
        formants=formants,
        widths=widths,
        zero=np.exp(smooth(np.log([_zero(s, singer) for s in segments]), MOVING)),
        rd=np.clip(singer.rd * 2 ** (-effort / 9), HARDEST, SOFTEST),
    )


def window(length: float) -> Array:
    """A Hann window of an odd number of frames nearest to `length`, of sum one."""
    half = max(1, round(length / 2))
    shape = np.hanning(2 * half + 1)[1:-1] if half > 1 else np.array([0.25, 0.5, 0.25])
    return np.asarray(shape / shape.sum())


def melody(notes: tuple[Note, ...], singer: Singer, times: Array, rng: np.random.Generator) -> Array:
    """The pitch contour in Hz: notes, glides between them, scoops, vibrato and a little drift."""
    rate = 1 / (times[1] - times[0])
    starts = np.array([note.start for note in notes])
    changes = starts - 0.35 * singer.glide  # the new pitch is reached soon after the vowel begins
    changes[1:] = np.where([n.final for n in notes[:-1]], starts[1:] - 0.25, changes[1:])
    place = np.clip(np.searchsorted(changes, times, side="right") - 1, 0, None)
    steps = np.array([note.pitch for note in notes], dtype=np.float64)[place]
    semitones = convolve1d(steps, window(2 * singer.glide * rate), mode="nearest")
    first = np.array([k == 0 or notes[k - 1].final for k in range(len(notes))])
    since = times - starts[place]
    semitones -= first[place] * singer.scoop / 100 * np.exp(-np.maximum(since, 0) / 0.07)
    drift = gaussian_filter1d(rng.standard_normal(len(times)), 0.12 * rate)
    semitones += 0.07 * drift / max(float(np.std(drift)), 1e-9)
    semitones += _vibrato(notes, singer, times, rng) / 100
    return np.asarray(440 * 2 ** ((semitones + 12 * singer.octave - 69) / 12))


def _vibrato(notes: tuple[Note, ...], singer: Singer, times: Array, rng: np.random.Generator) -> Array:
    """Vibrato in cents: it sets in on held notes only, and its rate wanders by a few percent."""
    rate = 1 / (times[1] - times[0])
    speed, extent, onset = singer.vibrato
    wander = gaussian_filter1d(rng.standard_normal(len(times)), 0.3 * rate)
    wander /= max(float(np.std(wander)), 1e-9)
    phase = 2 * np.pi * (np.cumsum(speed * (1 + 0.04 * wander)) / rate + rng.random())
    place = np.clip(np.searchsorted([n.start for n in notes], times, side="right") - 1, 0, None)
    starts, stops = np.array([n.start for n in notes])[place], np.array([n.stop for n in notes])[place]
    delay = np.minimum(onset, 0.6 * (stops - starts))
    depth = np.clip((times - starts - delay) / 0.2, 0, 1) * np.clip((stops - times) / 0.08, 0, 1)
    held = (stops - starts) > 0.35
    return np.asarray(extent * convolve1d(depth * held, window(0.06 * rate), mode="nearest") * np.sin(phase))


def _loudness(notes: tuple[Note, ...], times: Array, rng: np.random.Generator) -> Array:
    """Dynamics in dB: an arch over each phrase, and every note a little different."""
    rate = 1 / (times[1] - times[0])
    levels, phrase = np.zeros(len(notes)), 0
    for place, note in enumerate(notes):
        if note.final:
            arch = np.sin(np.pi * (np.arange(place - phrase + 1) + 0.7) / (place - phrase + 1.6))
            levels[phrase : place + 1] = -4 + 5.5 * arch
            phrase = place + 1
    levels += rng.normal(0, 0.8, len(notes))
    current = np.clip(np.searchsorted([n.start for n in notes], times + 0.03, side="right") - 1, 0, None)
    return np.asarray(convolve1d(levels[current], window(0.16 * rate), mode="nearest"))


def _release(notes: tuple[Note, ...], times: Array) -> Array:
    """Gain that lets the last note of each phrase die away in 0.16 s."""
    gain = np.ones(len(times))
    for note in notes:
        if note.final:
            near = (times > note.stop - 0.16) & (times < note.stop + 0.1)
            gain[near] = np.cos(np.pi / 2 * np.clip((times[near] - note.stop + 0.16) / 0.16, 0, 1)) ** 2
    return gain


def _inhalations(song: Song, segments: tuple[Segment, ...], times: Array) -> Array:
    """Gain of the breaths drawn before each phrase, in the last third of a second of the pause."""
    gain = np.zeros(len(times))
    for segment in segments:
        if segment.sound == segment.vowel and segment.phase.seconds == 0 and segment.phase.voice < -100:
            if segment.stop >= song.seconds:
                continue
            length = min(0.34, 0.8 * (segment.stop - segment.start))
            share = np.clip((times - segment.stop + length + 0.04) / length, 0, 1)
            gain += _gain(INHALE) * np.sin(np.pi * share) ** 2
    return gain


def _gain(level: float) -> float:
    return 10 ** (level / 20) if level > -100 else 0.0


def _formants(segment: Segment, singer: Singer) -> Array:
    """Target of F1 to F5 in Hz, (5,)."""
    vowel = singer.vowel(segment.vowel)
    if is_vowel(segment.sound):
        return vowel
    consonant = CONSONANTS[segment.sound]
    own = np.array(consonant.formants) * singer.scale
    follow = np.array([0.95 if segment.sound == "HH" else 0.05, consonant.follow, 0.5 * consonant.follow])
    return singer.complete(own ** (1 - follow) * vowel[:3] ** follow)


def _zero(segment: Segment, singer: Singer) -> float:
    """Target of the nasal zero in Hz; a nasal voice never quite shuts the nose."""
    zero = None if is_vowel(segment.sound) else CONSONANTS[segment.sound].zero
    return singer.scale * (NASAL_POLE * (1 - singer.nasal) if zero is None else float(zero))


def _colour(segment: Segment) -> str:
    """Which noise a segment makes; the burst of K and G is lower before a back vowel."""
    if is_vowel(segment.sound):
        return ""
    noise = CONSONANTS[segment.sound].noise
    return "kb" if noise == "k" and VOWELS[segment.vowel][0, 1] < 1500 else noise


def stream(seed: int, song: str, singer: str) -> np.random.Generator:
    """The random numbers of one performance, independent of those of all others."""
    return np.random.default_rng([seed, zlib.crc32(song.encode()), zlib.crc32(singer.encode())])
