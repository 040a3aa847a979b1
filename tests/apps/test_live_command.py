"""`vocalise live`: a file through the engine, a sound card that is not there, and what is said of both."""

import sys
import threading
import types

import numpy as np
import pytest
import soundfile

from tests.conversion.stand_ins import voice_of
from vocalise.apps.live_screen import meter, note
from vocalise.apps.live_setup import block_of, wished_gain
from vocalise.checkpoint import save_voice
from vocalise.errors import ConfigError

RATE = 16_000


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "voice.safetensors"
    save_voice(path, voice_of("aria"))
    return path


@pytest.fixture
def song(tmp_path):
    time = np.arange(round(0.7 * RATE) + 77) / RATE
    path = tmp_path / "song.wav"
    soundfile.write(path, 0.1 * sum(np.sin(2 * np.pi * 200 * n * time) for n in range(1, 6)), RATE)
    return path


class FakeCard(types.ModuleType):
    """A sounddevice whose loudspeaker is a list, and whose driver needs 7 ms."""

    class PortAudioError(Exception):
        pass

    def __init__(self, rates=(16_000,)):
        super().__init__("sounddevice")
        self.rates, self.played, self.opened = rates, [], []
        self.default = types.SimpleNamespace(device=(0, 1))
        self.devices = [
            {"name": "Mic [1]", "hostapi": 0, "max_input_channels": 1, "max_output_channels": 0},
            {"name": "Ears", "hostapi": 0, "max_input_channels": 0, "max_output_channels": 2},
        ]
        card = self

        class Stream:
            latency = (0.003, 0.004)

            def __init__(self, **choices):
                card.opened.append(choices)
                if choices["samplerate"] not in card.rates:
                    raise card.PortAudioError("Invalid sample rate [PaErrorCode -9997]")
                self.choices, self.over = choices, threading.Event()

            def __enter__(self):
                self.thread = threading.Thread(target=self.run)
                self.thread.start()

            def __exit__(self, *error):
                self.over.set()
                self.thread.join()

            def run(self):
                frames, outputs = self.choices["blocksize"], self.choices["channels"][1]
                clock = types.SimpleNamespace(inputBufferAdcTime=1.0, outputBufferDacTime=1.012)
                heard, played = np.full((frames, 1), 0.25, np.float32), np.ones((frames, outputs), np.float32)
                while not self.over.wait(frames / RATE):
                    self.choices["callback"](heard, played, frames, clock, 0)
                    card.played.append(played.copy())

        self.Stream = Stream

    def query_devices(self, device=None, kind=None):
        if device == "nowhere":
            raise ValueError("No output device matching 'nowhere'")
        listed = [{**entry, "default_samplerate": 48_000.0} for entry in self.devices]
        return listed if kind is None else listed[kind == "output"]

    def query_hostapis(self, number):
        return {"name": "ALSA"}


@pytest.fixture
def card(monkeypatch):
    fake = FakeCard()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_a_file_goes_through_the_engine_and_comes_out_as_long(run, voice, song, tmp_path):
    out = tmp_path / "sung.wav"
    words = ("live", "--voice", voice, "--to", "ada", "--transpose", "auto", "--simulate", song, out)
    ended = run(*words)
    assert ended.exit_code == 0, ended.output
    heard, sung = soundfile.read(song)[0], soundfile.read(out)[0]
    assert len(sung) == len(heard) and np.abs(sung).max() > 1e-3
    assert all(part in ended.stdout for part in ("latency 45 ms", "0 under-runs", "a block of 10 ms took"))
    first = out.read_bytes()
    assert run(*words).exit_code == 0 and out.read_bytes() == first


