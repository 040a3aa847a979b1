"""What the console says: plain lines, lengths and sizes, and one line for every failure."""

import os
import subprocess
import sys

import pytest
from rich.console import Console

from vocalise.apps.bars import Bars
from vocalise.apps.console import PlainLines, in_one_line, size, span, watching
from vocalise.errors import CorpusError


class Watch:
    """A clock that stands still until it is told to go on."""

    now = 0.0

    def __call__(self):
        return self.now


def test_plain_lines_come_at_the_beginning_now_and_then_and_at_the_end():
    said, clock = [], Watch()
    tell = PlainLines(said.append, clock)
    for second in range(61):
        clock.now = float(second)
        tell("training", second, 60, f"{second} bits")
    assert said == [
        "training   0 % (0 bits)",
        "training  25 %, 45 s left (15 bits)",
        "training  50 %, 30 s left (30 bits)",
        "training  75 %, 15 s left (45 bits)",
        "training 100 % (60 bits)",
    ]


def test_time_left_after_a_resumption_counts_from_where_it_went_on():
    said, clock = [], Watch()
    tell = PlainLines(said.append, clock)
    tell("training", 900, 1000)
    clock.now = 20.0
    tell("training", 920, 1000)
    assert said[-1] == "training  92 %, 80 s left"


def test_work_of_another_kind_gets_lines_of_its_own_and_notices_are_said_at_once():
    said = []
    tell = PlainLines(said.append, Watch())
    tell("reading", 0, 1)
    tell("notice", 3, 10, "The disk is full.")
    tell("reading", 1, 1)
    tell("singing", 0, 1)
    assert said == ["reading   0 %", "The disk is full.", "reading 100 %", "singing   0 %"]


def test_the_same_work_done_twice_is_told_twice():
    said = []
    tell = PlainLines(said.append, Watch())
    for _ in range(2):
        tell("singing", 0, 2)
        tell("singing", 2, 2)
        tell("singing", 2, 2)
    assert said == ["singing   0 %", "singing 100 %"] * 2


def test_an_unknown_total_is_no_division_by_zero():
    said, clock = [], Watch()
    tell = PlainLines(said.append, clock)
    tell("waiting", 0, 0)
    clock.now = 100.0
    tell("waiting", 5, 0)
    assert said == ["waiting"] or said[0].startswith("waiting")


def test_bars_show_what_how_far_and_a_word_and_take_names_literally():
    console = Console(width=120, force_terminal=True, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    with Bars(console) as bars:
        bars("singing [bold]song[/].wav", 1, 2, "3.2 bits [x]")
        bars("notice", 1, 2, "The [disk] is full.")
        bars("waiting", 0, 0)
    console.file.close()
    text = console.export_text()
    assert "singing [bold]song[/].wav" in text and "50%" in text and "3.2 bits [x]" in text
    assert "The [disk] is full." in text


def test_away_from_a_terminal_there_are_no_bars():
    with watching() as progress:
        assert isinstance(progress, PlainLines)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (300, "5.0 min"), (1800, "30 min"), (9000, "2.5 h"), (400_000, "5 days")],
)
def test_a_span_is_said_in_its_unit(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(64_000, "64 kB"), (1.5e6, "1.5 MB"), (64e6, "64 MB"), (3.4e9, "3.4 GB")])
def test_a_size_is_said_in_its_unit(count, words):
    assert size(count) == words


def ended(capsys, error, monkeypatch=None):
    @in_one_line("The same command goes on.")
    def command():
        raise error

    with pytest.raises(SystemExit) as end:
        command()
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err
    return end.value.code, said.err


def test_our_errors_end_in_one_line_and_exit_1(capsys):
    assert ended(capsys, CorpusError("no\nsound")) == (1, "vocalise: no sound\n")


def test_an_unforeseen_error_names_itself_and_how_to_see_more(capsys):
    code, line = ended(capsys, ZeroDivisionError("division\nby zero"))
    assert code == 1 and "ZeroDivisionError: division by zero" in line and "VOCALISE_TRACEBACK=1" in line


def test_an_unforeseen_error_is_raised_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("VOCALISE_TRACEBACK", "1")

    @in_one_line("")
    def command():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


def test_ctrl_c_exits_130_and_says_how_to_go_on(capsys):
    assert ended(capsys, KeyboardInterrupt()) == (130, "vocalise: interrupted. The same command goes on.\n")


def test_a_closed_pipe_is_no_traceback():
    script = (
        "from vocalise.apps.console import in_one_line, show\n"
        "@in_one_line('')\n"
        "def much():\n"
        "    for n in range(100000): show('line')\n"
        "much()\n"
    )
    pipe = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert pipe.stdout is not None and pipe.stderr is not None
    pipe.stdout.readline()
    pipe.stdout.close()
    said = pipe.stderr.read()
    pipe.stderr.close()
    assert pipe.wait() != 0
    assert "BrokenPipe" not in said
