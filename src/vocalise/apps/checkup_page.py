"""The doctor's page: the table, what to mend, and each singer in pictures."""

from dataclasses import dataclass

from vocalise.apps.estimate import Estimate
from vocalise.apps.pages import picture, render, sound
from vocalise.apps.tables import HEADS, conclusion, cost_lines, row
from vocalise.data.check import Report
from vocalise.data.checkup import Checkup
from vocalise.data.quality import RATE
from vocalise.data.records import Finding, legible
from vocalise.measures.pictures import pitch_histogram, spectrogram


@dataclass(frozen=True)
class Portrait:
    """A singer on the page."""

    singer: str
    spectrogram: str
    player: str
    histogram: str | None
    findings: tuple[Finding, ...]


def checkup_page(report: Report, cost: Estimate | None) -> str:
    """The whole page as HTML."""
    return render(
        "check.html",
        title=f"Check of {legible(report.corpus.folder.name)}",
        folder=legible(report.corpus.folder),
        conclusion=conclusion(report),
        trainable=report.trainable,
        heads=HEADS,
        rows=[row(one) for one in report.singers],
        common=[finding for finding in report.findings if finding.singer not in report.corpus.singers],
        portraits=[_portrait(one, report) for one in report.singers],
        cost=list(cost_lines(cost)) if cost is not None else [],
    )


def _portrait(one: Checkup, report: Report) -> Portrait:
    histogram = pitch_histogram({one.singer: one.pitches}, title="pitch") if one.pitch is not None else None
    image = spectrogram(one.sample, RATE, title=f"{one.singer}, an excerpt", contour=one.sample_contour)
    return Portrait(
        singer=one.singer,
        spectrogram=picture(image),
        player=sound(one.sample, RATE),
        histogram=None if histogram is None else picture(histogram),
        findings=tuple(finding for finding in report.findings if finding.singer == one.singer),
    )
