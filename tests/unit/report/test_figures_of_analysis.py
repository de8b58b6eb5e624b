"""Figures hold what they were given: axes, labels, counts of artists, words and colours."""

from __future__ import annotations

import inspect

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from imet.report.plots import collection, comparisons, crops, curves, examples, style

mpl.use("Agg")

HISTORY = [
    {"epoch": 1, "train_loss": 3.0, "val_loss": 3.5, "val_f2": 0.1},
    {"epoch": 2, "train_loss": 2.0, "val_loss": 2.5, "val_f2": 0.3},
    {"epoch": 3, "train_loss": 1.0, "val_f2": 0.2},
]
PICTURE = np.full((30, 40, 3), 200, np.uint8)


def words(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


def lines(ax: plt.Axes) -> dict[str, mpl.lines.Line2D]:
    return {str(line.get_label()): line for line in ax.get_lines()}


def test_no_figure_stays_with_pyplot_and_settings_are_left_alone() -> None:
    before = dict(mpl.rcParams)
    figure = curves.training_curves(HISTORY)
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before
    assert figure.dpi == 110


def test_training_curves_draw_the_history_and_mark_the_kept_epoch() -> None:
    figure = curves.training_curves(HISTORY, best_epoch=2)
    loss, score = figure.axes
    np.testing.assert_array_equal(lines(loss)["training loss"].get_ydata(), [3.0, 2.0, 1.0])
    np.testing.assert_array_equal(lines(loss)["validation loss"].get_ydata(), [3.5, 2.5, np.nan])
    np.testing.assert_array_equal(lines(score)["validation F2"].get_ydata(), [0.1, 0.3, 0.2])
    assert (loss.get_ylabel(), score.get_ylabel()) == ("loss", "validation F2")
    assert score.get_xlabel() == "epoch"
    assert "kept: epoch 2" in words(figure)


def test_training_curves_leave_out_a_panel_without_values() -> None:
    figure = curves.training_curves([{"train_loss": 1.0}, {"train_loss": 0.5}])
    assert len(figure.axes) == 1
    np.testing.assert_array_equal(figure.axes[0].get_lines()[0].get_xdata(), [1, 2])
    with pytest.raises(ValueError, match="empty"):
        curves.training_curves([])
    with pytest.raises(ValueError, match="val_f2"):
        curves.training_curves([{"other": 1.0}])


def test_threshold_curve_writes_its_marks() -> None:
    grid = np.linspace(0.1, 0.5, 5)
    figure = curves.threshold_curve(grid, grid * 2, {"best": (0.4, 0.8)}, edge=0.5)
    assert "best\nat 0.400: 0.800" in words(figure)
    assert "end of the search" in words(figure)
    assert figure.axes[0].get_xlabel() == "threshold"
    with pytest.raises(ValueError, match="thresholds"):
        curves.threshold_curve(grid, [1.0])


def test_threshold_curve_of_several_models_has_a_legend() -> None:
    grid = np.linspace(0, 1, 3)
    figure = curves.threshold_curve(grid, {"a": grid, "b": grid**2})
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["a", "b"]


def test_roc_curves_name_every_class_with_its_area() -> None:
    rate = np.linspace(0, 1, 4)
    figure = curves.roc_curves({"men": (rate, rate**0.5), "micro": (rate, rate)}, {"men": 0.7},
                               emphasised=["micro"])  # fmt: skip
    drawn = lines(figure.axes[0])
    assert {"men (0.700)", "micro"} <= set(drawn)
    assert to_hex(drawn["micro"].get_color()) == style.INK
    assert drawn["micro"].get_linewidth() > drawn["men (0.700)"].get_linewidth()


def test_label_frequency_ranks_used_labels_on_logarithmic_axes() -> None:
    figure = collection.label_frequency({"here": [1, 0, 8, 4]})
    ax = figure.axes[0]
    line = lines(ax)["here, 3 labels in use"]
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(line.get_ydata(), [8, 4, 1])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_label_frequency_without_any_use_is_refused() -> None:
    with pytest.raises(ValueError, match="no label is used"):
        collection.label_frequency({"a": [0, 0]})


def test_labels_per_work_bars_are_shares() -> None:
    figure = collection.labels_per_work({"a": [1, 1, 2, 4], "b": [3, 3]})
    ax = figure.axes[0]
    assert len(ax.containers) == 2
    for bars in ax.containers:
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)  # type: ignore[attr-defined]
    assert "a, mean 2.00" in words(figure)


