import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vocalise.audio.phrases import Span, cut, hush, join, silent_stretches, widen


def noise(samples: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(samples, generator=torch.Generator().manual_seed(seed)) - 0.5


def level(wave: torch.Tensor) -> float:
    return float(10 * torch.log10(wave.double().square().mean()))


@given(
    samples=st.integers(0, 40_000),
    longest=st.floats(0.5, 5.0),
    shortest=st.floats(0.0, 3.0),
    multiple=st.integers(1, 400),
    seed=st.integers(0, 9),
)
def test_spans_tile_the_wave_within_their_bounds(samples, longest, shortest, multiple, seed):
    rate = 1000
    spans = cut(noise(samples, seed), rate, longest=longest, shortest=shortest, multiple=multiple)
    assert sum(map(len, spans)) == samples
    assert [span.start for span in spans] == [0, *(span.stop for span in spans[:-1])][: len(spans)]
    assert all(0 < len(span) <= longest * rate for span in spans)
    assert all(span.start % multiple == 0 for span in spans)


def test_cuts_fall_into_the_pauses():
    rate = 8000
    wave = noise(20 * rate)
    for second in (4, 9, 15):
        wave[second * rate : second * rate + 800] = 0.0
    borders = [span.start / rate for span in cut(wave, rate, longest=7.0)[1:]]
    assert len(borders) == 3
    assert all(second <= border <= second + 0.1 for second, border in zip((4, 9, 15), borders, strict=True))


def test_no_span_is_shorter_than_asked():
    spans = cut(noise(100_000), 1000, longest=9.0, shortest=4.0)
    assert len(spans) > 10
    assert min(map(len, spans)) >= 4000


def test_a_short_wave_stays_whole_and_an_empty_one_has_no_spans():
    assert cut(noise(12_000), 1000) == [Span(0, 12_000)]
    assert cut(noise(1), 1000) == [Span(0, 1)]
    assert cut(noise(0), 1000) == []


def test_impossible_bounds_are_refused():
    with pytest.raises(ValueError, match="multiples of 5000"):
        cut(noise(30_000), 1000, longest=4.0, multiple=5000)


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=8), overlap=st.integers(0, 200))
def test_pieces_of_one_wave_join_to_that_wave(lengths, overlap):
    wave = noise(sum(lengths))
    ends = torch.tensor(lengths).cumsum(0).tolist()
    spans = [Span(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    pieces = [wave[span.start : span.stop].clone() for span in widen(spans, overlap)]
    assert torch.equal(join(pieces, spans, overlap=overlap), wave)


def test_unrelated_pieces_keep_their_power_across_the_border():
    spans = [Span(0, 20_000), Span(20_000, 40_000)]
    joined = join([noise(24_000, 1), noise(24_000, 2)], spans, overlap=4000)
    around = level(joined[17_000:23_000])
    assert abs(around - level(noise(24_000, 1))) < 0.2
    assert len(joined) == 40_000


def test_a_step_between_pieces_leaves_no_click():
    spans = [Span(0, 1000), Span(1000, 2000)]
    joined = join([torch.full((1100,), 0.5), torch.full((1100,), -0.5)], spans, overlap=100)
    assert joined.diff().abs().max() < 0.02
    assert joined[899] == 0.5
    assert joined[1100] == -0.5


def test_pieces_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        join([noise(10), noise(10)], [Span(0, 10), Span(10, 20)], overlap=2)


def test_silence_is_found_where_it_is():
    rate = 16_000
    wave = noise(3 * rate)
    wave[8000:20_000] *= 1e-4
    wave[30_000:32_000] = 0.0  # an eighth of a second is a breath, no silence
    stretches = silent_stretches(wave, rate)
    assert len(stretches) == 1
    assert stretches[0].start == pytest.approx(8000, abs=32)
    assert stretches[0].stop == pytest.approx(20_000, abs=32)


def test_silence_alone_is_one_stretch_however_short():
    assert silent_stretches(torch.zeros(5), 16_000) == [Span(0, 5)]
    assert silent_stretches(torch.zeros(50_001), 16_000) == [Span(0, 50_001)]
    assert silent_stretches(torch.zeros(0), 16_000) == []
    assert silent_stretches(noise(5), 16_000) == []


def test_hushed_singing_is_nowhere_louder_than_the_silence_heard():
    rate = 16_000
    heard = noise(2 * rate)
    heard[10_000:25_000] *= 10 ** (-70 / 20)
    heard[12_000:14_037] = 0.0
    hushed = hush(noise(2 * rate, 7), heard, rate)
    for start in range(10_048, 24_900, 160):
        assert hushed[start : start + 160].square().sum() <= heard[start : start + 160].square().sum() * 1.0001
    assert not hushed[12_000:14_037].any()
    assert hushed[11_000:12_000].any()
    assert torch.equal(hushed[:9000], noise(2 * rate, 7)[:9000])
    assert torch.equal(hushed[26_000:], noise(2 * rate, 7)[26_000:])


def test_silence_heard_is_silence_sung():
    for samples in (0, 1, 15, 16, 17, 40_001):
        assert torch.equal(hush(noise(samples), torch.zeros(samples), 16_000), torch.zeros(samples))


def test_hushing_fades_rather_than_clicks():
    heard = torch.cat([torch.full((16_000,), 0.5), torch.zeros(16_000)])
    hushed = hush(torch.full((32_000,), 0.5), heard, 16_000)
    assert hushed.diff().abs().max() < 0.01
    assert not hushed[16_000:].any()


def test_single_zero_samples_of_a_quiet_noise_are_not_gated():
    heard = (noise(16_000) * 4).round() / 32_768  # the last bit of a 16-bit recording, mostly zeros
    sung = heard * 0.5
    assert torch.equal(hush(sung, heard, 16_000) == 0.0, sung == 0.0)
    assert torch.equal(hush(sung + 1e-6, heard, 16_000), sung + 1e-6)


def test_waves_of_different_length_are_not_hushed():
    with pytest.raises(ValueError, match="10 samples cannot be hushed by one of 11"):
        hush(noise(10), noise(11), 16_000)
