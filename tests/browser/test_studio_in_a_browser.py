"""The studio in Chromium: every tab is driven as a person would, in both languages, and nothing is said on the console.

Run by `pytest -m browser` where gradio and a Chromium are; it trains and evaluates, and takes minutes.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.browser import stage as staging
from tests.browser.stage import Stage

pytest.importorskip("gradio")
pytestmark = pytest.mark.browser

PATIENCE = float(os.environ.get("STUDIO_PATIENCE", "900"))  # seconds for anything that works in the background
SINGERS = ("Ada", "Bruno")
HTML = b"<!doctype html><script>document.title = 'evil'</script>"
EVIL = "<img src=x onerror=\"document.title='evil'\">"
OWN = ("warning: Method not implemented.",)  # what gradio's client says of itself after every upload
SHOTS = os.environ.get("STUDIO_SHOTS", "")  # a folder in which screenshots are left to be looked at
TABS = ("Convert", "Record", "Singers", "Train", "Evaluate")


def tune(path: Path, seconds: float = 1.5) -> Path:
    """Two sung notes; a pure tone would have no pitch that could be sung."""
    time = np.arange(round(16000 * seconds)) / 16000
    phase = 2 * np.pi * np.cumsum(np.where(time < seconds / 2, 220.0, 262.0)) / 16000
    soundfile.write(path, 0.2 * sum(np.sin(n * phase) / n for n in range(1, 9)), 16000, format="WAV")
    return path


class Page:
    """The studio's page on a stage, used with mouse and keyboard."""

    def __init__(self, stage: Stage, url: str) -> None:
        self.stage, self.url = stage, url

    def open(self, language: str = "en", **how: object) -> None:
        self.stage.open("about:blank")  # what the page before has to say at its end is not said by this one
        self.stage.open(f"{self.url}{language}/", **how)
        self.until("document.querySelector('#results section')")

    def until(self, expression: str, patience: float = PATIENCE) -> None:
        """Waits, in the page, until something is true."""
        asked = f"""new Promise((done) => {{
            const end = Date.now() + 20000;
            const look = () => ({expression}) ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 100);
            look();
        }})"""
        deadline = time.monotonic() + patience
        while not self._found(asked):
            assert time.monotonic() < deadline, (
                f"{expression}\n{self.stage.evaluate('document.body.innerText')[-3000:]}"
            )

    def _found(self, asked: str) -> bool:
        try:
            return bool(self.stage.evaluate(asked))
        except AssertionError as error:  # a link was followed while the page was being asked
            if "navigated" not in str(error):
                raise
            return False

    def press(self, element: str) -> None:
        """Clicks in the middle of what a JavaScript expression finds."""
        self.until(f"({element}) && ({element}).getClientRects().length")
        x, y = self.stage.evaluate(f"""(() => {{ const one = {element}; one.scrollIntoView({{ block: "center" }});
            const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.stage.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, element: str, *points: tuple[float, float]) -> None:
        """Draws over an element; points as shares of its width and height."""
        self.stage.evaluate(f"({element}).scrollIntoView({{ block: 'center' }})")
        x, y, width, height = self.stage.evaluate(
            f"""(() => {{ const box = ({element}).getBoundingClientRect();
                return [box.x, box.y, box.width, box.height]; }})()"""
        )
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (right, down) in zip(kinds, [*points, points[-1]], strict=True):
            place = {"x": x + right * width, "y": y + down * height}
            self.stage.command("Input.dispatchMouseEvent", type=kind, button="left", buttons=1, clickCount=1, **place)

    def tab(self, words: str) -> None:
        self.press(named("[role=tab]", words))

    def visit(self, words: str) -> None:
        """Opens a tab, if need be from the menu of those that found no room."""
        if not self.stage.evaluate(f"!!({named('[role=tab]', words)})"):
            self.press("document.querySelector('.overflow-menu > button')")
            self.press(named(".overflow-dropdown button", words))
        else:
            self.tab(words)

    def type(self, element: str, words: str) -> None:
        self.press(element)
        self.stage.evaluate(f"({element}).select()")
        self.stage.command("Input.insertText", text=words)

    def choose(self, dropdown: str, words: str) -> None:
        """Chooses from one of gradio's lists."""
        self.press(f"document.querySelector('#{dropdown} input')")
        self.press(named("[role=option]", words))
        self.stage.evaluate("document.activeElement.blur()")

    def give(self, dropzone: str, *files: Path) -> None:
        """Gives files to a drop zone."""
        self.until(f"document.querySelector('#{dropzone} input[type=file]')")
        document = self.stage.command("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = self.stage.command("DOM.querySelector", nodeId=document, selector=f"#{dropzone} input[type=file]")[
            "nodeId"
        ]
        self.stage.command("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def text(self, selector: str) -> str:
        return self.stage.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText || ''")

    @property
    def noise(self) -> list[str]:
        """What was said on the console and is a complaint, but for gradio's own about nothing of ours."""
        return [one for one in self.stage.console if one.startswith(("error", "warning")) and one not in OWN]

    def shot(self, name: str, width: int = 1440, *, dark: bool = False) -> None:
        """A picture of the whole page, where somebody wants to look at it."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.stage.screenshot(Path(SHOTS) / f"{name}.png", width, 1000, dark=dark, whole=True)


def named(selector: str, words: str) -> str:
    """JavaScript for the visible element of these words."""
    return (
        f"[...document.querySelectorAll({json.dumps(selector)})].find((one) => "
        f"one.getClientRects().length && one.textContent.trim().endsWith({json.dumps(words)}))"
    )


class House:
    """A studio in a process of its own, which can be closed and opened again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def open(self) -> None:
        words = [sys.executable, "-m", "vocalise.apps.cli", "studio", "--workspace", str(self.folder), "--port", "0"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        found = re.search(r"http://\S+", self._process.stdout.readline())
        assert found, "the studio did not start"
        self.url = found[0]

    def close(self) -> None:
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(PATIENCE) in (0, 130)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Path:
    """A workspace with two singers, a song, and the voice that comes along."""
    from vocalise.apps.studio.workspace import Workspace
    from vocalise.data.choir import render_choir

    folder = tmp_path_factory.mktemp("studio") / "space"
    space = Workspace(folder)
    render_choir(folder.parent / "choir", singers=4, minutes=0.3)
    for singer in SINGERS:
        recordings = sorted((folder.parent / "choir" / singer).rglob("*.wav"))
        for recording in recordings:
            place = space.room("singers") / singer / recording.name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(recording.read_bytes())
    return folder


@pytest.fixture(scope="module")
def house(space: Path) -> Iterator[House]:
    house = House(space)
    house.open()
    yield house
    house.close()


@pytest.fixture
def page(stage: Stage, house: House, monkeypatch) -> Page:
    monkeypatch.setattr(staging, "PATIENCE", PATIENCE)
    return Page(stage, house.url)


def test_a_newcomer_converts_mixes_transposes_draws_and_has_a_batch_with_a_bad_file(page, space, tmp_path):
    song, bad = tune(tmp_path / "little song.wav"), tmp_path / "page.wav"
    bad.write_bytes(HTML)
    page.open()
    page.give("drop", song, bad)
    page.until("document.querySelector('#convert-said .bad')?.innerText.includes('page.wav')")
    page.until("document.querySelector('.scale .bar.song')")  # its range has been measured
    page.until("document.querySelector('#melody canvas')")
    page.choose("to", "Clara")
    page.until("document.querySelectorAll('#share0 input, #share1 input').length >= 4")
    page.until("document.querySelector('.scale .bar.singer text').textContent.includes('Ada + Clara')")
    page.press("[...document.querySelectorAll('#key label')].at(-1)")
    page.type("document.querySelector('#semitones input[type=number]')", "-3")
    page.stage.evaluate("document.activeElement.blur()")
    page.until("document.querySelector('.scale .bar.moved text')?.textContent.includes('(-3)')")
    page.drag("document.querySelector('#melody canvas')", (0.3, 0.6), (0.5, 0.4), (0.7, 0.4))
    page.until("document.querySelector('[data-melody-mark]').textContent")
    page.press("document.querySelector('#convert')")
    page.until("document.querySelectorAll('#results .entry.converted').length === 1")
    assert "1 converted, 1 failed" in page.text("#results") and "page.wav" in page.text("#results")
    page.shot("convert")
    page.press("document.querySelector('[data-ab-pick=\"0\"]')")
    page.press("document.querySelector('[data-ab-play]')")
    page.until("[...document.querySelectorAll('[data-ab] audio')].some((one) => one.currentTime > 0)")
    link = page.stage.evaluate("document.querySelector('#results a[download]').getAttribute('href')")
    assert page.stage.evaluate(f"fetch({json.dumps(link)}).then((one) => one.ok)")
    wishes = next(
        json.loads(one.read_text())["wishes"] for one in space.glob("jobs/*/job.json") if '"convert"' in one.read_text()
    )
    assert (
        set(wishes["to"]) == {"Ada", "Clara"} and wishes["transpose"] == -3 and wishes["pitch"].startswith("melodies/")
    )
    assert page.noise == [] and all(one.startswith(page.url) for one in page.stage.requests)
    assert page.stage.evaluate("document.title") == "vocalise studio"


def begin_training(page: Page, run: str, steps: int) -> None:
    """Asks for a tiny voice, having seen what it costs."""
    page.tab("Train")
    page.choose("size", "tiny")
    page.type("document.querySelector('#run input, #run textarea')", run)
    page.type("document.querySelector('#steps input')", str(steps))
    page.press("document.querySelector('#agreed input')")
    page.until("!document.querySelector('#train').disabled || document.querySelector('#cost .soft')")
    if page.stage.evaluate("document.querySelector('#train').disabled"):
        page.press("document.querySelector('#estimate')")
        page.until("document.querySelector('#cost .box')?.innerText.includes('An estimate for aria')")
        page.until("!document.querySelector('#train').disabled")
    page.press("document.querySelector('#train')")


def test_a_voice_is_trained_once_its_cost_is_known(page):
    page.open()
    begin_training(page, "first", 20)
    page.until("document.querySelector('.job.done')?.innerText.includes('first')")
    page.until("document.querySelector('svg.curves')")
    page.shot("trained")
    assert page.noise == []


def test_training_survives_the_page_and_the_studio_and_is_stopped_and_resumed(page, house):
    page.open()
    begin_training(page, "second", 5000)
    page.until("document.querySelector('.job.running')?.innerText.includes('Training')")
    page.stage.open("about:blank")  # the page is closed …
    page.open()
    page.tab("Train")
    page.until("document.querySelector('.job.running')?.innerText.includes('second')")
    house.close()  # … and so is the studio, while a page is open
    house.open()
    gone, page.url = page.url, house.url
    page.open()
    page.tab("Train")
    page.until("document.querySelector('.job.running')?.innerText.includes('second')")
    for _ in range(2):
        page.press("document.querySelector('.job.running [data-act=stop]')")
        page.until("document.querySelector('.job.stopped, .job.done')?.innerText.includes('second')")
        page.press("[...document.querySelectorAll('[data-act=go_on]')].find((one) => one.getClientRects().length)")
        page.until("document.querySelector('.job.running')?.innerText.includes('second')")
    page.press("document.querySelector('.job.running [data-act=stop]')")
    page.until("document.querySelector('.job.stopped, .job.done')?.innerText.includes('second')")
    assert [one for one in page.noise if gone not in one] == []  # that page found nobody in any more


def test_a_singer_is_added_enrolled_and_forgotten(page, space):
    page.open()
    page.tab("Singers")
    page.type("document.querySelector('#singer-name input, #singer-name textarea')", "Dora")
    page.give("singer-files", *sorted((space.parent / "choir" / "Clara").rglob("*.wav"))[:2])
    page.until("document.querySelectorAll('#singer-files .file-preview tr').length === 2")
    page.press("document.querySelector('#singer-add')")
    page.until("document.querySelector('#singers-there')?.innerText.includes('Dora')")
    page.press("[...document.querySelectorAll('button.label-wrap')].find((one) => one.innerText.includes('A place'))")
    page.choose("enrol-whom", "Dora")
    page.press("document.querySelector('#enrol')")
    page.until("document.querySelector('#places-said .bad')")  # nobody has agreed yet
    page.press("document.querySelector('#enrol-agreed input')")
    page.type("document.querySelector('#enrol-steps input')", "2")
    page.press("document.querySelector('#enrol')")
    page.until("document.querySelector('#places')?.innerText.includes('Dora has a place')")
    assert (space / "voices" / "vocalise with Dora.safetensors").is_file()
    page.choose("enrol-voice", "vocalise with Dora")
    page.choose("forget-whom", "Dora")
    page.press("document.querySelector('#forget')")
    page.until("document.querySelector('#places')?.innerText.includes('no place for Dora')")
    page.shot("singers")
    from vocalise.checkpoint import load_voice

    assert "Dora" in load_voice(space / "voices" / "vocalise with Dora.safetensors").names
    left = [one for one in (space / "voices").iterdir() if "without" in one.name]
    assert len(left) == 1 and "Dora" not in load_voice(left[0]).names
    assert page.noise == []


def test_a_voice_is_evaluated_and_a_listening_test_made_of_it(page):
    page.open()
    page.tab("Evaluate")
    page.type("document.querySelector('#seconds input')", "2")
    page.press("document.querySelector('#evaluate')")
    page.until("document.querySelector('#evaluations iframe')")
    page.shot("evaluate")
    assert page.noise == []


def test_script_in_a_name_stays_text_or_is_refused(page, tmp_path):
    page.open()
    page.tab("Singers")
    page.type("document.querySelector('#singer-name input, #singer-name textarea')", EVIL)
    page.give("singer-files", tune(tmp_path / "take.wav"))
    page.until("document.querySelectorAll('#singer-files .file-preview tr').length === 1")  # it has come in
    page.press("document.querySelector('#singer-add')")
    page.until("document.querySelector('#singers-said .bad')?.innerText.includes('cannot be a name')")
    assert page.stage.evaluate("document.title") == "vocalise studio"
    assert page.stage.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    assert page.noise == []


def test_singers_are_examined_and_a_take_is_asked_for(page):
    page.open()
    page.tab("Singers")
    assert all(singer in page.text("#singers-there") for singer in SINGERS)
    page.press("document.querySelector('#check')")
    page.until("document.querySelector('#check-report iframe')")
    page.tab("Record")
    page.press("document.querySelector('#take-keep')")
    page.until(
        "[...document.querySelectorAll('.said.bad')].some((one) => one.innerText.includes('Record something first'))"
    )
    assert page.noise == []


def test_it_speaks_korean_by_the_browser_and_by_the_switch(page):
    page.open()
    page.press("document.querySelector('nav a[lang=ko]')")
    page.until("document.querySelector('#convert')?.textContent.includes('변환하기')")
    page.until("document.querySelector('#results section')")
    assert page.stage.evaluate("document.documentElement.lang") == "ko"
    shown = page.stage.evaluate(
        "[...document.querySelectorAll('button, label > span, [role=tab]')].map((one) => one.textContent.trim())"
    )
    assert sum(bool(re.search("[가-힣]", one)) for one in shown) > 15  # of one tab: the others are made when opened
    page.stage.command("Network.setExtraHTTPHeaders", headers={"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"})
    page.stage.open(page.url)
    assert page.stage.evaluate("location.pathname") == "/ko/"
    page.stage.command("Network.setExtraHTTPHeaders", headers={})


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_the_window(page, width, dark):
    page.open(width=width, height=1000, dark=dark)
    for words in TABS:
        page.visit(words)
        page.shot(f"{words.lower()}-{width}-{'dark' if dark else 'light'}", width, dark=dark)
        page.stage.look(width, 1000, dark=dark)
        wide, room = page.stage.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= room