def test_label_kinds_bars_fill_the_axis() -> None:
    figure = collection.label_kinds({"a": {"x": 0.25, "y": 0.75}, "b": {"y": 1.0}})
    last = figure.axes[0].containers[-1]
    assert [bar.get_x() + bar.get_width() for bar in last] == pytest.approx([1, 1])  # type: ignore[attr-defined]
    assert "75%" in words(figure)


def test_lift_equals_the_definition() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random((50, 3)) < 0.4, rng.random((50, 2)) < 0.3
    b[:, 1] = False
    got = collection.lift(a, b)
    for i in range(3):
        both = sum(x and y for x, y in zip(a[:, i], b[:, 0])) / 50
        assert got[i, 0] == pytest.approx(both / (a[:, i].mean() * b[:, 0].mean()))
    assert np.isnan(got[:, 1]).all()


def test_cooccurrence_writes_every_value_and_accepts_zero_and_nan() -> None:
    figure = collection.cooccurrence(
        [[0.0, 2.5], [np.nan, 20.0]], ["culture::japan", "culture::iran"], ["tag::men", "tag::cats"]
    )
    found = words(figure)
    assert {"0.0", "2.5", "20", "japan", "cats"} <= set(found)
    with pytest.raises(ValueError, match="rows"):
        collection.cooccurrence([[1.0]], ["a", "b"], ["c"])
    small = collection.cooccurrence([[1.0]], ["a"], ["b"], limit=1.25)
    assert {"×0.8", "×0.9", "×1", "×1.1", "×1.2"} <= set(words(small))


def test_aspect_ratios_count_every_work() -> None:
    figure = collection.aspect_ratios({"a": [1.0, 2.0, 0.1, 25.1]})
    assert "a, up to 25.1 : 1" in words(figure)
    patch = figure.axes[0].patches[0]
    assert patch.get_path().vertices[:, 1].max() == pytest.approx(0.25)  # type: ignore[union-attr]


def test_picture_grid_shows_every_picture_and_label_cultures_in_italics() -> None:
    figure = examples.picture_grid(
        [PICTURE] * 4, [["culture::japan", "tag::men"], ["tag::cats"], [], ["tag::sea"]]
    )
    assert sum(len(ax.images) for ax in figure.axes) == 4
    found = {t.get_text(): t for t in figure.findobj(mpl.text.Text)}
    assert {"japan", "men", "cats", "sea"} <= set(found)
    assert (found["japan"].get_style(), found["men"].get_style()) == ("italic", "normal")
    with pytest.raises(ValueError, match="lists of labels"):
        examples.picture_grid([PICTURE], [])


def test_picture_wall_keeps_aspect_ratios_and_fills_its_width() -> None:
    shapes = [(30, 40), (40, 30), (20, 90), (50, 50), (30, 40), (60, 20), (30, 30)]
    figure = examples.mosaic([np.zeros((*s, 3), np.uint8) for s in shapes], rows=3)
    wide, tall = figure.get_size_inches()
    boxes = [ax.get_position() for ax in figure.axes]
    assert len(boxes) == len(shapes)
    for (height, width), box in zip(shapes, boxes):
        assert box.width * wide / (box.height * tall) == pytest.approx(width / height)
    for y in {round(box.y0, 6) for box in boxes}:
        row = [box for box in boxes if round(box.y0, 6) == y]
        assert min(box.x0 for box in row) == pytest.approx(0)
        assert max(box.x1 for box in row) == pytest.approx(1)
    assert min(box.y0 for box in boxes) == pytest.approx(0)
    assert max(box.y1 for box in boxes) == pytest.approx(1)


def test_view_strip_has_a_cell_a_view() -> None:
    figure = examples.view_strip([[PICTURE] * 6, [PICTURE] * 6], [["resize"] + ["crop"] * 5] * 2)
    assert sum(len(ax.images) for ax in figure.axes) == 12
    assert [ax.get_title() for ax in figure.axes].count("crop") == 10


