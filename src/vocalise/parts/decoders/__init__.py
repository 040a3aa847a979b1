"""Decoders, a file each."""

from vocalise.parts.decoders.wavenet import WaveNet

__all__ = ("WaveNet",)
