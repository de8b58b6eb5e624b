"""Figures of the paper's chapters: overlays, confusion, comparisons."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from imet.report.plots import comparisons, confusion, overlays
from imet.report.plots.style import RIGHT, WRONG

mpl.use("Agg")
PICTURE = np.full((30, 40, 3), 200, np.uint8)
VIEW = np.full((32, 32, 3), 90, np.uint8)


def words(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_confusion_when_missed_against_loops(seed):
    predicted, targets = np.random.default_rng(seed).random((2, 9, 5)) < 0.5
    found = confusion.confusion_when_missed(predicted, targets)
    for i in range(5):
        works = [n for n in range(9) if targets[n, i] and not predicted[n, i]]
        for j in range(5):
            if not works or i == j:  # where a label is missed it is true, and cannot be wrong
                assert np.isnan(found[i, j])
                continue
            wrong = sum(predicted[n, j] and not targets[n, j] for n in works)
            assert found[i, j] == pytest.approx(wrong / len(works))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 rows"):
        confusion.confusion_heatmap(np.zeros((1, 1)), ["a", "b"], ["c"], [1, 1])


def test_the_matrix_writes_its_counts():
    figure = confusion.confusion_matrix([[5385, 3649], [156, 1730]], "tag::men")
    assert {"5,385", "3,649", "156", "1,730", "true negatives"} <= set(words(figure))
    assert any("men" in word for word in words(figure))


def test_confused_labels_write_percentages_and_leave_gaps():
    figure = confusion.confusion_heatmap(
        [[0.25, np.nan]], ["tag::men"], ["tag::women", "culture::japan"], [4]
    )
    assert {"25", "men (4)", "women", "japan"} <= set(words(figure))
    assert "nan" not in words(figure)


def test_attention_examples_tell_right_from_wrong():
    labels = [
        overlays.Attended("tag::men", True, np.eye(32), np.array([[1, 2, 10, 12]])),
        overlays.Attended("tag::boats", False, np.ones((32, 32))),
    ]
    figure = overlays.attention_examples([PICTURE], [["culture::japan"]], [VIEW], [labels])
    colours = {t.get_text(): to_hex(t.get_color()) for t in figure.findobj(mpl.text.Text)}
    assert colours["✓ men"] == RIGHT.lower()
    assert colours["✗ boats"] == WRONG.lower()
    assert "japan" in colours
    frames = [p for p in figure.findobj(mpl.patches.Rectangle) if not p.get_fill()]
    assert [(p.get_width(), p.get_height()) for p in frames] == [(9, 10)]


def test_no_more_overlays_than_fit():
    labels = [overlays.Attended(f"tag::{i}", True, np.ones((32, 32))) for i in range(9)]
    figure = overlays.attention_examples([PICTURE], [["tag::men"]], [VIEW], [labels])
    assert "✓ 2" in words(figure)
    assert "✓ 3" not in words(figure)


def test_a_label_without_attention_is_drawn_too():
    labels = [[overlays.Attended("tag::men", True, np.zeros((32, 32)))], []]
    overlays.attention_examples([PICTURE] * 2, [["tag::men"], []], [VIEW] * 2, labels)


def test_steps_are_numbered_raw_above_smoothed():
    maps = [np.ones((32, 32))] * 3
    figure = overlays.attention_steps(VIEW, ["tag::men", "tag::cats", "tag::dogs"], maps, maps)
    assert {"1. men", "2. cats", "3. dogs", "raw", "smoothed"} <= set(words(figure))
    assert len(figure.axes) == 6


def test_strips_fill_their_rows():
    figure = overlays.picture_strip([PICTURE, np.ones((4, 4)), PICTURE, PICTURE], list("abcd"))
    assert len(figure.axes) == 6
    assert {"a", "b", "c", "d"} <= set(words(figure))


def test_intervals_stand_where_they_are():
    groups = {
        "a": {"x": {"value": 0.5, "low": 0.25, "high": 1.0}},
        "b": {"x": {"value": 0.1, "low": 0.0, "high": 0.2}},
    }
    figure = comparisons.forest_plot(groups, reference=0)
    (ax,) = figure.axes
    (container,) = ax.containers
    points, _, (bars,) = container
    assert points.get_xdata().tolist() == [0.5, 0.1]
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    assert ends == [[0.25, 1.0], [0.0, 0.2]]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first group is on top


def test_many_kinds_of_one_group_stay_with_their_group():
    kinds = {str(i): {"value": 0.5, "low": 0.4, "high": 0.6} for i in range(5)}
    figure = comparisons.forest_plot({"a": kinds, "b": kinds})
    (ax,) = figure.axes
    rows = sorted(float(y) for c in ax.containers for y in c[0].get_ydata())
    assert max(rows[:5]) < 0.5 < min(rows[5:])


def test_curves_and_their_guide():
    figure = comparisons.score_curves(
        [1, 10, 100], {"a": [0, 1, 0], "b": [1, 0, 1]}, x_name="γ", logarithmic=True,
        marks={"best": (10, 1)}, guide=("as coded", 2.5),
    )  # fmt: skip
    (ax,) = figure.axes
    assert ax.get_xscale() == "log"
    assert {"best", "as coded", "γ", "a", "b"} <= set(words(figure))


def test_labels_without_a_score_are_not_drawn():
    figure = comparisons.label_scatter(
        [1, 0, 10, 100], {"m": [0.5, 0.9, np.nan, 0.7]}, x_name="x", y_name="y", reference=0.5
    )
    (points,) = [line for line in figure.axes[0].get_lines() if line.get_label() == "m"]
    assert points.get_xdata().tolist() == [1, 100]


def test_labels_at_one_place_share_a_larger_mark():
    figure = comparisons.label_scatter(
        [5, 5, 5, 9], {"m": [1.0, 1.0, 1.0, 0.5]}, x_name="x", y_name="y"
    )
    drawn = {
        tuple(line.get_xydata()[0]): line.get_markersize() for line in figure.axes[0].get_lines()
    }
    assert drawn[5, 1] ** 2 == pytest.approx(3 * drawn[9, 0.5] ** 2)


def test_nothing_to_draw_is_no_error():
    comparisons.label_scatter([1.0], {"m": [np.nan]}, x_name="x", y_name="y")
    comparisons.forest_plot({"a": {"": {"value": 0, "low": 0, "high": 0}}})
