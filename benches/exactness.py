"""What low precision costs a trained voice: `python benches/exactness.py --voice FILE --song FILE [--to NAME]`.

The song is heard twice. First the decoder is told, sample by sample, what the song is (forced steps), and what each
sampler expects is compared with what the PyTorch module does in float64: the furthest logit, the mean Kullback-Leibler
divergence, and how often the same uniform number draws the same level. Then the song is converted by each, and the
pitch of the results is compared with the song's, by a tracker that no model was trained with. Goals: float32 within
2e-5 and 99.9 % the same, bf16 below 5e-5 nat, int8 below 5e-4 nat. Exit code 1 if one is missed.
"""

import argparse
import copy
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.files import read_wave, write_aside
from vocalise.audio.pitch import contour_at, pitch_contour
from vocalise.checkpoint import Voice, load_voice
from vocalise.conversion import Converter
from vocalise.data.batches import loudness_of
from vocalise.errors import VocaliseError
from vocalise.measures.pitch import compare_contours
from vocalise.measures.tracker import track_pitch
from vocalise.parts.contracts import Controls
from vocalise.parts.decoders import PerSinger, WaveNet
from vocalise.sampling import PRECISIONS
from vocalise.sampling.choice import chosen
from vocalise.sampling.cuda import GraphWaveNet
from vocalise.sampling.cuda.cards import divergence
from vocalise.sampling.cuda.twins import TwinPrecision
from vocalise.sampling.native import NativeWaveNet

CLOSE, SAME = 2e-5, 0.999  # of logits in float32, and of forced draws
DIVERGENCE = {"bf16": 5e-5, "int8": 5e-4}  # nats a sample
FEW = 800  # steps that a sampler is forced through which takes milliseconds for each


@dataclass(frozen=True)
class Forced:
    """What a sampler saw in forced steps, beside the module."""

    name: str
    steps: int
    furthest: float  # logit
    divergence: float  # nats a sample
    same: float  # share of draws
    good: bool | None  # None: there is no goal


def main(words: Sequence[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="What low precision costs a trained voice.")
    parser.add_argument("--voice", type=Path, required=True)
    parser.add_argument("--song", type=Path, required=True)
    parser.add_argument("--to", default="", help="who sings; by default the voice's first singer")
    parser.add_argument("--start", type=float, default=0.0, help="seconds into the song")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the song")
    parser.add_argument("--out", type=Path, help="Markdown file")
    told = parser.parse_args(words)
    try:
        lines, good = measure(told)
    except VocaliseError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(lines))
    if told.out:
        with write_aside(told.out) as aside:
            aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if good else 1


def measure(told: argparse.Namespace) -> tuple[list[str], bool]:
    """The report's lines, and whether every goal was met."""
    voice = load_voice(told.voice)
    to = told.to or voice.names[0]
    rate = voice.model.rate
    heard, _ = read_wave(told.song, rate=rate)
    heard = heard[round(told.start * rate) : round((told.start + told.seconds) * rate)]
    with torch.no_grad():
        found = list(forced(voice, heard, to))
    head = f"{voice.recipe.name}, {len(heard) / rate:.1f} s of sound, sung by {to}"
    lines = [f"Forced steps, the second half of {head}:", "", *forced_table(found), "", "Conversions of the same:", ""]
    return [*lines, *conversions(voice, heard, to)], all(one.good is not False for one in found)


