"""The sound of phones and videos (M4A, AAC, MP4, …), decoded by PyAV; imported only when such a file is met.

Only local files of the containers below are opened: playlists, which could name other files or addresses, are not.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import av
import numpy as np

from vocalise.audio.resampling import Block
from vocalise.audio.sources import SoundStopped, shown
from vocalise.errors import AudioError

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,mp3,asf,avi,flv,mpegts,mpeg,ogg,wav,w64,flac,aiff,caf,au,amr,ac3,ape,wv"
)
_OPTIONS = MappingProxyType({"protocol_whitelist": "file", "format_whitelist": _CONTAINERS})


@contextlib.contextmanager
def opened(path: Path) -> Iterator["Media"]:
    """An open media file as a `vocalise.audio.sources.Source`: its best audio stream.

    Raises:
        AudioError: no container that is known, or no sound in it.
    """
    try:
        container = av.open(f"file:{path.resolve()}", options=dict(_OPTIONS))
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(
            f"{shown(path)} is not audio that can be read ({reason}): convert it to WAV or FLAC."
        ) from None
    with container:
        if not container.streams.audio:
            raise AudioError(f"{shown(path)} holds no sound: it has no audio stream.")
        if getattr(container.streams.audio[0], "codec_context", None) is None:
            raise AudioError(f"{shown(path)} is not audio that can be read (unknown codec): convert it to WAV or FLAC.")
        yield Media(container)


class Media:
    """A file that FFmpeg reads."""

    estimated = False
    breaks_off = False

    def __init__(self, container: "av.container.InputContainer") -> None:
        self._container = container
        self._stream = container.streams.audio[0]
        self.rate = int(self._stream.rate or 0)
        self.channels = int(self._stream.channels or 0)
        self.format = str(container.format.name).upper()
        self.subtype = str(self._stream.codec_context.name).upper()
        self.announced = self._length()

    def _length(self) -> int | None:
        length = (self._stream.duration or 0) * (self._stream.time_base or 0) * self.rate
        return int(length) if length > 0 else None  # the container's own duration is a guess, or that of the picture

    def blocks(self) -> Iterator[Block]:
        """The sound, (samples, channels) at a time, float32."""
        planes = av.AudioResampler(format="fltp")
        try:
            for frame in self._container.decode(self._stream):
                yield from map(self._checked, planes.resample(frame))
            yield from map(self._checked, planes.resample(None))
        except (av.FFmpegError, ValueError) as error:
            raise SoundStopped(getattr(error, "strerror", None) or str(error)) from None

    def _checked(self, frame: av.AudioFrame) -> Block:
        block = np.ascontiguousarray(frame.to_ndarray().T, dtype=np.float32)
        if frame.sample_rate != self.rate or block.shape[1] != self.channels:
            raise SoundStopped("the rate or the number of channels changed in mid-stream")
        return block
