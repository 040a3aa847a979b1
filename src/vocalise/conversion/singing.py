"""A song through the model: listened to in windows, sung in phrases side by side, joined again.

heard ──encoder, windows with context──▶ latent ──cut at quiet places──▶ phrases ──decoder, in batches──▶ join ──▶ sung

A decoder that sings one sample after another is slow, so phrases are sung side by side: each starts with a silent
memory one frame early, at a quiet place, and a quarter of a second later remembers nothing but its own singing. A
decoder that sings all samples at once sings the song from end to end, a stretch at a time, without any joint.
"""

import bisect
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.phrases import Span, cut, join, silent_stretches, widen
from vocalise.audio.pitch import Contour, contour_at
from vocalise.autoencoder import Autoencoder
from vocalise.conversion.blends import Blend
from vocalise.data.batches import FLOOR, loudness_of
from vocalise.parts.contracts import Chance, Controls
from vocalise.progress import Progress

OVERLAP = 0.025  # seconds that a phrase goes beyond its inner borders, to be faded into its neighbour
WINDOW = 4.0  # seconds that the encoder hears at a time, beside their context
PHRASES = (4.0, 12.0)  # seconds that a phrase may last: a short song gets short ones, so that the batch is full
BATCH = 32  # phrases sung side by side
CHUNK = 10  # frames sung between two words on progress
STRETCH = 1000  # frames that are sung at once by a decoder that can


@dataclass(frozen=True)
class Song:
    """What is to be sung, how, and by whom."""

    heard: Tensor  # (samples,)   at the model's rate
    gain: float  # brings it to the level that the model was trained at
    identity: Tensor | Blend  # (singers,)   a point on the simplex, or one that moves
    contour: Contour | None  # the melody, for models that are told it
    temperature: float
    seed: int
    formant: float = 0.0  # semitones
    breath: float = 0.0  # dB


@dataclass(frozen=True)
class Phrase:
    """A stretch of the song in frames of the latent; `number` is its place in the song."""

    number: int
    first: int
    frames: int


