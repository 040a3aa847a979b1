"""The ground floor: pure functions on waves, no learning. It may be used by anyone, and knows nobody."""

from vocalise.audio.augment import AUGMENTATIONS, Phrase
from vocalise.audio.files import (
    AUDIO_SUFFIXES,
    Facts,
    check_writable,
    describe,
    read_wave,
    resample,
    resampled_length,
    write_aside,
    write_wave,
)
from vocalise.audio.loudness import frame_levels, integrated_loudness, level, match_loudness, true_peak
from vocalise.audio.mulaw import compress, expand, from_classes, to_classes
from vocalise.audio.phrases import Span, cut, hush, join, silent_stretches, widen
from vocalise.audio.pitch import Contour, contour_at, pitch_contour
from vocalise.audio.spectrum import cepstra, log_mel, log_spectrum, mel_filters, mel_spectrum, mfcc, stft, to_decibels

__all__ = [
    "AUDIO_SUFFIXES",
    "AUGMENTATIONS",
    "Contour",
    "Facts",
    "Phrase",
    "Span",
    "cepstra",
    "check_writable",
    "compress",
    "contour_at",
    "cut",
    "describe",
    "expand",
    "frame_levels",
    "from_classes",
    "hush",
    "integrated_loudness",
    "join",
    "level",
    "log_mel",
    "log_spectrum",
    "match_loudness",
    "mel_filters",
    "mel_spectrum",
    "mfcc",
    "pitch_contour",
    "read_wave",
    "resample",
    "resampled_length",
    "silent_stretches",
    "stft",
    "to_classes",
    "to_decibels",
    "true_peak",
    "widen",
    "write_aside",
    "write_wave",
]
