"""Morphing: its ends are conversions, its middle is the middle of the latents, and what cannot be mixed is refused."""

import math
from dataclasses import replace

import pytest
import soundfile
import torch

from tests.conversion.stand_ins import SHALLOW, SHALLOW_EACH, Averager, Hold, Unchanged, voice_of, with_parts
from vocalise.checkpoint import Voice
from vocalise.conversion import Blend, Converter, morph, morph_files
from vocalise.errors import AudioError, ConfigError, UnknownSinger, Unsupported

RATE = 16_000


def tone(hz: float, seconds: float, loud: float = 0.3) -> torch.Tensor:
    return loud * torch.sin(2 * math.pi * hz * torch.arange(round(seconds * RATE)) / RATE)


@pytest.fixture(scope="module")
def nsynth() -> Voice:
    return voice_of("nsynth", *SHALLOW)


@pytest.mark.parametrize(("name", "to"), [("nsynth", None), ("umt", "ada"), ("usvc", "ada"), ("aria", "ada")])
def test_at_its_ends_a_morph_is_a_conversion(name: str, to: str | None) -> None:
    settings = {"nsynth": SHALLOW, "usvc": SHALLOW, "umt": SHALLOW_EACH}.get(name, ())
    voice, songs = voice_of(name, *settings), [tone(220.0, 0.06), tone(330.0, 0.06, 0.1)]
    converter = Converter(voice)
    for share, song in zip((0.0, 1.0), songs, strict=True):
        alone = converter.convert(song, RATE, to=to, seed=4)
        between = morph(voice, *songs, RATE, share=share, to=to, seed=4)
        assert torch.allclose(alone, between, atol=1e-3)


def steps(*levels: float, hop: int = 800) -> torch.Tensor:
    return torch.tensor(levels).repeat_interleave(hop)


@pytest.fixture
def mirror() -> Voice:
    """A voice that sings just what it keeps of a song: the mean of each frame."""
    voice = voice_of("usvc", *SHALLOW)
    hop = voice.model.hop
    unchanged = Unchanged()
    unchanged.continuous = True
    model = with_parts(voice.model, encoder=Averager(hop), bottleneck=unchanged, decoder=Hold(hop))
    return replace(voice, model=model)


