"""Encoders: what is kept of what was heard.

signal (batch, channels, steps) ──▶ content (batch, channels, steps / hop)
"""

from vocalise.parts.encoders.dilated import Blank, Dilated
from vocalise.parts.encoders.mel import Mel

__all__ = ("Blank", "Dilated", "Mel")
