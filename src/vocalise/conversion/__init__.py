"""Conversion: a song in, the same song by someone else out."""

from vocalise.conversion.converter import Converter, Outcome, Wishes
from vocalise.conversion.curves import read_pitch_csv, write_pitch_csv
from vocalise.conversion.identity import parse_identity
from vocalise.conversion.ledger import Entry, Ledger, convert_files

__all__ = (
    "Converter",
    "Entry",
    "Ledger",
    "Outcome",
    "Wishes",
    "convert_files",
    "parse_identity",
    "read_pitch_csv",
    "write_pitch_csv",
)
