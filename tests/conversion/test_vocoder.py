"""Voices whose pitch goes round the network: what is sung is the song's own melody, moved."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from tests.conversion.stand_ins import voice_of
from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.config import override
from vocalise.conversion import Converter, phrases
from vocalise.conversion.curves import STEPS, semitones_towards, towards
from vocalise.conversion.latents import listen

RATE = 16_000


def song(seconds: float = 2.0, rate: int = RATE) -> torch.Tensor:
    """A glide of a fifth with vibrato, bright, in two phrases."""
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    pitch = 180.0 * 2.0 ** (7.0 / 12.0 * time / seconds + 0.03 * torch.sin(2 * math.pi * 5.0 * time))
    phase = 2 * math.pi * torch.cumsum(pitch, 0) / rate
    wave = sum(torch.sin(n * phase) / n for n in range(1, 12)) * 0.2
    wave[(time > 0.9) & (time < 1.05)] *= 0.01
    return wave.float()


def compared(sung: torch.Tensor, theirs: Contour) -> tuple[float, float]:
    """Correlation of log F0, and the median offset in semitones."""
    ours = pitch_contour(sung, RATE)
    both = ours.voicing * theirs.voicing > 0
    assert both.float().mean() > 0.7
    lines = torch.stack([ours.pitch[both].log2(), theirs.pitch[both].log2()])
    return float(torch.corrcoef(lines)[0, 1]), 12.0 * float((lines[0] - lines[1]).median())


@pytest.fixture(scope="module")
def converter() -> Converter:
    return Converter(voice_of("vaevc"))


@pytest.fixture(scope="module")
def heard() -> torch.Tensor:
    return song()


@pytest.fixture(scope="module")
def melody(heard: torch.Tensor) -> Contour:
    return pitch_contour(heard, RATE)


@pytest.mark.parametrize(
    ("to", "transpose"),
    [("ada", None), ("Bob", None), ("ada", -5), ("Zoë", None), ("ada=0.5,Bob=0.5", "mean")],
)
def test_the_melody_goes_to_the_singers_mean_or_where_it_is_told(converter, heard, melody, to, transpose):
    sung = converter.convert(heard, RATE, to=to, transpose=transpose)
    assert sung.shape == heard.shape
    ada, bob = (200.0, 300.0, 500.0), (80.0, 120.0, 200.0)
    marks = {"ada": ada, "Bob": bob, "Zoë": ()}.get(to, tuple(math.sqrt(a * b) for a, b in zip(ada, bob, strict=True)))
    meant = semitones_towards(melody, marks, STEPS["mean"])
    correlation, offset = compared(sung, melody)
    assert correlation > 0.99
    assert offset == pytest.approx(meant if transpose in (None, "mean") else transpose, abs=0.1)


def test_faithful_stretches_intervals_to_the_singers_spread():
    line = 200.0 * 2.0 ** torch.linspace(0.0, 1.0, 1001)
    contour = Contour(line, (torch.arange(1001) % 10 > 0).float(), 0.005)
    contour = replace(contour, pitch=contour.pitch * contour.voicing)
    marks = tuple(100.0 * 2.0 ** (2.0 * share) for share in (0.05, 0.5, 0.95))  # twice as wide
    moved = towards(contour, marks, "faithful")
    sung = moved.voicing > 0
    octaves = moved.pitch[sung].log2()
    assert torch.allclose(octaves, (math.log2(100.0) + 2.0 * torch.linspace(0.0, 1.0, 1001))[sung], atol=0.02)
    assert not moved.pitch[~sung].any()
    kept = towards(contour, marks, "mean").pitch[sung].log2()
    assert float(kept[-1] - kept[0]) == pytest.approx(float(line[sung][-1].log2() - line[sung][0].log2()), abs=1e-4)
    assert torch.equal(towards(contour, (), "faithful").pitch, contour.pitch)


def test_a_recipe_may_leave_the_melody_or_be_faithful():
    voice = voice_of("vaevc")
    for how, meant in (("0", 0.0), ("faithful", "faithful")):
        chosen = override(voice.recipe, f"model.signal.transpose={how}")
        made = replace(voice, recipe=chosen, model=chosen.model.build(singers=3).eval())
        assert Converter(made).plan(to="ada").transpose == meant
    assert Converter(voice).plan(to="ada").transpose == "mean"
    assert Converter(voice_of("aria")).plan(to="ada").transpose == 0.0


def test_another_melody_can_be_sung(converter, heard):
    flat = Contour(torch.full((401,), 150.0), torch.ones(401), 0.005)
    sung = converter.convert(heard, RATE, to="ada", pitch=flat, transpose=12)
    found = pitch_contour(sung, RATE)
    assert 12.0 * math.log2(float(found.pitch[found.voicing > 0].median()) / 300.0) == pytest.approx(0.0, abs=0.05)


def test_what_is_heard_in_windows_is_what_is_heard_at_once(converter):
    model, wave = converter.voice.model, song(5.3)
    contour = pitch_contour(wave, RATE)
    with torch.no_grad():
        analysis = model.signal.prepare(F.pad(wave, (0, -len(wave) % model.hop)), contour)[None]
        whole = model.encode(wave[None], analysis).z[0]
    found = listen(model, wave, contour)
    assert found.shape == whole.shape
    assert (found - whole).abs().amax(dim=0).median() < 1e-4 and (found - whole).abs().max() < 0.05


def test_a_long_song_is_joined_without_losing_its_melody(converter, monkeypatch):
    monkeypatch.setattr(phrases, "PHRASES", (1.0, 2.5))  # so that some seconds are long
    heard = torch.cat([song(), torch.zeros(RATE // 4), song()])
    sung = converter.convert(heard, RATE, to="ada", transpose=0)
    correlation, offset = compared(sung, pitch_contour(heard, RATE))
    assert len(sung) == len(heard) and correlation > 0.99 and abs(offset) < 0.05


@pytest.mark.parametrize(("rate", "out"), [(44_100, 44_100), (22_050, None)])
@pytest.mark.parametrize("samples", [1, 79, 5001])
def test_length_is_exact_at_every_rate(converter, rate, out, samples):
    sung = converter.convert(0.1 * torch.randn(samples), rate, to="ada", out_rate=out)
    assert len(sung) == round(samples * (out or RATE) / rate) and torch.isfinite(sung).all()
