"""What the doctor writes down about one singer."""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from vocalise.audio.pitch import Contour
from vocalise.data.accompaniment import Company


@dataclass(frozen=True, eq=False)
class Checkup:
    """What one singer's recordings are like; levels in dBFS, None where nothing could be measured."""

    singer: str
    files: int
    minutes: float
    level: float | None  # of what is sung, median over the files
    peak: float | None  # highest of all files
    noise: float | None  # quietest moments, median over the files
    silence: float  # share of the time
    clipped: float  # share of the samples
    clipped_files: int
    bandwidth: float | None  # Hz, median over the files weighed by length
    pitch: tuple[float, float, float] | None  # Hz: 5, 50 and 95 % of the voiced frames
    voiced: float  # share of the excerpts' frames
    company: Company
    sample: Tensor = field(default_factory=lambda: torch.zeros(0))  # (samples,) at 16 kHz, a sung excerpt
    sample_contour: Contour | None = None
    pitches: Tensor = field(default_factory=lambda: torch.zeros(0))  # (frames,) Hz, 0 where unvoiced

    def facts(self) -> dict[str, Any]:
        """All but sound, as plain values for JSON."""
        shown = ("singer", "files", "minutes", "level", "peak", "noise", "silence", "clipped", "clipped_files")
        plain = {name: getattr(self, name) for name in (*shown, "bandwidth", "pitch", "voiced")}
        return {**plain, **asdict(self.company), "likely_accompanied": self.company.likely}
