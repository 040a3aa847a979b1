"""Songs through the model: listened to in windows, sung in phrases side by side, joined again.

heard ──encoder, windows with context──▶ latent ──cut at quiet places──▶ phrases ──decoder, in slots──▶ join ──▶ sung

A decoder that sings one sample after another is slow, so phrases are sung side by side, those of several songs if
there are such: each starts with a silent memory one frame early, at a quiet place, and a quarter of a second later
remembers nothing but its own singing. No more of a warm-up is sung: every lesson began with a silent memory too, in
the middle of notes as often as not, and at a quiet place silence is nearly what was sung before.

A decoder that sings all samples at once sings the song from end to end, a stretch at a time, without any joint; one
that draws frames for a vocoder draws phrase after phrase, long ones, since pulses cannot be handed on.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from vocalise.autoencoder import Autoencoder
from vocalise.conversion.lanes import sing_in_lanes
from vocalise.conversion.latents import STRETCH
from vocalise.conversion.phrases import Phrase, Sheet, Song, latent_of
from vocalise.conversion.slots import Take, sing_takes
from vocalise.parts.contracts import Chance, Controls
from vocalise.progress import Progress

SLOTS = 32  # phrases sung side by side; what is sung does not depend on it
CHUNK = 10  # frames sung between two words on progress

__all__ = ("CHUNK", "SLOTS", "Song", "sing", "sing_together")


def sing(model: Autoencoder, song: Song, progress: Progress, *, slots: int = SLOTS) -> Tensor:
    """The song as the model sings it, (samples,), at the level of training; silent phrases are not sung.

    What a phrase draws by chance follows from the seed and its place in the song alone.
    """
    return next(sung for _, sung in sing_together(model, [song], progress, slots=slots))


@torch.no_grad()
def sing_together(
    model: Autoencoder, songs: Sequence[Song], progress: Progress, *, slots: int = SLOTS
) -> Iterator[tuple[int, Tensor]]:
    """The same for several songs, whose phrases share the slots: the number of a song and the song, as it is done.

    Args:
        model: which sings.
        songs: in any order; each comes out as it would alone.
        progress: told the seconds of audio that are done, of all songs.
        slots: phrases sung side by side, at most.
    """
    for number, song in enumerate(songs):
        if not len(song.heard):
            yield number, song.heard
    if model.decoder.autoregressive:
        yield from _sung_in_slots(model, songs, progress, slots)
        return
    for number, song in enumerate(songs):
        if not len(song.heard):
            continue
        yield number, (_sung_by_phrase if model.signal.sings_pitch else _sung_through)(model, song, progress)


def _sung_in_slots(
    model: Autoencoder, songs: Sequence[Song], progress: Progress, slots: int
) -> Iterator[tuple[int, Tensor]]:
    """Songs that are sung in the same manner share the slots."""
    sheets = {number: Sheet(model, song) for number, song in enumerate(songs) if len(song.heard)}
    for number in [number for number, sheet in sheets.items() if not sheet.missing]:
        yield number, sheets.pop(number).joined()
    seconds, done = model.condition.hop / model.rate, 0
    total = sum(phrase.columns for sheet in sheets.values() for phrase in sheet.phrases)
    for manner in tuple(dict.fromkeys(_manner(songs[number]) for number in sheets)):
        mine = [number for number in sheets if _manner(songs[number]) == manner]
        phrases = [(number, phrase) for number in mine for phrase in sheets[number].phrases]
        tell = _counting(progress, done, total, seconds)
        for place, signal in sing_takes(
            model.decoder,
            [_take(phrase, sheets[number].z) for number, phrase in phrases],
            slots=slots,
            chunk=CHUNK * model.hop // model.condition.hop,
            temperature=manner[0],
            progress=tell,
        ):
            number, phrase = phrases[place]
            sheets[number].place(phrase, phrase.wave(signal))
            done += phrase.columns
            if not sheets[number].missing:
                yield number, sheets.pop(number).joined()


def _counting(progress: Progress, before: int, total: int, seconds: float) -> Callable[[int], None]:
    """Tells of columns, each so many seconds long, that were sung after those `before`."""
    return lambda sung: progress("singing", (before + sung) * seconds, total * seconds)


def _manner(song: Song) -> tuple[float, float, float]:
    """What is said once to a whole batch."""
    return song.temperature, song.formant, song.breath


def _take(phrase: Phrase, z: Tensor) -> Take:
    return Take(phrase.columns, lambda: phrase.told(z), phrase.seed)


def _sung_by_phrase(model: Autoencoder, song: Song, progress: Progress) -> Tensor:
    """Phrase after phrase, each all at once."""
    sheet, done = Sheet(model, song), 0
    seconds, total = model.hop / model.rate, sum(phrase.frames for phrase in sheet.phrases)
    for phrase in sheet.phrases:
        condition, controls = phrase.told(sheet.z)
        chance = Chance((torch.Generator().manual_seed(phrase.seed),), song.temperature)
        sheet.place(phrase, phrase.wave(model.decoder.generate(condition, controls, chance)[0].cpu()))
        done += phrase.frames
        progress("singing", done * seconds, total * seconds)
    return sheet.joined()


def _sung_through(model: Autoencoder, song: Song, progress: Progress) -> Tensor:
    """The whole song from end to end, (samples,), told a stretch at a time."""
    z, hop, samples = latent_of(model, song), model.hop, song.heard.shape[-1]
    whole = Phrase(model, song, 0, 0, z.shape[-1])
    sung, done = torch.zeros(whole.frames * hop), 0
    controls, frame = whole.controls, hop // model.condition.hop

    def told(first: int, last: int) -> tuple[Tensor, Controls]:
        here = controls.columns(slice(first, last))
        return model.condition(z[None, :, first // frame : last // frame].to(model.device), here), here

    def chance() -> Chance:
        return Chance((torch.Generator().manual_seed(whole.seed),), song.temperature)

    pieces = sing_in_lanes(model.decoder, told, whole.columns, chance, stretch=STRETCH * frame, frame=frame)
    for more, at, part in pieces:
        wave = model.signal.to_wave(part, part.new_zeros(1, 0))[0].float().cpu()
        start = at * model.signal.hop
        sung[start : start + len(wave)] = wave
        done += more
        progress("singing", min(samples, done * model.condition.hop) / model.rate, samples / model.rate)
    return sung[:samples]
