import math
from collections.abc import Callable

import pytest
import torch

from vocalise.data.choir import Performance, compose, perform, singers
from vocalise.measures import joins
from vocalise.measures.joins import clicks, length_error, noise_floor, silent_share

RATE = 16_000
SONG = 15.0  # seconds


@pytest.fixture(scope="module")
def choir() -> dict[str, Performance]:
    """A song by three singers, consonants, vibrato and all."""
    song = compose(1.0, 0)[0]
    return {singer.name: perform(song, singer) for singer in singers(3)}


def noise(samples: int, decibels: float, seed: int = 0) -> torch.Tensor:
    return 10 ** (decibels / 20) * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def loud_places(wave: torch.Tensor) -> list[int]:
    """Samples well away from zero in loud moments, at least half a second apart."""
    found: list[int] = []
    for start in range(RATE // 2, len(wave) - RATE, RATE // 2):
        piece = wave[start : start + RATE // 4].abs()
        if float(piece.max()) > 0.3 * float(wave.abs().max()):
            # not the very peak, which a smooth wave turns over at: a sample on the way there
            found.append(start + int((piece > 0.6 * piece.max()).nonzero()[0]))
    return found


def dropped(wave: torch.Tensor, place: int) -> None:
    wave[place] = 0.0


def stepped(wave: torch.Tensor, place: int) -> None:
    wave[place:] += float(wave[place].abs()) * torch.exp(-torch.arange(len(wave) - place) / 400.0)


def turned(wave: torch.Tensor, place: int) -> None:
    """From here on the wave is upside down: the phase jumps by half a turn."""
    wave[place:] *= -1.0


def skipped(wave: torch.Tensor, place: int) -> None:
    """From here on it is some milliseconds ahead, where it has the opposite sign."""
    ahead = next(n for n in range(16, 400) if wave[place + n] * wave[place] < 0 and wave[place + n].abs() > 0.05)
    wave[place : len(wave) - ahead] = wave[place + ahead :].clone()


@pytest.mark.parametrize("fault", [dropped, stepped, turned, skipped])
@pytest.mark.parametrize("decibels", [-math.inf, -60.0])
def test_jumps_in_singing_are_found_where_they_are(choir, fault: Callable[[torch.Tensor, int], None], decibels):
    found = total = false = 0
    for take in choir.values():
        sung = take.wave[: 8 * RATE]
        for place in loud_places(sung)[::3]:
            wave = sung.clone()
            fault(wave, place)
            if math.isfinite(decibels):
                wave += noise(len(wave), decibels)
            heard = clicks(wave, RATE)
            near = (heard - place / RATE).abs() < 0.002
            found, total, false = found + bool(near.any()), total + 1, false + int((~near).sum())
    assert total >= 10
    assert found >= 0.8 * total
    assert false <= 1


def test_singing_has_none(choir):
    for take in choir.values():
        for wave in (take.wave, take.wave + noise(len(take.wave), -50.0), 0.01 * take.wave):
            assert len(clicks(wave, RATE)) == 0
        bursts = [syllable.start for syllable in take.syllables if syllable.text[0].lower() in "ktp"]
        assert bursts  # the song has plosives


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_singing_has_none_at_other_rates_and_a_gap_is_found_there(rate):
    if rate < 16_000:
        from vocalise.audio.resampling import resample

        wave = resample(perform(compose(1.0, 0)[0], singers(1)[0]).wave, 16_000, rate)
    else:
        wave = perform(compose(1.0, 0)[0], singers(1)[0], rate).wave
    assert len(clicks(wave, rate)) == 0
    place = int(wave[4 * rate : 6 * rate].abs().argmax()) + 4 * rate
    wave[place : place + rate // 4000] = -wave[place]
    assert bool(((clicks(wave, rate) - place / rate).abs() < 0.002).any())


def test_tones_vibrato_and_noise_have_none():
    time = torch.arange(5 * RATE, dtype=torch.float64) / RATE
    phase = 2 * math.pi * (220 * time - 12 * torch.cos(2 * math.pi * 5.5 * time) / (2 * math.pi * 5.5))
    vibrato = sum(torch.sin(n * phase) / n for n in range(1, 30))
    for wave in (torch.sin(phase), 0.1 * vibrato, noise(20 * RATE, -20.0), 0.1 * vibrato + noise(5 * RATE, -40.0)):
        assert len(clicks(wave, RATE)) == 0


def test_a_single_sample_in_silence_is_a_click():
    wave = torch.zeros(2 * RATE)
    wave[: RATE // 2] = 0.3 * torch.sin(0.1 * torch.arange(RATE // 2)) * torch.hann_window(RATE // 2)
    assert len(clicks(wave, RATE)) == 0
    wave[RATE] = 0.3
    assert clicks(wave, RATE).tolist() == [1.0]


def test_what_cannot_be_heard_beside_the_voice_is_no_click():
    window = torch.hann_window(RATE)
    voice = 0.1 * torch.sin(0.1 * torch.arange(RATE)) * window
    louder = torch.sin(0.1 * torch.arange(RATE // 8)) * torch.hann_window(RATE // 8)
    quiet = torch.zeros(RATE)
    for size, heard in ((0.002, []), (0.02, [4.5])):  # of the voice's amplitude: 3 % and 30 %
        wave = torch.cat([voice, voice, voice, voice, quiet])
        wave[RATE * 9 // 2] = size
        assert clicks(wave, RATE).tolist() == heard
    wave = torch.cat([voice, voice, voice, voice, quiet, louder, quiet])
    for place in (4.5, 5.0 - 0.03):  # just before a much louder moment nobody hears it
        wave[round(place * RATE)] = 0.02
    assert clicks(wave, RATE).tolist() == [4.5]


def test_an_excerpt_may_begin_and_end_in_the_middle_of_a_note(choir):
    wave = choir["Bruno"].wave
    loudest = int(wave[5 * RATE : 6 * RATE].abs().argmax()) + 5 * RATE
    assert len(clicks(wave[loudest : loudest + 3 * RATE], RATE)) == 0


def test_a_long_song_is_worked_through_in_blocks_without_a_seam(choir, monkeypatch):
    wave = choir["Clara"].wave.clone()
    for place in loud_places(wave):
        dropped(wave, place)
    whole = clicks(wave, RATE)
    monkeypatch.setattr(joins, "_BLOCK", 61)
    assert len(whole) >= 5
    assert clicks(wave, RATE).tolist() == whole.tolist()


def test_the_noise_floor_is_that_which_was_put_in():
    burst = torch.cat([noise(RATE, -10.0), torch.zeros(RATE)])
    for floor in (-40.0, -60.0):
        wave = burst + noise(len(burst), floor, seed=1)
        assert noise_floor(wave, RATE) == pytest.approx(floor + 10.0, abs=1.0)
    assert noise_floor(noise(5 * RATE, -20.0), RATE) > -1.5  # noise alone has no loud moments
    assert noise_floor(burst, RATE) == pytest.approx(-90.0, abs=1.0)  # digital silence counts as -100 dBFS


def test_the_choirs_noise_floor_rises_with_the_noise(choir):
    wave = choir["Ada"].wave
    floors = [noise_floor(wave + noise(len(wave), level), RATE) for level in (-70, -60, -50, -40, -30)]
    assert floors == sorted(floors)
    assert noise_floor(wave, RATE) < -45.0


def test_holes_in_a_conversion_are_counted_by_their_length(choir):
    source, converted = choir["Ada"].wave, choir["Bruno"].wave.clone()
    assert silent_share(source, source, RATE) == 0.0
    assert silent_share(source, 0.2 * converted, RATE) < 0.01  # softer as a whole
    assert silent_share(source, torch.cat([converted[800:], torch.zeros(800)]), RATE) < 0.01  # 50 ms early
    assert silent_share(source, torch.zeros_like(source), RATE) == 1.0
    assert silent_share(source, 1e-4 * converted, RATE) > 0.9
    assert silent_share(source, noise(len(source), -20.0), RATE) == 0.0  # noise is another failure
    for seconds in (2, 5):
        holed = converted.clone()
        holed[3 * RATE : (3 + seconds) * RATE] = 0.0
        assert silent_share(source, holed, RATE) == pytest.approx(seconds / SONG, abs=0.07)
    half = silent_share(source, converted[: len(converted) // 2], RATE)  # it ends too early
    assert half == pytest.approx(0.5, abs=0.1)


def test_a_hole_is_forty_decibels_deep_and_longer_than_a_tenth_of_a_second():
    source = noise(4 * RATE, -6.0)

    def holed(decibels: float, seconds: float) -> torch.Tensor:
        wave = source.clone()
        wave[RATE : RATE + round(seconds * RATE)] *= 10 ** (decibels / 20)
        return wave

    assert silent_share(source, holed(-35.0, 1.0), RATE) == 0.0
    assert silent_share(source, holed(-45.0, 1.0), RATE) == pytest.approx(0.25, abs=0.04)
    assert silent_share(source, holed(-math.inf, 0.1), RATE) == 0.0
    assert silent_share(source, holed(-math.inf, 0.3), RATE) > 0.03
    # Softer by 20 dB as a whole, it may be softer by 20 dB everywhere; by 68 dB, it is silent.
    assert silent_share(source, 0.1 * holed(-25.0, 1.0), RATE) == 0.0
    assert silent_share(source, 10 ** (-68 / 20) * source, RATE) == 1.0


def test_pauses_of_the_source_need_not_be_filled(choir):
    sung = choir["Ada"].wave[: 4 * RATE]
    source = torch.cat([sung, noise(4 * RATE, -45.0)])
    assert silent_share(source, torch.cat([sung, torch.zeros(4 * RATE)]), RATE) < 0.02


def test_lengths_are_compared_in_seconds():
    assert length_error(torch.zeros(16_000), torch.zeros(16_000), RATE) == 0.0
    assert length_error(torch.zeros(16_000), torch.zeros(14_400), RATE) == pytest.approx(0.1)
    assert length_error(torch.zeros(16_000), torch.zeros(17_600), RATE) == pytest.approx(0.1)


@pytest.mark.parametrize("samples", [0, 1, 100, 799, 801, RATE])
def test_silence_has_no_clicks_and_defines_nothing(samples):
    silence = torch.zeros(samples)
    assert len(clicks(silence, RATE)) == 0
    assert math.isnan(noise_floor(silence, RATE))
    assert math.isnan(silent_share(silence, silence, RATE))
    assert silent_share(noise(RATE, -20.0), silence, RATE) == 1.0


@pytest.mark.parametrize("samples", [1, 100, 799, 801])
def test_the_shortest_sounds_are_measured(samples):
    short = noise(samples, -20.0)
    assert clicks(short, RATE).dtype == torch.float64
    assert noise_floor(short, RATE) <= 0.0
    assert silent_share(short, short, RATE) == 0.0
