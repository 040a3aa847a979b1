"""The tab *Convert*: songs, a voice, who sings, the key, the melody; results with two takes to compare."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from vocalise.apps.studio.live import QUIET, Live, acting, answered, need, refused_words, shown
from vocalise.apps.studio.studio import KEYS, MOST_MIXED, Studio
from vocalise.apps.studio.views import Views
from vocalise.apps.studio.voicing import DEFAULT, voice_names
from vocalise.apps.studio.works import KINDS
from vocalise.audio.files import AUDIO_SUFFIXES
from vocalise.errors import VocaliseError

DRAWN = "(...given) => { given[given.length - 1] = window.studio ? window.studio.drawn() : ''; return given; }"


def convert_tab(studio: Studio, views: Views) -> list[Live]:
    """Builds the tab; what in it follows the workspace."""
    t = views.speech
    shown(views.render("lead", words=t("convert.lead")))
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            drop = gr.File(
                label=t("drop"), file_count="multiple", file_types=sorted(AUDIO_SUFFIXES), elem_id="drop", height=140
            )
            songs = gr.Dropdown(studio.space.sounds(), value=[], multiselect=True, label=t("songs"), elem_id="songs")
            voice = gr.Dropdown(voice_names(studio.space), value=DEFAULT, label=t("voice"), elem_id="voice")
            to = gr.Dropdown(
                **_choice(studio, DEFAULT),
                multiselect=True,
                max_choices=MOST_MIXED,
                label=t("singers.to"),
                elem_id="to",
            )
            shares = [
                gr.Slider(0, 100, 50, step=1, label=t("share", name=n + 1), visible=False, elem_id=f"share{n}")
                for n in range(MOST_MIXED)
            ]
        with gr.Column(scale=5, min_width=300):
            key = gr.Radio([(t(f"key.{name}"), name) for name in KEYS], value="auto", label=t("key"), elem_id="key")
            semitones = gr.Slider(-24, 24, 0, step=1, label=t("semitones"), visible=False, elem_id="semitones")
            ranges = acting(
                studio,
                views,
                inputs=(songs, voice, to, *shares, key, semitones),
                make=lambda songs, voice, to, *rest: views.ranges(
                    songs or [], voice, mixture(to, rest), rest[-2], rest[-1]
                ),
            )
    melody = shown(elem_id="melody")
    with gr.Accordion(t("more"), open=False):
        more = _more(studio, views)
    go = gr.Button(t("convert.go"), variant="primary", elem_id="convert")
    refused = gr.State([])
    drawn = gr.Textbox("", visible=False)
    said = shown(elem_id="convert-said")
    work = acting(studio, views, "convert")
    results = shown(elem_id="results")
    with gr.Accordion(t("voice.add"), open=False):
        given = gr.File(label=t("voice.add"), file_types=[".safetensors"], elem_id="voice-file", height=110)

    drop.upload(_taking(studio, views), [drop, songs], [drop, songs, refused, said], **QUIET)
    given.upload(_adding(studio, views), given, [given, voice, said], **QUIET)
    voice.change(lambda name: gr.update(**_choice(studio, name)), voice, to, **QUIET)
    to.change(lambda names: _sliders(views, names), to, shares, **QUIET)
    key.change(lambda name: gr.update(visible=name == "fixed"), key, semitones, **QUIET)
    asked = [songs, voice, to, *shares, key, semitones, refused, *more, drawn]
    go.click(answered(views, _asking(studio, views)), asked, said, js=DRAWN, **QUIET)
    return [
        ranges,
        Live(melody, lambda names: views.melody(names or []), (songs,)),
        work,
        Live(results, views.results),
        Live(songs, lambda: gr.update(choices=studio.space.sounds())),
        Live(voice, lambda: gr.update(choices=voice_names(studio.space))),
    ]


def mixture(names: list[str] | None, shares: Any) -> Mapping[str, float]:
    """Who sings, and with which share."""
    names = list(names or [])[:MOST_MIXED]
    if len(names) == 1:
        return {names[0]: 1.0}
    return {name: float(share) / 100.0 for name, share in zip(names, shares, strict=False)}


def _more(studio: Studio, views: Views) -> list[Any]:
    """What few people need."""
    t = views.speech
    names = [(t("separator.none"), ""), *((name, name) for name in studio.space.separators())]
    separator = gr.Dropdown(names, value="", label=t("separator"), visible=len(names) > 1, elem_id="separator")
    if len(names) == 1:
        shown(views.render("lead", words=t("separator.how")))
    with gr.Row():
        formant = gr.Slider(-12, 12, 0, step=0.5, label=t("formant"))
        breath = gr.Slider(-24, 24, 0, step=1, label=t("breath"))
        temperature = gr.Slider(0, 2, 1, step=0.05, label=t("temperature"))
    with gr.Row():
        seed = gr.Number(0, precision=0, label=t("seed"))
        suffix = gr.Dropdown(list(KINDS), value=KINDS[0], label=t("suffix"))
    return [formant, breath, temperature, seed, suffix, separator]


def _choice(studio: Studio, voice: str) -> dict[str, list[str]]:
    """Whom a voice offers, and who sings if nobody says."""
    try:
        names = list(studio.offers.of(voice).names)
    except VocaliseError:
        names = []
    return {"choices": names, "value": names[:1]}


def _sliders(views: Views, names: list[str] | None) -> list[Any]:
    """A slider for each singer of a mixture."""
    names = list(names or [])
    label = [views.speech("share", name=name) for name in names]
    return [
        gr.update(visible=len(names) > 1 and n < len(names), label=label[n] if n < len(names) else "")
        for n in range(MOST_MIXED)
    ]


def _taking(studio: Studio, views: Views) -> Any:
    def take(paths: list[str] | None, before: list[str] | None) -> tuple[Any, Any, list[Any], str]:
        taken, refused = studio.take_songs(paths or [])
        words = refused_words(views, refused)
        chosen = taken or list(before or [])
        return None, gr.update(choices=studio.space.sounds(), value=chosen), refused, views.said(words, bad=True)

    return take


def _adding(studio: Studio, views: Views) -> Any:
    from pathlib import Path

    def add(path: str) -> tuple[Any, Any, str]:
        try:
            name = studio.space.take_voice(Path(path)).stem
            return None, gr.update(choices=voice_names(studio.space), value=name), ""
        except (VocaliseError, OSError) as error:
            return None, gr.skip(), views.said(str(error), bad=True)

    return add


def _asking(studio: Studio, views: Views) -> Any:
    def ask(songs: list[str] | None, voice: str, to: list[str] | None, *rest: Any) -> str:
        shares, (key, semitones, refused, *more, drawn) = rest[:MOST_MIXED], rest[MOST_MIXED:]
        need(songs or refused, views.speech("choose.song"))
        need(to, views.speech("choose.singer"))
        named = dict(zip(("formant", "breath", "temperature", "seed", "suffix", "separator"), more, strict=True))
        studio.convert(
            songs or [], voice, mixture(to, shares), key=key, semitones=semitones, drawn=drawn, refused=refused, **named
        )
        return ""

    return ask
