import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from vocalise.training import events
from vocalise.training.events import Events


def points(path: Path) -> Iterator[tuple[int, str, float]]:
    for event in LegacyEventFileLoader(str(path)).Load():
        for value in event.summary.value:
            yield event.step, value.tag, value.simple_value


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    curves = Events(tmp_path, step=3)
    curves.plot(4, {"bits": 7.5, "rate": 0.25})
    curves.plot(5, {"bits": 6.5})
    assert list(points(curves.path)) == [(4, "bits", 7.5), (4, "rate", 0.25), (5, "bits", 6.5)]


def test_a_resumed_run_declares_later_steps_void(tmp_path: Path) -> None:
    loaded = list(LegacyEventFileLoader(str(Events(tmp_path, step=7).path)).Load())
    assert loaded[0].file_version == "brain.Event:2"
    assert (loaded[1].step, loaded[1].session_log.status) == (7, 1)


def test_a_full_disk_leaves_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curves = Events(tmp_path, step=0)
    curves.plot(1, {"bits": 7.0})

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(events, "append_whole", full)
    with pytest.raises(OSError, match="No space"):
        curves.plot(2, {"bits": 6.0})
    monkeypatch.undo()
    curves.plot(3, {"bits": 5.0})
    assert [step for step, _, _ in points(curves.path)] == [1, 3]
