import io
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from vocalise.audio.pitch import Contour
from vocalise.measures.axes import legible, midi, note_name
from vocalise.measures.pictures import (
    comparison,
    loss_curves,
    pitch_curves,
    pitch_histogram,
    smoothed,
    spectrogram,
)

RATE = 16_000


def pixels(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG\r\n")
    return imread(io.BytesIO(png))[..., :3]


def tone(hertz: float, seconds: float = 1.0) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hertz * torch.arange(round(seconds * RATE)) / RATE)


def contour(pitch: torch.Tensor) -> Contour:
    return Contour(pitch, (pitch > 0).float(), 0.005)


def journal(steps: int = 400) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"step": step, "bits": 3.0 + 5.0 * math.exp(-step / 50), "learning_rate": 1e-3 * 0.99 ** (step // 10)}
        for step in range(steps)
    ]
    return [*rows, {"step": 200, "held_out_bits": 3.4}, {"note": "no step"}, {"step": 5, "bits": math.nan}]


def test_a_tone_is_a_bright_line_at_its_frequency():
    heights = []
    for hertz in (2000.0, 6000.0):
        image = pixels(spectrogram(tone(hertz), RATE))
        column = image[:, image.shape[1] // 2].sum(axis=1)
        inside = np.flatnonzero(column < 2.9)  # what is not paper
        top, bottom = inside.min(), inside[inside < 0.9 * len(column)].max()
        inner = slice(top + 4, bottom - 14)
        heights.append(1.0 - (inner.start + int(column[inner].argmax()) - top) / (bottom - top))
    low, high = heights
    assert high - low == pytest.approx(0.5, abs=0.05)


def test_all_pictures_are_pictures_of_the_same_width():
    sung = contour(220 * 2 ** (0.05 * torch.sin(torch.arange(200) / 6.0)))
    pictures = [
        spectrogram(tone(500.0), RATE, title="a tone", contour=sung),
        comparison([("source", tone(500.0), RATE, sung), ("conversion", tone(700.0), 22_050, None)]),
        pitch_curves({"source": sung, "conversion": sung}),
        pitch_histogram({"ada": sung.pitch, "bob": sung.pitch * 2}, title="two singers"),
        loss_curves(journal(), title="run", phases=[(300, "backtranslation")]),
    ]
    images = [pixels(png) for png in pictures]
    assert {image.shape[1] for image in images} == {990}
    assert all(image.std() > 0.05 for image in images)


def test_what_is_told_is_drawn():
    sung = contour(torch.full((200,), 220.0))
    assert spectrogram(tone(500.0), RATE) != spectrogram(tone(500.0), RATE, contour=sung)
    assert loss_curves(journal()) != loss_curves(journal(), phases=[(300, "backtranslation")])
    assert pitch_curves({"a": sung}) != pitch_curves({"b": sung})


@pytest.mark.parametrize("samples", [0, 700])
def test_silence_and_scraps_make_pictures_too(samples):
    silence, unvoiced = torch.zeros(samples), contour(torch.zeros(samples // 80 + 1))
    pixels(spectrogram(silence, RATE, contour=unvoiced))
    pixels(pitch_curves({"silence": unvoiced}))
    pixels(pitch_histogram({"silence": unvoiced.pitch}))


def test_nothing_makes_an_empty_picture():
    for png in (loss_curves([]), pitch_curves({}), pitch_histogram({})):
        pixels(png)


def test_names_may_hold_anything():
    names = ["_hidden", "$x_1$ and $", "Зоя", "歌い手", "line\nbreak", "", "<b>&"]
    sung = contour(torch.full((50,), 220.0))
    pixels(pitch_curves(dict.fromkeys(names, sung), title=" ".join(names)))
    pixels(pitch_histogram(dict.fromkeys(names, sung.pitch), title="$ 歌 $"))
    pixels(comparison([(name, tone(300.0, 0.2), RATE, None) for name in names]))
    assert legible("Зоя ♯") == "Зоя ♯"
    assert legible("歌") == "□"


def test_the_same_facts_give_the_same_bytes_in_any_thread():
    wave = tone(440.0)
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda _: spectrogram(wave, RATE, title="a tone"), range(4)))
    assert len(set(drawn)) == 1


@pytest.mark.slow
def test_no_display_and_no_global_state_are_used():
    code = "import sys, vocalise.measures.pictures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_notes_are_named_by_pitch():
    assert note_name(69) == "A4 440"
    assert note_name(60) == "C4 262"
    assert midi(880.0) == pytest.approx(81.0)


def test_smoothing_neither_lags_nor_shifts():
    line = [0.5 * n for n in range(400)]
    middle = slice(0, 394)
    assert smoothed(line)[middle] == pytest.approx(line[middle])
    noise = torch.randn(400, generator=torch.Generator().manual_seed(0))
    assert float(torch.tensor(smoothed(noise.tolist())).std()) < 0.5 * float(noise.std())
    assert smoothed([]) == []
    assert smoothed([1.0]) == [1.0]
