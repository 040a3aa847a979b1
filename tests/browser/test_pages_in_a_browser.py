"""The pages in Chromium: they open in silence, play, fit a phone, and keep a blind test blind.

Run by `pytest -m browser`; without a Chromium they are skipped.
"""

from pathlib import Path

import pytest
import torch

from tests.apps.test_evaluation_page import HOSTILE
from tests.apps.test_pages import shown, take, verdict
from tests.browser.stage import Stage
from tests.evaluation.material import make_report, renamed
from vocalise.apps.checkup_page import checkup_page
from vocalise.apps.demo_page import demo_page
from vocalise.apps.evaluation_page import evaluation_page
from vocalise.apps.pages import write_page
from vocalise.data.check import examine
from vocalise.data.choir import render_choir
from vocalise.data.corpus import Corpus

pytestmark = pytest.mark.browser

SECONDS = 1.5
PLAYERS = 4 * 4 + 3  # source, two systems and truth of four passages; a reconstruction has no truth
PLAY = """(async () => {
    const found = [];
    for (const one of document.querySelectorAll("audio[src]")) {
        await one.play();
        for (let turn = 0; turn < 100 && one.currentTime < 0.1; turn += 1) {
            await new Promise(done => setTimeout(done, 20));
        }
        one.pause();
        found.push([one.duration, one.currentTime, one.error]);
    }
    return found;
})()"""
OPEN = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
HIDDEN = "[...document.querySelectorAll('.open')].every(one => one.getClientRects().length === 0)"
TRUTH = """['A', 'B'].find(name =>
    document.getElementById('blind-' + name).src === document.getElementById('blind-X').src)"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, tuple[Path, int, float]]:
    """Each page's file, how many players it has, and how long they play."""
    folder = tmp_path_factory.mktemp("pages")
    report = make_report(folder, seconds=SECONDS)
    render_choir(folder / "choir", singers=2, minutes=0.2)
    made = {
        "evaluation": (evaluation_page(report, folder), PLAYERS, SECONDS),
        "hostile": (evaluation_page(renamed(report, HOSTILE), folder), PLAYERS, SECONDS),
        "demo": (demo_page(shown(folder), verdict(), take()), 3, 1.5),
        "check": (checkup_page(examine(Corpus.open(folder / "choir")), None), 2, None),
    }
    for name, (page, _, _) in made.items():
        write_page(folder / f"{name}.html", page)
    return {name: (folder / f"{name}.html", players, seconds) for name, (_, players, seconds) in made.items()}


@pytest.fixture
def evaluation(stage: Stage, pages) -> Stage:
    stage.open(pages["evaluation"][0])
    return stage


NAMES = ("evaluation", "hostile", "demo", "check")


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_in_silence_and_fetches_nothing(stage, pages, name):
    stage.open(pages[name][0])
    stage.evaluate(OPEN)
    assert stage.evaluate(
        "Promise.all([...document.images].map(one => one.decode())).then(() => document.images.length)"
    )
    assert stage.console == [] and stage.requests == []


@pytest.mark.parametrize("name", NAMES)
def test_all_its_players_play_from_the_beginning_and_are_as_long_as_what_was_sung(stage, pages, name):
    path, players, seconds = pages[name]
    stage.open(path)
    found = stage.evaluate(PLAY)
    assert len(found) == players
    for duration, reached, error in found:
        assert error is None and reached >= 0.1
        assert duration == pytest.approx(seconds, abs=0.02) if seconds else duration > 1.0
    assert stage.console == []


@pytest.mark.parametrize("name", NAMES)
def test_a_phone_shows_it_without_scrolling_sideways(stage, pages, name):
    stage.open(pages[name][0], width=380, height=800)
    stage.evaluate(OPEN)
    width, window = stage.evaluate(WIDTHS)
    assert width == window == 380


def test_names_that_are_markup_do_nothing_and_are_read_as_they_are(stage, pages):
    stage.open(pages["hostile"][0])
    assert stage.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    read = stage.evaluate("document.body.textContent")
    assert all(" ".join(name.split()) in " ".join(read.split()) for name in HOSTILE)
    stage.click("article.passage button.listen-blind")
    said = stage.evaluate("document.getElementById('blind-pair').textContent")
    assert HOSTILE[4] in said and HOSTILE[5] in said  # the systems
    assert stage.console == []


def test_a_blind_test_hides_what_is_what_until_it_ends(evaluation):
    assert not evaluation.evaluate(HIDDEN)
    evaluation.click("article.passage button.listen-blind")
    assert evaluation.evaluate(HIDDEN) and not evaluation.evaluate("document.getElementById('blind').hidden")
    evaluation.click("#blind-end")
    assert not evaluation.evaluate(HIDDEN) and evaluation.evaluate("document.getElementById('blind').hidden")
    assert evaluation.console == []


