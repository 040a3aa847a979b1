"""A song through the model: listened to in windows, sung in phrases side by side, joined again.

heard ──encoder, windows with context──▶ latent ──cut at quiet places──▶ phrases ──decoder, in batches──▶ join ──▶ sung

A decoder that sings one sample after another is slow, so phrases are sung side by side: each starts with a silent
memory one frame early, at a quiet place, and a quarter of a second later remembers nothing but its own singing. A
decoder that sings all samples at once sings the song from end to end, a stretch at a time, without any joint; one that
draws frames for a vocoder draws phrase after phrase, long ones, since pulses cannot be handed on.
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
from vocalise.audio.pitch import Contour, contour_at, contour_from
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
    latent: Tensor | None = None  # (channels, frames)   to be sung in place of what is heard
    measured: Contour | None = None  # the song's own melody, for signals that look at it


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
    if not (model.decoder.autoregressive or model.signal.sings_pitch):
        return _sung_through(model, song, progress)
    samples, rate, hop = song.heard.shape[-1], model.rate, model.hop
    least = PHRASES[0] if model.decoder.autoregressive else PHRASES[1]
    longest = min(PHRASES[1], max(least, samples / rate / BATCH, 2 * hop / rate))
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
        z = _latent(model, song)
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


def _latent(model: Autoencoder, song: Song) -> Tensor:
    return listen(model, song.heard, song.measured, gain=song.gain) if song.latent is None else song.latent


@torch.no_grad()
def listen(model: Autoencoder, heard: Tensor, contour: Contour | None = None, *, gain: float = 1.0) -> Tensor:
    """The latent (channels, frames) of a wave (samples,) of any length, on the CPU.

    It is that of `model.encode` on the whole: each window is heard with all the context that its frames depend on,
    unless the encoder can remember it. Signals that look at the melody are told it, if it is known.
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
        window = F.pad(window, (0, -len(window) % hop))
        at, analysis = (start - first) // hop, _analysed(model, window, first, contour)
        parts.append(model.encode(window[None].to(model.device), analysis).z[0, :, at : at + step // hop].cpu())
    return torch.cat(parts, dim=-1)


def _analysed(model: Autoencoder, window: Tensor, first: int, contour: Contour | None) -> Tensor | None:
    """What the signal prepares of a window (samples,) from sample `first` on, (1, rows, steps); None: nothing."""
    if not model.signal.analysis:
        return None
    part = contour and contour_from(contour, first / model.rate, len(window) / model.rate)
    return model.signal.prepare(window, part)[None]


def _sung_through(model: Autoencoder, song: Song, progress: Progress) -> Tensor:
    """The whole song from end to end, (samples,), told a stretch at a time."""
    z, hop, samples = _latent(model, song), model.hop, song.heard.shape[-1]
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
    side_by_side, chunk = (BATCH, CHUNK) if model.decoder.autoregressive else (1, STRETCH)
    for place in range(0, len(order), side_by_side):
        group = order[place : place + side_by_side]
        waves = [_heard(song, phrase, model.hop) for phrase in group]
        controls, parts = _controls(model, song, group, waves), []
        for start, signal in _sung_signal(model, song, z, group, controls, chunk):
            parts.append(signal.cpu())
            done += sum(min(chunk, max(0, phrase.frames - start)) for phrase in group)
            progress("singing", done * seconds, total * seconds)
        signals = torch.cat(parts, dim=-1)
        for n, phrase in enumerate(group):
            steps, columns = phrase.frames * model.encoder.hop, phrase.frames * model.hop // model.condition.hop
            told = controls.rows(slice(n, n + 1)).columns(slice(columns))
            residue = _residue(model, song, phrase, waves[n])
            yield phrase, model.signal.to_wave(signals[n : n + 1, :, :steps], residue, told)[0]


def _residue(model: Autoencoder, song: Song, phrase: Phrase, wave: Tensor) -> Tensor:
    """What goes round the network of a phrase; the signal hears as much around it as matters."""
    reach = math.ceil(model.signal.context / model.hop)
    first = max(0, phrase.first - reach)
    around = _heard(song, Phrase(phrase.number, first, phrase.first + phrase.frames + reach - first), model.hop)
    analysis, before = _analysed(model, around, first * model.hop, song.measured), phrase.first - first
    if analysis is not None:
        analysis = analysis[:, :, before * model.encoder.hop :][:, :, : phrase.frames * model.encoder.hop]
    return model.signal.from_wave(wave[None], analysis)[1]


def _heard(song: Song, phrase: Phrase, hop: int) -> Tensor:
    """What is heard of a phrase, (frames * hop,), with zeros beyond the song's end."""
    wave = song.heard[phrase.first * hop : (phrase.first + phrase.frames) * hop] * song.gain
    return F.pad(wave, (0, phrase.frames * hop - wave.shape[-1]))


def _sung_signal(
    model: Autoencoder, song: Song, z: Tensor, group: Sequence[Phrase], controls: Controls, chunk: int
) -> Iterator[tuple[int, Tensor]]:
    """The signal of phrases sung side by side, (batch, channels, steps), a chunk at a time after its first frame."""
    frames, columns = max(phrase.frames for phrase in group), model.hop // model.condition.hop
    content = _stacked([z[:, phrase.first : phrase.first + phrase.frames] for phrase in group], frames)
    condition = model.condition(content.to(model.device), controls)
    generators = tuple(torch.Generator().manual_seed(phrase_seed(song.seed, phrase.number)) for phrase in group)
    chance = Chance(generators, song.temperature)
    state = model.decoder.begin(len(group))
    for start in range(0, frames, chunk):
        here = slice(start * columns, (start + chunk) * columns)
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
