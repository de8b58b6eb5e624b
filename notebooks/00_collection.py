# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A collection that was drawn
#
# The pictures that both documents learn from may not be handed on: whoever wants them asks Kaggle
# and accepts its rules. So that anybody can run this book, it comes with a program that draws a small
# museum. This chapter is the datasheet of that museum: what is in it, how it was made, how it was
# checked, and what it cannot tell.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import dataclasses
import time

import numpy as np
import pandas as pd
from IPython.display import HTML
from threadpoolctl import threadpool_limits

from imet import inspection, runs
from imet.config import get_profile
from imet.data.images import read_image
from imet.io import REPO, read_json
from imet.labels import quartile_of
from imet.metrics import roc_auc_per_class
from imet.report.collection_statistics import frequent_pairs
from imet.report.pages import page_files, record_page
from imet.report.plots.comparisons import forest_plot, label_scatter
from imet.report.plots.datasheet import boxes_grid, labelled_grid, lift_scatter
from imet.report.tables import or_dash
from imet.report.visibility import (
    covered_share,
    crop_windows,
    macro_interval,
    placements,
    shares_of_part,
)
from imet.statistics import auc_interval, spearman, wilson_interval
from imet_simulation import (
    RELATED,
    Noise,
    Plan,
    count_label_noise,
    draw,
    draw_whole,
    encode,
    make_program,
    read_ground_truth,
    work_id,
    write_sheets,
)

# On a profile of photographs this page still describes the drawings of the sample profile.
drawn = profile if get_profile(profile).data == "simulated" else "sample"
run = runs.run("resnet50", drawn, seed=seed, device=device, overrides={"views": "one"})
parts = run.parts
works, labels = parts.collection, parts.collection.labels
truth = read_ground_truth(works)
shown = truth.targets  # (N, K) what is drawn, whatever the annotator wrote
rng = np.random.default_rng(seed)

# %% [markdown]
# ## What is it?
#
# {num}`works:,d` pictures and two tables in the layout of Kaggle's files, under {num}`cultures:d`
# culture labels and {num}`tags:d` tags that are all spelled as in the real table. Beside them lies
# what no museum has: a list of what every picture truly shows, and where.
#
# Two words mean something else here than in a museum.
#
# Culture
# : A manner of drawing: palette, ground, ornament, technique and the wear of the surface. It is named
#   after a culture label of the real table and borrows a few of its commonplaces so that labels go
#   together. It is **not a claim about people**, and nothing learned from it says anything about any.
#
# Tag
# : A thing that was drawn, at a known place. Somebody who knows what a bridge looks like should find
#   it.
#
# A work is made in five steps, all decided by lot from one seed:
#
# 1. a culture is drawn, and one of the kinds of picture it has: {num}`compositions:d` *compositions*
#    such as portrait, landscape, vase, coin or handscroll;
# 2. the composition has places (on the ground, in the sky, worn by a sitter), and each takes *things*
#    that suit the place and the culture;
# 3. everything is painted in the culture's technique;
# 4. a *finish* covers the whole surface: brush, weave, mosaic, glaze, worn stone; then a camera with a
#    little blur and noise takes its photograph;
# 5. an *annotator* writes the labels down, with mistakes.
#
# {numref}`fig-manners` shows steps 1 to 4 with only the culture changed. Culture goes through the
# whole surface, and that is on purpose: the paper's six views stand on the premise that a culture
# shows in every crop and a tag may lie outside of one.

# %% tags=["hide-input"]
manners = [
    "french",
    "italian",
    "american",
    "german",
    "dutch",
    "byzantine",
    "japan",
    "china",
    "iran",
]
manners = [f"culture::{name}" for name in [*manners, "indonesia", "attic", "assyrian"]]
things = ("tag::trees", "tag::boats", "tag::bridges")
labelled_grid(
    [draw(Plan(4, (c,), c, "landscape", things, 300, 400), seed=0).image for c in manners],
    manners,
    columns=3,
    size=9,
)

# %% [markdown]
# ```{caption} fig-manners
# :alt: Twelve small pictures of a bridge, a tree and boats, one each in the manner of a culture:
#   pastel, fresco, photograph, engraving, mosaic, woodblock print, porcelain and others.
# One plan, a landscape with trees, a bridge and boats, drawn in twelve manners from the same random
# numbers. Details that a culture decides, such as the kind of bridge or tree, change with it.
# ```

