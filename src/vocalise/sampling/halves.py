"""Linear layers that multiply in bfloat16 and are otherwise as they were: twice as fast where a processor can."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.parts.decoders.parallel import FilterNetwork


class HalfLinear(nn.Module):
    """A linear layer with weights in bfloat16; takes and gives float32, so that sums of blocks lose nothing."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.register_buffer("weight", layer.weight.detach().bfloat16(), persistent=False)
        self.register_buffer("bias", layer.bias.detach().bfloat16(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) -> (…, out)."""
        return F.linear(x.bfloat16(), self.weight, self.bias).float()


class HalfNetwork(nn.Module):
    """Stands in for a network; its weights stay where they were, under the same names, beside a copy in bfloat16."""

    def __init__(self, network: FilterNetwork) -> None:
        super().__init__()
        self._modules.update(network._modules)
        self.at_once = network.at_once
        self.quick = (halved(network),)  # in a tuple, so that its weights are not counted as this module's

    @torch.no_grad()
    def forward(self, condition: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """(batch, channels, columns) after the pasts of all blocks -> (batch, columns, out), and the new pasts."""
        drawn: tuple[Tensor, list[Tensor]] = self.quick[0](condition, pasts)
        return drawn


def halved(network: nn.Module) -> nn.Module:
    """A copy whose linear layers are `HalfLinear`."""
    twin = copy.deepcopy(network)
    for module in list(twin.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, HalfLinear(child))
    return twin
