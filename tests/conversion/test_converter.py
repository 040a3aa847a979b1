"""Conversion keeps time, silence, loudness and luck; what it cannot do it says."""

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversion.stand_ins import Hold, Strike, Told, voice_of, with_parts
from vocalise.audio.loudness import integrated_loudness, level, true_peak
from vocalise.audio.phrases import hush
from vocalise.audio.pitch import Contour
from vocalise.checkpoint import load_voice, save_voice
from vocalise.conversion import Converter, latents, singing
from vocalise.conversion.finishing import hush_in_place
from vocalise.errors import AudioError, ConfigError, UnknownSinger, Unsupported

RATES = (8000, 16000, 22050, 44100, 48000, 96000)
HOP = 800


def noise(samples: int, *, channels: int = 0, amplitude: float = 0.1) -> torch.Tensor:
    shape = (channels, samples) if channels else (samples,)
    return amplitude * torch.randn(shape, generator=torch.Generator().manual_seed(samples)).clamp(-3, 3)


def exact(samples: int, rate: int, out_rate: int) -> int:
    return round(Fraction(samples * out_rate, rate))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [0, 2, 6])
def test_a_song_is_exactly_as_long_as_its_source(quick: Converter, rate: int, channels: int) -> None:
    for samples in (1, 2, HOP - 1, HOP, HOP + 1, rate - 1, rate, rate + 1):
        wave = noise(samples, channels=channels)
        sung = quick.convert(wave, rate, to="ada", out_rate=rate)
        assert sung.shape == (samples,) and sung.dtype == torch.float32 and torch.isfinite(sung).all()
        assert len(quick.convert(wave, rate, to="ada")) == exact(samples, rate, 16000)


