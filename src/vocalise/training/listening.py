"""A few sounds and pictures along the way, so that a run can be heard and seen while it goes on."""

from collections.abc import Sequence

import torch

from vocalise.audio.files import write_aside, write_wave
from vocalise.audio.pitch import pitch_contour
from vocalise.data.batches import Batch
from vocalise.errors import AudioError
from vocalise.measures.pictures import comparison, loss_curves
from vocalise.parts.contracts import Chance, Controls
from vocalise.training.course import Joining
from vocalise.training.learner import Learner
from vocalise.training.run import Run

SECONDS = 2.0  # of a sample; a WaveNet sings some hundred samples a second in each stream


def sing(learner: Learner, run: Run, phrase: Batch, singers: tuple[str, ...]) -> None:
    """Has one held-out phrase sung by its own singer and the next one; writes both, the source, and a picture.

    Draws from generators of its own, so that the run goes on as if nothing had been sung.
    """
    own = int(phrase.singer[0])
    others = list(dict.fromkeys((own, (own + 1) % len(singers))))
    with learner.presentable():
        lines = (phrase.pitch, phrase.voicing, phrase.loudness)
        pitch, voicing, loudness = (line[:1].expand(len(others), -1).to(learner.device) for line in lines)
        identity = torch.eye(len(singers), device=learner.device)[others].unsqueeze(2)
        controls = Controls(identity, pitch, voicing, loudness)
        chance = Chance(tuple(torch.Generator().manual_seed(0) for _ in others))
        waves = phrase.wave[:1].expand(len(others), -1).to(learner.device)
        sung = learner.performer.convert(waves, controls, chance).float().cpu()
    rate, step = learner.model.rate, learner.step
    named = {f"source-{singers[own]}": phrase.wave[0]}
    named |= {f"as-{singers[other]}": wave for other, wave in zip(others, sung, strict=True)}
    try:
        for name, wave in named.items():
            write_wave(run.folder / "samples" / f"step-{step:09d}-{_file_name(name)}.wav", wave, rate)
    except AudioError as error:
        run.say(step, str(error))
    panels = [(name, wave, rate, pitch_contour(wave, rate)) for name, wave in named.items()]
    show(run, step, f"step-{step:09d}.png", comparison(panels))
    run.note("sample", step, source=singers[own], to=[singers[other] for other in others])


def draw_curves(run: Run, step: int, *, title: str, joining: Sequence[Joining]) -> None:
    """The course of the run as a picture."""
    rows = run.journal.rows()
    show(run, step, "loss.png", loss_curves(rows, title=title, phases=[(one.step, one.who) for one in joining]))


def show(run: Run, step: int, name: str, picture: bytes) -> None:
    """Keeps a picture among the figures; a full disk costs the picture only."""
    try:
        with write_aside(run.folder / "figures" / name) as aside:
            aside.write_bytes(picture)
    except OSError as error:
        run.say(step, f"figures/{name} could not be written ({error.strerror}).")


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
