"""Long work in processes of its own: started, watched, stopped, gone on with, and found again by another server."""

import json
import os
import signal
import threading
import time
from types import MappingProxyType

import pytest

from vocalise.apps.studio import jobs as jobs_module
from vocalise.apps.studio import worker, works
from vocalise.apps.studio.jobs import Jobs, write_json
from vocalise.apps.studio.slate import Slate, Stopped
from vocalise.apps.studio.turns import TurnTaken, holding, is_held
from vocalise.apps.studio.workspace import Workspace
from vocalise.errors import AudioError, ConfigError


@pytest.fixture
def room(tmp_path):
    return Workspace(tmp_path / "space").room("jobs")


@pytest.fixture
def idle(room, monkeypatch):
    """Jobs that start no process: a test does their work when it likes."""
    monkeypatch.setattr(
        Jobs,
        "_launch",
        lambda self, folder: write_json(folder / "state.json", {"state": "waiting", "asked": time.time()}),
    )
    return Jobs(room)


def doing(monkeypatch, work) -> None:
    monkeypatch.setattr(works, "WORKS", MappingProxyType({"melody": work}))


def test_work_is_done_and_its_result_is_kept(idle, room, monkeypatch):
    def work(slate, wishes):
        slate("singing", 1, 4, "well")
        assert Jobs(room).get(slate.folder.name).share == 0.25  # any server sees it
        return {"sung": wishes["song"]}

    doing(monkeypatch, work)
    number = idle.start("melody", {"song": "a"}, title="a.wav")
    assert idle.get(number).state == "waiting"
    assert worker.main(room / number) == 0
    job = Jobs(room).get(number)
    assert (job.state, job.title, dict(job.result)) == ("done", "a.wav", {"sung": "a"}) and not job.is_open


def test_an_error_is_told_in_one_line(idle, room, monkeypatch):
    def work(slate, wishes):
        raise AudioError("a.wav is no song:\nleave it out")

    doing(monkeypatch, work)
    number = idle.start("melody", {})
    assert worker.main(room / number) == 1
    assert (idle.get(number).state, idle.get(number).why) == ("failed", "a.wav is no song: leave it out")


def test_what_nobody_foresaw_is_told_too(idle, room, monkeypatch, capsys):
    doing(monkeypatch, lambda slate, wishes: 1 / 0)
    number = idle.start("melody", {})
    assert worker.main(room / number) == 1
    assert "ZeroDivisionError" in idle.get(number).why and "Traceback" in capsys.readouterr().err


def test_work_that_is_asked_to_stop_stops_and_goes_on_later(idle, room, monkeypatch):
    def work(slate, wishes):
        idle.stop(slate.folder.name) if not (room / "second").exists() else None
        slate.interruptible("singing", 1, 2)
        return {}

    doing(monkeypatch, work)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        number = idle.start("melody", {})
        worker.main(room / number)
        assert idle.get(number).state == "stopped"
        (room / "second").touch()
        idle.go_on(number)
        worker.main(room / number)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert idle.get(number).state == "done"


def test_training_that_was_paused_is_stopped_and_not_done(idle, room, monkeypatch):
    doing(monkeypatch, lambda slate, wishes: {"unfinished": True, "words": "paused"})
    number = idle.start("melody", {})
    worker.main(room / number)
    assert idle.get(number).state == "stopped" and idle.get(number).result["words"] == "paused"


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_a_signal_stops_it_at_once(idle, room, monkeypatch):
    def work(slate, wishes):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it went on")

    doing(monkeypatch, work)
    number = idle.start("melody", {})
    handler = signal.getsignal(signal.SIGTERM)
    worker.main(room / number)
    assert idle.get(number).state == "stopped" and signal.getsignal(signal.SIGTERM) == handler


def test_a_process_that_was_killed_is_noticed(room, idle):
    number = idle.start("melody", {})
    write_json(room / number / "state.json", {"state": "running", "process": 1})
    assert idle.get(number).state == "lost"
    (room / number / "stop").touch()
    assert idle.get(number).state == "stopped"


