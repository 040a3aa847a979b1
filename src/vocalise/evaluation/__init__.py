"""Reports that can be trusted: conversions measured, judged by listeners trained apart, and told in plain words."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vocalise.evaluation.evaluating import evaluate
    from vocalise.evaluation.outside import score_folders
    from vocalise.evaluation.records import Report
    from vocalise.evaluation.tables import read_report

__all__ = ("Report", "evaluate", "read_report", "score_folders")

# Found when first used: whoever wants a record of this package need not wait for the models of all others.
_HOMES = (
    ("Report", "vocalise.evaluation.records"),
    ("evaluate", "vocalise.evaluation.evaluating"),
    ("read_report", "vocalise.evaluation.tables"),
    ("score_folders", "vocalise.evaluation.outside"),
)


def __getattr__(name: str) -> Any:
    """Finds a public name in its home."""
    home = dict(_HOMES).get(name)
    if home is None:
        raise AttributeError(f"{__name__} has no public name {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(home), name)
