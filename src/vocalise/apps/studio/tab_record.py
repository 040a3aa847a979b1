"""The tab *Record*: from the microphone to a take, which can be converted, or given to a singer."""

from typing import Any

import gradio as gr

from vocalise.apps.studio.live import QUIET, Live, shown
from vocalise.apps.studio.studio import Studio
from vocalise.apps.studio.views import Views
from vocalise.errors import VocaliseError


def record_tab(studio: Studio, views: Views) -> list[Live]:
    """Builds the tab; what in it follows the workspace."""
    t = views.speech
    shown(views.render("lead", words=t("record.lead")))
    with gr.Row():
        sound = gr.Audio(
            sources=["microphone"], type="filepath", label=t("microphone"), elem_id="microphone", buttons=[]
        )
        with gr.Column():
            name = gr.Textbox(t("take.default"), label=t("take.name"), max_length=80, elem_id="take-name")
            keep = gr.Button(t("take.keep"), variant="primary", elem_id="take-keep")
            said = shown()
    takes = shown(elem_id="takes")

    def kept(path: str | None, called: str) -> tuple[Any, str]:
        if not path:
            return gr.skip(), views.said(t("take.none"), bad=True)
        try:
            address = studio.keep_take(path, called)
        except (VocaliseError, OSError) as error:
            return gr.skip(), views.said(str(error), bad=True)
        return None, views.said(t("take.kept", name=address.partition("/")[2]))

    keep.click(kept, [sound, name], [sound, said], **QUIET)
    return [Live(takes, views.takes)]
