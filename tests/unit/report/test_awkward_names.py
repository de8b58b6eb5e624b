"""Label names of any kind are shown as they are, in figures and in tables."""

from __future__ import annotations

import warnings
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from lxml import html
from matplotlib import font_manager

from imet.report.plots import (
    collection,
    comparisons,
    confusion,
    curves,
    datasheet,
    examples,
    overlays,
)
from imet.report.plots.style import LONGEST, fonts, short
from imet.report.tables import show, spoken

mpl.use("Agg")
NAMES = [
    "tag::$a$ and $b$",
    "tag::a $$ b",
    "tag::\\frac{1}{2}",
    "tag::_x_ <b>|`{y}`</b>",
    "tag::a::b::c",
    "tag::муж αβγ",
    "tag::आदमी",
    "tag::ชาย",
    "culture::" + "very long " * 18,
    "no kind",
    "tag::$",
]
SHORT = [name for name in NAMES if len(name) <= LONGEST]  # where there is no room for others
PICTURE = np.full((30, 40, 3), 200, np.uint8)
VIEW = np.full((16, 16, 3), 200, np.uint8)
MAP = np.ones((16, 16))
RISING = ([0, 1], [0, 1])
ATTENDED = [
    [overlays.Attended(name, right=True, weights=MAP) for name in NAMES[i : i + 3]]
    for i in range(0, len(NAMES), 3)
]
SQUARE = np.random.default_rng(0).random((len(NAMES), len(NAMES)))

FIGURES = {
    "labelled_grid": lambda: datasheet.labelled_grid([PICTURE] * len(NAMES), NAMES),
    "boxes_grid": lambda: datasheet.boxes_grid([PICTURE], [[(n, (1, 2, 9, 20)) for n in NAMES]]),
    "lift_scatter": lambda: datasheet.lift_scatter(
        [1, 2], [2, 3], here_name=NAMES[0], there_name=NAMES[1], named=[(NAMES[2], 2, 1)]
    ),
    "confusion_heatmap": lambda: confusion.confusion_heatmap(
        SQUARE, NAMES, NAMES, [1] * len(NAMES)
    ),
    "confusion_matrix": lambda: confusion.confusion_matrix([[1, 2], [3, 4]], NAMES[0]),
    "cooccurrence": lambda: collection.cooccurrence(SQUARE + 0.5, NAMES, NAMES),
    "label_frequency": lambda: collection.label_frequency({NAMES[0]: [9, 4, 1], NAMES[1]: [90, 2]}),
    "forest_plot": lambda: comparisons.forest_plot(
        {n: {"": {"value": 0.5, "low": 0.4, "high": 0.6}} for n in NAMES}
    ),
    "predictions": lambda: examples.predictions([PICTURE], [NAMES], [NAMES[::-1]]),
    "picture_grid": lambda: examples.picture_grid([PICTURE] * 2, [NAMES, NAMES], titles=NAMES[:2]),
    "view_strip": lambda: examples.view_strip([[PICTURE] * 6], [NAMES[:6]], headings=[NAMES[8]]),
    "roc_curves": lambda: curves.roc_curves(dict.fromkeys(NAMES, RISING), {NAMES[0]: 0.5}),
    "score_curves": lambda: comparisons.score_curves(
        [1, 2], {n: [0.1, 0.2] for n in SHORT}, x_name=NAMES[0], y_name=NAMES[1],
        marks={NAMES[2]: (1, 0.1)}, guide=(NAMES[3], 1.5),
    ),
    "label_scatter": lambda: comparisons.label_scatter(
        [1, 2], {NAMES[0]: [0.1, 0.2], NAMES[3]: [0.2, 0.1]}, x_name=NAMES[1], y_name=NAMES[2],
        named=[(n, x, 0.1) for n in NAMES for x in (1, 2)],
    ),
    "attention_examples": lambda: overlays.attention_examples(
        [PICTURE] * 4, [NAMES] * 4, [VIEW] * 4, ATTENDED
    ),
    "attention_steps": lambda: overlays.attention_steps(VIEW, NAMES[:4], [MAP] * 4, [MAP] * 4),
    "picture_strip": lambda: overlays.picture_strip([PICTURE] * len(SHORT), SHORT),
}  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_show_names_as_they_are(figure):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that no font has is a warning
        drawn = FIGURES[figure]()
        drawn.canvas.draw()
    texts = [t for t in drawn.findobj(mpl.text.Text) if t.get_text()]
    assert not any(t.get_parse_math() for t in texts)