def test_a_sound_card_is_sung_into_and_its_latency_is_told(run, voice, card):
    words = ("--to", "ada=0.5,Bob=0.5", "--seconds", "0.8", "--input", "0", "--output", "Ear")
    ended = run("live", "--voice", voice, *words)
    assert ended.exit_code == 0, ended.output
    (opened,) = card.opened
    assert opened["device"] == (0, "Ear") and opened["channels"] == (1, 2) and opened["blocksize"] == 80
    assert opened["latency"] == "low" and opened["dtype"] == "float32"
    played = np.concatenate(card.played)
    assert np.array_equal(played[:, 0], played[:, 1]) and np.abs(played).max() <= 1.0
    assert not played[:600].any()  # nothing can have been sung before the latency is over
    assert "45 ms late" in ended.stderr and "adds 7 ms" in ended.stderr
    assert "52 ms with it" in ended.stdout  # 12 ms in the driver, 10 ms to a whole frame, 30 ms in the model


def test_devices_are_listed_with_those_that_are_taken_by_default(run, card):
    ended = run("live", "--list-devices")
    assert ended.exit_code == 0
    assert "0 in" in ended.stdout and "Mic [1]" in ended.stdout and "1 out" in ended.stdout and "ALSA" in ended.stdout


def test_without_sounddevice_the_remedy_is_told(run, voice, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for words in (("--list-devices",), ("--voice", voice, "--to", "ada")):
        ended = run("live", *words)
        assert ended.exit_code == 1 and "pip install 'vocalise[live]'" in ended.stderr
        assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "ada", "--output", "nowhere"), "nowhere"),
        (("--to", "carl"), "carl"),
        (("--to", "ada", "--block", "0.5"), "0.5 ms"),
        (("--to", "ada", "--gain", "loud"), "loud"),
        (("--to", "ada", "--threads", "0"), "0 cores"),
        (("--to", "ada", "--transpose", "up"), "up"),
        (("--to", "ada", "--formant", "13"), "13"),
        ((), "Say who is to sing"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(run, voice, card, words, told):
    ended = run("live", "--voice", voice, *words)
    assert ended.exit_code == 1 and told in ended.stderr and len(ended.stderr.strip().splitlines()) == 1


def test_a_card_that_cannot_take_the_models_rate_is_refused_with_the_way_to_another(run, voice, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", FakeCard(rates=()))
    ended = run("live", "--voice", voice, "--to", "ada")
    assert ended.exit_code == 1 and "16000 Hz" in ended.stderr and "--list-devices" in ended.stderr


def test_a_recipe_that_cannot_sing_live_is_refused(run, tmp_path):
    path = tmp_path / "usvc.safetensors"
    save_voice(path, voice_of("usvc"))
    ended = run("live", "--voice", path, "--to", "ada")
    assert ended.exit_code == 1 and "still listening" in ended.stderr and "aria" in ended.stderr


def test_the_song_itself_is_not_written_over(run, voice, song):
    before = song.read_bytes()
    ended = run("live", "--voice", voice, "--to", "ada", "--simulate", song, song)
    assert ended.exit_code == 1 and "lost" in ended.stderr and song.read_bytes() == before


def test_meters_and_notes_read_as_musicians_read_them():
    assert [meter(peak).count("█") for peak in (0.0, 1e-4, 10 ** (-30 / 20), 1.0, 2.0)] == [0, 0, 20, 40, 40]
    assert [note(pitch) for pitch in (0.0, 440.0, 261.63, 446.0, 61.7)] == ["–", "A4 +0", "C4 +0", "A4 +23", "B1 -1"]


def test_a_gain_is_in_decibels():
    assert wished_gain("auto") is None and wished_gain("20") == pytest.approx(10.0)
    for wrong in ("nan", "61", "", "1e9"):
        with pytest.raises(ConfigError, match="gain"):
            wished_gain(wrong)


@pytest.mark.parametrize(
    ("samples", "hop", "block"),
    [(80.0, 160, 80), (220.5, 441, 147), (441.0, 441, 441), (900.0, 441, 882), (1.0, 160, 1)],
)
def test_blocks_fit_frames(samples, hop, block):
    assert block_of(samples, hop) == block
