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
class Wish:
    """What a planned work must carry, if anything."""

    label: str = ""

    @property
    def culture(self) -> bool:
        """Whether the wish is for a culture."""
        return self.label.startswith("culture::")


def fits(slot: Slot, thing: Thing) -> bool:
    """Whether a thing may take a slot."""
    if slot.only:
        return thing.label in slot.only
    return thing.stands_in(slot.stands)


def pick(rng: Rng, options: list[Any], weights: list[float]) -> Any:
    """One of the options, by weight."""
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


def make_plan(rng: Rng, index: int, side: int, wish: Wish | None = None, attempt: int = 0) -> Plan:
    """Draw up one work by lot, with `wish` in it if one is given."""
    wish = wish or Wish()
    styles = list(STYLES.values())
    if wish.culture:
        styles = [STYLES[wish.label]]
    elif wish.label:
        styles = [s for s in styles if any(can_show(s, f, wish.label) for f in forms_of(s))]
    style = pick(rng, styles, [s.weight for s in styles])
    forms = forms_of(style)
    if wish.label and not wish.culture:
        forms = {f: w for f, w in forms.items() if can_show(style, f, wish.label)}
    form = pick(rng, list(forms), list(forms.values()))
    composition = COMPOSITIONS[form]
    things = choose_things(rng, style, composition, wish.label)
    height, width = size_of(rng, composition, side)
    cultures = (style.label,) if style.label else ()
    labels = (*cultures, *dict.fromkeys((*things, *composition.gives)))
    return Plan(index, cultures, style.label, form, things, height, width, labels, attempt)


def choose_things(rng: Rng, style: Style, composition: Composition, wished: str) -> tuple[str, ...]:
    """Fill the composition's slots by weight, each thing once."""
    chosen: list[str] = []
    open_wish = wished if wished in THINGS and wished not in composition.gives else ""
    needed = THINGS[open_wish].goes if open_wish else ()
    for slot in composition.slots:
        if (
            slot.stands == "worn"
            and "tag::george washington" in chosen
            and not (open_wish and fits(slot, THINGS[open_wish]))
        ):
            continue  # he is drawn in his own dress
        count = int(rng.integers(slot.least, slot.most + 1))
        if slot.only and any(k in slot.only for k in needed) and open_wish not in slot.only:
            chosen += [k for k in needed if k in slot.only]
            continue
        if open_wish and fits(slot, THINGS[open_wish]):
            chosen.append(open_wish)
            chosen += [g for g in THINGS[open_wish].goes if g not in chosen]
            open_wish = ""
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
    """Height and width with the shorter side `side`, the shape by lot from the composition's."""
    lo, hi = np.log(composition.aspect)
    aspect = float(np.exp(rng.uniform(lo, hi)))
    if aspect >= 1:
        return side, round(side * aspect)
    return round(side / aspect), side
