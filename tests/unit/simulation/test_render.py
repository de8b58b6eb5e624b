from __future__ import annotations

import itertools

import numpy as np
import pytest

from imet_simulation import STYLES, THINGS
from imet_simulation.canvas import Canvas, ellipse
from imet_simulation.catalogue import vocabulary
from imet_simulation.compositions import COMPOSITIONS
from imet_simulation.emblem import emblem, namesake
from imet_simulation.glyphs import master
from imet_simulation.plan import Constraint, can_show, forms_of, make_plan
from imet_simulation.render import draw, draw_whole
from imet_simulation.work import Plan


def test_occluded_part_is_not_in_the_box():
    c = Canvas(40, 60)
    square = np.ones((20, 20), np.float32)
    with c.mark("tag::a"):
        c.paint(square, np.zeros(3, np.float32), 10, 10)
    with c.mark("tag::b"):
        c.paint(square, np.ones(3, np.float32), 20, 5)
    boxes = {label: box for label, box, _ in c.boxes()}
    assert boxes == {"tag::a": (10, 10, 30, 30), "tag::b": (20, 5, 40, 25)}
    with c.mark("tag::c"):
        c.paint(np.ones((40, 20), np.float32), np.ones(3, np.float32), 20, 0)
    assert {label: box for label, box, _ in c.boxes()} == {
        "tag::a": (10, 10, 20, 30), "tag::c": (20, 0, 40, 40)
    }  # fmt: skip


def test_worn_things_belong_to_their_wearer_too():
    c = Canvas(30, 30)
    with c.mark("tag::men"):
        c.paint(ellipse(5, 5), np.zeros(3, np.float32), 5, 15)
        with c.mark("tag::hats"):
            c.paint(ellipse(5, 5), np.zeros(3, np.float32), 5, 5)
    boxes = {label: box for label, box, _ in c.boxes()}
    assert boxes["tag::men"][1] == boxes["tag::hats"][1] < boxes["tag::hats"][3]
    assert boxes["tag::men"][3] > boxes["tag::hats"][3]


@pytest.mark.parametrize("label", sorted(THINGS))
def test_box_is_where_the_picture_changes_when_the_thing_is_left_out(label):
    rng = np.random.default_rng(7)
    plan = make_plan(rng, 1, 150, Constraint(label))
    while label not in plan.things:  # what a composition gives is its ground, not a thing on it
        plan = make_plan(rng, 1, 150, Constraint(label))
    whole, without = draw(plan, 5), draw(plan, 5, muted=frozenset([label]))
    boxes = [box for name, box, _ in whole.boxes if name == label]
    assert boxes, plan
    changed = np.abs(whole.image.astype(int) - without.image).max(-1) > 26
    inside = np.zeros_like(changed)
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= plan.width
        assert 0 <= top < bottom <= plan.height
        inside[max(0, top - 5) : bottom + 5, max(0, left - 5) : right + 5] = True
    assert (changed & inside).sum() > 12
    assert (changed & ~inside).sum() <= 0.05 * changed.sum()


def test_every_shape_of_the_table_is_in_a_font():
    for thing in THINGS.values():
        assert thing.shapes or thing.drawn, thing.label
        for name in thing.shapes:
            assert (master(name).body > 127).sum() > 500, (thing.label, name)


def test_every_culture_is_a_manner_of_its_own():
    """One plan, the same random numbers: no two cultures draw it alike."""
    pictures = {
        label: draw(Plan(4, (label,), label, "landscape", ("tag::trees",), 90, 120), 0).image
        for label in STYLES
        if label
    }
    assert len(pictures) > 20
    for (a, first), (b, second) in itertools.combinations(pictures.items(), 2):
        difference = np.abs(first.astype(int) - second).mean()  # grey levels, of 255
        assert difference > 8, (a, b)


def plan_of(form: str) -> Plan:
    """The first random plan of a composition."""
    rng = np.random.default_rng(3)
    return next(
        plan for plan in iter(lambda: make_plan(rng, 2, 96), None) if plan.composition == form
    )


@pytest.mark.parametrize("form", sorted(COMPOSITIONS))
def test_every_composition_is_reached_and_shows_what_its_plan_says(form):
    plan = plan_of(form)
    drawn = draw_whole(plan, 1)
    assert drawn.image.shape == (plan.height, plan.width, 3)
    tags = {label for label in plan.labels if label.startswith("tag::")}
    assert tags <= {label for label, _, pixels in drawn.boxes if pixels > 0}
    for _, (left, top, right, bottom), _ in drawn.boxes:
        assert 0 <= left < right <= plan.width
        assert 0 <= top < bottom <= plan.height


@pytest.mark.parametrize("form", sorted(COMPOSITIONS))
@pytest.mark.parametrize("count", [0, 1, 7])
def test_any_labels_fit_any_composition(form, count):
    low, high = COMPOSITIONS[form].aspect
    wide = (low + high) / 2
    height, width = (80, round(80 * wide)) if wide > 1 else (round(80 / wide), 80)
    things = tuple(f"tag::nobody {k}" for k in range(count))
    plan = Plan(1, ("culture::attic",), "culture::attic", form, things, height, width, things)
    assert set(things) <= {label for label, _, _ in draw(plan, 0).boxes}


def test_every_label_can_be_shown():
    for label in vocabulary():
        if label.startswith("tag::"):
            assert any(can_show(s, f, label) for s in STYLES.values() for f in forms_of(s)), label


def test_emblem_is_the_names_own():
    def of(label):
        c = Canvas(60, 60)
        emblem(c, label, 30, 55, 50, STYLES["culture::iran"])
        return c.rgb

    assert np.array_equal(of("tag::saint lawrence"), of("tag::saint lawrence"))
    assert not np.array_equal(of("tag::saint lawrence"), of("tag::durga"))
    assert namesake("tag::crabs") == "🦀"
