"""The pages: whole in themselves, safe against any name, and readable in light and dark."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
import torch

from vocalise.apps.checkup_page import checkup_page
from vocalise.apps.demo import Take
from vocalise.apps.demo_page import Shown, demo_page, expectation
from vocalise.apps.estimate import Estimate
from vocalise.apps.pages import render, sound, write_page
from vocalise.data.check import examine
from vocalise.data.corpus import Corpus
from vocalise.errors import ConfigError
from vocalise.parts.contracts import BITS, DISTANCE
from vocalise.training.course import Verdict

COST = Estimate("usvc", "tiny", 18_848, "cpu", 0.5, 300_000, 6e8, 4e7)
HOSTILE = "<script>alert(1)</script> & \"x\" 'y'"


class Outline(HTMLParser):
    """Tags and addresses of a page; every tag that must be closed is."""

    VOID = frozenset({"meta", "img", "br", "hr", "link", "input"})

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.addresses = [], [], []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def require_self_contained(page):
    outline = Outline(page)
    assert outline.addresses and all(address.startswith("data:") for address in outline.addresses)
    assert not {"script", "link", "iframe", "object"} & set(outline.tags)
    bare = re.sub(r"data:[a-z]+/[a-z]+;base64,[A-Za-z0-9+/=]+", "", page)
    assert "http:" not in bare and "https:" not in bare and "url(" not in bare and "@import" not in bare
    assert 'name="viewport"' in page and "prefers-color-scheme: dark" in page
    return outline


@pytest.fixture
def report(data):
    return examine(Corpus.open(data))


def test_the_doctors_page_is_whole_and_has_a_player_and_two_pictures_for_each_singer(report):
    outline = require_self_contained(checkup_page(report, COST))
    assert outline.tags.count("img") == 4 and outline.tags.count("audio") == 2


def test_names_and_messages_are_escaped(report):
    one = replace(report.singers[0], singer=HOSTILE)
    finding = replace(report.findings[0], message=HOSTILE, singer=None)
    page = checkup_page(replace(report, singers=(one,), findings=(finding,)), None)
    require_self_contained(page)
    assert "&lt;script&gt;" in page and "<script>" not in page


def test_a_report_without_singers_has_a_page(report):
    page = checkup_page(replace(report, singers=()), None)
    Outline(page)
    assert "cannot be trained on" in page


def test_a_player_holds_the_very_samples():
    wave = torch.sin(torch.arange(4000) / 20.0) * 0.9
    kind, _, data = sound(wave, 16000).partition(";base64,")
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:audio/flac" and rate == 16000
    assert np.abs(heard - wave.numpy()).max() <= 1 / 32768


def take(samples=24000):
    time = torch.arange(samples) / 16000
    heard = 0.3 * torch.sin(2 * torch.pi * 220 * time)
    return Take("01-a song", "Ada", "Eve", heard, 0.8 * heard, 0.1 * torch.randn(samples), 16000, 12.0)


def verdict(**figures):
    return Verdict(
        finished=True,
        step=1234,
        steps=1234,
        best_step=1200,
        loss=4.2,
        unit=BITS,
        voice=None,
        words="It learnt <little>.",
        figures=figures,
    )


def shown(tmp_path):
    rows = [("Ada",) + ("1",) * 9]
    journal = [f'{{"kind": "evaluation", "step": {n}, "held_out_bits": {8 - n / 2}}}\n' for n in range(5)]
    (tmp_path / "journal.jsonl").write_text("".join(journal))
    return Shown(minutes=5.0, recipe="usvc", size="tiny", rows=rows, check="This can be trained on.", run=tmp_path)


def test_the_demos_page_is_whole_and_says_what_to_expect(tmp_path):
    of_probe = {"probe": 0.3, "chance": 0.2, "probe_log_mel": 0.9, "probe_untrained": 0.5}
    page = demo_page(shown(tmp_path), verdict(**of_probe), take())
    outline = require_self_contained(page)
    assert outline.tags.count("audio") == 3 and outline.tags.count("img") == 3
    assert "1,234 steps" in page and "mumbling" in page and "It learnt &lt;little&gt;." in page
    for name in (
        "held-out loss, bits a sample",
        "singer probe",
        "log-F0",
        "RPA50",
        "loudness correlation",
        "mel distance",
        "real-time",
    ):
        assert name in page
    assert "8.00" in page  # twelve seconds of work for one and a half of song


def test_figures_that_cannot_be_had_are_said_to_be_undefined(tmp_path):
    still = replace(take(), heard=torch.zeros(24000), truth=torch.zeros(24000), sung=torch.zeros(24000))
    page = demo_page(shown(tmp_path), replace(verdict(), loss=float("nan")), still)
    assert "undefined" in page and not re.search(r"\bnan\b", re.sub(r"base64,[^\"]+", "", page))


@pytest.mark.parametrize(("bits", "word"), [(6.0, "noise"), (4.0, "mumbling"), (3.0, "listened to")])
def test_what_to_expect_follows_from_the_bits(bits, word):
    assert word in expectation(bits, BITS)


@pytest.mark.parametrize(("loss", "word"), [(20.0, "buzzing"), (7.5, "rough voice"), (5.9, "words may still blur")])
def test_of_a_decoder_that_is_told_the_tune_nobody_expects_noise(loss, word):
    words = expectation(loss, DISTANCE)
    assert word in words and "noise" not in words and "whisper" not in words


def test_a_distance_is_shown_in_decibels(tmp_path):
    page = demo_page(shown(tmp_path), replace(verdict(), loss=9.5, unit=DISTANCE), take())
    assert "held-out loss, dB of spectral distance" in page and "9.50" in page and "guessing" not in page


def test_a_page_that_lacks_a_fact_is_refused_when_it_is_drawn():
    with pytest.raises(Exception, match="undefined"):
        render("check.html", title="no more than that")


def test_a_page_is_written_whole_and_a_place_that_cannot_be_is_named(tmp_path):
    write_page(tmp_path / "new" / "page.html", "ä")
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8") == "ä"
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_page(tmp_path / "file" / "page.html", "x")
