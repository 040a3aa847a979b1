"""The voice file: what a training run leaves behind, and all that a conversion needs."""

from vocalise.checkpoint.voice import Card, Voice, load_voice, save_voice

__all__ = ("Card", "Voice", "load_voice", "save_voice")
