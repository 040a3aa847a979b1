"""Whole songs: what is not the voice stays as it was, and the voice comes back where and as loud as it was."""

import json
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import save_file

from vocalise.audio.files import read_channels, resample, write_wave
from vocalise.audio.loudness import integrated_loudness
from vocalise.conversion import Converter, convert_files, convert_mix, load_separator
from vocalise.conversion.separators import NETWORKS
from vocalise.conversion.whole_songs import NO_VOICE, put_back, taken_apart
from vocalise.errors import AudioError, ConfigError

RATE = 32_000


class Knowing:
    """A separator that has been told the voice of every mix beforehand: (channels, samples) at `RATE`."""

    def __init__(self, voice: torch.Tensor, *, rate: int = RATE, channels: int = 2) -> None:
        self.rate, self.channels = rate, channels
        self._voice = resample(voice, RATE, rate)
        self.heard = torch.zeros(0)

    def voice(self, mix, *, progress=None):
        self.heard = mix
        voice = self._voice if len(self._voice) == len(mix) else self._voice[:1].expand(len(mix), -1)
        assert voice.shape == mix.shape
        return voice.clone()


def tune(seconds: float = 2.0, pause: tuple[float, float] = (1.0, 1.5)) -> torch.Tensor:
    """A voice (samples,) with a pause."""
    time = torch.arange(round(seconds * RATE)) / RATE
    wave = sum(torch.sin(6.2832 * 220.0 * h * time) / h for h in range(1, 8)) * 0.1
    wave[(time >= pause[0]) & (time < pause[1])] = 0.0
    return wave


def band(samples: int, channels: int = 2) -> torch.Tensor:
    """An accompaniment (channels, samples) that differs from side to side."""
    time = torch.arange(samples) / RATE
    tones = [torch.sin(6.2832 * hertz * time) for hertz in (65.4, 130.8, 164.8)[: max(2, channels)]]
    return 0.1 * torch.stack([tones[n % 2] + tones[-1] for n in range(channels)])


def pause_of(wave: torch.Tensor) -> torch.Tensor:
    """The middle of the pause of `tune`, away from its edges."""
    return wave[..., round(1.1 * RATE) : round(1.4 * RATE)]


@pytest.mark.parametrize("channels", [1, 2])
def test_everything_but_the_voice_stays_sample_by_sample(quick: Converter, channels: int) -> None:
    voice = tune()
    mix = band(len(voice), channels) + voice
    song = convert_mix(quick, mix, RATE, Knowing(voice[None].expand(channels, -1)), to="ada", seed=1)
    assert song.shape == mix.shape
    assert torch.allclose(pause_of(song), pause_of(band(len(voice), channels)), atol=1e-6)
    sung = song - band(len(voice), channels)
    assert integrated_loudness(sung[0], RATE) == pytest.approx(integrated_loudness(voice, RATE), abs=0.5)
    assert not torch.allclose(sung[0], voice, atol=0.05)  # somebody else sings
    again = convert_mix(quick, mix, RATE, Knowing(voice[None].expand(channels, -1)), to="ada", seed=1)
    assert torch.equal(song, again)


@pytest.mark.parametrize("gains", [(0.9, 0.3), (1.0, -1.0), (0.0, 0.7)])
def test_the_voice_comes_back_where_it_stood(quick: Converter, gains: tuple[float, float]) -> None:
    voice = torch.tensor(gains)[:, None] * tune()
    accompaniment = band(voice.shape[1])
    sung = convert_mix(quick, accompaniment + voice, RATE, Knowing(voice), to="Bob") - accompaniment
    one, other = (float((line @ line).sqrt()) for line in sung)
    wanted, beside = (abs(gain) for gain in gains)
    assert one * beside == pytest.approx(other * wanted, rel=1e-3, abs=1e-2)
    together = float(sung[0] @ sung[1])
    assert together == pytest.approx(one * other * (1 if gains[0] * gains[1] >= 0 else -1), rel=1e-3, abs=1e-2)
    loudest = int(wanted < beside)
    before, after = (integrated_loudness(wave[loudest], RATE) for wave in (voice, sung))
    assert after == pytest.approx(before, abs=0.5)


@pytest.mark.parametrize("rate", [22_050, 44_100])
def test_a_separator_hears_at_its_own_rate_and_the_parts_add_up(rate: int) -> None:
    voice = tune()[None].expand(2, -1)
    mix = band(voice.shape[1]) + voice
    separator = Knowing(voice, rate=rate)
    parts = taken_apart(mix, RATE, separator)
    assert separator.heard.shape == (2, round(voice.shape[1] * rate / RATE))
    assert torch.allclose(parts.accompaniment + parts.gains[:, None] * parts.lead, mix, atol=1e-6)
    alone = taken_apart(mix[:1], RATE, separator)  # one channel: it is heard on both sides
    assert separator.heard.shape[0] == 2 and alone.accompaniment.shape == (1, mix.shape[1])


def test_a_song_without_a_voice_is_left_alone(quick: Converter, tmp_path: Path) -> None:
    mix = band(RATE)
    silence = torch.zeros(2, RATE)
    assert torch.equal(convert_mix(quick, mix, RATE, Knowing(silence), to="ada"), mix)
    write_wave(tmp_path / "mix.wav", mix, RATE, subtype="FLOAT")
    ledger = convert_files(quick, [tmp_path / "mix.wav"], tmp_path / "o.wav", separator=Knowing(silence), to="ada")
    assert ledger.entries[0].state == "converted" and ledger.entries[0].why == NO_VOICE


