"""The recipe that knows no rate of its own, at every rate: it builds, learns a step, and sings to the sample."""

import numpy as np
import pytest
import soundfile
import torch

from vocalise.config import override
from vocalise.data.batches import Batches
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.parts.contracts import Chance, Controls
from vocalise.parts.losses import SpectralLoss
from vocalise.recipes import recipe
from vocalise.training.learner import Learner
from vocalise.training.loop import learn

RATES = (16_000, 24_000, 44_100, 48_000)


def hum(seconds: float, rate: int, hertz: float) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * hertz * (time + 0.002 * np.sin(2 * np.pi * 5 * time))
    tone = sum(np.sin(k * phase) / k for k in range(1, 30) if 1.1 * k * hertz < rate / 2)
    return 0.2 * tone + 0.01 * np.random.default_rng(0).standard_normal(len(time))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, request) -> Corpus:
    """Four singers, each recorded at another rate."""
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    folder = tmp_path_factory.mktemp("mixed")
    patch.setenv("VOCALISE_CACHE", str(folder / "cache"))
    for number, rate in enumerate(RATES):
        path = folder / "data" / f"singer{number}" / "song.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, hum(0.6, rate, 140.0 + 40 * number), rate)
    return Corpus.open(folder / "data")


@pytest.mark.parametrize("rate", RATES)
def test_aria_learns_a_step_from_recordings_of_all_rates_and_sings_to_the_sample(mixed, rate):
    chosen = override(recipe("aria", "tiny"), f"model.signal.rate={rate}")
    prepared = prepare(mixed, rate=rate, level=chosen.material.level, contours=True)
    with torch.device("meta"):
        skeleton = chosen.model.build(singers=4)
    assert skeleton.rate == 100 * skeleton.hop == rate
    samples = chosen.material.excerpt(rate=rate, hop=skeleton.hop)
    assert samples == round(0.5 * rate)
    batches = Batches(prepared, mixed.split(0.0).train, samples=samples, hop=skeleton.condition.hop)
    facts = {"singers": 4, "steps": 10, "seed": 0}
    with torch.random.fork_rng():
        learner = Learner(chosen, batches, device=torch.device("cpu"), precision="float32", **facts)
        before = {name: weight.clone() for name, weight in learner.model.named_parameters()}
        learn(learner)
    assert not learner.skipped
    moved = [name for name, weight in learner.model.named_parameters() if not torch.equal(weight, before[name])]
    assert any(name.startswith("encoder") for name in moved) and any(name.startswith("decoder") for name in moved)
    model = learner.model.eval()
    for length in (1, skeleton.hop - 1, round(0.1234 * rate)):
        columns = -(-length // skeleton.hop)
        controls = Controls(torch.eye(4)[:1, :, None], *torch.full((3, 1, columns), 150.0))
        controls.voicing.fill_(1.0)
        controls.loudness.fill_(-20.0)
        sung = model.convert(torch.randn(1, length) * 0.1, controls, Chance((torch.Generator().manual_seed(0),)))
        assert sung.shape == (1, length) and torch.isfinite(sung).all()


def noise(rate: int, below: float, above: float = 0.0, seed: int = 0) -> torch.Tensor:
    """A second of noise in a band of frequencies."""
    spectrum = torch.fft.rfft(torch.randn(1, rate, generator=torch.Generator().manual_seed(seed)))
    frequencies = torch.fft.rfftfreq(rate, 1 / rate)
    spectrum[:, (frequencies >= below) | (frequencies < above)] = 0.0
    return 0.1 * torch.fft.irfft(spectrum, rate)


@pytest.mark.parametrize("rate", RATES)
def test_what_lies_above_a_files_bandwidth_changes_no_loss_and_gets_no_gradient(rate):
    loss, edge = SpectralLoss(rate, peaks=10.0, mel=1.0), 0.25 * rate
    target, sung = noise(rate, edge), noise(rate, edge, seed=1)
    hiss = noise(rate, rate, above=edge, seed=2)
    known = torch.tensor([edge])
    alone, hissing = loss(target, sung, known), loss(target, sung + hiss, known)
    assert float(hissing) == pytest.approx(float(alone), abs=0.02)
    assert float(loss(target, sung + hiss)) > float(loss(target, sung)) + 1.0  # without the mask it would be heard
    wave = (sung + hiss).requires_grad_()
    loss(target, wave, known).backward()
    slope = torch.fft.rfft(wave.grad).abs()
    frequencies = torch.fft.rfftfreq(rate, 1 / rate)
    outside = slope[:, frequencies > 1.1 * edge].square().sum()
    assert float(outside) < 1e-3 * float(slope.square().sum())


def test_a_file_that_is_whole_is_heard_up_to_the_top():
    rate = 16_000
    loss, target = SpectralLoss(rate, peaks=10.0, mel=1.0), noise(rate, 6000.0)
    hissing = target + noise(rate, rate, above=7000.0, seed=2)
    for whole in (None, torch.tensor([8000.0])):
        assert float(loss(target, hissing, whole)) > float(loss(target, target, whole)) + 1.0


def test_losses_of_a_batch_keep_apart_what_each_file_holds():
    rate = 24_000
    loss = SpectralLoss(rate, peaks=10.0, mel=1.0)
    targets = torch.cat([noise(rate, 4000.0), noise(rate, 12_000.0, seed=1)])
    sung = torch.cat([noise(rate, 12_000.0, seed=2), noise(rate, 12_000.0, seed=3)])
    bandwidth = torch.tensor([4000.0, 12_000.0])
    together = loss(targets, sung, bandwidth)
    alone = [loss(targets[[n]], sung[[n]], bandwidth[[n]]) for n in range(2)]
    assert together.tolist() == pytest.approx([float(one) for one in alone], rel=1e-4)
