"""Songs of nobody's: how long, by whom, with what luck; and voices that cannot."""

from dataclasses import replace

import pytest
import soundfile
import torch

from tests.conversion.stand_ins import SHALLOW, voice_of
from vocalise.checkpoint import Voice
from vocalise.config import override
from vocalise.conversion import improvise, improvise_file
from vocalise.errors import ConfigError, UnknownSinger, Unsupported
from vocalise.parts import Conditioner


@pytest.fixture(scope="module")
def voice() -> Voice:
    return voice_of("wavenet", *SHALLOW)


def test_it_is_exactly_as_long_as_asked_at_any_rate_and_progress_reaches_its_end(voice: Voice) -> None:
    told = []
    sung = improvise(
        voice, seconds=0.1234, to="ada", progress=lambda what, done, total, note="": told.append((done, total))
    )
    assert sung.shape == (round(0.1234 * 16_000),) and torch.isfinite(sung).all() and sung.abs().max() <= 1.0
    assert told[-1][0] == told[-1][1] and float(sung.std()) > 0.0
    assert len(improvise(voice, seconds=0.05, to="ada", out_rate=44_100)) == 2205


def test_the_seed_decides_and_more_seconds_begin_with_those_of_fewer(voice: Voice) -> None:
    first = improvise(voice, seconds=0.06, to="ada", seed=1)
    assert not torch.equal(first, improvise(voice, seconds=0.06, to="ada", seed=2))
    assert torch.equal(first, improvise(voice, seconds=0.11, to="ada", seed=1)[: len(first)])
    with torch.random.fork_rng():
        torch.manual_seed(99)
        assert torch.equal(first, improvise(voice, seconds=0.06, to="ada", seed=1))


def test_who_sings_is_heard_and_a_mixture_may_sing(voice: Voice) -> None:
    with torch.no_grad():
        loud = replace(voice, model=voice_of("wavenet", *SHALLOW).model)
        loud.model.condition.voices *= 30.0
    ada, bob = (improvise(loud, seconds=0.05, to=name) for name in ("ada", "Bob"))
    assert not torch.equal(ada, bob)
    assert len(improvise(loud, seconds=0.05, to="ada=0.5,Bob=0.5")) == 800
    with pytest.raises(UnknownSinger, match="ada, Bob"):
        improvise(voice, seconds=0.05, to="Eve")
    with pytest.raises(ConfigError, match="Say who is to sing"):
        improvise(voice, seconds=0.05)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_voice_of_nobody_sings_without_a_name() -> None:
    chosen = override(voice_of("wavenet", *SHALLOW).recipe, "model.condition.voice=0")
    nobody = replace(voice_of("wavenet", *SHALLOW), recipe=chosen, model=chosen.model.build(singers=3).eval())
    assert len(improvise(nobody, seconds=0.05)) == 800
    with pytest.raises(Unsupported, match="not told who sings"):
        improvise(nobody, seconds=0.05, to="ada")


@pytest.mark.parametrize("name", ["nsynth", "umt", "usvc", "aria"])
def test_voices_that_need_a_song_name_those_that_do_not(name: str) -> None:
    with pytest.raises(Unsupported, match=rf"'{name}' cannot sing without a song.*recipes that can: wavenet"):
        improvise(voice_of(name), seconds=0.1, to="ada")


def test_a_voice_that_is_told_a_melody_does_not_improvise_one() -> None:
    chosen = voice_of("wavenet", *SHALLOW).recipe
    chosen = replace(chosen, model=replace(chosen.model, condition=Conditioner.Config(voice=4, pitch=True)))
    told = replace(voice_of("wavenet", *SHALLOW), recipe=chosen, model=chosen.model.build(singers=3))
    with pytest.raises(Unsupported, match="without a song"):
        improvise(told, seconds=0.1, to="ada")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 3601.0, 1e-9, True, "long"])
def test_lengths_that_cannot_be_sung_are_refused(voice: Voice, seconds: object) -> None:
    with pytest.raises(ConfigError, match="seconds"):
        improvise(voice, seconds=seconds, to="ada")


def test_the_file_is_as_long_as_asked_and_silence_is_told(voice: Voice, tmp_path) -> None:
    outcome = improvise_file(voice, tmp_path / "song.flac", seconds=0.05, to="ada", out_rate=24_000)
    assert soundfile.info(tmp_path / "song.flac").frames == 1200 and outcome.seconds == 0.05 and not outcome.silent
    mute = voice_of("wavenet", *SHALLOW)
    with torch.no_grad():
        mute.model.decoder.out.weight.zero_()
        mute.model.decoder.out.bias.zero_()
        mute.model.decoder.out.bias[128] = 100.0  # always the level of silence
    assert improvise_file(mute, tmp_path / "mute.wav", seconds=0.25, to="ada").silent