def test_a_sum_beyond_full_scale_is_turned_down_as_a_whole() -> None:
    voice = tune()[None].expand(2, -1)
    parts = taken_apart(band(voice.shape[1]) + voice, RATE, Knowing(voice))
    song = put_back(40.0 * parts.lead, parts)
    assert float(song.abs().max()) == pytest.approx(1.0, abs=1e-5)
    share = float(song.abs().max()) / float((parts.accompaniment + 40.0 * parts.lead).abs().max())
    assert torch.allclose(pause_of(song), share * pause_of(parts.accompaniment), atol=1e-6)
    assert torch.equal(put_back(parts.lead, parts), parts.accompaniment + parts.lead)


def test_files_keep_rate_channels_and_length_and_a_bad_one_stops_nothing(quick: Converter, tmp_path: Path) -> None:
    voice = tune()
    songs = tmp_path / "songs"
    songs.mkdir()
    for name, channels in (("a.flac", 1), ("b.wav", 2), ("c.wav", 6)):
        soundfile.write(songs / name, (band(len(voice), channels) + voice).T.numpy(), RATE)
    (songs / "d.wav").write_bytes(b"RIFF")
    ledger = convert_files(
        quick, [songs], tmp_path / "out", separator=Knowing(voice[None]), pitch_out=tmp_path / "pitch", to="ada"
    )
    assert [entry.state for entry in ledger.entries] == ["converted", "converted", "failed", "failed"]
    assert "6 channels" in ledger.entries[2].why and "d.wav" in ledger.entries[3].why
    for name, channels in (("a", 1), ("b", 2)):
        wave, rate = read_channels(tmp_path / "out" / f"{name}.wav")
        assert wave.shape == (channels, len(voice)) and rate == RATE
    assert len(list((tmp_path / "pitch").iterdir())) == 2


def test_a_mix_that_is_none_is_refused(quick: Converter) -> None:
    with pytest.raises(AudioError, match="cannot be taken apart"):
        convert_mix(quick, torch.zeros(2, 0), RATE, Knowing(torch.zeros(2, 0)), to="ada")


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"klass": "subprocess.Popen", "args": '[["touch", "pwned"]]', "kwargs": "{}"},
        {"klass": "builtins.exec", "args": '["1/0"]', "kwargs": "{}"},
        {"klass": NETWORKS[0], "args": "[]", "kwargs": "{}", "structure": '{"_class": "os.system"}'},
    ],
)
def test_a_header_names_no_class_but_the_known_ones(tmp_path: Path, monkeypatch, header: dict[str, str]) -> None:
    monkeypatch.chdir(tmp_path)
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors", metadata=header)
    with pytest.raises(ConfigError, match="no separator that is known"):
        load_separator(tmp_path / "x.safetensors", "cpu")
    assert not (tmp_path / "pwned").exists()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no separator"):
        load_separator(tmp_path / "none.safetensors")
    (tmp_path / "page.safetensors").write_bytes(b"<html>")
    with pytest.raises(ConfigError, match="no safetensors file"):
        load_separator(tmp_path / "page.safetensors")


def tiny(path: Path, **more: str) -> Path:
    """A network of Demucs, untrained and tiny, as its authors publish theirs."""
    htdemucs = pytest.importorskip("demucs.htdemucs")
    torch.manual_seed(0)
    kwargs = {"channels": 8, "depth": 4, "t_layers": 1, "t_heads": 2, "samplerate": 8000, "bottom_channels": 16}
    network = htdemucs.HTDemucs(["drums", "bass", "other", "vocals"], segment=1.0, **kwargs)
    told = {**kwargs, "segment": {"_type": "fraction", "numerator": 1, "denominator": 1}}
    header = {"klass": NETWORKS[0], "args": json.dumps([["drums", "bass", "other", "vocals"]])}
    weights = {key: one.half().contiguous() for key, one in network.state_dict().items()}
    save_file(weights, path, metadata={**header, "kwargs": json.dumps(told), **more})
    return path


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_demucs_takes_a_mix_apart_as_its_own_interface_does(tmp_path: Path) -> None:
    path = tiny(tmp_path / "tiny.safetensors")
    separator = load_separator(path, "cpu")
    assert (separator.rate, separator.channels) == (8000, 2)
    mix = band(3 * RATE)[:, :20_000]
    said: list[float] = []
    voice = separator.voice(mix, progress=lambda what, done, total, note="": said.append(done / total))
    assert voice.shape == mix.shape and bool(voice.isfinite().all()) and float(voice.abs().max()) > 0.0
    assert torch.equal(voice, separator.voice(mix)) and said and max(said) <= 1.0
    from demucs.apply import apply_model
    from demucs.hf import load_safetensors_model

    spread = mix.mean(0).std(correction=0)
    theirs = load_safetensors_model(path).eval()
    with torch.no_grad():
        found = apply_model(theirs, ((mix - mix.mean()) / spread)[None], shifts=0)[0, 3] * spread + mix.mean()
    assert torch.allclose(voice, found, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("more", [{"args": "[[]]"}, {"kwargs": '{"channels": 4000000}'}, {"args": "{"}])
def test_a_damaged_network_is_refused_in_one_line(tmp_path: Path, more: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as error:
        load_separator(tiny(tmp_path / "x.safetensors", **more), "cpu")
    assert "\n" not in str(error.value)