def frame_means(wave: torch.Tensor, hop: int) -> torch.Tensor:
    return wave[: len(wave) // hop * hop].view(-1, hop).mean(1)


def test_in_between_the_latent_is_the_mean_and_a_curve_moves_it(mirror: Voice) -> None:
    hop = mirror.model.hop
    one, other = steps(*[0.5] * 40, hop=hop), steps(*[-0.5] * 40, hop=hop)
    one[:hop], other[-hop:] = 0.95, 0.95  # the level of training, so that nothing is amplified
    plain = morph(mirror, one, other, RATE, share=0.25, to="ada", keep_loudness=False)
    seen = mirror.model.signal
    kept = [frame_means(seen.from_wave(wave[None])[0][0, 0], hop) for wave in (one, other)]
    expected = seen.to_wave(torch.lerp(kept[0], kept[1], 0.25)[None, None], torch.zeros(1, 0))[0]
    middle = frame_means(plain, hop)
    gain = middle[20] / expected[20]
    assert torch.allclose(middle[5:35], expected[5:35] * gain, atol=0.02)
    seconds = len(one) / RATE
    curve = Blend(("a", "b"), torch.tensor([0.0, seconds]).double(), torch.tensor([[1.0, 0.0], [0.0, 1.0]]).double())
    moved = frame_means(morph(mirror, one, other, RATE, share=curve, to="ada", keep_loudness=False), hop)
    assert moved[2] > 0.2 > -0.2 > moved[37] and abs(float(moved[20])) < 0.1


def test_it_is_as_long_as_the_longer_and_follows_progress_and_seed(nsynth: Voice) -> None:
    long, short, told = tone(220.0, 0.1), tone(330.0, 0.04), []
    sung = morph(
        nsynth, short, long, RATE, to=None, progress=lambda what, done, total, note="": told.append(done / total)
    )
    assert len(sung) == len(long) and torch.isfinite(sung).all() and told[-1] == pytest.approx(1.0)
    assert torch.equal(sung, morph(nsynth, short, long, RATE, to=None))
    assert not torch.equal(sung, morph(nsynth, short, long, RATE, to=None, seed=1))
    assert len(morph(nsynth, short, long, RATE, to=None, out_rate=44_100)) == round(0.1 * 44_100)


def test_the_melody_of_a_voice_that_is_told_it_lies_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    from vocalise.conversion import morphing

    songs, heard = [], voice_of("aria")
    monkeypatch.setattr(morphing, "sing", lambda model, song, progress: songs.append(song) or song.heard.clone())
    harmonics = [sum(tone(n * hz, 1.0, 0.3 / n) for n in range(1, 6)) for hz in (220.0, 440.0)]
    morph(heard, *harmonics, RATE, share=0.5, to="ada", transpose=12)
    contour = songs[0].contour
    sung = contour.pitch[contour.voicing > 0.5]
    assert len(sung) > 100 and float(sung.median()) == pytest.approx(2 * 220.0 * 2**0.5, rel=0.01)


def test_wishes_that_cannot_be_met_are_refused(nsynth: Voice) -> None:
    pair = (tone(220.0, 0.1), tone(330.0, 0.1), RATE)
    for share in (-0.1, 1.1, math.nan, True, "half"):
        with pytest.raises(ConfigError, match="share of the second"):
            morph(nsynth, *pair, share=share, to=None)
    three = Blend(("a", "b", "c"), torch.zeros(1).double(), torch.full((1, 3), 1 / 3).double())
    with pytest.raises(ConfigError, match="weights for 3"):
        morph(nsynth, *pair, share=three, to=None)
    with pytest.raises(Unsupported, match="not told who sings"):
        morph(nsynth, *pair, to="ada")
    with pytest.raises(UnknownSinger):
        morph(voice_of("usvc"), *pair, to="Eve")
    with pytest.raises(ConfigError, match="no meaning between two songs"):
        morph(voice_of("aria"), *pair, to="ada", transpose="auto")
    with pytest.raises(Unsupported, match="hears nothing"):
        morph(voice_of("wavenet"), *pair, to="ada")
    with pytest.raises(AudioError, match="no samples"):
        morph(nsynth, torch.zeros(0), pair[1], RATE, to=None)


def test_codes_cannot_be_mixed() -> None:
    voice = voice_of("usvc")
    codes = Unchanged()
    codes.continuous = False
    with pytest.raises(Unsupported, match=r"nothing between two songs.*recipes that can: nsynth"):
        morph(replace(voice, model=with_parts(voice.model, bottleneck=codes)), tone(1, 1), tone(2, 1), RATE, to="ada")


def test_two_files_become_a_third_which_is_neither(nsynth: Voice, tmp_path) -> None:
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path, hz in zip(paths, (220.0, 330.0), strict=True):
        soundfile.write(path, tone(hz, 0.1).numpy(), RATE)
    outcome = morph_files(nsynth, *paths, tmp_path / "c.wav", share=0.3, to=None)
    assert soundfile.info(tmp_path / "c.wav").frames == 1600 and outcome.seconds == pytest.approx(0.1)
    with pytest.raises(AudioError, match="is one of the two songs"):
        morph_files(nsynth, *paths, paths[1], to=None)


def test_a_mixture_of_singers_is_refused_where_each_has_a_decoder() -> None:
    converter = Converter(voice_of("umt", *SHALLOW_EACH))
    with pytest.raises(Unsupported, match=r"'umt' keeps a decoder for each singer.*recipes that can: usvc"):
        converter.convert(tone(220.0, 0.1), RATE, to="ada=0.5,Bob=0.5")
    curve = Blend(("ada", "Bob"), torch.zeros(1).double(), torch.full((1, 2), 0.5).double())
    with pytest.raises(Unsupported, match="never as a mixture"):
        converter.convert(tone(220.0, 0.1), RATE, to=curve)
    with pytest.raises(ConfigError, match="Say who is to sing"):
        converter.convert(tone(220.0, 0.1), RATE, to=None)
    assert len(converter.convert(tone(220.0, 0.05), RATE, to="Bob=1")) == 800
