"""The tab *Train*: first what it would cost, then the course of it, with sound; it survives page and server."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from vocalise.apps.studio.live import QUIET, Live, acting, answered, need, shown
from vocalise.apps.studio.studio import Studio
from vocalise.apps.studio.views import Views
from vocalise.recipes import RECIPES, SIZES


def train_tab(studio: Studio, views: Views) -> list[Live]:
    """Builds the tab; what in it follows the workspace."""
    t = views.speech
    shown(views.render("lead", words=t("train.lead")))
    with gr.Row():
        recipe = gr.Dropdown(list(RECIPES), value="aria", label=t("recipe"), elem_id="recipe")
        size = gr.Dropdown(list(SIZES), value="small", label=t("size"), elem_id="size")
        whom = gr.Dropdown(list(studio.space.singers()), value=[], multiselect=True, label=t("train.whom"))
    with gr.Row():
        run = gr.Textbox(label=t("run"), max_length=80, elem_id="run")
        minutes = gr.Number(60, minimum=0, label=t("minutes"), elem_id="minutes")
        steps = gr.Number(0, minimum=0, precision=0, label=t("steps"), elem_id="steps")
    with gr.Row():
        consent = gr.Textbox(label=t("consent.label"), max_length=500)
        licence = gr.Textbox(label=t("licence.label"), max_length=500)
    agreed = gr.Checkbox(label=t("agreed"), elem_id="agreed")
    with gr.Row():
        estimate = gr.Button(t("estimate.go"), elem_id="estimate")
        start = gr.Button(t("train.go"), variant="primary", interactive=False, elem_id="train")
    said = shown(elem_id="train-said")
    cost = shown(elem_id="cost")
    estimating = acting(studio, views, "estimate")
    course = acting(studio, views, make=views.training)
    samples = shown(elem_id="samples")

    def starting(recipe: str, size: str, singers: list[str] | None, *rest: Any) -> str:
        run, minutes, steps, consent, licence, agreed = rest
        need(agreed, t("agreed.first"))
        need(run, t("choose.run"))
        studio.train(
            {
                **plan(recipe, size, singers),
                "run": run,
                "minutes": None if steps else minutes or None,
                "steps": steps or None,
                "consent": consent,
                "licence": licence,
            }
        )
        return ""

    chosen = [recipe, size, whom]
    estimate.click(answered(views, lambda *given: studio.estimate(plan(*given))), chosen, said, **QUIET)
    start.click(answered(views, starting), [*chosen, run, minutes, steps, consent, licence, agreed], said, **QUIET)
    return [
        Live(cost, lambda *given: views.cost(plan(*given)), chosen),
        Live(start, lambda *given: gr.update(interactive=_known(studio, plan(*given))), chosen),
        Live(whom, lambda: gr.update(choices=list(studio.space.singers()))),
        estimating,
        course,
        Live(samples, views.samples),
    ]


def plan(recipe: str, size: str, singers: list[str] | None) -> Mapping[str, Any]:
    """What is to be trained, as an estimate and a training name it."""
    return {"recipe": recipe, "size": size, "singers": sorted(singers or [])}


def _known(studio: Studio, wishes: Mapping[str, Any]) -> bool:
    job = studio.estimated(wishes)
    return job is not None and job.state == "done"
