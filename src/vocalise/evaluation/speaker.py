"""Any speaker-verification network from disk, as a further opinion on who sings (extra `evaluate`).

    wave ──16 kHz──▶ pieces of 10 s or more ──(filter bank)──▶ ONNX network ──mean, unit length──▶ embedding (dim,)

What the network eats is read from the declared shape of its input: (batch, samples), (batch, frames, 80) or
(batch, 80, frames).
"""

import math
import os
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.resampling import resample
from vocalise.errors import ConfigError

Diet = Literal["samples", "frames by bands", "bands by frames"]

RATE = 16_000  # Hz
PIECE = 10.0  # seconds heard at a time, at least, where there is so much
SHORTEST = 1.0  # seconds; a shorter wave is repeated until it fills them
BANDS = 80
_FRAME, _HOP, _SIZE = 400, 160, 512  # samples: 25 ms, 10 ms, and the power of two above
_LOWEST = 20.0  # Hz, where the lowest band begins
_EMPHASIS = 0.97
_LEAST = 1.1920929e-07  # the smallest power that has a logarithm here, as in Kaldi
_BLOCK = 1 << 14  # frames analysed at a time


class SpeakerNetwork:
    """A network that maps a voice to a point; voices of one person should lie close together."""

    def __init__(self, session: Any, entry: str, diet: Diet, way_out: str, name: str) -> None:
        self.name = name
        self.diet = diet
        self._session, self._entry, self._way_out = session, entry, way_out

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "SpeakerNetwork":
        """Reads an ONNX file; it runs on one thread of the processor.

        Raises:
            ConfigError: onnxruntime is not installed, there is no such file, it is damaged, or it eats something else
                than a wave at 16 kHz or 80 mel bands.
        """
        path = Path(path)
        if not path.is_file():
            raise ConfigError(f"{path} is no file: give the speaker network as an ONNX file.")
        session = _session(path)
        entry, diet = _entry(session.get_inputs(), path)
        return cls(session, entry, diet, _way_out(session.get_outputs(), path), path.stem)

    def embed(self, wave: Tensor, rate: int) -> Tensor:
        """The voice in a wave (samples,) at `rate` Hz: (dim,), of unit length.

        The wave is cut into equal pieces of 10 s or a little more, each embedded and brought to unit length, and the
        mean of these is brought to unit length. What is shorter than a second is repeated, and pieces without any sound
        are left out; a wave without any has no singer: NaN.

        Raises:
            ConfigError: the network fails on what it said that it eats.
        """
        heard = wave.detach().float().cpu()
        heard = heard if rate == RATE else resample(heard, rate, RATE)
        least = round(SHORTEST * RATE)
        if not heard.abs().gt(0.0).any():
            return self._embed_piece(torch.sin(torch.arange(least) * (2.0 * math.pi * 220.0 / RATE))) * math.nan
        if len(heard) < least:
            heard = heard.repeat(math.ceil(least / len(heard)))[:least]
        pieces = torch.tensor_split(heard, max(1, int(len(heard) / (PIECE * RATE))))
        points = torch.stack([self._embed_piece(piece) for piece in pieces if piece.abs().gt(0.0).any()])
        return F.normalize(F.normalize(points, dim=-1).mean(dim=0), dim=-1)

    def _embed_piece(self, piece: Tensor) -> Tensor:
        food = piece if self.diet == "samples" else filter_bank(piece)
        food = food.T.contiguous() if self.diet == "bands by frames" else food
        try:
            (point,) = self._session.run([self._way_out], {self._entry: food[None].numpy()})
        except Exception as error:  # whatever the runtime throws: its exceptions have no common ancestor
            raise ConfigError(f"{self.name} failed on {len(piece) / RATE:.1f} s of sound: {_brief(error)}") from None
        found = torch.as_tensor(point).float().reshape(-1)
        if not torch.isfinite(found).all():
            raise ConfigError(f"{self.name} answers with numbers that are not finite: export it again, in float32.")
        return found


def likeness(a: Tensor, b: Tensor) -> float:
    """Cosine of the angle between two embeddings (dim,): 1 for one voice, about 0 for strangers; NaN beside silence."""
    return float(F.cosine_similarity(a.double(), b.double(), dim=-1))


