"""What a work will show, decided before a stroke is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from imet_simulation.compositions import COMPOSITIONS, Composition, Slot
from imet_simulation.styles import STYLES, Style
from imet_simulation.things import THINGS, Thing
from imet_simulation.work import Plan

Rng = np.random.Generator


@dataclass(frozen=True)
class Constraint:
    """What a planned work must carry, if anything."""

    label: str = ""

    @property
    def culture(self) -> bool:
        """Whether the constraint is for a culture."""
        return self.label.startswith("culture::")


def fits(slot: Slot, thing: Thing) -> bool:
    """Whether a thing may take a slot."""
    if slot.only:
        return thing.label in slot.only
    return thing.stands_in(slot.stands)


def pick(rng: Rng, options: list[Any], weights: list[float]) -> Any:
    """Pick one of the options at random, by weight."""
    p = np.asarray(weights, float)
    return options[int(rng.choice(len(options), p=p / p.sum()))]


def forms_of(style: Style) -> dict[str, float]:
    """The style's forms that have a composition."""
    return {k: w for k, w in style.forms.items() if k in COMPOSITIONS}


def can_show(style: Style, form: str, label: str) -> bool:
    """Whether a style's form can carry a tag."""
    composition = COMPOSITIONS[form]
    if label in composition.gives:
        return True
    thing = THINGS.get(label)
    return (
        thing is not None
        and thing.suits(style.worlds)
        and any(fits(slot, thing) for slot in composition.slots)
    )


def make_plan(
    rng: Rng, index: int, side: int, constraint: Constraint = Constraint(), attempt: int = 0
) -> Plan:
    """Plan one work at random, under a constraint."""
    styles = list(STYLES.values())
    if constraint.culture:
        styles = [STYLES[constraint.label]]
    elif constraint.label:
        styles = [s for s in styles if any(can_show(s, f, constraint.label) for f in forms_of(s))]
    style = pick(rng, styles, [s.weight for s in styles])
    forms = forms_of(style)
    if constraint.label and not constraint.culture:
        forms = {f: w for f, w in forms.items() if can_show(style, f, constraint.label)}
    form = pick(rng, list(forms), list(forms.values()))
    composition = COMPOSITIONS[form]
    things = choose_things(rng, style, composition, constraint.label)
    height, width = size_of(rng, composition, side)
    cultures = (style.label,) if style.label else ()
    labels = (*cultures, *dict.fromkeys((*things, *composition.gives)))
    return Plan(index, cultures, style.label, form, things, height, width, labels, attempt)


def choose_things(
    rng: Rng, style: Style, composition: Composition, required: str
) -> tuple[str, ...]:
    """Fill the composition's slots by weight, each thing once, the required one among them."""
    chosen: list[str] = []
    open_label = required if required in THINGS and required not in composition.gives else ""
    needed = THINGS[open_label].goes if open_label else ()
    for slot in composition.slots:
        if (
            slot.stands == "worn"
            and "tag::george washington" in chosen
            and not (open_label and fits(slot, THINGS[open_label]))
        ):
            continue  # George Washington is drawn in his own dress
        count = int(rng.integers(slot.least, slot.most + 1))
        if slot.only and any(k in slot.only for k in needed) and open_label not in slot.only:
            chosen += [k for k in needed if k in slot.only]
            continue
        if open_label and fits(slot, THINGS[open_label]):
            chosen.append(open_label)
            chosen += [g for g in THINGS[open_label].goes if g not in chosen]
            open_label = ""
            count -= 1
        for _ in range(max(0, count)):
            options = [
                t for t in THINGS.values()
                if fits(slot, t) and t.suits(style.worlds) and t.label not in chosen
                and (not t.goes or slot.only or set(t.goes) <= set(chosen))
            ]  # fmt: skip
            if slot.only and any(c in slot.only for c in chosen):
                break
            if not options:
                break
            weights = [t.weight**0.8 * _liking(style, t.label) for t in options]
            chosen.append(pick(rng, options, weights).label)
            chosen += [g for g in THINGS[chosen[-1]].goes if g not in chosen]
    return tuple(dict.fromkeys(chosen))


def _liking(style: Style, label: str) -> float:
    return style.likes.get(label, 1.0)


def size_of(rng: Rng, composition: Composition, side: int) -> tuple[int, int]:
    """Height and width with the shorter side `side`; the composition bounds the aspect ratio."""
    lo, hi = np.log(composition.aspect)
    aspect = float(np.exp(rng.uniform(lo, hi)))
    if aspect >= 1:
        return side, round(side * aspect)
    return round(side / aspect), side