# %% tags=["hide-input"]
ratio = truth.sizes[:, 1] / truth.sizes[:, 0]  # width : height
several = np.array([len(set(tags.tolist())) in (2, 3) for tags in truth.tags])
one_shape = np.flatnonzero(several & (ratio > 0.75) & (ratio < 1.5))
kinds = np.array(truth.composition)[one_shape]
first = [rng.choice(one_shape[kinds == kind]) for kind in rng.permutation(np.unique(kinds))[:6]]
boxes_grid(
    [read_image(works.path(row)) for row in first],
    [
        [(labels.names[k], box.tolist()) for k, box in zip(truth.tags[row], truth.boxes[row])]
        for row in first
    ],
)

# %% [markdown]
# ```{caption} fig-boxes
# :alt: Six works with coloured frames around the things in them and the names of the tags below.
# Works drawn by lot with the boxes of everything that carries a tag. A box surrounds what is left
# visible of a thing; a tag of the whole work, such as landscapes, surrounds its picture.
# ```

# %% [markdown]
# ## What does each label look like?
#
# {numref}`fig-cultures` shows one crop a culture, as a network would see it: {num}`crop_side:d` pixels
# of a shorter side of {num}`side:d`. Whoever cannot tell these apart has no chance of naming a culture.
# {numref}`fig-things` shows one thing a tag, cut out by its box.

# %% tags=["hide-input"]
crop_of = {}
for column in np.flatnonzero(labels.is_culture & shown.any(0)):
    row = rng.choice(np.flatnonzero(shown[:, column]))
    height, width = truth.sizes[row]
    side = round(min(height, width) * 224 / 300)
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    picture = read_image(works.path(row))
    crop_of[labels.names[column]] = picture[top : top + side, left : left + side]
labelled_grid(list(crop_of.values()), list(crop_of), columns=6)

# %% [markdown]
# ```{caption} fig-cultures
# :alt: A grid of square crops of works, one for each culture, that differ in colour, ground, ornament
#   and surface.
# One random crop of each culture, drawn by lot among its works; only labels that this build's
# collection uses.
# ```