@torch.no_grad()
def sing(model: Autoencoder, song: Song, progress: Progress) -> Tensor:
    """The song as the model sings it, (samples,), at the level of training; silent phrases are not sung.

    What a phrase draws by chance follows from the seed and its place in the song alone.
    """
    if not model.decoder.autoregressive:
        return _sung_through(model, song, progress)
    samples, rate, hop = song.heard.shape[-1], model.rate, model.hop
    longest = min(PHRASES[1], max(PHRASES[0], samples / rate / BATCH, 2 * hop / rate))
    spans = cut(song.heard, rate, longest=longest, multiple=hop)
    overlap = round(OVERLAP * rate)
    wide = widen(spans, overlap)
    sounding = _sounding(song.heard, spans, rate)
    phrases = [
        Phrase(n, span.start // hop, math.ceil(span.stop / hop) - span.start // hop)
        for n, span in enumerate(wide)
        if n in sounding
    ]
    lengths = [len(span) for span in wide]
    pieces = torch.split(torch.zeros(sum(lengths)), lengths)  # in one block, which goes back to the system as a whole
    if phrases:
        z = listen(model, song.heard, gain=song.gain)
        for phrase, sung in _sung_phrases(model, song, z, phrases, progress):
            skipped = wide[phrase.number].start - phrase.first * hop
            pieces[phrase.number].copy_(sung[skipped : skipped + lengths[phrase.number]])
    return join(pieces, spans, overlap=overlap)


def _sounding(heard: Tensor, spans: Sequence[Span], rate: int) -> frozenset[int]:
    """Numbers of the spans that are not silent from end to end."""
    silences = silent_stretches(heard, rate)
    starts = [silence.start for silence in silences]
    found = []
    for number, span in enumerate(spans):
        before = bisect.bisect_right(starts, span.start) - 1
        if before < 0 or silences[before].stop < span.stop:
            found.append(number)
    return frozenset(found)


@torch.no_grad()
def listen(model: Autoencoder, heard: Tensor, *, gain: float = 1.0) -> Tensor:
    """The latent (channels, frames) of a wave (samples,) of any length, on the CPU.

    It is that of `model.encode` on the whole: each window is heard with all the context that its frames depend on,
    unless the encoder can remember it.
    """
    if model.encoder.streams:
        return _listened_through(model, heard, gain)
    samples, hop = heard.shape[-1], model.hop
    left, right = (math.ceil(reach / hop) * hop for reach in model.context)
    step = max(1, int(WINDOW * model.rate / hop)) * hop
    parts = []
    for start in range(0, samples, step):
        first = max(0, start - left)
        window = heard[first : min(samples, start + step + right)] * gain
        at = (start - first) // hop
        parts.append(model.encode(window[None].to(model.device)).z[0, :, at : at + step // hop].cpu())
    return torch.cat(parts, dim=-1)


def _sung_through(model: Autoencoder, song: Song, progress: Progress) -> Tensor:
    """The whole song from end to end, (samples,), told a stretch at a time."""
    z, hop, samples = listen(model, song.heard, gain=song.gain), model.hop, song.heard.shape[-1]
    whole = Phrase(0, 0, z.shape[-1])
    controls = _controls(model, song, [whole], [_heard(song, whole, hop)])
    chance = Chance((torch.Generator().manual_seed(phrase_seed(song.seed, 0)),), song.temperature)
    state, columns = model.decoder.begin(1), hop // model.condition.hop
    sung, done = torch.zeros(whole.frames * hop), 0
    for start in range(0, whole.frames, STRETCH):
        told = controls.columns(slice(start * columns, (start + STRETCH) * columns))
        condition = model.condition(z[None, :, start : start + STRETCH].to(model.device), told)
        parts = [model.decoder.extend(state, condition, told, chance)]
        if start + STRETCH >= whole.frames and model.decoder.lookahead:
            parts.append(model.decoder.finish(state, chance))
        for part in parts:
            wave = model.signal.to_wave(part, part.new_zeros(1, 0))[0].float().cpu()
            sung[done : done + len(wave)] = wave
            done += len(wave)
        progress("singing", min(samples, (start + STRETCH) * hop) / model.rate, samples / model.rate)
    return sung[:samples]


def _listened_through(model: Autoencoder, heard: Tensor, gain: float) -> Tensor:
    """The same by an encoder that listens as the sound comes in."""
    hop, (_, ahead) = model.hop, model.context
    whole = F.pad(heard * gain, (0, -len(heard) % hop + ahead))
    state, parts = model.encoder.begin(1), []
    for start in range(0, len(whole), STRETCH * hop):
        signal, _ = model.signal.from_wave(whole[None, start : start + STRETCH * hop].to(model.device))
        parts.append(model.bottleneck(model.encoder.extend(state, signal)).z[0].cpu())
    return torch.cat(parts, dim=-1)


def _sung_phrases(
    model: Autoencoder, song: Song, z: Tensor, phrases: Sequence[Phrase], progress: Progress
) -> Iterator[tuple[Phrase, Tensor]]:
    """Each phrase and its wave (frames * hop,), those of like length side by side."""
    order = sorted(phrases, key=lambda phrase: (-phrase.frames, phrase.number))
    seconds = model.hop / model.rate
    done, total = 0, sum(phrase.frames for phrase in phrases)
    for place in range(0, len(order), BATCH):
        group = order[place : place + BATCH]
        waves = [_heard(song, phrase, model.hop) for phrase in group]
        parts = []
        for start, signal in _sung_signal(model, song, z, group, waves):
            parts.append(signal.cpu())
            done += sum(min(CHUNK, max(0, phrase.frames - start)) for phrase in group)
            progress("singing", done * seconds, total * seconds)
        signals = torch.cat(parts, dim=-1)
        for n, (phrase, wave) in enumerate(zip(group, waves, strict=True)):
            _, residue = model.signal.from_wave(wave[None])
            steps = phrase.frames * model.encoder.hop
            yield phrase, model.signal.to_wave(signals[n : n + 1, :, :steps], residue)[0]


def _heard(song: Song, phrase: Phrase, hop: int) -> Tensor:
    """What is heard of a phrase, (frames * hop,), with zeros beyond the song's end."""
    wave = song.heard[phrase.first * hop : (phrase.first + phrase.frames) * hop] * song.gain
    return F.pad(wave, (0, phrase.frames * hop - wave.shape[-1]))


def _sung_signal(
    model: Autoencoder, song: Song, z: Tensor, group: Sequence[Phrase], waves: Sequence[Tensor]
) -> Iterator[tuple[int, Tensor]]:
    """The signal of phrases sung side by side, (batch, channels, steps), a chunk at a time after its first frame."""
    frames, columns = max(phrase.frames for phrase in group), model.hop // model.condition.hop
    content = _stacked([z[:, phrase.first : phrase.first + phrase.frames] for phrase in group], frames)
    controls = _controls(model, song, group, waves)
    condition = model.condition(content.to(model.device), controls)
    generators = tuple(torch.Generator().manual_seed(phrase_seed(song.seed, phrase.number)) for phrase in group)
    chance = Chance(generators, song.temperature)
    state = model.decoder.begin(len(group))
    for start in range(0, frames, CHUNK):
        here = slice(start * columns, (start + CHUNK) * columns)
        yield start, model.decoder.extend(state, condition[:, :, here], controls.columns(here), chance)


def _controls(model: Autoencoder, song: Song, group: Sequence[Phrase], waves: Sequence[Tensor]) -> Controls:
    """Who sings, what melody and how loud, on the model's device; taken at the centres of frames, as in training."""
    hop, rate = model.condition.hop, model.rate
    most = max(len(wave) for wave in waves) // hop
    loudness = _stacked([loudness_of(wave, rate=rate, hop=hop) for wave in waves], most, beyond=FLOOR)
    pitch = voicing = torch.zeros_like(loudness)
    starts = torch.tensor([phrase.first * model.hop for phrase in group], dtype=torch.float64)
    times = (starts[:, None] + (torch.arange(most) + 0.5) * hop) / rate
    if song.contour is not None:
        pitch, voicing = contour_at(song.contour, times)
    if isinstance(song.identity, Blend):
        identity = song.identity.at(times).transpose(1, 2)
    else:
        identity = song.identity[None, :, None].expand(len(group), -1, 1)
    identity, pitch, voicing, loudness = (x.float().to(model.device) for x in (identity, pitch, voicing, loudness))
    return Controls(identity, pitch, voicing, loudness, formant=song.formant, breath=song.breath)


def _stacked(parts: Sequence[Tensor], length: int, *, beyond: float = 0.0) -> Tensor:
    """Tensors of unequal length (…, n) as one (batch, …, length), the shorter ones filled up with `beyond`."""
    return torch.stack([F.pad(part, (0, length - part.shape[-1]), value=beyond) for part in parts])


def phrase_seed(seed: int, number: int) -> int:
    """A seed for each phrase, of 63 bits, so that neighbouring seeds have nothing in common."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:8], "little") >> 1
