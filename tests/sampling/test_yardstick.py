"""What the benches compare with is what they say that it is."""

import importlib.util
from pathlib import Path

import pytest
import torch

BENCHES = Path(__file__).resolve().parents[2] / "benches"


@pytest.fixture(scope="module")
def hifigan():
    spec = importlib.util.spec_from_file_location("hifigan", BENCHES / "hifigan.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_yardstick_has_the_published_size(hifigan):
    assert sum(value.numel() for value in hifigan.HiFiGAN().parameters()) == hifigan.PARAMETERS
    assert round(hifigan.PARAMETERS / 1e6, 2) == 13.93  # the paper's table 1 says 13.92 M, cut off


def test_the_yardstick_makes_256_samples_of_a_column_and_hears_on_both_sides(hifigan):
    generator = hifigan.HiFiGAN().eval()
    mel = torch.randn(1, hifigan.MELS, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wave, other = generator(mel), mel.clone()
        other[:, :, 20] += 3.0
        change = (generator(other) - wave).abs()[0, 0].view(40, hifigan.HOP).amax(dim=1)
    assert wave.shape == (1, 1, 40 * hifigan.HOP) and wave.abs().max() <= 1.0
    assert change[20] > 0.0 and change[19] > 0.0 and change[21] > 0.0