# %% tags=["hide-input"]
thing_of = {}
for column in np.argsort(-shown.sum(0), kind="stable"):
    candidates = [
        (float((box[2:] - box[:2]).prod() / truth.sizes[row].prod()), row, box)
        for row in np.flatnonzero(shown[:, column])
        for box in truth.boxes_of(row, column)
    ]
    if labels.is_culture[column] or not candidates or len(thing_of) == 48:
        continue
    share, row, box = sorted(candidates, key=lambda found: found[0])[2 * len(candidates) // 3]
    if share > 0.4:
        continue
    picture = read_image(works.path(row))
    reach = min(max(box[2:] - box[:2]) * 0.62, min(picture.shape[:2]) / 2)
    middle = np.clip((box[:2] + box[2:]) / 2, reach, np.array(picture.shape[1::-1]) - reach)
    (left, top), size = (middle - reach).astype(int), int(2 * reach)
    thing_of[labels.names[column]] = picture[top : top + size, left : left + size]
labelled_grid(list(thing_of.values()), list(thing_of), columns=6)

# %% [markdown]
# ```{caption} fig-things
# :alt: A grid of square details, each showing one thing and its name: men, women, trees, flowers,
#   birds, boats and so on.
# One thing of each of 48 tags, cut out by its box with a margin: the most frequent tags whose things
# do not fill their pictures. By size, the one shown has two thirds of its kind below it.
# ```

# %% [markdown]
# One example proves little. Below is a contact sheet for every label of this build's collection, with
# the first works that truly show it and a frame around each thing.

# %% tags=["hide-input"]
sheets = write_sheets(page_files("00_collection", profile), works, truth)
links = {
    label: f'<a href="../_static/pages/00_collection/{name}">{label.split("::")[1]}</a>'
    for label, name in sheets.items()
}
of_kind = {
    kind: " · ".join(link for label, link in links.items() if label.startswith(f"{kind}::"))
    for kind in ("culture", "tag")
}
HTML("".join(f"<p><strong>Sheets by {kind}:</strong> {text}</p>" for kind, text in of_kind.items()))

# %% [markdown]
# The same at full size, with up to 24 works and crops of every culture, comes from
#
# ```bash
# imet data simulate OUT --works 1600
# imet data sheets OUT
# ```
#
# which writes `OUT/sheets/index.html`.

# %% [markdown]
# ## What does the annotator do?
#
# One person annotated the real collection and nobody verified it; how often that went wrong is not
# known. Here the mistakes are made on purpose, at rates that stand in the program, and can be counted:
# the truth beside the table that models learn from.

# %% tags=["hide-input"]
noise = Noise().asdict()
counted = count_label_noise(shown, works.targets, labels.names, RELATED)
mistakes = {
    name: {"made": made, "chances": chances, "rate": wilson_interval(made, chances)._asdict()}
    for name, (made, chances) in counted.items()
}
what = {
    "missing": "a shown tag is left out",
    "missing_culture": "a culture is left out",
    "confused": "a tag becomes a related one",
    "wrong": "a work gets a tag at random",
}
pd.DataFrame(
    {
        text: {
            "rate in the program": f"{noise[name]:.1%}",
            "mistakes counted": f"{mistakes[name]['made']:,} of {mistakes[name]['chances']:,}",
            "rate counted": "{value:.1%} [{low:.1%}, {high:.1%}]".format(**mistakes[name]["rate"]),
        }
        for name, text in what.items()
    }
).T

# %% [markdown]
# Brackets are 95 % intervals. Tags that can be confused are those with a relative: men with women or
# children, bowls with vases, dragons with birds. Counts need not equal what was done: a tag that was
# left out while a relative was added at random looks like a confusion, and a random tag that is shown
# anyway is none. All together {num}`flipped.works:.1%` of works carry at least one mistake.
# {doc}`15_label_noise` asks what mistakes cost, and whether they can be found.

# %% [markdown]
# ## How like the real table is it?
#
# {doc}`01_data_exploration` sets frequencies, labels a work and shapes of pictures side by side. Here
# are two comparisons more: the tail, and which labels go together.

# %% tags=["hide-input"]
real = read_json(REPO / "results" / "imet2019.json")["values"]
uses = {"here": works.targets.sum(0), "there": np.array(real["frequency"])}
title = {"here": f"this collection ({drawn})", "there": "iMet Collection 2019"}
tail = {}
for name, count in uses.items():
    quartile = quartile_of(count)
    tail[name] = {
        "labels": len(count),
        "unused": int((count == 0).sum()),
        "under three": int((count < 3).sum()),
        "share under three": float((count < 3).mean()),
        "share": {str(q): float(count[quartile == q].sum() / count.sum()) for q in (4, 3, 2, 1)},
        "least": {str(q): int(count[quartile == q].min()) for q in (4, 3, 2, 1)},
    }
pd.DataFrame(
    {
        title[name]: {
            "labels": f"{found['labels']:,}",
            "used fewer than three times": f"{found['under three']:,}"
            f" ({found['share under three']:.1%})",
            "of these never": f"{found['unused']:,}",
            **{
                f"quartile {q}: share of all uses": f"{found['share'][q]:.1%},"
                f" every label at least {found['least'][q]:,} times"
                for q in "4321"
            },
        }
        for name, found in tail.items()
    }
)

# %% [markdown]
# Quartiles are the paper's, by frequency, 4 the most frequent. In both tables the first quarter of
# the labels has most of the uses and the last nearly none. But a share is not a count. A label at the
# lower end of quartile 3 has {num}`tail.there.least.3:d` works in the real table and
# {num}`tail.here.least.3:d` here, and {num}`tail.here.share under three:.1%` of the labels here are
# too rare for the paper's rule, against {num}`tail.there.share under three:.1%` there. What a chapter
# says of rare labels rests on a few works.

# %% tags=["hide-input"]
column = {name: k for k, name in enumerate(labels.names)}
both = [pair for pair in real["pairs"] if pair[0] in column and pair[1] in column]
a = works.targets[:, [column[pair[0]] for pair in both]]  # (N, P)
b = works.targets[:, [column[pair[1]] for pair in both]]
expected = a.mean(0) * b.mean(0) * len(works)  # (P,) works in which the two would meet by chance
ours = np.where(expected > 0, (a & b).sum(0) / np.where(expected > 0, expected, 1), np.nan)
theirs = np.array([pair[3] for pair in both])
enough = expected >= 3
extreme = np.flatnonzero(enough)[np.argsort(-np.abs(np.log(theirs[enough])))[:6]]
lift_scatter(
    ours[enough],
    theirs[enough],
    here_name=title["here"],
    there_name=title["there"],
    named=[
        (" & ".join(n.split("::")[1] for n in both[i][:2]), theirs[i], ours[i]) for i in extreme
    ],
)

# %% [markdown]
# ```{caption} fig-lifts
# :alt: A scatter of points on logarithmic axes, the lift in the real table across and the lift here
#   upwards; dotted lines mark independence.
# Lift of pairs of a culture and a tag: how many times more often the two meet than if they were
# independent. Shown are pairs that are among the 200 most frequent of the real table and that would
# meet here in three works or more by chance.
# ```

# %% tags=["hide-input"]
often = {"here": frequent_pairs(works), "there": real["pairs"]}
size = {"here": len(works), "there": real["works"]}
strongest = {
    name: sorted((p for p in pairs if p[2] >= 0.004 * size[name]), key=lambda p: -p[3])[:10]
    for name, pairs in often.items()
}
pd.DataFrame(
    {
        title[name]: pd.Series(
            [f"{p[0].split('::')[1]} & {p[1].split('::')[1]} (×{p[3]:.1f})" for p in found],
            index=np.arange(1, len(found) + 1),
        )
        for name, found in strongest.items()
    }
).rename_axis("rank").fillna("–")

# %% [markdown]
# The table lists the strongest pairs that meet in at least 0.4 % of works. Of the 200 most frequent
# pairs of the real table {num}`pairs.both:d` have both labels here, and {num}`pairs.enough:d` are
# frequent enough to compare: their lifts have a rank correlation of {num}`pairs.spearman:.2f`. Some
# pairs were put together on purpose, and they lie at the upper right. Most of the strongest ones here
# come from compositions: a culture that has nothing but rugs goes together with rugs whatever a museum
# says. So labels depend on each other here too, which is all that a model of dependences needs to
# have something to learn; *which* do is in good part the program's own doing.

# %% [markdown]
# ## Can a network see what it should?
#
# The premise of the six views can be tested on its own. A linear head on the frozen network is trained
# on whole pictures only, squeezed to a square, with all labels: it has never seen a crop. Then it is
# asked about held-out works twice, on the whole picture and on five crops one by one, and judged by
# what is *truly* shown. If cultures are in every crop and tags are not, AUC must fall for tags only.
# And with the boxes the crops can be told apart by whether the thing is in them.

# %% tags=["hide-input"]
six = dataclasses.replace(run.recipe, views="six")
weights = inspection.head_weights(run)  # (K, D)
held_out = (parts.val, parts.test)
rows = np.concatenate([part.rows for part in held_out])
columns = parts.val.columns
features = np.concatenate(
    [inspection.features_of(six, parts, part, "pooled", device=device) for part in held_out]
)  # (n, 6, D)
logits = features @ weights.T  # (n, 6, K)
targets = shown[np.ix_(rows, columns)]  # (n, K)
is_culture = parts.labels.is_culture
place = np.stack([placements(logits[:, v], targets) for v in range(6)], 1)  # (n, 6, K)
whole, crops = place[:, :1], place[:, 1:]
visible = np.concatenate(
    [shares_of_part(part, truth, crop_windows(part, run.recipe, truth.sizes)) for part in held_out]
)  # (n, 5, K)
groups = {
    "cultures": np.broadcast_to(is_culture, crops.shape),
    "tags": np.broadcast_to(~is_culture, crops.shape),
    "tags: thing inside the crop": ~is_culture & (visible >= 0.9),
    "tags: thing cut by the edge": ~is_culture & (visible > 0) & (visible < 0.9),
    "tags: thing outside": ~is_culture & (visible == 0),
}
seen = {}
for name, mask in groups.items():
    on_crop = np.where(mask, crops, np.nan)
    on_whole = np.where(mask, np.broadcast_to(whole, crops.shape), np.nan)
    known = np.isfinite(on_crop)
    found = {
        "whole picture": on_whole,
        "one crop": on_crop,
        "difference": on_crop - on_whole,
    }
    seen[name] = {
        "labels": int(known.any((0, 1)).sum()),
        "crops": int(known.sum()),
        **{
            kind: {k: or_dash(v) for k, v in macro_interval(values)._asdict().items()}
            for kind, values in found.items()
        },
    }

# %% tags=["hide-input"]
forest_plot(
    {
        name: {
            kind: found[kind]
            for kind in ("whole picture", "one crop")
            if found[kind]["value"] != "–"
        }
        for name, found in seen.items()
    },
    value_name="mean AUC over labels",
    reference=0.5,
)

# %% [markdown]
# ```{caption} fig-premise
# :alt: Five lines, for cultures, all tags, and tags whose thing is inside, cut by or outside the
#   crop, each with two marks and their intervals: whole picture and one crop.
# Mean AUC over labels on whole pictures and on single crops of the same held-out works, judged by the
# truth, of a head that was trained on whole pictures. Bars are 95 % intervals over works and labels;
# .5 is guessing.
# ```

# %% tags=["hide-input"]
pd.DataFrame(
    {
        name: {
            "labels": f"{found['labels']:,}",
            "crops of a true label": f"{found['crops']:,}",
            **{
                kind: " ".join(
                    [f"{v:.3f}" if v != "–" else v for v in [found[kind]["value"]]]
                    + [f"[{found[kind]['low']:.3f}, {found[kind]['high']:.3f}]"]
                    * (found[kind]["low"] != "–")
                )
                for kind in ("whole picture", "one crop", "difference")
            },
        }
        for name, found in seen.items()
    }
).T

# %% [markdown]
# “Inside” means nine tenths of the thing's box or more. Lines three to five rest on different works
# and labels: compare along a line, not down. The differences are paired, and the intervals
# of lines three to five overlap: their order is likely, not certain.
#
# Cultures are seen in a crop nearly as well as in the whole picture: the difference is
# {num}`seen.cultures.difference.value:+.3f`. But tags lose no more, {num}`seen.tags.difference.value:+.3f`
# on average. The premise holds in its first half, and in its second only where it is put to the test:
# on crops without the thing AUC changes by {num}`seen.tags: thing outside.difference.value:+.3f`, on
# crops with all of it by {num}`seen.tags: thing inside the crop.difference.value:+.3f`. Such crops are
# rare. One holds {num}`visibility.mean:.0%` of a true tag's things on average and nothing of them in
# {num}`visibility.outside:.0%` of cases, for a crop is three quarters as wide as the picture's shorter
# side, about half of an ordinary picture, and things are large or come in numbers.
#
# Two things follow. A rule that takes the tags off every training crop, as the paper's does, takes
# off many that are plainly there; {doc}`03_baseline` sees what that does. And where the thing is
# outside, AUC stays above one half: the rest of the picture, its composition and its culture, tells
# what else is likely to be in it. A high AUC for a tag is no proof that the thing was seen.

# %% [markdown]
# ### Size
#
# The smaller a thing, the less of it is left once its picture has been squeezed to the network's
# square.

# %% tags=["hide-input"]
auc = np.stack([roc_auc_per_class(logits[:, v], targets) for v in range(6)])  # (6, K)
positives = targets.sum(0)
covered = np.array(
    [
        np.median(found) if len(found := covered_share(truth, np.arange(len(works)), k)) else np.nan
        for k in columns
    ]
)  # (K,)
measured = ~is_culture & (positives >= min(5, positives[~is_culture].max())) & (covered > 0)
low = [k for k in np.argsort(auc[0]) if measured[k]][:4]
small = np.argsort(np.where(measured, covered, np.inf))[:3]
label_scatter(
    covered[measured],
    {"whole picture": auc[0, measured]},
    x_name="share of the picture that its things cover",
    y_name="AUC",
    reference=0.5,
    named=[(parts.labels.short(k), covered[k], auc[0, k]) for k in dict.fromkeys([*low, *small])],
)

# %% [markdown]
# ```{caption} fig-thing-size
# :alt: A scatter of points: share of the picture covered, on a logarithmic axis, across, and AUC
#   upwards, most of it above the dotted line at one half.
# AUC of every tag on whole held-out pictures by the share of the picture that its things cover,
# median over works. Tags with five held-out works or more; the dotted line is guessing.
# ```

# %% [markdown]
# Over {num}`size.labels:d` tags the rank correlation of size and AUC is {num}`size.spearman:.2f`. Tags
# at the right edge are those of the whole work, manuscripts or landscapes: they are compositions by
# another name, and as easy as cultures.
#
# ### Labels not told from chance
#
# Which labels can the network not see? The table lists those whose AUC on whole pictures lies below
# .65 or whose 95 % interval reaches .5, worst first, with three true held-out works at least.

# %% tags=["hide-input"]
train_positives = parts.train.targets.sum(0)
poor = {}
for k in np.argsort(auc[0]):
    if positives[k] < 3 or not np.isfinite(auc[0, k]):
        continue
    low, high = auc_interval(float(auc[0, k]), int(positives[k]), int(len(rows) - positives[k]))[1:]
    if auc[0, k] < 0.65 or low <= 0.5:
        poor[parts.labels.names[k]] = {
            "AUC": f"{auc[0, k]:.2f} [{low:.2f}, {high:.2f}]",
            "true works held out": int(positives[k]),
            "works to learn from": int(train_positives[k]),
            "covers of a picture": "–" if np.isnan(covered[k]) else f"{covered[k]:.1%}",
        }
pd.DataFrame(poor).T.head(20)

# %% [markdown]
# Of {num}`poor.measured:d` labels with three true held-out works or more, {num}`poor.labels:d` are on
# this list, {num}`poor.cultures:d` of them cultures. Two causes can be read from the table. None has
# more than {num}`poor.most_held_out:d` true works held out, so that its interval would be wide whatever
# the network saw, and {num}`poor.few:d` have fewer than twenty works to learn from. And of
# {num}`poor.labels:d` things {num}`poor.small:d` cover less than a tenth of their picture: squeezed,
# they look like others of their kind, one four-legged animal or one small figure among several.

# %% [markdown]
# ## Can somebody who has not seen the program name what was drawn?
#
# A network may recognise what nobody else would, so the drawings were also put before fresh eyes: a
# general-purpose vision model, not a person, that had neither seen the program nor had a part in it.
# It got {num}`recorded/fresh_eyes/first.works:d` works drawn by lot and the list of all tag names, and
# wrote down the tags it saw; {num}`recorded/fresh_eyes/first.cultures.crops:d` crops without large
# things in them, each with {num}`recorded/fresh_eyes/first.cultures.choices:d` names of cultures to
# choose from; and it was asked which works look unfinished or ugly, and why. Its complaints of the first
# round went into the program, and a second round judged other works with no memory of the first.
#
# | | first round | second round |
# |---|---|---|
# | drawn tags that were named (recall) | {num}`recorded/fresh_eyes/first.found:d` of {num}`recorded/fresh_eyes/first.visible:d`, {num}`recorded/fresh_eyes/first.recall:.0%` | {num}`recorded/fresh_eyes/second.found:d` of {num}`recorded/fresh_eyes/second.visible:d`, {num}`recorded/fresh_eyes/second.recall:.0%` |
# | tags named on a work | {num}`recorded/fresh_eyes/first.named_a_work:.1f` | {num}`recorded/fresh_eyes/second.named_a_work:.1f` |
# | named tags that were drawn (precision) | {num}`recorded/fresh_eyes/first.precision:.0%` | {num}`recorded/fresh_eyes/second.precision:.0%` |
# | cultures of crops | {num}`recorded/fresh_eyes/first.cultures.right:d` of {num}`recorded/fresh_eyes/first.cultures.crops:d` | {num}`recorded/fresh_eyes/second.cultures.right:d` of {num}`recorded/fresh_eyes/second.cultures.crops:d` |
# | works called unfinished or ugly | {num}`recorded/fresh_eyes/first.ugly:d` of {num}`recorded/fresh_eyes/first.works:d` | {num}`recorded/fresh_eyes/second.ugly:d` of {num}`recorded/fresh_eyes/second.works:d` |
#
# These numbers are recorded, not made by this build. What is drawn can be named, and a culture shows
# in a crop that has nothing else in it. Recall rose, but the second round also named more tags on a
# work, and precision fell: part of the rise is generosity. A named tag that was not drawn need not be
# a mistake of seeing either. Grass, a border of leaves or a hat that belongs to a dress are there
# without being labels, just as annotators of museums leave things out. The complaints of the
# second round are of the same kinds as those of the first: things that overlap or are cut by the edge,
# odd sizes beside each other, lines that vanish in hatching.

# %% [markdown]
# ## Is it the same twice?
#
# A work depends on the seed and on its own number, on nothing else: not on the order, the number of
# processes or a run that was broken off. Here some works are planned and drawn again and compared with
# the files, byte for byte.

# %% tags=["hide-input"]
settings = read_json(works.root / "simulation.json")
plans = make_program(
    settings["works"], settings["seed"], settings["side"], Noise(**settings["noise"])
)
again = [plans[i] for i in rng.choice(len(plans), min(24, len(plans)), replace=False)]
with threadpool_limits(1):
    start = time.process_time()
    files = {
        work_id(settings["seed"], plan.index): encode(draw_whole(plan, settings["seed"]).image)
        for plan in again
    }
    seconds = time.process_time() - start
same = [data == (works.root / "train" / f"{name}.png").read_bytes() for name, data in files.items()]
pd.Series(
    {
        "works drawn again": f"{len(same)}",
        "equal to their files, byte for byte": f"{sum(same)}",
        "seconds of one core, a work": f"{seconds / len(same):.2f}",
        f"minutes for {len(works):,} works, on one core": f"{seconds / len(same) * len(works) / 60:.1f}",
    },
    name="",
).to_frame()

# %% [markdown]
# ## What can it tell, and what not?
#
# It can tell
#
# - whether the code runs, and runs the same way twice;
# - how methods behave under conditions that are known here and nowhere else: true labels under noisy
#   ones, the place of every thing, the rate of every mistake;
# - whether an effect that a document claims follows from its recipe, where the recipe alone decides.
#
# It cannot tell
#
# - how well anything works on museum photographs. Cultures are far easier here than there, since each
#   has one hand, and things are drawn from few shapes. No score of this collection is a reproduction
#   of a reported one;
# - anything about people, places or periods. Labels are names of drawing programs;
# - which labels depend on which in a museum;
# - much about rare labels: with a handful of works each, one drawing more or less moves their AUC.
#
# ## Limits of this chapter
#
# - The premise is tested with one frozen network, one seed and a linear head. A network that was
#   fine-tuned on crops may lose more, or less.
# - Visible shares count the area of boxes, not of what is drawn in them.
# - Intervals leave out that another seed would draw another collection and train another head.
# - Fresh eyes were one pair a round, on {num}`recorded/fresh_eyes/first.works:d` works.

# %% tags=["hide-input", "remove-output"]
shares = visible[np.broadcast_to(targets[:, None] & ~is_culture, visible.shape)]
shares = shares[np.isfinite(shares)]
tested = (positives >= 3) & np.isfinite(auc[0])
record_page(
    "00_collection",
    {
        "described": drawn,
        "works": len(works),
        "cultures": int(labels.is_culture.sum()),
        "tags": int((~labels.is_culture).sum()),
        "compositions": len(set(truth.composition)),
        "side": settings["side"],
        "crop_side": round(settings["side"] * 224 / 300),
        "sheets": len(sheets),
        "mistakes": mistakes,
        "flipped": {"works": float((shown != works.targets).any(1).mean())},
        "tail": tail,
        "pairs": {
            "both": len(both),
            "enough": int(enough.sum()),
            "spearman": or_dash(
                spearman(ours[enough], theirs[enough]) if enough.sum() > 2 else None
            ),
        },
        "seen": seen,
        "visibility": {"mean": float(shares.mean()), "outside": float((shares == 0).mean())},
        "size": {
            "labels": int(measured.sum()),
            "spearman": or_dash(spearman(covered[measured], auc[0, measured])),
        },
        "poor": {
            "measured": int(tested.sum()),
            "labels": len(poor),
            "cultures": sum(name.startswith("culture::") for name in poor),
            "few": sum(found["works to learn from"] < 20 for found in poor.values()),
            "most_held_out": max(
                (found["true works held out"] for found in poor.values()), default=0
            ),
            "small": sum(
                bool(covered[k] < 0.1) for k in range(len(columns)) if parts.labels.names[k] in poor
            ),
        },
        "again": {"drawn": len(same), "same": sum(same)},
        "run": run.folder.name,
    },
    profile=profile,
    seed=seed,
    device=device,
)
