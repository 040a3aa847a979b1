"""The melody probe: certain of a latent that is the melody, certain of noise, and of `pitchnet` against `usvc`."""

import math
from dataclasses import replace

import pytest
import torch

from vocalise.config import override
from vocalise.data.batches import Batch, Batches, windows
from vocalise.data.choir import render_choir
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.measures.melody import melody_left
from vocalise.parts.contracts import Latent
from vocalise.recipes import recipe
from vocalise.training.learner import Learner
from vocalise.training.loop import learn

STEPS = 600
SMALL = ("model.encoder.hop=160", "material.samples=1600", "material.batch=4", "protocols.1.start=1")
COLUMNS = ("model.condition.columns=2",)


def glides(count, voiced=1.0):
    """Windows whose wave is a code of the melody: its first samples are the octaves."""
    octaves = 7.0 + torch.cumsum(0.1 * torch.randn(count, 40), dim=1)
    pitch = torch.exp2(octaves)
    voicing = (torch.rand(count, 40) < voiced).float()
    none = torch.zeros(count)
    return Batch(octaves, none.long(), pitch, voicing, torch.zeros_like(pitch), none, octaves[:, :0])


class Ear:
    """Hears `share` of the melody, and noise instead of the rest."""

    device, training = torch.device("cpu"), False

    def __init__(self, share, channels=3):
        self.share, self.channels = share, channels

    def eval(self):
        return self

    def train(self, mode=True):
        return self

    def encode(self, wave, analysis=None, before=None):
        line = (wave - 7.0) * math.sqrt(self.share) + 0.5 * math.sqrt(1 - self.share) * torch.randn_like(wave)
        noise = torch.randn(len(wave), self.channels, wave.shape[1])
        z = torch.cat([line[:, None], noise], dim=1) if self.channels else wave.new_zeros(len(wave), 0, wave.shape[1])
        return Latent(z=1e-3 * z, terms={}, facts={})  # the scale of a latent means nothing


def test_a_latent_that_is_the_melody_tells_all_of_it_and_noise_nothing():
    taught, tested = glides(60), glides(30)
    assert melody_left(Ear(1.0), taught, tested) > 0.99
    assert melody_left(Ear(0.0), taught, tested) == pytest.approx(0.0, abs=0.05)
    assert 0.1 < melody_left(Ear(0.3), taught, tested) < 0.95


def test_frames_without_voice_are_not_asked_for():
    taught, tested = glides(60, voiced=0.5), glides(30, voiced=0.5)
    wrong = torch.where(tested.voicing > 0.5, tested.pitch, 1e-3)
    assert melody_left(Ear(1.0), taught, replace(tested, pitch=wrong)) > 0.99


def test_where_there_is_nothing_to_tell_no_figure_is_made_up():
    assert math.isnan(melody_left(Ear(1.0), glides(3, voiced=0.0), glides(3)))
    assert melody_left(Ear(1.0, channels=0), glides(3), glides(3)) == 0.0


@pytest.fixture(scope="module")
def choir(tmp_path_factory):
    """Two singers, half a minute each, with the melody of every recording."""
    folder = tmp_path_factory.mktemp("choir")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOCALISE_CACHE", str(folder / "cache"))
        render_choir(folder / "data", singers=2, minutes=0.5)
        yield prepare(Corpus.open(folder / "data"), rate=16_000, contours=True)


def left_by(name, choir, steps=STEPS):
    """What is left of the melody in a recipe's latent, before and after so many steps on the choir."""
    chosen = recipe(name, "tiny")
    for setting in (*SMALL, *(COLUMNS if name == "pitchnet" else ())):
        chosen = override(chosen, setting)
    pieces = choir.corpus.split(0.3)
    with torch.device("meta"):
        hop = chosen.model.build(singers=2).condition.hop
    batches = Batches(choir, pieces.train, samples=chosen.material.samples, hop=hop)
    learner = Learner(chosen, batches, singers=2, steps=steps, seed=0, device=torch.device("cpu"), precision="float32")
    shape = {"samples": 16_000, "hop": learner.model.hop, "most": 64}
    sides = [windows(choir, side, **shape) for side in (pieces.train, pieces.held_out)]
    figures = []
    for count in (0, steps):
        for _ in range(count):
            learn(learner)
        with learner.presentable() as model:
            figures.append(melody_left(model, *sides))
    return figures


# Not met: docs/journal.md, "Pitch confusion takes no pitch away, yet". Strict, so that whoever mends it is told.
@pytest.mark.xfail(strict=True, reason="at this length neither latent holds enough of the melody for one to hold less")
@pytest.mark.slow
def test_pitchnets_latent_keeps_far_less_of_the_melody_than_usvcs(choir):
    (fresh, usvc), (same, pitchnet) = (left_by(name, choir) for name in ("usvc", "pitchnet"))
    assert fresh == pytest.approx(same)  # they set out alike
    assert usvc > 0.4
    assert pitchnet < 0.5 * usvc
