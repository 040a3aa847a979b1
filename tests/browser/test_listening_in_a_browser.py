"""The listening page in a real browser: heard to the end, answered by hand, left and gone on with, and saved."""

import json
import time
from pathlib import Path

import pytest

from tests.browser.stage import Stage
from tests.evaluation.listening_room import furnish
from vocalise.apps.listen_page import listen_page
from vocalise.apps.pages import write_page
from vocalise.evaluation.listening import QUESTIONS, Setting, design, evaluate_answers, gather, read_sheet

pytestmark = pytest.mark.browser

# A listener in a hurry: every sound is over as soon as it begins. What is tested then is the page, not patience.
HURRY = """
HTMLMediaElement.prototype.play = function () {
  this.dispatchEvent(new Event("play"));
  setTimeout(() => this.dispatchEvent(new Event("ended")));
};
"""
KEYS = {"Space": (" ", " ", 32), "Enter": ("Enter", "\r", 13)}
FORGETFUL = """
Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } })
"""


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    room = furnish(tmp_path_factory.mktemp("room"), seconds=4.0)
    material = gather([room / "kestrel", room / "plover"], source=room / "source", target=room / "target")
    return design(material, Setting(questions=QUESTIONS, clips=2, seconds=1.0))


@pytest.fixture(scope="module")
def page(listening, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "TEST.html"
    write_page(path, listen_page(listening))
    return path


class Listener:
    """Somebody who sits before the page."""

    def __init__(self, stage: Stage, page: Path, *, hurry: bool = True, fresh: bool = True) -> None:
        self.stage, self.page = stage, page
        stage.open(page)
        if fresh:
            stage.evaluate("localStorage.clear()")
            stage.open(page)
        if hurry:
            stage.evaluate(HURRY)

    def sees(self, selector: str) -> bool:
        return self.stage.evaluate(f"Boolean(document.querySelector({json.dumps(selector)}))")

    def reads(self, selector: str = "#stage") -> str:
        return self.stage.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def wait(self, condition: str) -> None:
        deadline = time.monotonic() + 20.0
        while not self.stage.evaluate(condition):
            assert time.monotonic() < deadline, f"{condition}; {self.stage.console}"
            time.sleep(0.02)

    def hear(self, number: int) -> None:
        one = f"document.querySelectorAll('.player')[{number}]"
        self.stage.evaluate(f"{one}.click()")
        self.wait(f"{one}.classList.contains('heard')")

    def begin(self) -> None:
        self.hear(0)
        self.stage.click("input[value=headphones]")
        self.stage.click("#go")

    def to_question(self, name: str) -> None:
        """Answers whatever comes before the first question of that name."""
        while name not in self.reads("h1"):
            self.step()

    def step(self, choice: int = 0) -> None:
        """Whatever the page shows, on to the next."""
        if self.sees("#go"):
            self.stage.click("#go")
            return
        for number in range(self.stage.evaluate("document.querySelectorAll('.player').length")):
            self.hear(number)
        self.stage.evaluate(f"document.querySelectorAll('input')[{choice}].click()")
        self.stage.click("#next")

    def to_the_end(self) -> None:
        while not self.sees("#save"):
            self.step()

    def press(self, code: str) -> None:
        key, text, number = KEYS.get(code, (code[-1].lower(), code[-1].lower(), ord(code[-1])))
        facts = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.stage.command("Input.dispatchKeyEvent", type="keyDown", text=text, **facts)
        self.stage.command("Input.dispatchKeyEvent", type="keyUp", **facts)

    def sheet(self) -> dict:
        return json.loads(self.stage.evaluate("document.querySelector('textarea').value"))

    def disabled(self) -> tuple[bool, bool]:
        return self.stage.evaluate(
            "[document.querySelector('fieldset').disabled, document.querySelector('#next').disabled]"
        )


def test_a_listener_goes_through_and_the_saved_file_is_accepted(stage, page, listening, tmp_path):
    listener = Listener(stage, page)
    listener.begin()
    listener.to_the_end()
    stage.command("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    stage.click("#save")
    deadline = time.monotonic() + 20.0
    while not (saved := list(tmp_path.glob("answers-*.json"))):
        assert time.monotonic() < deadline, stage.console
        time.sleep(0.05)
    sheet = read_sheet(saved[0], listening.key)
    asked = {trial.id for trial in listening.key.trials if not trial.practice}
    assert {answer.trial for answer in sheet.answers} == asked and sheet.complete and sheet.through == "headphones"
    assert saved[0].name == f"answers-{sheet.listener}.json" in listener.reads()
    assert listener.sheet() == json.loads(saved[0].read_text(encoding="utf-8"))
    results = evaluate_answers(listening.key, [sheet])
    assert all(one.mean.value == 5.0 for one in results.opinions)  # the first choice is the best score
    assert {"quality", "similarity", "patience"} <= set(results.listeners[0].failed)
    assert stage.console == [] and stage.requests == []


def test_nothing_can_be_answered_before_everything_is_heard_to_its_end(stage, page):
    listener = Listener(stage, page, hurry=False)
    assert stage.evaluate("document.querySelector('#go').disabled")
    stage.click(".player")  # to start it is enough for the volume
    stage.click("input[value=headphones]")
    listener.wait("!document.querySelector('#go').disabled")
    stage.click("#go")
    stage.click("#go")
    assert listener.disabled() == [True, True]
    stage.click(".player")
    listener.wait("document.querySelector('.player').classList.contains('playing')")
    stage.click(".player")
    listener.wait("!document.querySelector('.player').classList.contains('playing')")
    time.sleep(1.2)  # longer than the sound, which is paused
    assert listener.disabled() == [True, True] and not listener.sees(".player.heard")
    stage.evaluate("document.querySelector('input').click()")  # a disabled field takes nothing
    begun = time.monotonic()
    stage.click(".player")
    listener.wait("document.querySelector('.player').classList.contains('heard')")
    assert time.monotonic() - begun < 10.0 and listener.disabled() == [False, True]
    stage.evaluate("document.querySelector('input').click()")
    assert listener.disabled() == [False, False]


def test_only_one_sound_plays_at_a_time(stage, page):
    listener = Listener(stage, page)
    listener.begin()
    listener.to_question("How alike")
    stage.open(page)  # without the hurry
    while listener.sees("#go"):
        stage.click("#go")
    for number in (0, 1):
        stage.evaluate(f"document.querySelectorAll('.player')[{number}].click()")
        listener.wait(f"document.querySelectorAll('.player')[{number}].classList.contains('playing')")
        assert stage.evaluate("document.querySelectorAll('.playing').length") == 1


@pytest.mark.parametrize(
    ("question", "plays", "answers", "chosen"),
    [
        ("How good", ["Space"], "Digit4", "Good"),
        ("How alike", ["KeyS", "KeyR"], "Numpad2", "Hardly alike"),
        ("Whose voice is X", ["KeyX", "KeyA", "KeyB"], "Digit2", "It is B"),
        ("Is X the same", ["Space", "Space", "Space"], "Digit1", "X is A"),
    ],
)
def test_the_keyboard_is_enough(stage, page, question, plays, answers, chosen):
    listener = Listener(stage, page)
    listener.hear(0)
    stage.click("input[value=loudspeakers]")
    listener.press("Enter")
    listener.to_question(question)
    for number, key in enumerate(plays):
        listener.press(key)
        listener.wait(f"document.querySelectorAll('.player.heard').length === {number + 1}")
    listener.press(answers)
    assert listener.reads("label.on").endswith(chosen)
    before = listener.reads("#place") + listener.reads()
    listener.press("Enter")
    assert listener.reads("#place") + listener.reads() != before


def test_whoever_leaves_goes_on_where_they_stopped(stage, page):
    listener = Listener(stage, page)
    listener.begin()
    listener.to_question("How alike")
    listener.step()  # an answer of practice, or the first that counts
    state = json.loads(stage.evaluate("localStorage.getItem(Object.keys(localStorage)[0])"))
    Listener(stage, page, fresh=False)
    assert f"You had answered {len(state['answers'])} of" in listener.reads()
    stage.click("#go")
    listener.to_the_end()
    sheet = listener.sheet()
    assert sheet["listener"] == state["listener"] and sheet["complete"]
    assert [one["trial"] for one in sheet["answers"]][: len(state["answers"])] == [
        step["id"] for step in state["steps"] if step["id"] in state["answers"]
    ]
    stage.open(page)
    assert listener.sheet() == sheet  # the answers are still there to be saved
    stage.evaluate("window.confirm = () => true")
    stage.click("#erase")
    assert stage.evaluate("localStorage.length") == 0


def test_whoever_stops_early_can_save_what_there_is_and_go_back(stage, page, listening, tmp_path):
    listener = Listener(stage, page)
    listener.begin()
    while not listener.sees("#stop"):
        listener.step()
    stage.click("#stop")
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(listener.sheet()), encoding="utf-8")
    sheet = read_sheet(path, listening.key)
    assert len(sheet.answers) == 1 and not sheet.complete and "You have answered 1 of" in listener.reads()
    stage.click("#back")
    assert not listener.sees("#save")


def test_every_listener_has_an_order_of_their_own_by_parts_with_practice_first(stage, page, listening):
    trials = {trial.id: trial for trial in listening.key.trials}
    orders = []
    for _ in range(4):
        Listener(stage, page).begin()
        state = json.loads(stage.evaluate("localStorage.getItem(Object.keys(localStorage)[0])"))
        order = [trials[step["id"]] for step in state["steps"]]
        parts = [QUESTIONS.index(trial.question) for trial in order]
        assert parts == sorted(parts) and len({trial.id for trial in order}) == len(trials)
        for question in QUESTIONS:
            practised = [trial.practice for trial in order if trial.question == question]
            assert practised == sorted(practised, reverse=True) and practised[0]
        orders.append((tuple(trial.id for trial in order), tuple((step["x"], step["flip"]) for step in state["steps"])))
    assert len({order for order, _ in orders}) == len({flips for _, flips in orders}) == 4


def test_a_browser_without_a_memory_says_so_and_works(stage, page):
    script = stage.command("Page.addScriptToEvaluateOnNewDocument", source=FORGETFUL)["identifier"]
    try:
        listener = Listener(stage, page, fresh=False)
        assert "Please answer in one go" in listener.reads()
        listener.begin()
        listener.to_the_end()
        assert listener.sheet()["complete"] and stage.console == []
    finally:
        stage.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


def test_it_fits_a_telephone_and_fingers(stage, page):
    listener = Listener(stage, page)
    listener.begin()
    seen = set()
    while not listener.sees("#save"):
        stage.look(360, 640)
        head = listener.reads("h1")
        if head not in seen:
            assert stage.evaluate("document.documentElement.scrollWidth") <= 360, head
            small = stage.evaluate(
                "[...document.querySelectorAll('button.main, .player, .scale label')]"
                ".filter(one => one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
            )
            assert small == [], head
        seen.add(head)
        listener.step()
    assert len(seen) == 8  # a head for each part, and for each question


def test_everything_that_can_be_used_has_a_name_and_the_head_has_the_focus(stage, page):
    listener = Listener(stage, page)
    listener.begin()
    listener.to_question("Whose voice is X")
    names = stage.evaluate(
        "[...document.querySelectorAll('button')].map(one => one.getAttribute('aria-label') || one.textContent)"
    )
    assert names[:3] == ["Play: X", "Play: A", "Play: B"] and all(names)
    assert stage.evaluate("[...document.querySelectorAll('input')].every(one => one.labels.length === 1)")
    assert stage.evaluate("document.activeElement.tagName") == "H1"
    assert stage.evaluate("document.querySelector('#way').getAttribute('aria-valuenow')") is not None


def test_korean_listeners_get_korean_from_beginning_to_end(stage, listening, tmp_path):
    path = tmp_path / "TEST.html"
    write_page(path, listen_page(listening, language="ko"))
    listener = Listener(stage, path)
    read = [listener.reads()]
    listener.begin()
    while not listener.sees("#save"):
        read.append(listener.reads())
        listener.step()
    read.append(listener.reads())
    letters = {letter for text in read for letter in text if letter.isascii() and letter.isalpha()}
    assert letters <= set("ABXSR") and all(any("가" <= letter <= "힣" for letter in text) for text in read)
    assert listener.sheet()["language"] == "ko" and stage.console == []
