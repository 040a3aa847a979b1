"""Encoders: what is kept of what was heard.

signal (batch, channels, steps) ──▶ content (batch, channels, steps / hop)
"""

from vocalise.parts.encoders.dilated import Blank, Dilated
from vocalise.parts.encoders.framewise import Framewise
from vocalise.parts.encoders.mel import Mel
from vocalise.parts.encoders.strided import Strided

__all__ = ("Blank", "Dilated", "Framewise", "Mel", "Strided")
