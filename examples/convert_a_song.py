"""A conversion in ten lines: load a voice, read a song, sing it as somebody else, write it.

python examples/convert_a_song.py run/voice.safetensors song.wav clara converted.wav
"""

import sys

import vocalise
from vocalise.audio.files import read_wave, write_wave


def convert_a_song(voice: str, song: str, singer: str, target: str) -> None:
    """Sings `song` as `singer` of `voice`, into `target`."""
    converter = vocalise.Converter.load(voice)
    wave, rate = read_wave(song)
    sung = converter.convert(wave, rate, to=singer, seed=0)
    write_wave(target, sung, converter.rate)


if __name__ == "__main__":
    convert_a_song(*sys.argv[1:5])
