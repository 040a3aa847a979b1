"""The tab *Singers*: recordings of each, the doctor's report on them, and places in a voice: enrol and forget."""

from typing import Any

import gradio as gr

from vocalise.apps.studio.live import QUIET, Live, acting, answered, need, refused_words, shown
from vocalise.apps.studio.studio import Studio
from vocalise.apps.studio.views import Views
from vocalise.apps.studio.voicing import DEFAULT, voice_names
from vocalise.audio.files import AUDIO_SUFFIXES
from vocalise.errors import VocaliseError


def singers_tab(studio: Studio, views: Views) -> list[Live]:
    """Builds the tab; what in it follows the workspace."""
    t = views.speech
    shown(views.render("lead", words=t("singers.lead")))
    shown(views.render("lead", words=t("consent")))
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            singer = gr.Textbox(label=t("singer.new"), max_length=80, elem_id="singer-name")
            files = gr.File(
                label=t("singer.files"),
                file_count="multiple",
                file_types=sorted(AUDIO_SUFFIXES),
                height=140,
                elem_id="singer-files",
            )
            add = gr.Button(t("singer.add"), elem_id="singer-add")
        with gr.Column(scale=1, min_width=300):
            there = shown(elem_id="singers-there")
            check = gr.Button(t("check.go"), variant="primary", elem_id="check")
    said = shown(elem_id="singers-said")
    work = acting(studio, views, "check", "enrol", "forget")
    report = shown(elem_id="check-report")
    with gr.Accordion(t("enrol.title"), open=False):
        followed = _places(studio, views)
    add.click(_adding(studio, views), [singer, files], [files, said], **QUIET)
    check.click(answered(views, studio.examine), None, said, **QUIET)
    return [Live(there, views.singers), work, Live(report, views.report), *followed]


def _places(studio: Studio, views: Views) -> list[Live]:
    """Enrol and forget."""
    t = views.speech
    shown(views.render("lead", words=t("enrol.lead")))
    voice = gr.Dropdown(voice_names(studio.space), value=DEFAULT, label=t("voice"), elem_id="enrol-voice")
    with gr.Row():
        with gr.Column():
            whom = gr.Dropdown(list(studio.space.singers()), label=t("singer"), value=None, elem_id="enrol-whom")
            consent = gr.Textbox(label=t("consent.label"), max_length=500)
            licence = gr.Textbox(label=t("licence.label"), max_length=500)
            steps = gr.Number(0, minimum=0, precision=0, label=t("enrol.steps"), elem_id="enrol-steps")
            agreed = gr.Checkbox(label=t("agreed"), elem_id="enrol-agreed")
            enrol = gr.Button(t("enrol.go"), elem_id="enrol")
        with gr.Column():
            left = gr.Dropdown([], label=t("forget.whom"), value=None, elem_id="forget-whom")
            forget = gr.Button(t("forget.go"), variant="stop", elem_id="forget")
    said = shown(elem_id="places-said")
    places = shown(elem_id="places")

    def enrolling(voice: str, singer: str, consent: str, licence: str, steps: float | None, agreed: bool) -> str:
        need(singer, t("choose.singer"))
        need(agreed, t("agreed.first"))
        studio.enrol(voice, singer, consent=consent, licence=licence, steps=steps)
        return ""

    def forgetting(voice: str, singer: str) -> str:
        studio.forget(voice, need(singer, t("choose.singer")))
        return ""

    enrol.click(answered(views, enrolling), [voice, whom, consent, licence, steps, agreed], said, **QUIET)
    forget.click(answered(views, forgetting), [voice, left], said, **QUIET)
    return [
        Live(places, views.places),
        Live(voice, lambda: gr.update(choices=voice_names(studio.space))),
        Live(whom, lambda: gr.update(choices=list(studio.space.singers()))),
        Live(left, lambda name: gr.update(choices=_places_of(studio, name)), (voice,)),
    ]


def _places_of(studio: Studio, voice: str) -> list[str]:
    try:
        return list(studio.offers.of(voice).names)
    except VocaliseError:
        return []


def _adding(studio: Studio, views: Views) -> Any:
    def add(singer: str, paths: list[str] | None) -> tuple[Any, str]:
        t = views.speech
        try:
            count, refused = studio.take_recordings(singer, paths or [])
        except (VocaliseError, OSError) as error:
            return gr.skip(), views.said(str(error), bad=True)
        words = [t("singer.added", count=count, singer=singer), refused_words(views, refused)]
        return None, views.said(" ".join(words).strip(), bad=bool(refused))

    return add
