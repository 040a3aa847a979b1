"""What a performer decides reaches the song: melody, resonances, breath, and who sings when."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.conversion.stand_ins import Hold, Told, voice_of, with_parts
from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.audio.writing import write_wave
from vocalise.conversion import Converter, convert_files, read_blend_csv, read_pitch_csv, write_pitch_csv
from vocalise.conversion.blends import Blend
from vocalise.conversion.wishes import range_marks
from vocalise.errors import ConfigError, UnknownSinger, Unsupported

RATE, SECONDS = 16000, 1.5


def with_throat(*, resonance: float = 0.0, breath: float = -6.0) -> Converter:
    """An untrained `aria`, whose pitch is exact by construction, with a tone that falls off as a voice's does.

    A resonance, in nepers, stands in the middle of its bands; its breath has the same level, in nepers, in all.
    """
    voice = voice_of("aria")
    bands = voice.model.decoder.bands
    with torch.no_grad():
        tone, _, noise = voice.model.decoder.network.head.bias.view(-1, 3, bands).unbind(1)
        tone.copy_(torch.linspace(0.5, -3.0, bands))
        tone[:, bands // 2 - 1 : bands // 2 + 2] += resonance
        noise.fill_(breath)
    return Converter(voice)


@pytest.fixture(scope="module")
def converter() -> Converter:
    return with_throat()


def song(pitch: float = 220.0, seconds: float = SECONDS) -> torch.Tensor:
    """A tone of five harmonics with a vibrato of 50 cents."""
    time = torch.arange(int(seconds * RATE), dtype=torch.float64) / RATE
    phase = 2 * math.pi * (pitch * time + 0.2 * torch.sin(2 * math.pi * 5.0 * time))
    return sum(0.3 / n * torch.sin(n * phase) for n in range(1, 6)).float() / 2


def tune(pitch: float, seconds: float = SECONDS) -> Contour:
    """A glide of a fifth, every 5 ms."""
    frames = int(seconds * 200) + 1
    return Contour(pitch * 1.5 ** torch.linspace(0.0, 1.0, frames), torch.ones(frames), 0.005)


def cents(sung: torch.Tensor, wanted: Contour, semitones: float) -> torch.Tensor:
    """Differences in cents between what was sung and what was wanted, where both are voiced."""
    found = pitch_contour(sung, RATE)
    frames = min(len(found.pitch), len(wanted.pitch))
    both = (found.voicing[:frames] > 0) & (wanted.voicing[:frames] > 0)
    assert both.float().mean() > 0.8
    asked = wanted.pitch[:frames] * 2 ** (semitones / 12)
    return 1200 * torch.log2(found.pitch[:frames][both] / asked[both])


@pytest.mark.parametrize("semitones", [-12.0, 12.0])
def test_transposing_moves_the_pitch_by_what_was_asked(converter: Converter, semitones: float) -> None:
    melody = tune(220.0)
    sung = converter.convert(song(), RATE, to="ada", pitch=melody, transpose=semitones)
    assert cents(sung, melody, semitones).abs().median() < 1.0


def test_a_song_is_transposed_from_its_own_melody(converter: Converter) -> None:
    heard = song()
    sung = converter.convert(heard, RATE, to="ada", transpose=-12)
    assert cents(sung, pitch_contour(heard, RATE), -12).abs().median() < 1.0


@pytest.mark.parametrize(
    ("to", "transpose", "semitones"),
    [
        ("ada", "auto", 0.0),
        ("ada", "range", 5.0),
        ("Bob", "auto", -12.0),
        ("Bob", "range", -11.0),
        ("Zoë", "auto", 0.0),
        ("Zoë", "range", 0.0),
    ],
)
def test_a_melody_goes_to_the_range_of_who_sings(
    converter: Converter, to: str, transpose: str, semitones: float
) -> None:
    told = Told(converter.voice.model.hop, times=1)  # ada: 200, 300, 500 Hz; Bob: 80, 120, 200; nobody measured Zoë
    model = with_parts(converter.voice.model, condition=told, decoder=Hold(told.hop))
    converter = Converter(replace(converter.voice, model=model))
    converter.convert(song(), RATE, to=to, pitch=tune(195.0), transpose=transpose)
    (controls,) = told.heard
    assert float(controls.pitch[0].max()) == pytest.approx(195.0 * 1.5 * 2 ** (semitones / 12), rel=5e-3)


def test_a_mixture_has_a_range_between_its_singers() -> None:
    voice = voice_of("usvc")
    halves = range_marks(voice, torch.tensor([0.5, 0.5, 0.0]), 1.0)
    assert halves == pytest.approx((math.sqrt(200 * 80), math.sqrt(300 * 120), math.sqrt(500 * 200)))
    assert range_marks(voice, torch.tensor([0.5, 0.0, 0.5]), 1.0) == pytest.approx((200, 300, 500))
    assert range_marks(voice, torch.tensor([0.0, 0.0, 1.0]), 1.0) == ()
    path = torch.eye(3, dtype=torch.float64)[:2]
    moving = Blend(voice.singers, torch.tensor([0.0, 2.0], dtype=torch.float64), path)
    assert range_marks(voice, moving, 2.0) == pytest.approx(halves)


def test_the_measured_melody_sings_the_same_song_bit_for_bit(converter: Converter, tmp_path: Path) -> None:
    write_wave(tmp_path / "song.wav", song(), RATE)
    csv, wishes = tmp_path / "pitch.csv", {"to": "Bob", "transpose": "range"}
    converter.convert_file(tmp_path / "song.wav", tmp_path / "one.wav", pitch_out=csv, **wishes)
    converter.convert_file(tmp_path / "song.wav", tmp_path / "two.wav", pitch=read_pitch_csv(csv), **wishes)
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()


def test_an_edited_melody_is_what_is_sung(converter: Converter, tmp_path: Path) -> None:
    melody, csv = tune(200.0), tmp_path / "pitch.csv"
    write_pitch_csv(csv, melody)
    head, *rows = csv.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    csv.write_text("\n".join([head, *(f"{time},{float(pitch) * 1.25:.2f},1" for time, pitch, _ in cells)]) + "\n")
    sung = converter.convert(song(), RATE, to="ada", pitch=read_pitch_csv(csv))
    assert cents(sung, melody, 12 * math.log2(1.25)).abs().median() < 1.0


def test_a_melody_of_another_song_is_one_files_failure(converter: Converter, tmp_path: Path) -> None:
    for name, seconds in (("short", 1.0), ("long", 2.5)):
        write_wave(tmp_path / f"{name}.wav", song(seconds=seconds), RATE)
    songs = [tmp_path / "long.wav", tmp_path / "short.wav"]
    ledger = convert_files(converter, songs, tmp_path / "out", to="ada", pitch=tune(200.0, 1.0))
    assert [entry.state for entry in ledger.entries] == ["failed", "converted"]
    assert "melody ends after" in ledger.entries[0].why


def level_at(wave: torch.Tensor, low: float, high: float) -> float:
    """dB of the mean power between two frequencies."""
    power = torch.fft.rfft(wave).abs().square()
    lines = torch.linspace(0.0, RATE / 2, len(power))
    return 10 * math.log10(float(power[(lines >= low) & (lines < high)].mean()) + 1e-20)


def test_formants_move_and_the_tune_stays() -> None:
    narrow, peaks = with_throat(resonance=4.0), {}
    for formant in (0.0, 4.0, -4.0):
        sung = narrow.convert(song(), RATE, to="ada", pitch=tune(100.0), formant=formant)
        assert cents(sung, tune(100.0), 0.0).abs().median() < 1.0
        lows = 700.0 * 1.02 ** torch.arange(100)
        levels = torch.tensor([level_at(sung, float(low), float(low) * 1.12) for low in lows])
        peaks[formant] = float(lows[levels.argmax()])
    assert 12 * math.log2(peaks[4.0] / peaks[0.0]) == pytest.approx(4.0, abs=0.7)
    assert 12 * math.log2(peaks[-4.0] / peaks[0.0]) == pytest.approx(-4.0, abs=0.7)


def test_breath_raises_what_lies_between_the_harmonics() -> None:
    converter, steady = with_throat(breath=0.0), Contour(torch.full((301,), 200.0), torch.ones(301), 0.005)
    wishes = {"to": "ada", "pitch": steady, "keep_loudness": False}
    between = [level_at(converter.convert(song(), RATE, breath=dB, **wishes), 480.0, 520.0) for dB in (-6.0, 0.0, 6.0)]
    assert between[1] - between[0] == pytest.approx(6.0, abs=0.5)
    assert between[2] - between[1] == pytest.approx(6.0, abs=0.5)


def test_who_sings_may_change_from_column_to_column(converter: Converter, tmp_path: Path) -> None:
    path = tmp_path / "who.csv"
    path.write_text("time_s,Bob,ada\n0.5,1,0\n1,0,1\n")
    told = Told(converter.voice.model.hop, times=1)
    model = with_parts(converter.voice.model, condition=told, decoder=Hold(told.hop))
    Converter(replace(converter.voice, model=model)).convert(song(), RATE, to=read_blend_csv(path))
    (controls,) = told.heard
    assert controls.identity.shape == (1, 3, 150) == (1, 3, controls.pitch.shape[1])
    ada = controls.identity[0, 0]
    assert not ada[:50].any() and (ada[100:] == 1).all()
    torch.testing.assert_close(ada[50:100], (torch.arange(50) + 0.5) / 50)
    torch.testing.assert_close(controls.identity.sum(dim=1), torch.ones(1, 150))


@pytest.mark.parametrize("recipe", ["aria", "usvc"])
def test_a_blend_that_stands_still_is_the_mixture(recipe: str, tmp_path: Path) -> None:
    path = tmp_path / "who.csv"
    path.write_text("time_s,ada,Bob\n0,3,1\n0.02,6,2\n0.3,3,1\n")
    converter, heard = Converter(voice_of(recipe)), song(seconds=0.1)
    still = converter.convert(heard, RATE, to="ada=0.75,Bob=0.25", seed=2)
    assert torch.equal(converter.convert(heard, RATE, to=read_blend_csv(path), seed=2), still)


def test_a_blend_begins_as_one_singer_and_ends_as_another(converter: Converter, tmp_path: Path) -> None:
    path, heard = tmp_path / "who.csv", song()
    path.write_text("time_s,ada,Bob\n0.7,1,0\n0.8,0,1\n")
    wishes = {"pitch": tune(200.0), "keep_loudness": False}
    changing, ada, bob = (
        converter.convert(heard, RATE, to=to, **wishes) for to in (read_blend_csv(path), "ada", "Bob")
    )
    half, late = int(0.65 * RATE), int(1.2 * RATE)
    assert torch.equal(changing[:half], ada[:half])
    torch.testing.assert_close(changing[late:], bob[late:], atol=1e-6, rtol=1e-4)
    assert not torch.allclose(ada[late:], bob[late:], atol=1e-4)


@pytest.mark.parametrize(
    ("wish", "error", "what"),
    [
        ({"formant": 3}, Unsupported, "'usvc' cannot move formants, so --formant.*recipes that can: aria"),
        ({"breath": -3.0}, Unsupported, "'usvc' does not tell breath from tone, so --breath.*recipes that can: aria"),
        ({"formant": 12.1}, ConfigError, "formant shift cannot be 12.1: give semitones from -12 to 12"),
        ({"formant": math.nan}, ConfigError, "formant"),
        ({"formant": "3"}, ConfigError, "formant"),
        ({"breath": -25}, ConfigError, "breath cannot be -25: give dB from -24 to 24"),
        ({"breath": True}, ConfigError, "breath"),
    ],
)
def test_what_a_recipe_cannot_do_is_refused(wish: dict, error: type, what: str) -> None:
    with pytest.raises(error, match=what):
        Converter(voice_of("usvc")).plan(to="ada", **wish)


def test_blends_are_for_voices_that_are_told_who_sings() -> None:
    blend = Blend(("eve",), torch.zeros(1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64))
    with pytest.raises(UnknownSinger, match="eve"):
        Converter(voice_of("aria")).plan(to=blend)
    with pytest.raises(Unsupported, match="not told who sings"):
        Converter(voice_of("nsynth")).plan(to=blend)
