"""A newcomer's walk: recordings in two folders become a voice and a converted song, by the page alone, and timed."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.browser import stage as staging
from tests.browser.stage import Stage
from tests.browser.test_studio_in_a_browser import PATIENCE, SHOTS, House, Page, begin_training

pytest.importorskip("gradio")
pytestmark = pytest.mark.browser

STEPS = int(os.environ.get("STUDIO_STEPS", "20"))


class Clock:
    """What each part of the walk took."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.parts: dict[str, float] = {}

    def __call__(self, part: str) -> None:
        now = time.monotonic()
        self.parts[part] = round(now - self.begun, 1)
        self.begun = now


def test_recordings_in_two_folders_become_a_converted_song(stage: Stage, tmp_path: Path, monkeypatch) -> None:
    from vocalise.data.choir import render_choir

    monkeypatch.setattr(staging, "PATIENCE", PATIENCE)
    render_choir(tmp_path / "recordings", singers=2, minutes=0.5)
    folders = sorted(one for one in (tmp_path / "recordings").iterdir() if one.is_dir())
    clock, house = Clock(), House(tmp_path / "space")
    before = os.times().children_user + os.times().children_system
    house.open()
    clock("the studio starts")
    try:
        page = Page(stage, house.url)
        page.open()
        page.tab("Singers")
        for folder in folders:
            page.type("document.querySelector('#singer-name input, #singer-name textarea')", folder.name)
            files = sorted(folder.rglob("*.wav"))
            page.give("singer-files", *files)
            page.until(f"document.querySelectorAll('#singer-files .file-preview tr').length === {len(files)}")
            page.press("document.querySelector('#singer-add')")
            page.until(f"document.querySelector('#singers-there')?.innerText.includes('{folder.name}')")
        clock("two singers are added")
        begin_training(page, "mine", STEPS)
        page.until("document.querySelector('.job.done')?.innerText.includes('mine')")
        clock(f"the cost is seen, and a tiny voice trained for {STEPS} steps")
        page.tab("Convert")
        page.give("drop", files[0])
        page.until("document.querySelector('#songs')?.innerText.includes('.wav')")
        page.choose("voice", "run: mine")
        page.until(f"document.querySelector('#to')?.innerText.includes('{folders[0].name}')")
        page.press("document.querySelector('#convert')")
        page.until("document.querySelectorAll('#results .entry.converted').length === 1")
        clock("a song is converted")
        assert len(list((tmp_path / "space" / "results").rglob("*.wav"))) == 1 and page.noise == []
    finally:
        house.close()
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        spent = os.times()  # of the studio and all that it started
        clock.parts["seconds of processor time in all"] = round(spent.children_user + spent.children_system - before, 1)
        (Path(SHOTS) / "walk.json").write_text(json.dumps(clock.parts, indent=1))
