"""Conversion: a song in, the same song by someone else out."""

from vocalise.conversion.blends import Blend, read_blend_csv
from vocalise.conversion.converter import Converter, Outcome
from vocalise.conversion.curves import read_pitch_csv, write_pitch_csv
from vocalise.conversion.identity import parse_identity
from vocalise.conversion.improvising import improvise, improvise_file
from vocalise.conversion.ledger import Entry, Ledger, convert_files
from vocalise.conversion.morphing import morph, morph_files
from vocalise.conversion.separators import Separator, load_separator
from vocalise.conversion.whole_songs import convert_mix
from vocalise.conversion.wishes import Wishes, planned

__all__ = (
    "Blend",
    "Converter",
    "Entry",
    "Ledger",
    "Outcome",
    "Separator",
    "Wishes",
    "convert_files",
    "convert_mix",
    "improvise",
    "improvise_file",
    "load_separator",
    "morph",
    "morph_files",
    "parse_identity",
    "planned",
    "read_blend_csv",
    "read_pitch_csv",
    "write_pitch_csv",
)