def test_another_server_sees_who_is_alive(room, idle):
    number = idle.start("melody", {})
    write_json(room / number / "state.json", {"state": "running", "what": "singing"})
    with holding(room / number / ".lock", lambda: False):
        assert Jobs(room).get(number).state == "running"
    assert Jobs(room).get(number).state == "lost"


def test_a_process_that_never_began_is_given_up(room, idle, monkeypatch):
    number = idle.start("melody", {})
    assert idle.get(number).state == "waiting"
    monkeypatch.setattr(jobs_module, "STARTING", -1.0)
    assert idle.get(number).state == "lost"


def test_two_of_a_kind_take_turns(idle, room, monkeypatch):
    begun, end = threading.Event(), threading.Event()

    def work(slate, wishes):
        begun.set()
        assert end.wait(60)
        return {}

    doing(monkeypatch, work)
    first, second = idle.start("melody", {}), idle.start("melody", {})
    with holding(room / ".melody", lambda: False):
        (room / second / "stop").touch()
        worker.main(room / second)  # it would wait for ever
    assert idle.get(second).state == "stopped" and not begun.is_set()
    end.set()
    worker.main(room / first)
    assert idle.get(first).state == "done"


def test_a_second_worker_leaves_the_first_alone(idle, room, monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE", 0.0)
    number = idle.start("melody", {})
    with holding(room / number / ".lock", lambda: False):
        assert worker.main(room / number) == 1
    assert idle.get(number).state == "waiting"


@pytest.mark.parametrize("number", ["../../x", "1", "0" * 20, "", "a" * 20])
def test_a_number_that_leads_elsewhere_is_no_work(idle, number):
    for ask in (idle.get, idle.stop, idle.go_on, idle.forget):
        with pytest.raises(ConfigError):
            ask(number)


def test_nobody_starts_a_thousand_things(idle, monkeypatch):
    monkeypatch.setattr(jobs_module, "MOST_OPEN", 2)
    idle.start("melody", {})
    idle.start("melody", {})
    with pytest.raises(ConfigError, match="under way"):
        idle.start("melody", {})


def test_work_under_way_is_not_forgotten_and_other_work_is(idle, room):
    number = idle.start("melody", {})
    with pytest.raises(ConfigError, match="stop it first"):
        idle.forget(number)
    write_json(room / number / "state.json", {"state": "done"})
    idle.forget(number)
    assert idle.all() == []


def test_a_state_that_is_damaged_is_lost_and_harms_nobody(idle, room):
    number = idle.start("melody", {})
    (room / number / "state.json").write_text("{")
    assert idle.get(number).state == "lost"


def test_time_left_is_told_from_what_is_done(room, monkeypatch, tmp_path):
    clock = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr("vocalise.apps.studio.slate.time.monotonic", lambda: next(clock))
    slate = Slate(tmp_path)
    told = []
    for done in (0, 1, 2):
        slate("training", done, 10)
        told.append(json.loads((tmp_path / "state.json").read_text())["left"])
    assert told == [None, 90.0, 80.0]


def test_stopping_is_no_error_that_work_could_swallow():
    assert not issubclass(Stopped, Exception)


def test_a_lock_is_held_by_one(tmp_path):
    assert not is_held(tmp_path / "lock")
    with holding(tmp_path / "lock", lambda: False):
        assert is_held(tmp_path / "lock")
        with pytest.raises(TurnTaken), holding(tmp_path / "lock", lambda: False):
            raise AssertionError("two held it")
    assert not is_held(tmp_path / "lock")


@pytest.mark.slow
def test_a_real_process_measures_a_melody_and_writes_nowhere_else(tmp_path):
    from tests.apps.test_studio_workspace import beep

    space = Workspace(tmp_path / "space")
    beep(space.room("songs") / "a.wav", 1.0)
    jobs = Jobs(space.room("jobs"))
    number = jobs.start("melody", {"song": "songs/a.wav"})
    deadline = time.monotonic() + 600
    while jobs.get(number).is_open and time.monotonic() < deadline:
        time.sleep(0.2)
    assert jobs.get(number).state == "done", (space.room("jobs") / number / "log.txt").read_text()
    assert abs(jobs.get(number).result["range"][1] - 16000 / 20 / 3.14159265) < 5
    assert [path.name for path in tmp_path.iterdir()] == ["space"]