def test_what_stands_in_a_heatmap():
    drawn = FIGURES["confusion_heatmap"]()
    words = {t.get_text() for t in drawn.findobj(mpl.text.Text)}
    assert {"$a$ and $b$", "_x_ <b>|`{y}`</b>", "a::b::c", "आदमी", "no kind"} <= words


@pytest.mark.parametrize(
    "figure", ["predictions", "picture_grid", "label_scatter", "attention_examples"]
)
def test_what_stands_in_figures_of_works(figure):
    words = " ".join(t.get_text() for t in FIGURES[figure]().findobj(mpl.text.Text))
    for name in ("$a$ and $b$", "a $$ b", "_x_ <b>|`{y}`</b>", "a::b::c", "आदमी", "no kind"):
        assert name in words


@pytest.mark.parametrize("letters", [40, 180])
def test_long_names_leave_a_figure_its_layout(letters):
    """No text runs into the next column, over the edge or into the line below it."""
    name = "culture::" + ("seventeen letters " * 10)[:letters].strip()
    drawn = examples.predictions([PICTURE], [[name] * 3], [[name, NAMES[0], name]])
    drawn.canvas.draw()
    boxes = [[t.get_window_extent() for t in ax.texts] for ax in drawn.axes[1:]]
    assert max(box.x1 for box in boxes[0]) <= min(box.x0 for box in boxes[1])
    assert max(box.x1 for box in boxes[1]) <= drawn.bbox.x1
    for column in boxes:
        tops = [box.y1 for box in column]
        assert tops == sorted(tops, reverse=True)
        assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(column))
        assert min(box.y0 for box in column) >= drawn.bbox.y0
    named = [(name, x, 0.1) for x in (1, 2)]
    drawn = comparisons.label_scatter(
        [1, 2], {"a": [0.1, 0.2]}, x_name="x", y_name="y", named=named
    )
    drawn.canvas.draw()
    (ax,) = drawn.axes
    assert ax.bbox.width > 0.8 * drawn.bbox.width
    for text in ax.texts:
        assert drawn.bbox.x0 <= text.get_window_extent().x0
        assert text.get_window_extent().x1 <= drawn.bbox.x1


def test_only_very_long_names_are_cut():
    assert short("tag::" + "x" * LONGEST) == "x" * LONGEST
    assert short("tag::" + "x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"


def test_tables_show_names_as_they_are():
    frame = pd.DataFrame({name: [0.5] * len(NAMES) for name in NAMES}, index=NAMES)
    frame["text"] = NAMES
    table = html.fromstring(show(frame).to_html())
    said = [spoken(name) for name in NAMES]
    assert [th.text_content() for th in table.xpath("//tbody//th")] == said
    assert [th.text_content() for th in table.xpath("//thead//th")][1:] == [*said, "text"]
    assert [td.text_content() for td in table.xpath("//tbody//td[last()]")] == said
    assert not table.xpath("//b")


def test_a_font_installed_a_moment_ago_is_used(tmp_path, monkeypatch):
    """Matplotlib keeps a list of fonts, which a system's new font is not on."""
    font = TTFont(font_manager.findfont("DejaVu Sans"))
    for entry in font["name"].names:
        entry.string = "WenQuanYi Zen Hei" if entry.nameID in (1, 4, 16) else entry.toUnicode()
    for table in font["cmap"].tables:
        table.cmap = {ord("物"): "A"}
    font.save(tmp_path / "wqy-zenhei.ttf")
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    system = [str(tmp_path / "wqy-zenhei.ttf"), str(broken)]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: system)
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist])
    fonts.cache_clear()
    try:
        assert fonts()[-1] == "WenQuanYi Zen Hei"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            confusion.confusion_matrix([[1, 2], [3, 4]], "tag::物").canvas.draw()
    finally:
        fonts.cache_clear()
