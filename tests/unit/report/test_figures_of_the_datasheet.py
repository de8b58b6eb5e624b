"""Figures of the drawn collection hold every picture, name, box and pair they were given."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from imet.report.plots.datasheet import boxes_grid, labelled_grid, lift_scatter

PICTURE = np.full((30, 40, 3), 200, np.uint8)


def words(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


def test_every_picture_has_its_name_and_cultures_are_in_italics() -> None:
    figure = labelled_grid(
        [PICTURE] * 4, ["culture::japan", "tag::men", "tag::cats", "x"], columns=3
    )
    assert [ax.get_xlabel() for ax in figure.axes] == ["japan", "men", "cats", "x"]
    assert [ax.xaxis.label.get_style() for ax in figure.axes][:2] == ["italic", "normal"]
    with pytest.raises(ValueError, match="2 pictures"):
        labelled_grid([PICTURE] * 2, ["tag::men"])


def test_long_names_are_broken_between_words() -> None:
    figure = labelled_grid([PICTURE] * 6, ["tag::clothing and accessories"] * 6)
    assert figure.axes[0].get_xlabel().split() == ["clothing", "and", "accessories"]
    assert "\n" in figure.axes[0].get_xlabel()


def test_boxes_of_one_label_share_a_number_and_a_colour() -> None:
    things = [
        ("tag::men", (1, 2, 9, 20)),
        ("tag::cats", (0, 0, 5, 5)),
        ("tag::men", (10, 2, 18, 9)),
    ]
    figure = boxes_grid([PICTURE, PICTURE], [things, []])
    ax = figure.axes[0]
    assert ax.get_xlabel() == "1 men\n2 cats"
    assert [t.get_text() for t in ax.texts] == ["1", "2", "1"]
    frames = [p for p in ax.patches if isinstance(p, Rectangle)][1::2]  # each over a black one
    assert frames[0].get_bbox().bounds == (0.5, 1.5, 8, 18)
    assert frames[0].get_edgecolor() == frames[2].get_edgecolor() != frames[1].get_edgecolor()
    with pytest.raises(ValueError, match="1 pictures"):
        boxes_grid([PICTURE], [])


def test_pairs_that_never_meet_are_drawn_at_the_edge_with_their_own_mark() -> None:
    figure = lift_scatter(
        [0, 0.5, 4], [1, 2, 3], here_name="here", there_name="there",
        named=[("a & b", 3, 4), ("c & d", 2.9, 3.9), ("no place for so long a name" * 9, 2, 0.5)],
    )  # fmt: skip
    ax = figure.axes[0]
    found = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in ax.get_lines()}
    assert found["pairs of labels"] == [0.5, 4]
    assert found["pairs that never meet here"] == [0.05]
    assert [text.get_text() for text in ax.texts] == ["a & b", "c & d"]
    boxes = [mpl.text.Text.get_window_extent(text) for text in ax.texts]
    assert not boxes[0].overlaps(boxes[1])
    points = ax.transData.transform([(1, 0.05), (2, 0.5), (3, 4)])
    assert not [box for box in boxes if box.count_contains(points)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("lift, there", "lift, here")
    with pytest.raises(ValueError, match="pairs"):
        lift_scatter([1], [1, 2], here_name="a", there_name="b")
