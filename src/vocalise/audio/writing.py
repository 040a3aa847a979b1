"""Writing sound files by suffix, in blocks, and any file so that it is either whole or not there."""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.resampling import BLOCK, Block, Resampler
from vocalise.audio.sources import shown
from vocalise.errors import AudioError

ASIDE = ".vocalise-"  # how the names of unfinished files begin; a killed run may leave some behind


@dataclass(frozen=True)
class Container:
    """What a kind of file can hold; its first subtype is the default."""

    format: str
    subtypes: tuple[str, ...]
    channels: int
    rates: tuple[int, ...] = ()  # the only rates, where they are few
    highest: int = 768_000  # Hz


_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_MP3 = Container("MP3", ("MPEG_LAYER_III",), 2, (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000))
_OGG = Container("OGG", ("VORBIS", "OPUS"), 8, highest=192_000)

WRITABLE: Mapping[str, Container] = MappingProxyType(
    {
        ".wav": Container("WAV", ("PCM_16", "PCM_24", "FLOAT"), 64),
        ".flac": Container("FLAC", ("PCM_16", "PCM_24"), 8, highest=655_350),
        ".ogg": _OGG,
        ".oga": _OGG,
        ".opus": Container("OGG", ("OPUS",), 8, _OPUS_RATES),
        ".mp3": _MP3,
    }
)


@contextlib.contextmanager
def write_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`, of the same suffix; when the block ends well it becomes `path`, synced.

    If anything fails, the temporary file is removed and what was at `path` stays as it was. A link is followed.

    Raises:
        OSError: the folder does not exist or cannot be written, the disk is full, or `path` is a folder or device.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(None, "it is not a file, and will not be replaced by one", str(target))
    aside = target.with_name(f"{ASIDE}{secrets.token_hex(6)}{target.suffix}")
    try:
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        yield aside
        _sync(aside, os.O_RDWR)
        aside.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # Windows cannot sync a folder
        _sync(target.parent, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(
    path: str | os.PathLike[str], rate: int, channels: int = 1, *, subtype: str | None = None
) -> tuple[Container, str]:
    """Refuses early what could not be written in the end.

    Returns:
        The container and the subtype that will be used.

    Raises:
        AudioError: unknown suffix or subtype, no such folder, a rate (Hz) or channel count that the format cannot hold.
    """
    path = Path(path)
    name = shown(path)
    container = WRITABLE.get(path.suffix.lower())
    if container is None:
        raise AudioError(
            f"{name}: sound is not written as {path.suffix or 'a file without suffix'}; choose {', '.join(WRITABLE)}."
        )
    chosen = subtype.upper() if subtype else container.subtypes[0]
    if chosen not in container.subtypes:
        raise AudioError(
            f"{name}: {container.format} is not written as {subtype}; choose {', '.join(container.subtypes)}."
        )
    rates = _OPUS_RATES if chosen == "OPUS" else container.rates
    if rates and rate not in rates:
        raise AudioError(
            f"{name}: {chosen} cannot hold {rate} Hz; choose {', '.join(map(str, rates))} Hz, or WAV or FLAC."
        )
    if not 1000 <= rate <= container.highest:
        raise AudioError(
            f"{name}: {container.format} is not written at {rate} Hz; choose 1000 to {container.highest} Hz."
        )
    if not 1 <= channels <= container.channels:
        raise AudioError(
            f"{name}: {container.format} holds 1 to {container.channels} channels, not {channels}; choose WAV."
        )
    if not path.parent.is_dir():
        raise AudioError(f"{name}: there is no folder {shown(path.parent)}; make it first.")
    if path.exists() and not path.is_file():
        raise AudioError(f"{name} is a folder or device, not a file; choose another name.")
    return container, chosen


def write_wave(
    path: str | os.PathLike[str], wave: Tensor, rate: int, *, to_rate: int | None = None, subtype: str | None = None
) -> None:
    """Writes a wave as the suffix says, whole or not at all; what is beyond full scale is clipped.

    Args:
        path: ends in .wav, .flac, .ogg, .opus or .mp3.
        wave: (samples,) or (channels, samples); no samples are fine.
        rate: Hz, of the wave.
        to_rate: Hz, of the file; None is the wave's.
        subtype: as libsndfile calls them: PCM_16 (default), PCM_24, FLOAT, VORBIS, OPUS.

    Raises:
        AudioError: the format cannot hold it, a sample is not a number, or the disk will not take it.
    """
    rows = wave.detach()[None] if wave.ndim == 1 else wave.detach()
    target = to_rate or rate
    container, chosen = check_writable(path, target, len(rows), subtype=subtype)
    kind = container.format
    if kind == "WAV" and rows.numel() * (target / rate) * 4 > 4e9:
        kind = "RF64"  # a WAV header counts to 4 GB
    try:
        with (
            write_aside(path) as aside,
            soundfile.SoundFile(_name(aside), "w", target, len(rows), chosen, format=kind) as file,
        ):
            for block in _blocks(rows, rate, target):
                file.write(_quantised(block, chosen))
            if kind == "FLAC" and not file.frames:
                aside.write_bytes(_empty_flac(target, len(rows), int(chosen[-2:])))
    except OSError as error:
        raise AudioError(f"{shown(path)} cannot be written: {error.strerror}.") from None
    except (soundfile.SoundFileError, AssertionError) as error:  # soundfile asserts that all was written
        reason = getattr(error, "error_string", "") or "the disk took only part of it; is it full?"
        raise AudioError(f"{shown(path)} cannot be written: {reason}") from None


def _empty_flac(rate: int, channels: int, bits: int) -> bytes:
    """A FLAC file without samples, which libsndfile would leave without a header (RFC 9639, section 8.2)."""
    blocks = (4096).to_bytes(2, "big") * 2 + bytes(6)
    facts = (rate << 44 | (channels - 1) << 41 | (bits - 1) << 36).to_bytes(8, "big")
    return b"fLaC" + bytes([0x80, 0, 0, 34]) + blocks + facts + bytes(16)


def _name(path: Path) -> str | bytes:
    return os.fspath(path) if os.name == "nt" else os.fsencode(path)  # names on disk need not be text


def _blocks(rows: Tensor, rate: int, target: int) -> Iterator[Block]:
    """The wave (channels, samples) as blocks (samples, channels) at the target rate, clipped."""
    resampler = Resampler(rate, target, len(rows))
    for number, part in enumerate(torch.split(rows, BLOCK, dim=-1)):
        if not torch.isfinite(part).all():
            place = number * BLOCK + int((~torch.isfinite(part)).any(0).int().argmax())
            raise AudioError(f"Sample {place} ({place / rate:.3f} s) is not a finite number; nothing was written.")
        yield resampler.push(np.ascontiguousarray(part.T.float().cpu().numpy())).clip(-1.0, 1.0)
    yield resampler.finish().clip(-1.0, 1.0)


def _quantised(block: Block, subtype: str) -> NDArray[np.float32] | NDArray[np.int16] | NDArray[np.int32]:
    """Rounds to the nearest level: libsndfile would cut off the lower bits, half a level too low on average."""
    if subtype == "PCM_16":
        narrow: NDArray[np.int16] = np.rint(block * 32768.0).clip(-32768, 32767).astype(np.int16)
        return narrow
    if subtype == "PCM_24":
        levels = np.rint(block.astype(np.float64) * 8388608.0).clip(-8388608, 8388607)
        wide: NDArray[np.int32] = levels.astype(np.int32) * np.int32(256)  # libsndfile takes the upper bits
        return wide
    return block