def forced(voice: Voice, heard: Tensor, to: str) -> Iterator[Forced]:
    """Each sampler through the song; the first half of it is what 8-bit numbers are calibrated on."""
    target, condition = material(voice, heard, to)
    wavenet = wavenet_of(voice, to)
    half = condition.shape[2] // 2 * wavenet.hop
    exact = copy.deepcopy(wavenet).double()  # two orders of summing float32 differ by more than a good sampler errs
    wanted = exact.logits(target.double(), condition.double())
    yield compared("the module in PyTorch", "", wanted, wavenet.logits(target, condition), luck_for(wanted), half)
    luck = luck_for(wanted)
    for precision in PRECISIONS:
        sampler = NativeWaveNet(wavenet, precision=precision, threads=1)
        yield compared(f"compiled {precision}", precision, wanted, sampler.logits(target, condition), luck, half)
    sampler = NativeWaveNet(wavenet, precision="int8", threads=1)
    sampler.calibrate(condition[:, :, : half // wavenet.hop], target[:, :, :half])
    seen = sampler.logits(target, condition)
    yield compared("compiled int8, calibrated on the first half", "int8", wanted, seen, luck, half)
    kinds: tuple[TwinPrecision, ...] = ("float32", "bf16")
    for kind in kinds:
        few = F.pad(target[:, :, :FEW], (0, -min(FEW, target.shape[2]) % wavenet.hop))
        seen = GraphWaveNet(wavenet, precision=kind).logits(few, condition)
        count = min(FEW, target.shape[2])
        yield compared(f"steps of the CUDA graph, {kind}", kind, wanted[:, :count], seen[:, :count], luck[:, :count], 0)


def compared(name: str, precision: str, wanted: Tensor, seen: Tensor, luck: Tensor, first: int) -> Forced:
    """The figures from step `first` on."""
    wanted, seen, luck = wanted[:, first:], seen[:, first:], luck[:, first:]
    furthest, distance = float((wanted - seen).abs().max()), divergence(wanted, seen)
    same = float((draws(wanted, luck) == draws(seen, luck)).float().mean())
    if precision == "float32":
        good = furthest <= CLOSE and same >= SAME
    else:
        good = distance <= DIVERGENCE.get(precision, math.inf)
    return Forced(name, wanted.shape[1], furthest, distance, same, good if precision else None)


def luck_for(logits: Tensor) -> Tensor:
    """A uniform number for each step, (batch, steps)."""
    return torch.rand(logits.shape[:2], generator=torch.Generator().manual_seed(0))


def draws(logits: Tensor, luck: Tensor) -> Tensor:
    """The classes (batch, steps) where luck falls."""
    heights = torch.softmax(logits.float(), dim=-1).cumsum(dim=-1)
    return torch.searchsorted(heights, luck[..., None] * heights[..., -1:], right=True).clamp(max=logits.shape[-1] - 1)


def material(voice: Voice, heard: Tensor, to: str) -> tuple[Tensor, Tensor]:
    """What is sung (1, 1, steps), and what the decoder is told (1, channels, columns)."""
    model = voice.model
    wave = F.pad(heard, (0, -len(heard) % model.hop))
    hop, rate = model.condition.hop, model.rate
    times = (torch.arange(len(wave) // hop, dtype=torch.float64) + 0.5) * hop / rate
    pitch, voicing = contour_at(pitch_contour(wave, rate), times)
    identity = torch.zeros(1, model.singers, 1)
    identity[0, voice.names.index(to)] = 1.0
    level = loudness_of(wave[None], rate=rate, hop=hop)
    controls = Controls(identity, pitch[None].float(), voicing[None].float(), level)
    return model.signal.from_wave(wave[None])[0], model.condition(model.encode(wave[None]).z, controls)


def wavenet_of(voice: Voice, to: str) -> WaveNet:
    """The WaveNet that sings as one singer.

    Raises:
        VocaliseError: the voice does not sing sample by sample.
    """
    decoder = voice.model.decoder
    if isinstance(decoder, PerSinger):
        decoder = decoder.hands[voice.names.index(to)]
    if not isinstance(decoder, WaveNet):
        raise VocaliseError(f"A voice of {voice.recipe.name} does not sing sample by sample; take one of usvc.")
    return decoder


def conversions(voice: Voice, heard: Tensor, to: str) -> Iterator[str]:
    """The song sung by each sampler, and how its pitch follows the song's, whatever it was transposed by."""
    rate = voice.model.rate
    melody = track_pitch(heard, rate)
    yield "| sampler | within 50 cents | chroma within 50 cents | median cents off | voicing errors | seconds |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for precision in PRECISIONS:
        model = chosen(voice.model, "native", precision)
        begun = time.perf_counter()
        sung = Converter(replace(voice, model=model), sampler="torch").convert(heard, rate, to=to, seed=0)
        took = time.perf_counter() - begun
        found = compare_contours(melody, track_pitch(sung, rate), transposition=None)
        shares = f"{found.rpa50:.3f} | {found.chroma50:.3f} | {found.median_cents:.1f} | {found.voicing_error:.3f}"
        yield f"| compiled {precision} | {shares} | {took:.1f} |"


def forced_table(found: Sequence[Forced]) -> list[str]:
    """The figures of forced steps."""
    words = {None: "", True: "met", False: "missed"}
    rows = [
        f"| {one.name} | {one.steps:,} | {one.furthest:.1e} | {one.divergence:.1e} | {one.same:.4f} "
        f"| {words[one.good]} |"
        for one in found
    ]
    head = "| sampler | steps | furthest logit | mean KL, nat | same draws | goal |"
    return [head, "| --- | --- | --- | --- | --- | --- |", *rows]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
