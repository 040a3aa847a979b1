import errno
import math
from pathlib import Path
from typing import Any

import pytest

from vocalise.training.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def told(journal: Journal) -> list[tuple[str, int]]:
    return [(row["kind"], row["step"]) for row in journal.rows()]


def test_rows_come_back_in_order(journal: Journal) -> None:
    journal.note("start", 0, words="größer\nals zuvor")
    journal.note("step", 1, bits=7.5, terms={"a": math.inf}, many=[1.0, math.nan])
    rows = journal.rows()
    assert rows[0]["words"] == "größer\nals zuvor"
    assert rows[1]["bits"] == 7.5
    assert rows[1]["terms"] == {"a": None}
    assert rows[1]["many"] == [1.0, None]


def test_going_back_forgets_what_will_happen_again(journal: Journal) -> None:
    for kind, step in [("step", 1), ("step", 2), ("evaluation", 2), ("verdict", 2), ("step", 3)]:
        journal.note(kind, step)
    journal.rewind(2)
    assert told(journal) == [("step", 1), ("step", 2), ("evaluation", 2)]
    journal.note("step", 3)
    assert told(journal)[-1] == ("step", 3)


def test_a_line_torn_by_a_crash_is_passed_over(journal: Journal) -> None:
    journal.note("step", 1)
    with journal.path.open("ab") as file:
        file.write(b'{"kind": "step", "st')
    assert told(journal) == [("step", 1)]
    journal.rewind(5)
    journal.note("step", 2)
    assert told(journal) == [("step", 1), ("step", 2)]


@pytest.mark.parametrize("line", [b"[1]", b"7", b'{"kind": "step"}', b'{"kind": 1, "step": 1}', b"\xff\xfe"])
def test_a_foreign_line_is_passed_over(journal: Journal, line: bytes) -> None:
    journal.path.write_bytes(line + b"\n")
    journal.note("step", 1)
    assert told(journal) == [("step", 1)]


def test_a_row_that_a_full_disk_refused_is_written_with_the_next(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.note("step", 1)
    real = Path.open

    def full(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == journal.path:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space"):
        journal.note("step", 2)
    monkeypatch.undo()
    journal.note("step", 3)
    assert told(journal) == [("step", 1), ("step", 2), ("step", 3)]
