"""Sound in chunks: what comes out depends on the sound, not on the chunks, in length, in time and in every sample."""

from collections.abc import Iterator

import pytest
import torch

from tests.conversion.stand_ins import SHALLOW, voice_of
from tests.conversion.test_converter import exact, noise
from vocalise.audio.pitch import Contour
from vocalise.conversion import Blend, Converter
from vocalise.conversion.ears import Windows
from vocalise.errors import AudioError, ConfigError, UnknownSinger, Unsupported

HOP = 800


@pytest.fixture(scope="module")
def usvc() -> Converter:
    return Converter(voice_of("usvc", *SHALLOW))


@pytest.fixture(scope="module")
def aria() -> Converter:
    return Converter(voice_of("aria"))


@pytest.fixture
def either(request: pytest.FixtureRequest, usvc: Converter, aria: Converter) -> Converter:
    return {"usvc": usvc, "aria": aria}[request.param]


BOTH = pytest.mark.parametrize("either", ["usvc", "aria"], indirect=True)


def cut(wave: torch.Tensor, sizes: tuple[int, ...]) -> Iterator[torch.Tensor]:
    place, number = 0, 0
    while place < wave.shape[-1]:
        size = sizes[number % len(sizes)]
        yield wave[..., place : place + size]
        place, number = place + size, number + 1


def streamed(converter: Converter, chunks, rate: int = 16_000, **wishes) -> torch.Tensor:
    return torch.cat([torch.zeros(0), *converter.stream(chunks, rate, **{"to": "ada", **wishes})])


@BOTH
@pytest.mark.parametrize(("rate", "out"), [(16_000, 16_000), (44_100, 22_050)])
def test_what_comes_out_does_not_depend_on_the_chunks(either: Converter, rate: int, out: int) -> None:
    heard = noise(round(0.7 * rate) + 11, channels=2)
    whole = streamed(either, [heard], rate, out_rate=out, seed=3)
    assert whole.shape == (exact(heard.shape[1], rate, out),) and whole.std() > 1e-3
    for sizes in ((1234,), (1, 4000, 0, 333)):
        assert torch.equal(streamed(either, cut(heard, sizes), rate, out_rate=out, seed=3), whole)
    assert not torch.equal(streamed(either, [heard], rate, out_rate=out, seed=4), whole)


@BOTH
@pytest.mark.parametrize("samples", [1, HOP - 1, HOP, 5 * HOP + 1])
def test_it_is_exactly_as_long_as_what_was_heard(either: Converter, samples: int) -> None:
    for rate, out in ((16_000, 48_000), (22_050, 16_000)):
        assert len(streamed(either, cut(noise(samples), (500,)), rate, out_rate=out)) == exact(samples, rate, out)


def test_a_short_song_is_sung_as_a_whole_one_is(usvc: Converter) -> None:
    heard = noise(3 * HOP + 5)
    whole = usvc.convert(heard, 16_000, to="Bob", seed=5, keep_loudness=False)
    sung = streamed(usvc, cut(heard, (100,)), to="Bob", seed=5, peak=float(heard.abs().max()))
    assert ((sung - whole).abs() < 1e-4).float().mean() > 0.99


def test_a_song_with_a_known_tune_is_sung_as_a_whole_one_is(aria: Converter) -> None:
    heard, tune = noise(12_000), Contour(torch.linspace(150.0, 250.0, 200), torch.ones(200), 0.005)
    facts = {"to": "ada", "seed": 5, "pitch": tune, "transpose": -3}
    whole = aria.convert(heard, 16_000, keep_loudness=False, **facts)
    sung = streamed(aria, [heard], peak=float(heard.abs().max()), **facts)
    error = (sung - whole).abs()[500:-500]
    assert error.mean() < 0.02 * whole.abs().mean()


@BOTH
@pytest.mark.parametrize("block", [0.05, 0.2])
def test_sound_comes_no_later_than_is_said_and_knows_nothing_of_what_follows(either: Converter, block: float) -> None:
    latency, heard = either.latency(block=block), noise(16_000)
    taken, given = [0], []

    def chunks(wave: torch.Tensor) -> Iterator[torch.Tensor]:
        for chunk in cut(wave, (160,)):
            taken[0] += len(chunk)
            yield chunk

    for part in either.stream(chunks(heard), 16_000, to="ada", block=block):
        given.append(part)
        assert taken[0] - sum(map(len, given)) <= latency
    other, until = heard.clone(), 11_200
    other[until:] = 0.3
    changed = streamed(either, cut(other, (160,)), block=block)
    assert torch.equal(changed[: until - latency], torch.cat(given)[: until - latency])
    assert not torch.equal(changed, torch.cat(given))
    assert latency >= either.model.context[1] + either.model.hop


