"""A short song that a voice tries over before it sings in 8 bits: how far each of its channels goes is measured by it.

    a built-in tune ──encoder──▶ latent ──condition: some of the singers──▶ what the decoder is told

It is the same for the same weights, whatever will be sung.
"""

import torch
from torch import Tensor

from vocalise.autoencoder import Autoencoder
from vocalise.data.batches import loudness_of
from vocalise.parts.contracts import Controls

SECONDS = 1.0
MOST = 4  # singers that try it
NOTES = (110.0, 330.0, 165.0, 880.0, 220.0, 440.0)  # Hz; each glides into the next


@torch.no_grad()
def rehearsal(model: Autoencoder, singer: int | None = None) -> Tensor:
    """What the model's decoder is told while the tune is sung by `singer`, or by some of all (rows, channels, columns).

    Raises:
        RuntimeError: the model is not on the processor.
    """
    wave, pitch = tune(model.rate, SECONDS, model.hop)
    hop = model.condition.hop
    centres = torch.arange(len(wave) // hop) * hop + hop // 2
    who = [singer] if singer is not None else chosen_few(model.singers)
    controls = Controls(
        identity=torch.eye(model.singers)[who].unsqueeze(2),
        pitch=pitch[centres].float().expand(len(who), -1),
        voicing=torch.ones(len(who), len(centres)),
        loudness=loudness_of(wave, rate=model.rate, hop=hop).expand(len(who), -1),
    )
    latent = model.encode(wave.unsqueeze(0)).z
    told: Tensor = model.condition(latent.expand(len(who), -1, -1), controls)
    return told


def chosen_few(singers: int) -> list[int]:
    """At most `MOST` of them, from the first to the last."""
    return sorted({round(n) for n in torch.linspace(0, singers - 1, min(MOST, singers)).tolist()})


def tune(rate: int, seconds: float, hop: int) -> tuple[Tensor, Tensor]:
    """A gliding voice of twelve harmonics that swells and fades, over a breath of noise; and its pitch in Hz, (steps,).

    Whole columns of `hop` samples.
    """
    steps = -(-round(rate * seconds) // hop) * hop
    place = torch.linspace(0.0, len(NOTES) - 1.0, steps, dtype=torch.float64)
    notes = torch.tensor(NOTES, dtype=torch.float64).log2()
    low = place.long().clamp(max=len(NOTES) - 2)
    pitch = torch.exp2(torch.lerp(notes[low], notes[low + 1], ((place - low) * 3.0 - 2.0).clamp(min=0.0)))
    phase = torch.cumsum(pitch / rate, dim=0) * 2.0 * torch.pi
    voice = torch.zeros(steps, dtype=torch.float64)
    for n in range(1, 13):
        voice += torch.where(n * pitch < 0.45 * rate, torch.sin(n * phase) / n, 0.0)
    swell = torch.sin(torch.pi * place).abs()
    noise = torch.rand(steps, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.5
    wave = swell * voice + 0.05 * noise
    return (0.7 * wave / wave.abs().max()).float(), pitch