def filter_bank(wave: Tensor) -> Tensor:
    """Log mel filter bank as Kaldi computes it: (samples,) at 16 kHz -> (frames, 80), the mean of each band removed.

    Frames of 25 ms every 10 ms that lie wholly inside the wave (frames = (samples - 400) // 160 + 1), each without its
    mean, pre-emphasised by 0.97, under a Hamming window; power spectrum of 512 points; 80 triangles between 20 Hz and
    8 kHz on the scale 1127 ln(1 + f / 700). Full scale is 32768, and there is no dither (Povey et al., 2011, "The Kaldi
    speech recognition toolkit"; the settings are those of WeSpeaker, Wang et al., 2023).
    """
    if len(wave) < _FRAME:
        wave = F.pad(wave, (0, _FRAME - len(wave)))
    frames = wave.float().unfold(0, _FRAME, _HOP)
    triangles = _triangles().T
    bands = torch.cat([_log_bands(block * 32768.0, triangles) for block in torch.split(frames, _BLOCK)])
    return bands - bands.mean(dim=0)


def _log_bands(frames: Tensor, triangles: Tensor) -> Tensor:
    """Frames (frames, 400) and weights (257, 80) -> log power in each band (frames, 80)."""
    level = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([level[:, :1], level[:, :-1]], dim=1)  # the first sample is its own predecessor
    shaped = (level - _EMPHASIS * before) * torch.hamming_window(_FRAME, periodic=False)
    power = torch.fft.rfft(shaped, n=_SIZE).abs().square()
    bands: Tensor = power @ triangles
    return bands.clamp(min=_LEAST).log()


def _triangles() -> Tensor:
    """The weights (80, 257): straight lines over the mel axis, sampled at the bins; the bin at 8 kHz weighs nothing."""
    mels = 1127.0 * torch.log1p(torch.arange(_SIZE // 2 + 1, dtype=torch.float64) * RATE / _SIZE / 700.0)
    low, high = (1127.0 * math.log1p(hertz / 700.0) for hertz in (_LOWEST, RATE / 2))
    corners = torch.linspace(low, high, BANDS + 2, dtype=torch.float64)
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return torch.minimum((mels - left) / (centre - left), (right - mels) / (right - centre)).clamp(min=0.0).float()


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError(
            "A speaker network needs onnxruntime, which is not installed: pip install 'vocalise[evaluate]'."
        ) from None
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is told by the exception, once
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # see above
        raise ConfigError(f"{path} is no ONNX file that can be run ({_brief(error)}): export it again.") from None


def _entry(inputs: Any, path: Path) -> tuple[str, Diet]:
    """The name of the only input, and what it eats; a size that is left open is no number."""
    if len(inputs) != 1:
        names = ", ".join(one.name for one in inputs) or "none"
        raise ConfigError(f"{path} has {len(inputs)} inputs ({names}): a speaker network has one, the voice.")
    one = inputs[0]
    if one.type != "tensor(float)":
        raise ConfigError(f"{path} eats {one.type}: export it with an input of float32.")
    sizes = tuple(size if isinstance(size, int) and size > 0 else None for size in one.shape or ())
    match sizes:
        case (None | 1, None):
            return one.name, "samples"
        case (None | 1, None, 80):
            return one.name, "frames by bands"
        case (None | 1, 80, None):
            return one.name, "bands by frames"
    raise ConfigError(
        f"{path} eats an input of shape ({', '.join(map(str, one.shape or ()))}): known are (batch, samples), "
        f"(batch, frames, {BANDS}) and (batch, {BANDS}, frames), with samples and frames left open; export it so."
    )


def _way_out(outputs: Any, path: Path) -> str:
    """The name of the output that is the embedding."""
    names = [str(one.name) for one in outputs]
    likely = [name for name in names if "emb" in name.lower()]
    if len(names) == 1 or len(likely) == 1:
        return (likely or names)[0]
    raise ConfigError(f"{path} has the outputs {', '.join(names)}: call the one that is the embedding 'embedding'.")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