def test_the_latency_is_what_the_parts_want_to_hear(usvc: Converter, aria: Converter) -> None:
    hop, (_, ahead) = usvc.model.hop, usvc.model.context
    assert usvc.latency(block=0.0001 + hop / 16_000) == -(-ahead // hop) * hop + hop
    assert usvc.latency(block=1.0) - usvc.latency(block=0.5) == 8000
    assert aria.latency(block=0.01) <= 0.05 * 16_000


@pytest.mark.parametrize("frames", [1, 3, 8])
def test_windows_hear_what_is_heard_of_the_whole(usvc: Converter, frames: int) -> None:
    encoder, wave = usvc.model.encoder, noise(12 * HOP)[None, None]
    with torch.no_grad():
        whole = encoder(wave)
        ears = Windows(encoder)
        state = ears.begin(1)
        parts = [ears.extend(state, some) for some in wave.split(frames * HOP, dim=2)]
        heard = torch.cat(parts, dim=2)
    assert whole.std() > 1e-4
    assert heard.shape[2] == 12 - -(-encoder.context[1] // HOP)  # the others wait for what follows
    torch.testing.assert_close(heard, whole[:, :, : heard.shape[2]], atol=1e-5, rtol=0)
    assert state.signal.shape[2] <= ears.left + (frames + 1 + -(-ears.right // HOP)) * HOP


def test_a_gain_follows_a_song_whose_peak_nobody_knows(usvc: Converter) -> None:
    heard = noise(8000)
    quiet, loud = (streamed(usvc, [gain * heard], seed=1) for gain in (0.2, 1.0))
    assert 0.2 < quiet[4000:].std() / loud[4000:].std() < 0.5  # it takes a block to get there
    twice = streamed(usvc, [heard], seed=1, peak=2 * float(heard.abs().max()))
    once = streamed(usvc, [heard], seed=1, peak=float(heard.abs().max()))
    assert twice.std() / once.std() == pytest.approx(2.0, rel=0.3)  # a louder song is expected


def test_nothing_heard_is_nothing_sung(usvc: Converter) -> None:
    assert list(usvc.stream([], 16_000, to="ada")) == []
    assert list(usvc.stream([torch.zeros(0), torch.zeros(2, 0)], 16_000, to="ada")) == []


@pytest.mark.parametrize(
    ("wish", "error", "what"),
    [
        ({"to": "Carl"}, UnknownSinger, "ada, Bob"),
        ({"block": 0.0}, ConfigError, r"A block cannot last 0.0 s: choose 0.001 to 60 s"),
        ({"block": float("nan")}, ConfigError, "A block cannot last nan"),
        ({"peak": 0.0}, ConfigError, "The peak of a song cannot be 0.0"),
        ({"peak": float("inf")}, ConfigError, "The peak of a song cannot be inf"),
        ({"rate": 10}, AudioError, "out of range"),
        ({"transpose": "faithful"}, Unsupported, "--transpose"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused_before_anything_is_heard(
    usvc: Converter, wish: dict, error: type, what: str
) -> None:
    with pytest.raises(error, match=what):
        usvc.stream(iter([]), wish.pop("rate", 16_000), **{"to": "ada", **wish})


def test_what_needs_the_whole_song_is_refused(aria: Converter, usvc: Converter) -> None:
    turn = Blend(("ada", "Bob"), torch.tensor([0.0, 1.0]).double(), torch.eye(2).double())
    with pytest.raises(ConfigError, match="changes over time belongs to a song"):
        aria.stream([], 16_000, to=turn)
    with pytest.raises(ConfigError, match="faithful needs the spread of a whole song"):
        aria.stream([], 16_000, to="ada", transpose="faithful")
    with pytest.raises(Unsupported, match=r"'vaevc' needs whole phrases.*recipes that can: .*usvc.*aria"):
        Converter(voice_of("vaevc")).stream([], 16_000, to="ada")
    with pytest.raises(AudioError, match="Sample 1 is nan"):
        list(usvc.stream([torch.tensor([0.0, float("nan")])], 16_000, to="ada"))
