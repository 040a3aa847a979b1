import math

import pytest
import torch

from vocalise.measures.probe import mel_windows, probe_model, probe_singer
from vocalise.recipes import recipe

SINGERS = 4


def labelled(count: int, *, apart: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise of 8 channels and 10 frames; each singer raises one channel by `apart`."""
    labels = torch.arange(count) % SINGERS
    features = torch.randn(count, 8, 10, generator=torch.Generator().manual_seed(seed))
    features[torch.arange(count), labels] += apart
    return features, labels


def voices(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Seconds of pulses through one resonance, whose frequency is the singer's own; any pitch."""
    generator = torch.Generator().manual_seed(seed)
    labels, time = torch.arange(count) % SINGERS, torch.arange(16_000) / 16_000
    waves = []
    for singer in labels.tolist():
        pitch, formant = 120 + 100 * float(torch.rand(1, generator=generator)), 600 + 500 * singer
        partials = torch.arange(1, int(7000 / pitch))
        weights = torch.exp(-(((partials * pitch - formant) / 250.0) ** 2)) + 0.01
        wave = (weights[:, None] * torch.sin(2 * math.pi * pitch * partials[:, None] * time)).sum(0)
        waves.append(0.3 * wave / wave.abs().max())
    return torch.stack(waves), labels


def test_singers_that_lie_apart_are_told_apart():
    figures = probe_singer(*labelled(200, apart=2.0, seed=0), *labelled(200, apart=2.0, seed=1), steps=120)
    assert figures.accuracy > 0.97
    assert figures.chance == 0.25
    assert len(figures.per_singer) == SINGERS
    assert figures.accuracy == pytest.approx(sum(figures.per_singer) / SINGERS)


def test_noise_is_told_apart_by_luck_only():
    count = 600
    figures = probe_singer(*labelled(200, apart=0.0, seed=0), *labelled(count, apart=0.0, seed=1), steps=150)
    luck = math.sqrt(0.25 * 0.75 / count)
    assert abs(figures.accuracy - 0.25) < 4 * luck


def test_scales_and_offsets_of_channels_do_not_matter():
    train, labels = labelled(120, apart=2.0, seed=0)
    test, truth = labelled(80, apart=2.0, seed=1)
    scale, offset = torch.logspace(-4, 4, 8)[:, None], torch.linspace(-1e3, 1e3, 8)[:, None]
    figures = probe_singer(train * scale + offset, labels, test * scale + offset, truth, steps=120)
    assert figures.accuracy > 0.9


def test_each_singer_counts_alike_however_many_windows_there_are():
    train, labels = labelled(200, apart=2.0, seed=0)
    test, truth = labelled(80, apart=2.0, seed=1)
    kept = (truth != 3) & ((truth != 2) | (torch.arange(80) < 12))
    test[truth == 2] = test[truth == 1][: int((truth == 2).sum())]  # all of singer 2 sounds like singer 1
    figures = probe_singer(train, labels, test[kept], truth[kept], steps=120)
    assert math.isnan(figures.per_singer[3])
    assert figures.per_singer[2] < 0.2
    assert figures.accuracy == pytest.approx(sum(figures.per_singer[:3]) / 3)


def test_the_same_seed_gives_the_same_figures_and_leaves_the_global_generator_alone():
    data = (*labelled(80, apart=0.5, seed=0), *labelled(80, apart=0.5, seed=1))
    before = torch.get_rng_state()
    first, again, other = (probe_singer(*data, steps=40, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert torch.equal(torch.get_rng_state(), before)


def test_no_channels_are_chance_without_training():
    empty = torch.zeros(20, 0, 5)
    figures = probe_singer(empty, torch.arange(20) % 5, empty, torch.arange(20) % 5, steps=10**9)
    assert figures.accuracy == figures.chance == 0.2


def test_training_mode_of_the_caller_does_not_matter():
    with torch.no_grad():
        figures = probe_singer(*labelled(80, apart=3.0, seed=0), *labelled(40, apart=3.0, seed=1), steps=100)
    assert figures.accuracy > 0.9


def test_a_model_is_probed_between_its_ceiling_and_its_floor():
    model, untrained = (recipe("usvc", "tiny").model.build(singers=SINGERS) for _ in range(2))
    before = [parameter.clone() for parameter in model.parameters()]
    model.train()
    probe = probe_model(model, untrained, *voices(40, 0), *voices(24, 1), rate=16_000, steps=100)
    assert probe.log_mel.accuracy > 0.9
    for figures in (probe.latent, probe.untrained):
        assert 0.0 <= figures.accuracy <= 1.0
        assert figures.chance == 0.25
    assert model.training
    assert all(torch.equal(now, then) for now, then in zip(model.parameters(), before, strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_latent_without_channels_is_chance():
    models = [recipe("wavenet", "tiny").model.build(singers=SINGERS) for _ in range(2)]
    probe = probe_model(*models, *voices(8, 0), *voices(8, 1), rate=16_000, steps=2)
    assert probe.latent.accuracy == probe.untrained.accuracy == 0.25


def test_windows_must_be_whole_frames():
    model = recipe("usvc", "tiny").model.build(singers=SINGERS)
    with pytest.raises(ValueError, match="multiples of the model's hop, 800"):
        probe_model(model, model, *(x[..., :15_999] for x in voices(4, 0)), *voices(4, 1), rate=16_000)


def test_mel_frames_run_on_the_clock_of_the_latent():
    waves, _ = voices(3, 0)
    assert mel_windows(waves, 16_000, hop=800).shape == (3, 80, 20)
