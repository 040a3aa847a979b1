"""The page: five tabs, in one language, thin over the studio; what is under way is looked at every other second."""

import hashlib
import traceback
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import gradio as gr

from vocalise.apps.studio.live import QUIET, Live, shown
from vocalise.apps.studio.studio import Studio
from vocalise.apps.studio.tab_convert import convert_tab
from vocalise.apps.studio.tab_evaluate import evaluate_tab
from vocalise.apps.studio.tab_record import record_tab
from vocalise.apps.studio.tab_singers import singers_tab
from vocalise.apps.studio.tab_train import train_tab
from vocalise.apps.studio.views import Views
from vocalise.apps.studio.words import LANGUAGES, Speech

SECONDS = 1.5  # between two looks
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans KR", "sans-serif")
MONO = ("ui-monospace", "Consolas", "monospace")


def build(studio: Studio, language: str) -> Any:
    """The page in one language, as gradio's blocks."""
    speech = Speech(language)
    views = Views(studio, speech)
    with gr.Blocks(title=speech("title"), analytics_enabled=False, fill_width=True) as page:
        shown(views.render("head", folder=str(studio.space.folder), languages=LANGUAGES))
        live: list[Live] = []
        with gr.Tabs():
            for name, tab in TABS:
                with gr.Tab(speech(f"tab.{name}"), id=name):
                    live += tab(studio, views)
        seen = gr.State({})
        inputs = [one for part in live for one in part.inputs]
        tick = _looking(live)
        gr.Timer(SECONDS).tick(tick, [seen, *inputs], [seen, *(part.view for part in live)], **QUIET)
        page.load(tick, [gr.State({}), *inputs], [seen, *(part.view for part in live)], **QUIET)
    return page


def _looking(live: Sequence[Live]) -> Callable[..., list[Any]]:
    """Looks at everything that may have changed, and touches only what has."""

    def look(seen: dict[int, str], *values: Any) -> list[Any]:
        answers: list[Any] = []
        now, place = dict(seen), 0
        for number, part in enumerate(live):
            given, place = values[place : place + len(part.inputs)], place + len(part.inputs)
            try:
                content = part.make(*given)
            except Exception:  # one piece that cannot be shown must not blind all others
                traceback.print_exc()
                content = gr.skip()
            mark = hashlib.sha256(repr(content).encode()).hexdigest()
            answers.append(gr.skip() if seen.get(number) == mark else content)
            now[number] = mark
        return [now, *answers]

    return look


def theme() -> Any:
    """Colours and fonts; the fonts are those of the system."""
    return gr.themes.Base(primary_hue="sky", neutral_hue="gray", font=FONTS, font_mono=MONO)


def style() -> str:
    """The style sheet."""
    return _template("studio.css")


def head() -> str:
    """What comes into the page's head: our script."""
    return f"<script>{_template('studio.js')}</script>"


def _template(name: str) -> str:
    return files("vocalise.apps.studio").joinpath("templates", name).read_text(encoding="utf-8")


TABS: Sequence[tuple[str, Callable[[Studio, Views], list[Live]]]] = (
    ("convert", convert_tab),
    ("record", record_tab),
    ("singers", singers_tab),
    ("train", train_tab),
    ("evaluate", evaluate_tab),
)
