"""WaveNets on CUDA cards: a graph of steps, or one kernel that sings from beginning to end."""

from vocalise.sampling.cuda.cards import available, fastest, why
from vocalise.sampling.cuda.graphs import GraphWaveNet
from vocalise.sampling.cuda.persistent import TritonWaveNet

__all__ = ("GraphWaveNet", "TritonWaveNet", "available", "fastest", "why")
