"""Charts: what is counted lies where it belongs, whatever the names are."""

import io

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from vocalise.audio.pitch import Contour
from vocalise.measures.charts import confusion, intervals
from vocalise.measures.pictures import comparison, pitch_curves

NAMES = ("ada", "bob", "$x_1$ <b>", "가나다 a name of some length")


def pixels(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG\r\n")
    return imread(io.BytesIO(png))[..., :3]


def coloured(png: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Places, in shares of height and width, of what is plainly blue."""
    image = pixels(png)
    rows, columns = np.nonzero(image[..., 2] > image[..., 0] + 0.3)
    return rows / image.shape[0], columns / image.shape[1]


def slope(png: bytes) -> float:
    rows, columns = coloured(png)
    return float(np.corrcoef(rows, columns)[0, 1])


def test_a_judge_that_is_always_right_fills_the_diagonal_and_one_that_is_always_wrong_the_other():
    right, wrong = np.eye(4), np.eye(4)[::-1]
    assert slope(confusion(right, NAMES, NAMES)) > 0.5
    assert slope(confusion(wrong, NAMES, NAMES)) < -0.5


def test_shares_are_of_the_row_so_that_it_does_not_matter_how_many_pieces_there_are():
    once = confusion([[3, 1], [1, 3]], NAMES[:2], NAMES[:2])
    assert once == confusion([[300, 100], [0.25, 0.75]], NAMES[:2], NAMES[:2])
    assert once != confusion([[3, 1], [3, 1]], NAMES[:2], NAMES[:2])


def test_a_row_without_a_piece_stays_empty_and_is_no_division_by_zero():
    assert np.abs(pixels(confusion([[0, 0], [1, 1]], NAMES[:2], NAMES[:2]))).max() <= 1.0


def test_rows_may_be_other_persons_than_columns():
    two = pixels(confusion([[0.5, 0.5, 0.0], [1, 0, 0]], ["ada", "nobody they know"], ["ada", "bob", "cy"]))
    assert two.std() > 0.05


def test_many_persons_are_drawn_without_figures_in_their_cells():
    many = [f"singer {n}" for n in range(30)]
    assert slope(confusion(np.eye(30), many, many, "many")) > 0.9


def test_nobody_to_be_heard_is_refused():
    with pytest.raises(ValueError, match="a row and a column"):
        confusion([], [], [])


def test_a_dot_lies_further_right_the_greater_its_value_and_its_whiskers_reach_its_interval():
    few, many = (intervals(["all"], {"a": [(value, None, None)]}, share=True) for value in (0.2, 0.7))
    wide = intervals(["all"], {"a": [(0.2, 0.1, 0.7)]}, share=True)
    assert coloured(many)[1].mean() - coloured(few)[1].mean() > 0.2
    assert coloured(wide)[1].max() == pytest.approx(coloured(many)[1].mean(), abs=0.02)
    assert coloured(wide)[1].min() < coloured(few)[1].min()


def test_thresholds_and_a_second_system_are_drawn_and_a_figure_that_is_absent_is_not():
    one = {"a": [(0.2, 0.1, 0.3), None]}
    plain = intervals(NAMES[:2], one, share=True)
    assert plain != intervals(NAMES[:2], one, share=True, good=0.8, poor=0.5)
    assert plain != intervals(NAMES[:2], {**one, "_b $": [None, (0.4, None, None)]}, share=True)
    assert plain != intervals(NAMES[:2], {"a": [(0.2, 0.1, 0.3), (0.2, 0.1, 0.3)]}, share=True)


def test_charts_are_the_same_each_time():
    assert confusion(np.eye(2), NAMES[:2], NAMES[:2]) == confusion(np.eye(2), NAMES[:2], NAMES[:2])
    dots = {"a": [(1.0, 0.5, 1.5)]}
    assert intervals(["x"], dots, "clicks", unit="per second") == intervals(["x"], dots, "clicks", unit="per second")


def test_a_thrifty_picture_holds_few_colours_on_white_paper_and_shows_the_same_tone():
    wave = 0.5 * torch.sin(2 * torch.pi * 2000.0 * torch.arange(16_000) / 16_000) + 0.01 * torch.randn(16_000)
    panels = [("source", wave, 16_000, None), ("conversion", 0.5 * wave, 16_000, None)]
    full, thrifty = comparison(panels), comparison(panels, thrifty=True)
    image = pixels(thrifty)
    assert len(thrifty) < 0.5 * len(full)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) <= 128
    assert (image[0, 0] == 1.0).all()
    column = image[: image.shape[0] // 2, image.shape[1] // 2].sum(axis=1)
    inside = np.flatnonzero(column < 2.9)
    brightest = inside[column[inside][4:-14].argmax() + 4]
    assert (inside.max() - brightest) / (inside.max() - inside.min()) == pytest.approx(2000 / 8000, abs=0.08)


def test_thrifty_pitch_curves_are_curves():
    sung = Contour(torch.full((100,), 220.0), torch.ones(100), 0.01)
    higher = Contour(torch.full((100,), 330.0), torch.ones(100), 0.01)
    assert pitch_curves({"a": sung}, thrifty=True) != pitch_curves({"a": higher}, thrifty=True)
