"""Speed: the same decoders with the same weights, computed faster, and checked against the plain ones."""

from vocalise.sampling.accelerate import PRECISIONS, Precision, accelerate, accelerated_decoder
from vocalise.sampling.exporting import Exported, export

__all__ = ("PRECISIONS", "Exported", "Precision", "accelerate", "accelerated_decoder", "export")
