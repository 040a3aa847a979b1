"""Speaker networks from disk: what they are fed, what is made of their answers, and what is refused."""

import math
import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from vocalise.errors import ConfigError
from vocalise.evaluation.speaker import RATE, SpeakerNetwork, filter_bank, likeness


def network(path, shape, nodes, outputs=("embedding",), *, inputs=("voice",), kind=TensorProto.FLOAT, weights=()):
    """A tiny ONNX file whose inputs all have the shape."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        list(weights),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def mean_over(axis):
    return [helper.make_node("ReduceMean", ["voice"], ["embedding"], axes=[axis], keepdims=0)]


def moments():
    """Nodes that map a wave (1, samples) to its mean and its mean square (1, 2)."""
    return [
        helper.make_node("ReduceMean", ["voice"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["voice", "voice"], ["power"]),
        helper.make_node("ReduceMean", ["power"], ["square"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["mean", "square"], ["embedding"], axis=1),
    ]


def tone(hertz, seconds, rate=RATE, level=0.3):
    return level * torch.sin(2.0 * math.pi * hertz * torch.arange(round(seconds * rate)) / rate)


def noise(seconds, seed=0):
    return 0.1 * torch.randn(round(seconds * RATE), generator=torch.Generator().manual_seed(seed))


def unit(*numbers):
    return torch.nn.functional.normalize(torch.tensor(numbers), dim=0)


def kaldi_bands(wave):
    """The filter bank once more, slowly and with other means: frame by frame, a sum for every triangle."""

    def mel(hertz):
        return 1127.0 * math.log(1.0 + hertz / 700.0)

    samples = np.asarray(wave, dtype=np.float64) * 32768.0
    width = (mel(8000.0) - mel(20.0)) / 81
    rows = []
    for start in range(0, len(samples) - 399, 160):
        frame = samples[start : start + 400] - samples[start : start + 400].mean()
        shaped = [frame[0] - 0.97 * frame[0]] + [frame[n] - 0.97 * frame[n - 1] for n in range(1, 400)]
        window = [0.54 - 0.46 * math.cos(2.0 * math.pi * n / 399) for n in range(400)]
        power = np.abs(np.fft.fft(np.array(shaped) * window, 512)) ** 2
        row = []
        for band in range(80):
            left = mel(20.0) + band * width
            total = 0.0
            for k in range(256):
                place = (mel(k * 31.25) - left) / width
                total += power[k] * (place if 0.0 < place <= 1.0 else 2.0 - place if 1.0 < place < 2.0 else 0.0)
            row.append(math.log(max(total, 1.1920929e-07)))
        rows.append(row)
    return np.array(rows) - np.mean(rows, axis=0)


def test_the_filter_bank_is_that_of_a_direct_computation():
    wave = noise(0.06) + tone(440.0, 0.06)
    found = filter_bank(wave)
    assert found.shape == (4, 80)
    np.testing.assert_allclose(found.numpy(), kaldi_bands(wave), atol=2e-3)


@pytest.mark.parametrize("samples", [1, 399, 400, 559, 560, 16000])
def test_the_filter_bank_has_a_frame_for_every_10_ms_that_lie_inside(samples):
    assert filter_bank(noise(1.0)[:samples]).shape == (max(0, samples - 400) // 160 + 1, 80)


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 3000.0, 7000.0])
def test_a_tone_that_begins_halfway_raises_the_band_in_which_it_lies(hertz):
    quiet = noise(1.0) * 0.01
    wave = torch.cat([quiet[: RATE // 2], (quiet + tone(hertz, 1.0))[RATE // 2 :]])
    bands = filter_bank(wave)
    risen = bands[60:].mean(dim=0) - bands[:40].mean(dim=0)
    mel, low, high = (1127.0 * math.log1p(f / 700.0) for f in (hertz, 20.0, 8000.0))
    assert abs(int(risen.argmax()) - ((mel - low) / (high - low) * 81 - 1.0)) <= 1.0


def test_a_network_that_eats_waves_is_given_the_wave_itself(tmp_path):
    loaded = SpeakerNetwork.load(network(tmp_path / "wave.onnx", ["batch", "samples"], moments()))
    assert loaded.diet == "samples"
    wave = 0.5 + torch.zeros(2 * RATE)
    torch.testing.assert_close(loaded.embed(wave, RATE), unit(0.5, 0.25))


@pytest.mark.parametrize(
    ("shape", "axis", "diet"), [([1, None, 80], 1, "frames by bands"), (["b", 80, "t"], 2, "bands by frames")]
)
def test_a_network_that_eats_bands_is_given_them_the_way_round_it_says(tmp_path, shape, axis, diet):
    nodes = [helper.make_node("Mul", ["voice", "voice"], ["power"]), *mean_over(axis)]
    nodes[1].input[0] = "power"
    loaded = SpeakerNetwork.load(network(tmp_path / "bands.onnx", shape, nodes))
    assert loaded.diet == diet
    wave = noise(2.0) + tone(500.0, 2.0)
    expected = torch.nn.functional.normalize(filter_bank(wave).square().mean(dim=0), dim=0)
    torch.testing.assert_close(loaded.embed(wave, RATE), expected, rtol=1e-4, atol=1e-6)


def test_a_linear_network_gives_its_own_numbers(tmp_path):
    matrix = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    weights = [helper.make_tensor("matrix", TensorProto.FLOAT, matrix.shape, matrix.ravel())]
    nodes = [
        helper.make_node("Slice", ["voice", "one", "two", "one"], ["frame"]),
        helper.make_node("Squeeze", ["frame", "one"], ["row"]),
        helper.make_node("MatMul", ["row", "matrix"], ["embedding"]),
    ]
    weights += [helper.make_tensor(name, TensorProto.INT64, [1], [n]) for name, n in (("one", 1), ("two", 2))]
    loaded = SpeakerNetwork.load(network(tmp_path / "linear.onnx", [1, None, 80], nodes, weights=weights))
    wave = noise(1.5)
    expected = torch.nn.functional.normalize(filter_bank(wave)[1] @ torch.from_numpy(matrix), dim=0)
    torch.testing.assert_close(loaded.embed(wave, RATE), expected, rtol=1e-4, atol=1e-5)


def test_pieces_of_ten_seconds_count_alike_however_loud(tmp_path):
    loaded = SpeakerNetwork.load(network(tmp_path / "wave.onnx", [None, None], moments()))
    wave = torch.cat([torch.full((10 * RATE,), 0.5), torch.full((10 * RATE,), -1.0)])
    expected = torch.nn.functional.normalize(unit(0.5, 0.25) + unit(-1.0, 1.0), dim=0)
    torch.testing.assert_close(loaded.embed(wave, RATE), expected)
    assert torch.equal(loaded.embed(torch.cat([wave, torch.zeros(10 * RATE)]), RATE), loaded.embed(wave, RATE))
    assert loaded.embed(wave[: 19 * RATE], RATE)[1] != pytest.approx(float(expected[1]))  # one piece of 19 s


@pytest.mark.parametrize(("rate", "samples"), [(44100, 66150), (8000, 12000), (16000, 24000)])
def test_another_rate_is_brought_to_16_khz(tmp_path, rate, samples):
    nodes = [
        helper.make_node("Shape", ["voice"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["embedding"], to=TensorProto.FLOAT),
    ]
    loaded = SpeakerNetwork.load(network(tmp_path / "count.onnx", [None, None], nodes))
    batch, eaten = loaded.embed(0.1 * torch.ones(samples), rate)
    assert float(eaten / batch) == pytest.approx(24000)


def test_an_embedding_has_unit_length_and_a_short_wave_is_repeated(tmp_path):
    loaded = SpeakerNetwork.load(network(tmp_path / "wave.onnx", [None, None], moments()))
    short = loaded.embed(torch.full((10,), 0.5), RATE)
    torch.testing.assert_close(short, unit(0.5, 0.25))
    assert float(short.norm()) == pytest.approx(1.0)


@pytest.mark.parametrize("samples", [0, 1, 5 * RATE])
def test_silence_has_no_singer(tmp_path, samples):
    loaded = SpeakerNetwork.load(network(tmp_path / "wave.onnx", [None, None], moments()))
    nobody = loaded.embed(torch.zeros(samples), RATE)
    assert nobody.shape == (2,) and nobody.isnan().all()
    assert math.isnan(likeness(nobody, unit(1.0, 0.0)))


def test_likeness_is_the_cosine():
    assert likeness(unit(1.0, 0.0), unit(1.0, 1.0)) == pytest.approx(math.sqrt(0.5))
    assert likeness(torch.tensor([3.0, 4.0]), torch.tensor([-3.0, -4.0])) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ([None, None, 40], "shape"),
        ([None, 80], "shape"),
        ([1, 16000], "shape"),
        ([1, 200, 80], "shape"),
        ([2, None], "shape"),
        ([None, 1, None, 80], "shape"),
    ],
)
def test_a_network_that_eats_something_else_is_refused_with_what_is_known(tmp_path, shape, words):
    with pytest.raises(ConfigError, match=words) as refused:
        SpeakerNetwork.load(network(tmp_path / "odd.onnx", shape, mean_over(1)))
    assert "(batch, samples), (batch, frames, 80) and (batch, 80, frames)" in str(refused.value)


def test_other_numbers_inputs_and_outputs_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="float32"):
        SpeakerNetwork.load(network(tmp_path / "wide.onnx", [None, None], mean_over(1), kind=TensorProto.DOUBLE))
    both = [helper.make_node("Add", ["voice", "length"], ["embedding"])]
    with pytest.raises(ConfigError, match=r"2 inputs \(voice, length\)"):
        SpeakerNetwork.load(network(tmp_path / "two.onnx", [None, None], both, inputs=("voice", "length")))
    twice = [helper.make_node("Identity", ["voice"], ["a"]), helper.make_node("Identity", ["voice"], ["b"])]
    with pytest.raises(ConfigError, match="outputs a, b"):
        SpeakerNetwork.load(network(tmp_path / "out.onnx", [None, None], twice, outputs=("a", "b")))


def test_of_several_outputs_the_embedding_is_taken(tmp_path):
    nodes = [helper.make_node("Identity", ["voice"], ["logits"]), *moments()]
    nodes[-1].output[0] = "embs"
    loaded = SpeakerNetwork.load(network(tmp_path / "two.onnx", [None, None], nodes, outputs=("logits", "embs")))
    assert loaded.embed(torch.full((RATE,), 0.5), RATE).shape == (2,)


def test_a_network_that_fails_or_answers_nonsense_is_told_in_one_line(tmp_path):
    five = helper.make_tensor("five", TensorProto.FLOAT, [5], [1.0] * 5)
    fails = [helper.make_node("Add", ["voice", "five"], ["embedding"])]
    with pytest.raises(ConfigError, match=r"fails failed on 2\.0 s") as refused:
        SpeakerNetwork.load(network(tmp_path / "fails.onnx", [None, None], fails, weights=[five])).embed(
            noise(2.0), RATE
        )
    assert "\n" not in str(refused.value)
    roots = [helper.make_node("Sqrt", ["voice"], ["embedding"])]
    with pytest.raises(ConfigError, match="not finite"):
        SpeakerNetwork.load(network(tmp_path / "roots.onnx", [None, None], roots)).embed(noise(1.0), RATE)


def test_a_missing_or_damaged_file_is_told_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no file"):
        SpeakerNetwork.load(tmp_path / "none.onnx")
    whole = network(tmp_path / "whole.onnx", [None, None], moments()).read_bytes()
    for name, data in (("cut", whole[: len(whole) // 2]), ("text", b"hello"), ("empty", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigError, match="no ONNX file") as refused:
            SpeakerNetwork.load(tmp_path / name)
        assert "\n" not in str(refused.value)


def test_without_the_extra_the_remedy_is_told(tmp_path, monkeypatch):
    path = network(tmp_path / "wave.onnx", [None, None], moments())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install 'vocalise\[evaluate\]'"):
        SpeakerNetwork.load(path)
