"""What the pictures of docs/systems have in common: colours, style, and an empty page."""

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY, GREEN, INK = "#2b6cb0", "#d9822b", "#b8bec7", "#3a8f5c", "#333333"


def plain_style() -> None:
    """Small letters and no more frame than needed, for all that is drawn in this context."""
    mpl.rc("font", size=9.0)
    mpl.rc("axes", titlesize=9.0)
    mpl.rc("axes.spines", top=False, right=False)
    mpl.rc("legend", frameon=False)


def axes(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty picture of so many inches, its axes side by side."""
    figure = Figure(figsize=(width, height), layout="constrained")
    row = figure.subplots(1, columns, squeeze=False)[0]
    return figure, list(row)
