"""A WaveNet whose steps are a CUDA graph: hundreds of small products are started by one word from the host.

chunk 1: sung step by step ── chunk 2: recorded, then replayed ── chunk 3: replayed ── … ── the rest: step by step

It serves every WaveNet on every CUDA card, and is what faster samplers are compared with. Without a card, or where
nothing records, the same steps are taken one after the other: so it is tested on any machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, final

import torch
from torch import Tensor

from vocalise.config import Part
from vocalise.devices import one_thread
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Chance, Controls
from vocalise.parts.decoders.wavenet import WaveNet
from vocalise.sampling.cuda.steps import Desk, Memory, Network, advance, logits
from vocalise.sampling.cuda.twins import TwinPrecision, WaveNetTwin, on_the_card_of, replaced, settle

STEPS = 16  # samples in a graph: each is some two hundred nodes
Work = Callable[[], None]


class Recorder(Protocol):
    """Records work on a device once, so that it can be repeated at the same addresses."""

    def rehearse(self, work: Work) -> None:
        """Does the work as it is; what is to be set up on first use is set up now."""

    def record(self, work: Work) -> Work:
        """What repeats the work. It is not done yet."""


@final
class CudaRecorder:
    """Records CUDA graphs (PyTorch's notes on CUDA semantics: rehearse on a side stream, then capture)."""

    def rehearse(self, work: Work) -> None:
        """Does the work on a stream of its own."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            work()
        torch.cuda.current_stream().wait_stream(stream)

    def record(self, work: Work) -> Work:
        """The replay of a graph."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        return graph.replay


@dataclass
class GraphState:
    """What streams remember, with the graph that moves it on."""

    memory: Memory
    desk: Desk
    key: object = None  # what the recorded work depends on
    replay: Work | None = None  # None: rehearsed, not recorded


@final
class GraphWaveNet(WaveNetTwin, Part):
    """A WaveNet in chunks of `steps` samples, each chunk a CUDA graph; ring index and sampling are on the device.

    In float32 it sings what the module sings, to the rounding of sums. In bf16 the layers' products and rings are
    bfloat16; stem, head and the sums over layers stay float32.
    """

    def __init__(
        self,
        decoder: WaveNet,
        *,
        steps: int = STEPS,
        precision: TwinPrecision = "float32",
        recorder: Recorder | None = None,
    ) -> None:
        """Makes a twin; `recorder` replaces that of CUDA cards.

        Raises:
            ConfigError: a chunk of no steps, or an unknown precision.
        """
        super().__init__(decoder, precision=precision)
        if steps < 1:
            raise ConfigError(f"A chunk of {steps} steps sings nothing; take 1 or more, {STEPS} by default.")
        self.steps, self._recorder = steps, recorder
        self._packed: tuple[object, Network] | None = None
        self._moves = 0  # how often the packed weights came to new addresses

    def begin(self, batch: int) -> GraphState:
        """Nothing sung yet, on the device of the weights."""
        network = self.network()
        desk = Desk.of(network, steps=self.steps, hop=self.hop, batch=batch)
        return GraphState(Memory.blank(network, batch), desk)

    def renew(self, state: GraphState, row: int) -> None:
        """Forgets what one stream has sung: it begins again from silence beside others that sing on."""
        self.check_row(row, len(state.memory.heard))
        with torch.inference_mode():
            state.memory.ring[:, row] = 0.0
            state.memory.heard[row] = 0.0

    def extend(self, state: GraphState, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (batch, channels, controls) -> signal (batch, 1, controls * hop), one level after the other.

        Raises:
            ConfigError: condition, luck or device do not fit the state.
        """
        memory = state.memory
        self.check(len(memory.heard), memory.ring.device, condition, chance)
        network = self.network()
        with torch.inference_mode(), one_thread(), on_the_card_of(memory.ring):
            sung = self._sing(state, network, condition, chance)
        return sung.clone()  # a tensor that autograd may meet again, when backtranslation listens to it

    def logits(self, target: Tensor, condition: Tensor) -> Tensor:
        """As `WaveNet.logits`, by the steps that sing, told what was sung before: float32."""
        network, seen = self.network(), []
        with torch.inference_mode(), one_thread():
            layers, head = settle(self, condition)
            memory, layers = Memory.blank(network, len(target)), layers.to(self.dtype)
            for step in range(target.shape[2]):
                slots, frame = network.slots(memory.clock)[0], step // self.hop
                seen.append(logits(network, memory, layers[frame], head[frame], slots))
                memory.heard = torch.cat([memory.heard[:, 1:], target[:, :, step].float()], dim=1)
                memory.clock += 1
        return torch.stack(seen, dim=1).clone()

    def _sing(self, state: GraphState, network: Network, condition: Tensor, chance: Chance) -> Tensor:
        layers, head = settle(self, condition)
        total = len(layers) * self.hop
        luck = chance.uniform(total, condition.device).t()
        sung = state.desk.sung.new_zeros(total, condition.shape[0])
        state.desk.laid = (0, 0)  # what lies on the desk is of another call
        for start in range(0, total, self.steps):
            chunk = luck[start : start + self.steps]
            state.desk.lay(layers, head, chunk, start)
            self._chunk(state, network, len(chunk), chance.temperature)
            sung[start : start + len(chunk)] = state.desk.sung[: len(chunk)]
        return sung.t().unsqueeze(1).to(condition.dtype)

    def _chunk(self, state: GraphState, network: Network, count: int, temperature: float) -> None:
        """So many steps, from a graph where there are enough of them to fill one."""
        work = partial(advance, network, state.memory, state.desk, partial(self._level, temperature), count)
        recorder = self._recorder or (CudaRecorder() if self.device.type == "cuda" else None)
        if recorder is None or count < self.steps:
            work()
            return
        key = (self._moves, temperature)
        if state.key != key:
            state.key, state.replay = key, None
            recorder.rehearse(work)
            return
        if state.replay is None:
            state.replay = recorder.record(work)
        state.replay()

    def _level(self, temperature: float, logits: Tensor, luck: Tensor) -> Tensor:
        """A level for each stream, (batch, 1), as the module draws it."""
        classes = self.wavenet._draw(logits, luck, temperature)
        return classes.float() / (self.levels - 1) - 0.5

    def network(self) -> Network:
        """The weights as they are now, at the addresses where they were if that is possible: then graphs stay valid."""
        told = self.fingerprint()
        if self._packed is None or self._packed[0] != told:
            with torch.inference_mode(False), torch.no_grad():
                fresh = Network.of(self.wavenet, self.dtype)
                if self._packed is not None and replaced(self._packed[1], fresh):
                    fresh = self._packed[1]
                else:
                    self._moves += 1
            self._packed = (told, fresh)
        return self._packed[1]