def test_words_beside_a_point_do_not_cross_the_line_at_the_edge_of_the_search() -> None:
    thresholds = np.linspace(0.01, 0.99, 99)
    for at, side in ((0.1, "left"), (0.36, "right"), (0.55, "right")):
        marks = {"chosen": (at, 0.5)}
        figure = curves.threshold_curve(thresholds, 1 - thresholds, marks, edge=0.5)
        (text,) = [t for t in figure.axes[0].texts if "chosen" in t.get_text()]
        assert text.get_ha() == side
    settings = [0.1, 1.0, 10.0]
    figure = comparisons.score_curves(
        settings, {"a": [0.0, 0.1, 0.0]}, x_name="γ", marks={"b": (5.0, 0.1)}, guide=("c", 2.5)
    )
    assert {t.get_text(): t.get_ha() for t in figure.axes[0].texts}["b"] == "left"
    assert figure.axes[0].get_ylim()[0] == 0, "no room for an F2 below zero"
    figure = comparisons.score_curves(settings, {"a": [-0.1, 0.1, 0.0]}, x_name="γ")
    assert figure.axes[0].get_ylim()[0] < -0.1


def test_a_layer_without_maps_says_so() -> None:
    maps = [("1: 3 of 8", np.ones((4, 4))), ("2: 0 of 8", np.zeros((4, 4)))]
    figure = crops.crop_steps(PICTURE, maps, np.eye(4), (0, 0, 20, 20))
    said = {ax.get_title("left"): [t.get_text() for t in ax.texts] for ax in figure.axes}
    assert said["1: 3 of 8"] == []
    assert said["2: 0 of 8"] == ["all maps\nleft out"]


def test_six_views_frame_in_the_picture_what_each_crop_shows() -> None:
    boxes = [(2, 3, 22, 23), (5, 1, 25, 21), (0, 0, 20, 20), (20, 10, 40, 30), (9, 9, 29, 29)]
    figure = crops.six_views(PICTURE, boxes, [PICTURE[:20, :20]] * 6)
    whole, resized, *cut = figure.axes
    framed = [patch.get_bbox().extents + 0.5 for patch in whole.patches[1::2]]  # above their rims
    np.testing.assert_allclose(framed, boxes)
    assert [t.get_text() for t in whole.texts] == ["1", "2", "3", "4", "5"]
    colours = [to_hex(patch.get_edgecolor()) for patch in whole.patches[1::2]]
    assert colours == [to_hex(ax.patches[1].get_edgecolor()) for ax in cut]
    assert len(set(colours)) == 5
    assert not resized.patches


def test_predictions_tell_right_wrong_and_missed_by_sign_and_colour() -> None:
    figure = examples.predictions(
        [PICTURE], [["tag::men", "tag::cats"]], [["tag::men", "tag::boats"]]
    )
    found = {t.get_text(): to_hex(t.get_color()) for t in figure.findobj(mpl.text.Text)}
    assert found["✓ men"] == style.RIGHT.lower()
    assert found["✗ boats"] == style.WRONG.lower()
    assert found["● men"] == style.INK
    assert found["○ cats"] == style.MISSED.lower()


def test_predictions_count_what_they_leave_out() -> None:
    many = [f"tag::{i}" for i in range(20)]
    figure = examples.predictions([PICTURE], [["tag::0"]], [many], most=5)
    assert any("and 15 more" in text for text in words(figure))
    with pytest.raises(ValueError, match="annotations"):
        examples.predictions([PICTURE], [], [many])


def test_colours_of_right_and_wrong_stay_apart_in_luminance_or_hue() -> None:
    """Blue and red keep apart for the common colour blindness: their blue parts differ."""
    right, wrong = (np.array(mpl.colors.to_rgb(c)) for c in (style.RIGHT, style.WRONG))
    assert abs(right[2] - wrong[2]) > 0.5


@pytest.mark.parametrize("module", [collection, curves, examples])
def test_every_drawing_function_is_styled(module: object) -> None:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if inspect.signature(function).return_annotation in ("Figure", Figure):
            assert hasattr(function, "__wrapped__"), name
