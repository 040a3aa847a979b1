"""What the hands are told, for one voice: `Conditioner` in NumPy, and the voice itself only when it changes."""

import numpy as np
import torch
from torch import Tensor, nn

from vocalise.parts.conditions import MIDDLE, SPREAD, USUAL, Conditioner
from vocalise.parts.contracts import Controls
from vocalise.sampling.steps import Array


class Teller(nn.Module):
    """`Conditioner`, one voice at a time."""

    def __init__(self, condition: Conditioner) -> None:
        super().__init__()
        self.hop, self.channels = condition.hop, condition.channels
        self.uses_voice, self.uses_pitch = condition.uses_voice, condition.uses_pitch
        self.uses_loudness = condition.uses_loudness
        self.voices = condition.voices
        self._known: tuple[Tensor | None, Array] = (None, np.zeros((1, 0), np.float32))  # who sang last

    def forward(self, z: Tensor, controls: Controls) -> Tensor:
        """Z (1, content, frames) -> (1, content + voice + told controls, frames), column after column in memory."""
        content, frames = z.shape[1], z.shape[2]
        told = np.empty((frames, self.channels), np.float32)
        told[:, :content] = z.numpy()[0].T
        voice = self._voice(controls.identity)
        place = content + voice.shape[1]
        told[:, content:place] = voice
        if self.uses_pitch:
            pitch, voicing = controls.pitch.numpy()[0], controls.voicing.numpy()[0]
            told[:, place] = np.log2(np.maximum(pitch, np.float32(1.0)) / np.float32(MIDDLE)) * voicing
            told[:, place + 1] = voicing
            place += 2
        if self.uses_loudness:
            told[:, place] = (controls.loudness.numpy()[0] - np.float32(USUAL)) / np.float32(SPREAD)
        return torch.from_numpy(told.T[None])

    @torch.no_grad()
    def _voice(self, identity: Tensor) -> Array:
        """The voice of who sings, (1 or frames, channels): a stream brings the same tensor until another does."""
        known, voice = self._known
        if known is not identity:
            if self.voices is not None:
                voice = (identity[0].to(self.voices.dtype).t() @ self.voices).float().numpy()
            self._known = (identity, voice)
        return voice
