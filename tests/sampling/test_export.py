"""A voice's network as an ONNX file: it is compared before it is written, runs by itself, and says what it is."""

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tests.material import build
from vocalise.apps.cli import app
from vocalise.checkpoint import Card, Voice, save_voice
from vocalise.errors import ConfigError, Unsupported
from vocalise.recipes import recipe
from vocalise.sampling import export, graph

NAMES = ("Ada", "Bruno", "Clara")


def voice(name="aria"):
    found = recipe(name, "tiny")
    card = Card(minutes=dict.fromkeys(NAMES, 1.0), licence="CC0-1.0", figures={})
    return Voice(recipe=found, singers=NAMES, pitch_ranges={}, card=card, model=build(found).eval())


@pytest.fixture
def voice_file(tmp_path):
    save_voice(tmp_path / "voice.safetensors", voice())
    return tmp_path / "voice.safetensors"


def run_file(path, **fed):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return session, session.run(None, fed)


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("part", ["decoder", "encoder"])
def test_the_file_gives_what_pytorch_gives(tmp_path, part, precision):
    singing = voice()
    done = export(singing, tmp_path / "model.onnx", part=part, precision=precision)
    network = singing.model.decoder.network if part == "decoder" else singing.model.encoder
    told = torch.randn(2, 30, network.stack.stem.in_features, generator=torch.Generator().manual_seed(3))
    pasts = network.stack.begin(2)
    with torch.no_grad():
        wanted = network.head(network.stack(told, pasts)[0])
    fed = {f"past_{n}": past.numpy() for n, past in enumerate(pasts)}
    _, (drawn, *after) = run_file(done.path, told=told.numpy(), **fed)
    most = 1e-4 if precision == "float32" else 0.1
    assert np.abs(drawn - wanted.numpy()).max() < most * wanted.abs().max()
    assert [past.shape for past in after] == [tuple(past.shape) for past in pasts]
    assert 0.0 <= done.deviation < most and done.size == done.path.stat().st_size


def test_whole_numbers_make_a_smaller_file(tmp_path):
    sizes = [export(voice(), tmp_path / name, precision=name).size for name in ("float32", "int8")]
    assert sizes[1] < 0.75 * sizes[0]


def test_the_file_says_what_it_is(tmp_path):
    done = export(voice(), tmp_path / "model.onnx")
    onnx = pytest.importorskip("onnx")
    model = onnx.load(done.path)
    onnx.checker.check_model(model)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["rate"] == "16000" and facts["hop"] == "160" and facts["recipe"] == "aria"
    assert facts["licence"] == "CC0-1.0" and facts["precision"] == "float32"


def test_a_network_that_does_not_agree_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(graph._Graph, "norm", lambda self, x, layer: x)
    with pytest.raises(ConfigError, match=r"deviates from PyTorch's by .* nothing was written"):
        export(voice(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_refused_by_name(tmp_path):
    with pytest.raises(Unsupported, match=r"decoder of recipe 'usvc' cannot be exported; one of kind Parallel"):
        export(voice("usvc"), tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match="--precision 'bf16': an ONNX file has one of float32, int8"):
        export(voice(), tmp_path / "model.onnx", precision="bf16")
    with pytest.raises(ConfigError, match="--part 'ear': the choices are decoder, encoder"):
        export(voice(), tmp_path / "model.onnx", part="ear")


def test_the_command_writes_a_file_and_says_how_well_it_agrees(voice_file, tmp_path):
    out = tmp_path / "model.onnx"
    words = ["export", "--voice", str(voice_file), "--out", str(out), "--precision", "int8"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert out.is_file() and "MB, ONNX, int8; deviates from PyTorch by 0.0" in done.output
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 1 and "is there already; give --overwrite" in again.output
    assert CliRunner().invoke(app, [*words, "--overwrite"]).exit_code == 0