@given(samples=st.integers(1, 40_000), rate=st.sampled_from(RATES), out=st.sampled_from(RATES), six=st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_length_at_any_pair_of_rates_is_exact(
    quick: Converter, samples: int, rate: int, out: int, six: bool
) -> None:
    sung = quick.convert(noise(samples, channels=6 if six else 0), rate, to="ada", out_rate=out)
    assert sung.shape == (exact(samples, rate, out),)


@pytest.mark.parametrize(("rate", "out"), [(44100, 44100), (48000, 16000), (96000, 22050)])
def test_a_minute_and_a_second_is_exact(quick: Converter, rate: int, out: int) -> None:
    assert len(quick.convert(noise(61 * rate), rate, to="ada", out_rate=out)) == 61 * out


@pytest.mark.parametrize("samples", [1, HOP - 1, HOP, HOP + 1])
def test_the_real_decoder_is_as_exact(real: Converter, samples: int) -> None:
    sung = real.convert(noise(samples), 16000, to="ada", out_rate=16000)
    assert sung.shape == (samples,) and torch.isfinite(sung).all()


def test_what_is_sung_stands_where_it_was_heard(mirror: Converter) -> None:
    steps = 0.1 + 0.5 * torch.rand(20 * 30, generator=torch.Generator().manual_seed(1))
    heard = steps.repeat_interleave(HOP)[:-123]  # half a minute in eight phrases, constant in each frame
    sung = mirror.convert(heard, 16000, to="ada", keep_loudness=False)
    whole = slice(0, 599 * HOP)  # the last frame is filled up with zeros, which are averaged too
    assert (sung / heard - 1.0)[whole].abs().max() < 0.03  # half a level of μ-law is 2.2 %


def test_the_latent_of_windows_is_that_of_the_whole_song(real: Converter) -> None:
    model, wave = real.voice.model, noise(5 * 16000 + 77)
    with torch.no_grad():
        whole = model.encode(wave[None]).z[0]
    torch.testing.assert_close(latents.listen(model, wave), whole, atol=1e-5, rtol=0)
    assert whole.std() > 1e-3


def test_silence_is_never_sung(remade: Callable[..., Converter]) -> None:
    converter = remade(decoder=Strike(HOP, AssertionError("the decoder was asked")))
    assert not converter.convert(torch.zeros(50_000), 44100, to="ada").any()
    faint = noise(50_000, amplitude=1e-5)  # the last of 16 bits
    assert level(converter.convert(faint, 16000, to="ada")) <= level(faint)
    with pytest.raises(AssertionError, match="asked"):
        converter.convert(noise(50_000), 16000, to="ada")


@pytest.mark.parametrize("keep_loudness", [True, False])
def test_silence_stays_silence_between_notes(quick: Converter, keep_loudness: bool) -> None:
    heard = noise(3 * 16000)
    heard[8000:12000] = 0.0
    heard[20000:26000] *= 10 ** (-41.5 / 20)
    assert -62.5 < level(heard[20000:26000]) < -60.5
    sung = quick.convert(heard, 16000, to="ada", keep_loudness=keep_loudness)
    assert not sung[8000:12000].any()
    assert -90 < level(sung[20000:26000]) < -55
    assert level(sung[:8000]) > -40


@pytest.mark.parametrize("softer", [10.0, 40.0])  # dB
def test_a_song_recorded_too_softly_is_sung_like_any_other(real: Converter, softer: float) -> None:
    """Neither as silence, nor hushed where it is softest, nor at another loudness."""
    heard = noise(3 * 16000)
    heard[8000:12000] *= 0.1
    heard[20000:26000] = 0.0
    loud, soft = (real.convert(gain * heard, 16000, to="ada") for gain in (1.0, 10 ** (-softer / 20)))
    assert level(loud) > -40.0
    torch.testing.assert_close(soft * 10 ** (softer / 20), loud, atol=2e-3, rtol=0)


@pytest.mark.parametrize("rate", [16000, 22050])
def test_hushing_in_blocks_is_hushing_the_whole(rate: int) -> None:
    heard, sung = noise(9 * rate + 5), noise(9 * rate + 6)[1:]
    for start in range(rate // 2, 9 * rate, rate * 2 // 3):  # silences near, across and away from the blocks' borders
        heard[start : start + rate // 4] *= 1e-4
    whole = hush(sung, heard, rate)
    hush_in_place(sung, heard, rate, block=1)
    torch.testing.assert_close(sung, whole, atol=1e-7, rtol=1e-6)


def test_the_song_keeps_its_loudness(quick: Converter) -> None:
    for amplitude in (0.01, 0.1):
        heard = noise(4 * 16000, amplitude=amplitude)
        sung = quick.convert(heard, 16000, to="ada")
        assert integrated_loudness(sung, 16000) == pytest.approx(integrated_loudness(heard, 16000), abs=0.1)
    square = torch.sign(torch.sin(torch.arange(4 * 16000) / 9.0))  # louder than its peak allows another wave to be
    assert true_peak(quick.convert(square, 16000, to="ada"), 16000) == pytest.approx(-1.0, abs=0.05)


def test_luck_depends_on_the_seed(quick: Converter) -> None:
    heard = noise(20 * 16000)
    first = quick.convert(heard, 16000, to="ada", seed=3)
    assert torch.equal(first, quick.convert(heard, 16000, to="ada", seed=3))
    assert not torch.equal(first, quick.convert(heard, 16000, to="ada", seed=4))


def test_a_voice_file_sings_as_the_model_that_was_saved(real: Converter, tmp_path: Path) -> None:
    save_voice(tmp_path / "voice.safetensors", real.voice)
    again = Converter(load_voice(tmp_path / "voice.safetensors"))
    heard = noise(801)
    before, after = (c.convert(heard, 16000, to="ada=0.4,Bob=0.6", seed=9) for c in (real, again))
    assert torch.equal(before, after) and before.any()
    assert again.rate == 16000 and again.singers == ("ada", "Bob", "Zoë")


def test_the_coldest_temperature_leaves_nothing_to_luck(real: Converter) -> None:
    cold, other, warm = (real.convert(noise(500), 16000, to="ada", temperature=t, seed=s) for t, s in _LUCK)
    assert torch.equal(cold, other) and not torch.equal(cold, warm)


_LUCK = ((0.0, 1), (1e-30, 2), (1.0, 1))


def test_numpy_and_torch_and_channels_are_all_welcome(quick: Converter) -> None:
    stereo = noise(5000, channels=2)
    wanted = quick.convert(stereo.mean(dim=0), 16000, to="ada")
    for given_ in (stereo, stereo.numpy(), stereo.numpy().astype(np.float64), np.asfortranarray(stereo.numpy())):
        assert torch.equal(quick.convert(given_, 16000, to="ada"), wanted)
    before = stereo.clone()
    quick.convert(stereo[0], 16000, to="ada")
    assert torch.equal(stereo, before)


@pytest.mark.parametrize(
    ("wave", "rate", "what"),
    [
        (torch.zeros(0), 16000, "no samples"),
        (torch.zeros(2, 0), 16000, "no samples"),
        (torch.tensor([0.0, math.nan, 1.0]), 16000, "Sample 1 is nan"),
        (np.array([0.0, 0.0, -np.inf]), 16000, "Sample 2 is -inf"),
        (torch.full((4,), 20_000.0), 16000, "full scale is 1"),
        (torch.zeros(9, dtype=torch.int16), 16000, "divide by 32768"),
        (np.zeros(9, dtype=np.uint16), 16000, "divide by 32768"),
        (np.array(["a"]), 16000, "no sound"),
        (torch.zeros(16000, 2), 16000, "shape"),
        (torch.zeros(1, 2, 16000), 16000, "shape"),
        (torch.zeros(9), 0, "out of range"),
        (torch.zeros(9), 44100.5, "out of range"),
        (torch.zeros(9), math.nan, "out of range"),
    ],
)
def test_what_cannot_be_sound_is_refused(quick: Converter, wave: torch.Tensor, rate: int, what: str) -> None:
    with pytest.raises(AudioError, match=what):
        quick.convert(wave, rate, to="ada")


@pytest.mark.parametrize(
    ("wish", "error", "what"),
    [
        ({"temperature": math.nan}, ConfigError, "temperature"),
        ({"temperature": -0.1}, ConfigError, "temperature"),
        ({"temperature": math.inf}, ConfigError, "temperature"),
        ({"seed": 0.5}, ConfigError, "seed"),
        ({"out_rate": 10}, AudioError, "out of range"),
        ({"to": None}, ConfigError, "ada, Bob"),
        ({"to": "Carl"}, UnknownSinger, "ada, Bob"),
        ({"transpose": 2}, Unsupported, "'usvc'.*--transpose.*recipes that can: .*aria"),
        ({"transpose": "auto"}, Unsupported, "--transpose"),
        ({"transpose": "high"}, ConfigError, "semitones"),
        ({"pitch": Contour(torch.zeros(2), torch.zeros(2), 0.005)}, Unsupported, "'usvc'.*--pitch-in"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(quick: Converter, wish: dict, error: type, what: str) -> None:
    with pytest.raises(error, match=what):
        quick.convert(noise(100), 16000, **{"to": "ada", **wish})


def test_recipes_that_do_not_convert_name_those_that_do() -> None:
    with pytest.raises(Unsupported, match=r"'wavenet' hears nothing.*recipes that can: .*usvc"):
        Converter(voice_of("wavenet"))
    nsynth = Converter(voice_of("nsynth"))
    with pytest.raises(Unsupported, match=r"'nsynth' is not told who sings.*recipes that can: .*usvc"):
        nsynth.convert(noise(100), 16000, to="ada")
    assert len(nsynth.convert(noise(100), 16000, to=None)) == 100


def test_a_recipe_that_is_told_the_pitch_gets_it_transposed(mirror: Converter) -> None:
    told = Told(HOP, times=10)
    model = with_parts(mirror.voice.model, condition=told, decoder=Hold(told.hop))
    converter = Converter(replace(mirror.voice, model=model))
    sung = torch.arange(int(6.1 * 16000))
    contour = Contour(torch.linspace(100.0, 200.0, 1221), torch.ones(1221), 0.005)
    heard = 0.3 * torch.sin(sung * 0.07) + 0.15 * torch.sin(sung * 0.14) + 0.1 * torch.sin(sung * 0.21)
    for transpose, factor in ((0, 1.0), ("12", 2.0), (-12.0, 0.5), ("auto", 2.0)):  # ada's range is around 300 Hz
        told.heard.clear()
        converter.convert(heard, 16000, to="ada", pitch=contour, transpose=transpose)
        pitch = torch.cat([controls.pitch[0] for controls in told.heard])
        assert len(told.heard) == 2
        assert float(pitch[pitch > 0].min()) == pytest.approx(100.0 * factor, rel=1e-3)
        assert float(pitch.max()) == pytest.approx(200.0 * factor, rel=2e-3)
    controls = told.heard[0]
    assert controls.pitch.shape == controls.voicing.shape == controls.loudness.shape
    assert float(controls.loudness.max()) == pytest.approx(level(heard * 0.95 / heard.abs().max()), abs=0.5)
    told.heard.clear()
    converter.convert(heard, 16000, to="ada")  # its own melody: 0.07 rad a sample
    voiced = told.heard[0].pitch[told.heard[0].voicing > 0]
    assert float(voiced.median()) == pytest.approx(0.07 * 16000 / (2 * math.pi), rel=0.01)


def test_state_is_bounded_and_progress_counts_seconds(quick: Converter) -> None:
    said: list[tuple[float, float]] = []
    quick.voice.model.decoder.widest = 0
    quick.convert(
        noise(20 * 16000), 16000, to="ada", progress=lambda what, done, total, note="": said.append((done, total))
    )
    assert quick.voice.model.decoder.widest == singing.CHUNK
    dones = [done for done, _ in said]
    assert dones == sorted(dones) and dones[-1] == said[-1][1]
    assert 20.0 <= dones[-1] < 21.0 and len(said) > 5
