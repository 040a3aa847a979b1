"""CSV files as people edit them: read whole, under a limit, row by row with their numbers."""

import csv
import os
from pathlib import Path

from vocalise.errors import ConfigError

MOST_BYTES = 1 << 28


def read_rows(path: str | os.PathLike[str], what: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file that are not empty, each with its number from 1 on; cells are stripped of blanks.

    Args:
        path: UTF-8, with or without a byte order mark.
        what: it should be, for messages.

    Raises:
        ConfigError: no such file, too long, or no CSV.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} has {path.stat().st_size} bytes; {what} has at most {MOST_BYTES}.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = enumerate(csv.reader(file), start=1)
            return [(number, [cell.strip() for cell in row]) for number, row in rows if row]
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a CSV file of {what}: {error}.") from None
