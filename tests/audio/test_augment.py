import torch

from vocalise.audio.augment import AUGMENTATIONS, Phrase


def phrase() -> Phrase:
    generator = torch.Generator().manual_seed(1)
    wave, pitch, voicing, loudness = (torch.rand(2, n, generator=generator) for n in (800, 10, 10, 10))
    return Phrase(wave - 0.5, pitch, voicing.round(), loudness)


def test_there_are_four_versions():
    assert list(AUGMENTATIONS) == ["original", "reverse", "invert", "reverse_invert"]


def test_every_version_undoes_itself():
    for augment in AUGMENTATIONS.values():
        for before, after in zip(phrase(), augment(augment(phrase())), strict=True):
            assert torch.equal(before, after)


def test_reversal_takes_the_contours_along():
    before, after = phrase(), AUGMENTATIONS["reverse"](phrase())
    for line in range(4):
        assert torch.equal(after[line], before[line].flip(-1))
        assert not torch.equal(after[line], before[line])


def test_inversion_leaves_the_contours():
    before, after = phrase(), AUGMENTATIONS["invert"](phrase())
    assert torch.equal(after.wave, -before.wave)
    assert all(torch.equal(after[line], before[line]) for line in (1, 2, 3))


def test_the_versions_differ_from_each_other():
    waves = [augment(phrase()).wave for augment in AUGMENTATIONS.values()]
    assert not any(torch.equal(waves[a], waves[b]) for a in range(4) for b in range(a))
