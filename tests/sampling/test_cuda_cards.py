"""On a CUDA card: graphs and kernel sing what the module sings there. Nothing here runs without one."""

import pytest
import torch

from tests.material import dice
from tests.sampling.wavenets import in_breaths, told, wavenet
from vocalise.sampling.cuda import GraphWaveNet, TritonWaveNet, available, fastest
from vocalise.sampling.cuda.cards import divergence

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card"),
]


def on_card(batch=3, columns=6):
    condition, controls = told(batch, columns)
    lines = (getattr(controls, name).cuda() for name in ("identity", "pitch", "voicing", "loudness"))
    return condition.cuda(), type(controls)(*lines)


def kinds():
    return [GraphWaveNet, *([TritonWaveNet] if available() == "triton" else [])]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_samplers_sing_what_the_module_sings(temperature):
    module = wavenet(hop=40).cuda()
    condition, controls = on_card()
    wanted, *given = (
        in_breaths(one, condition, controls, dice(3, temperature=temperature), breaths=(2, 4), renewed=1)
        for one in (module, *(kind(module, precision="float32") for kind in kinds()))
    )
    for one in given:
        assert (one == wanted).float().mean() > 0.99


@pytest.mark.parametrize(("precision", "most"), [("float32", 1e-9), ("bf16", 5e-4)])
def test_samplers_see_what_the_module_sees(precision, most):
    module = wavenet(hop=40, residual=64, skip=128, levels=256, blocks=2, layers=6).cuda()
    condition, _ = on_card()
    target = torch.rand(3, 1, 240, device="cuda") - 0.5
    with torch.no_grad():
        wanted = module.logits(target, condition)
    for kind in kinds():
        assert divergence(wanted, kind(module, precision=precision).logits(target, condition)) < most


@pytest.mark.parametrize("streams", [1, 17, 100])
def test_streams_of_many_programs_do_not_touch(streams):
    module = wavenet(hop=40).cuda()
    condition, controls = on_card(streams, 2)
    for kind in kinds():
        twin = kind(module, precision="float32")
        together = twin.generate(condition, controls, dice(streams))
        alone = twin.generate(condition[-1:], controls.rows(slice(-1, None)), dice(1, seed=streams - 1))
        assert (together[-1:] == alone).float().mean() > 0.99


def test_the_trial_passes_the_fastest():
    module = wavenet(hop=40).cuda()
    assert type(fastest(module)) is kinds()[-1]
    assert type(fastest(wavenet(hop=40, kernel=3).cuda())) is GraphWaveNet