def test_a_right_guess_is_told_right_and_a_wrong_one_wrong_and_the_score_runs(evaluation):
    evaluation.click("article.passage button.listen-blind")
    for turn, right in enumerate((True, False, True), start=1):
        answer = evaluation.evaluate(TRUTH)
        guess = answer if right else {"A": "B", "B": "A"}[answer]
        evaluation.click(f"#blind [data-guess={guess}]")
        told = evaluation.evaluate("document.getElementById('blind-result').textContent")
        assert told.startswith(f"{'Right' if right else 'Wrong'}: X was {answer}.")
        assert f" of {turn} right" in evaluation.evaluate("document.getElementById('blind-score').textContent")
        assert evaluation.evaluate("document.querySelector('#blind [data-guess=A]').disabled")
        evaluation.click("#blind-next")
    assert "2 of 3 right" in evaluation.evaluate("document.getElementById('blind-score').textContent")
    assert "50 %" in evaluation.evaluate("document.getElementById('blind-score').textContent")  # 4 of 8 cases


def test_which_is_a_and_which_is_x_is_drawn_anew_each_round(evaluation):
    evaluation.click("article.passage button.listen-blind")
    seen = set()
    for _ in range(40):
        seen.add((evaluation.evaluate(TRUTH), hash(evaluation.evaluate("document.getElementById('blind-A').src"))))
        evaluation.click("#blind [data-guess=A]")
        evaluation.click("#blind-next")
    assert len(seen) == 4  # of 4; that one is missed happens once in 25,000 runs


def test_over_all_passages_each_round_is_another_one_and_takes_are_equally_loud(evaluation):
    evaluation.click("p > button.listen-blind")
    where, quieter = set(), set()
    for _ in range(25):
        where.add(evaluation.evaluate("document.getElementById('blind-where').textContent"))
        quieter.add(
            evaluation.evaluate("Math.min(...['A', 'B', 'X'].map(n => document.getElementById('blind-' + n).volume))")
        )
        evaluation.click("#blind [data-guess=A]")
        evaluation.click("#blind-next")
    assert len(where) >= 3 and min(quieter) < 0.9


def test_switching_goes_on_at_the_same_moment(evaluation):
    evaluation.click("article.passage button.listen-blind")
    evaluation.click("#blind [data-play=A]")
    before, after, playing = evaluation.evaluate("""(async () => {
        const of = name => document.getElementById('blind-' + name);
        for (let turn = 0; turn < 100 && of('A').currentTime < 0.3; turn += 1) {
            await new Promise(done => setTimeout(done, 20));
        }
        document.querySelector('#blind [data-play=X]').click();
        return [of('A').currentTime, of('X').currentTime, ['A', 'B', 'X'].filter(name => !of(name).paused)];
    })()""")
    assert before >= 0.3 and after == pytest.approx(before, abs=0.05) and playing == ["X"]


def test_only_one_player_plays_at_a_time(evaluation):
    playing = evaluation.evaluate("""(async () => {
        const [one, other] = document.querySelectorAll('audio[data-take]');
        await one.play();
        await other.play();
        return [one.paused, other.paused];
    })()""")
    assert playing == [True, False]


def test_without_a_script_everything_is_there_but_the_blind_test(stage, pages):
    stage.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        stage.open(pages["evaluation"][0])
    finally:
        stage.command("Emulation.setScriptExecutionDisabled", value=False)
    assert stage.evaluate("[...document.querySelectorAll('button.listen-blind')].every(one => one.hidden)")
    assert stage.evaluate("document.getElementById('blind').hidden") and not stage.evaluate(HIDDEN)
    assert stage.evaluate("document.querySelectorAll('audio[controls]').length") == PLAYERS


@pytest.mark.parametrize("dark", [False, True])
def test_verdicts_can_be_read_by_day_and_by_night(stage, pages, dark):
    stage.open(pages["evaluation"][0], dark=dark)
    ratios = stage.evaluate("""(() => {
        const part = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(value => value / 255)
            .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const light = text => part(text).reduce((sum, value, n) => sum + value * [0.2126, 0.7152, 0.0722][n], 0);
        const paper = light(getComputedStyle(document.body).backgroundColor);
        return [...document.querySelectorAll('.mark, .soft, small')].map(one => light(getComputedStyle(one).color))
            .map(ink => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
    })()""")
    assert len(ratios) > 50 and min(ratios) > 4.5  # WCAG 2.2, level AA


def test_a_photograph_shows_the_page(stage, pages, tmp_path):
    from matplotlib.image import imread

    stage.open(pages["demo"][0])
    day, night = (
        torch.from_numpy(imread(stage.screenshot(tmp_path / f"{dark}.png", 400, 300, dark=dark))[..., :3].copy())
        for dark in (False, True)
    )
    assert day.shape == (300, 400, 3) and day.mean() > 0.7 > 0.4 > night.mean()
