"""The tab *Evaluate*: a voice on songs that it never heard, beside another if wanted; and a blind listening test."""

from typing import Any

import gradio as gr

from vocalise.apps.studio.live import QUIET, Live, acting, answered, need, shown
from vocalise.apps.studio.studio import Studio
from vocalise.apps.studio.views import Views
from vocalise.apps.studio.voicing import DEFAULT, voice_names


def evaluate_tab(studio: Studio, views: Views) -> list[Live]:
    """Builds the tab; what in it follows the workspace."""
    t = views.speech
    shown(views.render("lead", words=t("evaluate.lead")))
    with gr.Row():
        voice = gr.Dropdown(voice_names(studio.space), value=DEFAULT, label=t("voice"), elem_id="judged")
        against = gr.Dropdown(_others(studio, views), value="", label=t("against"), elem_id="against")
        seconds = gr.Number(20, minimum=0, label=t("seconds"), elem_id="seconds")
    go = gr.Button(t("evaluate.go"), variant="primary", elem_id="evaluate")
    said = shown(elem_id="evaluate-said")
    work = acting(studio, views, "evaluate", "listen")
    found = shown(elem_id="evaluations")
    with gr.Accordion(t("listen.title"), open=True):
        shown(views.render("lead", words=t("listen.lead")))
        with gr.Row():
            report = gr.Dropdown(_reports(studio), value=None, label=t("listen.report"), elem_id="of-report")
            kind = gr.Radio(
                [(t(f"listen.{name}"), name) for name in ("mos", "abx")], value="mos", label=t("listen.kind")
            )
        make = gr.Button(t("listen.go"), elem_id="listen")
        told = shown()
        tests = shown(elem_id="tests")

    def listening(report: str, kind: str) -> str:
        studio.listen(need(report, t("choose.report")), kind, language=t.language)
        return ""

    go.click(answered(views, studio.evaluate), [voice, against, seconds], said, **QUIET)
    make.click(answered(views, listening), [report, kind], told, **QUIET)
    return [
        work,
        Live(found, views.evaluations),
        Live(tests, views.tests),
        Live(voice, lambda: gr.update(choices=voice_names(studio.space))),
        Live(against, lambda: gr.update(choices=_others(studio, views))),
        Live(report, lambda: gr.update(choices=_reports(studio))),
    ]


def _others(studio: Studio, views: Views) -> list[tuple[str, str]]:
    return [(views.speech("against.none"), ""), *((name, name) for name in voice_names(studio.space))]


def _reports(studio: Studio) -> list[tuple[str, Any]]:
    """Evaluations by what they are of."""
    done = [job for job in studio.jobs.all("evaluate") if job.state == "done"]
    return [(f"{job.title} ({job.number[:10]})", job.result["report"]) for job in done]
