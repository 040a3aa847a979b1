"""Singers of the choir differ as people do: an ear that knows only cepstra tells them apart."""

import numpy as np
from scipy.fft import dct

from vocalise.data.choir import compose, perform, singers

RATE = 16_000


def cepstra(wave: np.ndarray) -> np.ndarray:
    """Mel cepstra 1 to 19 of the frames that are not silent, (frames, 19); silent ones are NaN."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 7600 / 700), 42) / 2595) - 1)
    hertz = np.fft.rfftfreq(512, 1 / RATE)
    rising, falling = ((hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]), (edges[2:, None] - hertz)
    filters = np.clip(np.minimum(rising, falling / np.diff(edges)[1:, None]), 0, None)
    frames = np.lib.stride_tricks.sliding_window_view(wave, 400)[::160] * np.hanning(400)
    power = abs(np.fft.rfft(frames, 512)) ** 2 @ filters.T
    found = dct(np.log(power + 1e-8), norm="ortho")[:, 1:20]
    found[power.sum(1) < 1e-3 * np.median(power.sum(1))] = np.nan
    return found


def likelihoods(heard: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Log likelihood of each frame under a Gaussian of full covariance fitted to the others."""
    learnt = learnt[~np.isnan(learnt).any(1)]
    spread = np.cov(learnt.T)
    off = heard - learnt.mean(0)
    return -0.5 * (np.einsum("ti,ij,tj->t", off, np.linalg.inv(spread), off) + np.linalg.slogdet(spread)[1])


def test_a_gaussian_tells_six_singers_apart_on_songs_it_has_not_heard():
    songs, cast = compose(1.0), singers(6)
    heard = {(s.name, k): cepstra(perform(song, s, RATE).wave.numpy()) for s in cast for k, song in enumerate(songs)}
    right = pieces = 0
    for unseen in range(len(songs)):
        others = [k for k in range(len(songs)) if k != unseen]
        learnt = {s.name: np.concatenate([heard[s.name, k] for k in others]) for s in cast}
        for singer in cast:
            scores = np.stack([likelihoods(heard[singer.name, unseen], learnt[s.name]) for s in cast], axis=1)
            for start in range(0, len(scores) - 298, 300):
                judged = int(np.nansum(scores[start : start + 300], axis=0).argmax())
                right += cast[judged] == singer
                pieces += 1
    assert pieces == 96
    assert right / pieces >= 0.95
