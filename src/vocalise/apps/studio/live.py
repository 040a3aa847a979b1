"""What the tabs of the page are made of: pieces that follow the workspace, and answers to buttons."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import gradio as gr

from vocalise.apps.studio.studio import Studio, in_one_line
from vocalise.apps.studio.views import Views
from vocalise.errors import ConfigError, VocaliseError

# Of every event: nothing spins, and nothing is offered to programs that would use the page by its interface.
QUIET: Mapping[str, Any] = MappingProxyType({"show_progress": "hidden", "api_visibility": "private"})
ACTS = """element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) trigger("act", { act: button.dataset.act, number: button.dataset.number });
});"""


@dataclass(frozen=True)
class Live:
    """A piece of the page that follows the workspace."""

    view: Any  # the component
    make: Callable[..., Any]  # its content: HTML, or an update; the same as before if nothing has changed
    inputs: Sequence[Any] = ()  # components whose values `make` is given


def shown(content: str = "", **more: Any) -> Any:
    """A piece of HTML."""
    return gr.HTML(content, elem_classes="st", apply_default_css=False, **more)


def acting(
    studio: Studio, views: Views, *kinds: str, inputs: Sequence[Any] = (), make: Callable[..., str] | None = None
) -> Live:
    """The work of these kinds, with buttons that stop it, let it go on, or remove it."""
    view = gr.HTML("", elem_classes="st", apply_default_css=False, js_on_load=ACTS)
    content = make or (lambda *_: views.work(*kinds))

    def act(event: gr.EventData, *values: Any) -> str:
        try:
            choices: Mapping[str, Callable[[str], None]] = {
                "stop": studio.jobs.stop,
                "go_on": studio.jobs.go_on,
                "forget": studio.jobs.forget,
            }
            choices[str(event.act)](str(event.number))
        except (VocaliseError, KeyError, AttributeError, OSError) as error:
            return views.said(html.unescape(in_one_line(error)), bad=True) + content(*values)
        return content(*values)

    view.act(act, list(inputs), view, **QUIET)
    return Live(view, content, inputs)


def answered(views: Views, ask: Callable[..., str]) -> Callable[..., str]:
    """A function of the page that says how it went: what it returns, or what went wrong, in one line."""

    def told(*values: Any) -> str:
        try:
            return views.said(ask(*values))
        except (VocaliseError, OSError, ValueError, TypeError) as error:
            if isinstance(error, VocaliseError):
                return views.said(str(error), bad=True)
            return views.said(in_one_line(error), bad=True)

    return told


def refused_words(views: Views, refused: Sequence[Any]) -> str:
    """Why files were not taken in."""
    return " ".join(views.speech("refused", why=one.why) for one in refused)


def need(value: Any, words: str) -> Any:
    """The value, unless there is none.

    Raises:
        ConfigError: with these words.
    """
    if not value:
        raise ConfigError(words)
    return value
