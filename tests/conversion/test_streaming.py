"""Singing block by block: what comes out is what a whole song is sung as, late by what is stated and no more."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conversion.stand_ins import voice_of
from vocalise.audio.pitch import Contour
from vocalise.config import override
from vocalise.conversion.abilities import require_live, sings_live
from vocalise.conversion.ears import Loudness
from vocalise.conversion.singing import Song, sing
from vocalise.conversion.streaming import Levelling, Manner, Stream
from vocalise.data.batches import loudness_of
from vocalise.errors import Unsupported
from vocalise.progress import silent
from vocalise.recipes import recipe
from vocalise.sampling import accelerate
from vocalise.sampling.columns import by_columns
from vocalise.sampling.native import available

RATE = 16_000
ALONE = torch.tensor([0.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def model():
    return voice_of("aria").model


@pytest.fixture(scope="module")
def quick(model):
    return by_columns(model)


@pytest.fixture(scope="module")
def song():
    """1.2 s of two notes and a rest, and their melody, 5 ms a frame."""
    time = torch.arange(round(1.2 * RATE)) / RATE
    pitch = torch.where(time < 0.6, 220.0, 147.0)
    phase = 2 * torch.pi * torch.cumsum(pitch.double() / RATE, 0)
    wave = 0.3 * torch.stack([torch.sin(n * phase) / n for n in range(1, 12)]).sum(0).float()
    wave *= ((time - 0.55).abs() > 0.05).float()
    wave += 0.002 * torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    frames = pitch[:: RATE // 200]
    return wave, Contour(frames, torch.ones_like(frames), 0.005)


def streamed(stream, wave, sizes, gains=(1.0,)):
    """All that comes out, (samples + latency,), of blocks of these sizes in frames, again and again."""
    parts, place, number = [], 0, 0
    while place < len(wave):
        block = wave[place : place + sizes[number % len(sizes)] * stream.hop]
        parts.append(stream.push(block, gain=gains[number % len(gains)]))
        assert len(parts[-1]) == len(block)
        place, number = place + len(block), number + 1
    return torch.cat([*parts, stream.finish()])


@pytest.mark.parametrize("sizes", [(1,), (3, 1, 7), (1000,)])
def test_a_stream_sings_what_a_whole_song_is_sung_as(model, song, sizes):
    wave, contour = song
    whole = sing(model, Song(wave, 1.0, ALONE, contour, 1.0, 5), silent)
    stream = Stream(model, Manner(ALONE), seed=5, contour=contour)
    sung = streamed(stream, wave, sizes)
    assert len(sung) == len(wave) + stream.latency
    assert not sung[: stream.latency].any()
    assert whole.abs().max() > 1e-3
    assert (sung[stream.latency :] - whole).abs().max() < 1e-4 * whole.abs().max()


def test_a_quicker_model_sings_the_same(model, song):
    wave, contour = song
    whole = sing(model, Song(wave, 1.0, ALONE, contour, 1.0, 5), silent)
    compiled = [by_columns(model, compiled=True)] if available() is not None else []
    runtime = [by_columns(accelerate(model, threads=1)), by_columns(model, threads=1)]
    for quicker in (by_columns(model), *runtime, *compiled):
        stream = Stream(quicker, Manner(ALONE), seed=5, contour=contour)
        assert (streamed(stream, wave, (1,))[stream.latency :] - whole).abs().max() < 1e-4 * whole.abs().max()


def test_formant_breath_and_transposition_reach_the_singing(model, song):
    wave, contour = song
    manner = Manner(ALONE, semitones=-5.0, formant=3.0, breath=6.0)
    lower = Contour(contour.pitch * 2.0 ** (-5 / 12), contour.voicing, contour.hop)
    whole = sing(model, Song(wave, 1.0, ALONE, lower, 1.0, 5, formant=3.0, breath=6.0), silent)
    stream = Stream(model, manner, seed=5, contour=contour)
    error = streamed(stream, wave, (2,))[stream.latency :] - whole  # pitches differ in their last bit, so phases drift
    assert error.abs().max() < 0.02 * whole.abs().max()
    plain = streamed(Stream(model, Manner(ALONE), seed=5, contour=contour), wave, (2,))[stream.latency :]
    assert (plain - whole).abs().max() > 0.2 * whole.abs().max()


def test_the_latency_is_that_of_the_parts_and_no_more_than_30_ms(model):
    stream = Stream(model, Manner(ALONE))
    assert stream.latency == max(model.context[1], stream.hop) + model.decoder.lookahead * stream.hop
    assert stream.latency <= 0.030 * RATE


def test_nothing_that_is_heard_later_than_the_latency_changes_what_was_given(quick, song):
    wave, _ = song
    until = 60 * quick.hop
    other = wave.clone()
    other[until:] = 0.5
    first, second = (
        torch.cat([stream.push(block) for block in heard.split(quick.hop)])
        for stream, heard in ((Stream(quick, Manner(ALONE)), wave), (Stream(quick, Manner(ALONE)), other))
    )
    assert torch.equal(first[:until], second[:until])
    assert not torch.equal(first, second)


def test_what_is_tracked_live_is_sung_at_its_pitch(quick, song):
    wave, _ = song
    stream = Stream(quick, Manner(ALONE))
    sung = streamed(stream, wave, (1,))[stream.latency :]
    told = streamed(Stream(quick, Manner(ALONE), contour=song[1]), wave, (1,))[stream.latency :]
    middle = slice(round(0.2 * RATE), round(0.45 * RATE))  # the pulses may start at another phase, so by spectrum
    a, b = (torch.fft.rfft(x[middle] * torch.hann_window(middle.stop - middle.start)).abs() for x in (sung, told))
    assert torch.nn.functional.cosine_similarity(a, b, dim=0) > 0.9


def test_a_gain_is_undone_in_what_is_sung(quick, song):
    wave, contour = song
    loud = Stream(quick, Manner(ALONE), seed=5, contour=contour)
    quiet = Stream(quick, Manner(ALONE), seed=5, contour=contour)
    sung = streamed(loud, wave, (1,), gains=(1.0,))
    lifted = streamed(quiet, wave / 4.0, (1,), gains=(4.0,))
    settled = slice(loud.latency + 2 * loud.hop, None)  # the gain needs a block to get there
    error = (4.0 * lifted - sung)[settled].abs().mean()
    assert error < 0.02 * sung[settled].abs().mean()


def test_who_sings_may_change_between_two_blocks(quick, song):
    wave, contour = song
    stream = Stream(quick, Manner(ALONE), seed=5, contour=contour)
    other = Stream(quick, Manner(ALONE), seed=5, contour=contour)
    a = [stream.push(block) for block in wave[: 50 * quick.hop].split(quick.hop)]
    b = []
    for n, block in enumerate(wave[: 50 * quick.hop].split(quick.hop)):
        if n == 25:
            other.manner = replace(other.manner, identity=torch.tensor([0.5, 0.0, 0.5]))
        b.append(other.push(block))
    same = [torch.equal(x, y) for x, y in zip(a, b, strict=True)]
    assert all(same[:25]) and not any(same[30:])


@pytest.mark.parametrize("samples", [1, 159, 161])
def test_a_block_of_a_broken_frame_is_refused(model, samples):
    with pytest.raises(ValueError, match="160"):
        Stream(model, Manner(ALONE)).push(torch.zeros(samples))


def test_silence_of_no_length_ends_at_once(model):
    stream = Stream(model, Manner(ALONE))
    assert len(stream.push(torch.zeros(0))) == 0
    assert len(stream.finish()) == stream.latency


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_loudness_is_the_same_block_by_block_and_a_column_late(rate):
    hop = rate // 100
    wave = torch.randn(50 * hop, generator=torch.Generator().manual_seed(1)) * torch.linspace(0, 1, 50 * hop)
    whole = loudness_of(wave, rate=rate, hop=hop).numpy()
    wave = wave.numpy()
    for sizes in ((1,), (2, 5, 1), (50,)):
        stream, parts, place, number = Loudness(rate, hop), [], 0, 0
        assert stream.reach == 1
        while place < len(wave):
            block = wave[place : place + sizes[number % len(sizes)] * hop]
            parts.append(stream.push(block))
            place, number = place + len(block), number + 1
            assert sum(map(len, parts)) == place // hop - 1
        assert np.allclose(np.concatenate([*parts, stream.finish()]), whole, atol=1e-4)


def test_a_microphone_is_brought_to_the_level_of_training_and_pauses_leave_it():
    levelling = Levelling(0.95)
    for _ in range(3000):
        gain = levelling.gain(0.05)
    assert 0.8 < gain * 0.05 <= 0.95
    assert levelling.gain(0.004) == gain
    assert levelling.gain(0.0) == gain
    assert levelling.gain(0.5) == pytest.approx(1.9)


@pytest.mark.parametrize("setting", ["signal.rate=8000", "encoder.frames=1000"])
def test_columns_in_which_pitch_cannot_be_tracked_are_refused_with_a_remedy(setting, song):
    chosen = override(recipe("aria", "tiny"), f"model.{setting}")
    model = chosen.model.build(singers=3).eval()
    with pytest.raises(Unsupported, match=r"pitch is tracked from .* Convert a file"):
        Stream(model, Manner(ALONE))
    known = Stream(model, Manner(ALONE), contour=song[1])  # what is known need not be tracked
    assert len(known.push(song[0][: model.hop])) == model.hop


def test_recipes_that_must_hear_the_whole_song_are_refused_with_those_that_need_not():
    voice = voice_of("usvc")
    assert not sings_live(voice.model) and sings_live(voice_of("aria").model)
    with pytest.raises(Unsupported, match=r"usvc.*listening.*aria"):
        require_live(voice)
