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
# # What a view shows
#
# ```{goals}
# how a premise is put to a test; how AUC can be taken apart work by work; what “not told from chance”
# means.
#
# {doc}`02_split_and_views` and {doc}`00_collection`; AUC as a share of pairs.
# ```
#
# The paper cuts six {term}`views <view>` from a work because a {term}`culture` should show in every crop, and a
# {term}`tag` only where its thing is. On photographs nobody can check that. The drawn collection
# ({doc}`00_collection`) knows where each thing is, so this chapter tests the premise, and what a network can see at all.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.config import get_profile
from imet.report.pages import Page
from imet_simulation import read_ground_truth

# On a profile of photographs this page still looks at the drawings of the sample profile.
drawn = profile if get_profile(profile).data == "simulated" else "sample"
run = runs.run("resnet50", drawn, seed=seed, device=device, overrides={"views": "one"})
parts = run.parts
truth = read_ground_truth(parts.collection)
shown = truth.targets  # (N, K) what is drawn, whatever the annotator wrote

page = Page("02b_what_a_view_shows", profile, seed, device, pictures=drawn)
page["run"] = run.folder.name
page.values

# %% [markdown]
# ## Cultures everywhere, tags here and there
#
# A linear head on the frozen network is trained with all labels on whole pictures only, squeezed to a
# square: it has never seen a crop. Then it scores held-out works twice, on the whole picture
# and on five crops one by one, and is judged by what is *truly* shown. If cultures are in every crop and
# tags are not, AUC must fall for tags only. The boxes also show which crops have the thing in them.

# %%
import dataclasses

import numpy as np

from imet import inspection

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

# %% [markdown]
# Each work with a label is ranked above a share of the works without it; AUC is the mean of these shares
# over the works with the label. Taken apart like this, it can be averaged over chosen crops.

# %%
from imet.report.datasheet import crop_windows, macro_interval, placement_values
from imet.report.tables import with_interval
from imet_simulation import visible_shares

ranked_above = np.stack([placement_values(logits[:, v], targets) for v in range(6)], 1)  # (n, 6, K)
on_whole, on_crop = np.broadcast_arrays(ranked_above[:, :1], ranked_above[:, 1:])  # (n, 5, K)
windows = np.concatenate(
    [crop_windows(part, run.recipe, truth.sizes) for part in held_out]
)  # (n, 5, 4)
visible = visible_shares(truth, rows, columns, windows)  # (n, 5, K)
groups = {
    "cultures": is_culture,
    "tags": ~is_culture,
    "tags: thing inside the crop": ~is_culture & (visible >= 0.9),
    "tags: thing cut by the edge": ~is_culture & (visible > 0) & (visible < 0.9),
    "tags: thing outside": ~is_culture & (visible == 0),
}
seen, measured_on = {}, {}
for name, mask in groups.items():
    values = np.where(mask, [on_whole, on_crop, on_crop - on_whole], np.nan)  # (3, n, 5, K)
    known = np.isfinite(values[1])
    measured_on[name] = {"labels": int(known.any((0, 1)).sum()), "crops": int(known.sum())}
    kinds = ("whole picture", "one crop", "difference")
    seen[name] = {kind: macro_interval(value) for kind, value in zip(kinds, values)}
    page[f"seen.{name}"] = measured_on[name] | {
        kind: with_interval(interval if np.isfinite(interval.value) else None)
        for kind, interval in seen[name].items()
    }
shares = visible[np.broadcast_to(targets[:, None] & ~is_culture, visible.shape)]
shares = shares[np.isfinite(shares)]
page["visibility"] = {"mean": float(shares.mean()), "outside": float((shares == 0).mean())}

# %% tags=["hide-input"]
from imet.report.plots.comparisons import forest_plot

lines = {}
for name, row in seen.items():
    both = {kind: row[kind] for kind in ("whole picture", "one crop")}
    lines[name] = {kind: auc for kind, auc in both.items() if np.isfinite(auc.value)}
forest_plot(lines, value_name="mean AUC over labels", reference=0.5)

# %% [markdown]
# ```{caption} fig-premise
# :alt: Five lines, for cultures, all tags, and tags whose thing is inside, cut by or outside the
#   crop, each with two marks and their intervals: whole picture and one crop.
# Mean AUC over labels, on whole pictures and on single crops of the same held-out works, for a head that was
# trained on whole pictures and is judged by the truth. Bars are 95 % intervals over works and labels;
# .5 is guessing.
# ```

# %%
import pandas as pd

from imet.report.tables import show

table = pd.DataFrame(seen).T.map(lambda interval: f"{interval:.3f}".replace(" [", "\n["))
table = pd.DataFrame(measured_on).T.join(table.replace("nan\n[nan, nan]", "–"))
table.rename(columns={"crops": "crops of a true label"}).pipe(show)

# %% [markdown]
# “Inside” means that the crop holds nine tenths of the thing's box or more. Lines three to five rest on
# different works and labels: compare along a line, not down. The differences are paired, and where
# the intervals of lines three to five overlap, their order is not certain.
#
# From the whole picture to one crop the AUC of cultures changes by
# {num}`seen.cultures.difference.value:+.3f` {num}`seen.cultures.difference.interval:+.3f`
# ({num}`seen.cultures.difference.interval:verdict`), from {num}`seen.cultures.whole picture.value:.2f` to
# {num}`seen.cultures.one crop.value:.2f`, and that of tags by {num}`seen.tags.difference.value:+.3f`
# {num}`seen.tags.difference.interval:+.3f` ({num}`seen.tags.difference.interval:verdict`). One half of the
# premise is that cultures show in crops, too, and AUC says how much. The other half is that tags get
# lost. Here the difference is {num}`seen.tags: thing outside.difference.value:+.3f`
# {num}`seen.tags: thing outside.difference.interval:+.3f` on crops *without* the thing,
# {num}`seen.tags: thing cut by the edge.difference.value:+.3f`
# {num}`seen.tags: thing cut by the edge.difference.interval:+.3f` where it is cut, and
# {num}`seen.tags: thing inside the crop.difference.value:+.3f`
# {num}`seen.tags: thing inside the crop.difference.interval:+.3f` on crops with all of it. But crops without
# the thing are rare. A crop
# holds {num}`visibility.mean:.0%` of a true tag's things on average and nothing of them in
# {num}`visibility.outside:.0%` of cases: it is three quarters as wide as the picture's shorter
# side, about half of an ordinary picture, and things are large or come in numbers.
#
# Two things follow. A rule that takes the tags off every training crop, as the paper's does, takes
# off many that are plainly there; {doc}`03_baseline` shows what that does. And where the thing is
# outside, the AUC on crops is {num}`seen.tags: thing outside.one crop.value:.2f`: as far as that is above one
# half, the rest of the picture, its composition and its culture, tells what else is likely to be in it. A
# high AUC for a tag is no proof that the thing was seen.

# %% [markdown]
# ## Size
#
# The smaller a thing, the less of it is left once its picture has been squeezed to the network's
# square.

# %%
from imet.metrics import roc_auc_per_class
from imet.report.tables import or_dash
from imet.statistics import spearman
from imet_simulation import covered_share

auc = roc_auc_per_class(logits[:, 0], targets)  # (K,)
positives = targets.sum(0)
covers = [covered_share(truth, k) for k in columns]  # (n,) each
covered = np.array([np.median(share) if len(share) else np.nan for share in covers])  # (K,)
measured = ~is_culture & (positives >= min(5, positives[~is_culture].max())) & (covered > 0)
page["size"] = {
    "labels": int(measured.sum()),
    "spearman": or_dash(spearman(covered[measured], auc[measured])),
}

# %% tags=["hide-input"]
from imet.report.plots.comparisons import label_scatter

low = [k for k in np.argsort(auc) if measured[k]][:4]
small = np.argsort(np.where(measured, covered, np.inf))[:3]
label_scatter(
    covered[measured],
    {"whole picture": auc[measured]},
    x_name="share of the picture that its things cover",
    y_name="AUC",
    reference=0.5,
    named=[(parts.labels.short(k), covered[k], auc[k]) for k in dict.fromkeys([*low, *small])],
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
# at the right edge name the whole work, such as manuscripts or landscapes: they are compositions by
# another name, and as easy as cultures.
#
# ## Labels not told from chance
#
# Which labels can the network not see? The table lists labels with at least three true held-out works whose
# AUC on whole pictures lies below .65 or whose 95 % interval {cite}`hanley1982` reaches .5, worst first.

# %%
from imet.statistics import auc_interval

tested = [k for k in np.argsort(auc) if positives[k] >= 3 and np.isfinite(auc[k])]
interval = [auc_interval(auc[k], positives[k], len(rows) - positives[k]) for k in tested]
told_apart = np.array([auc.value >= 0.65 and auc.low > 0.5 for auc in interval], bool)
table = pd.DataFrame(
    {
        "AUC": [f"{auc:.2f}" for auc in interval],
        "true works held out": positives[tested],
        "works to learn from": parts.train.targets.sum(0)[tested],
        "covers of a picture": covered[tested],
    },
    index=pd.Index([parts.labels.names[k] for k in tested], dtype=str),
)
poor = table[~told_apart]
page["poor"] = {
    "measured": len(table),
    "labels": len(poor),
    "cultures": int(poor.index.str.startswith("culture::").sum()),
    "few": int((poor["works to learn from"] < 20).sum()),
    "most_held_out": int(poor["true works held out"].max()) if len(poor) else 0,
    "small": int((poor["covers of a picture"] < 0.1).sum()),
}
poor.head(20).pipe(show, {"covers of a picture": "{:.1%}"})

# %% [markdown]
# Of {num}`poor.measured:d` labels with three true held-out works or more, {num}`poor.labels:d` are on
# this list, {num}`poor.cultures:d` of them cultures. The table shows two causes. The first is few works: none
# has more than {num}`poor.most_held_out:d` true works held out, so its interval would be wide whatever
# the network saw, and {num}`poor.few:d` have fewer than twenty works to learn from. The second is size: of
# {num}`poor.labels:d` things {num}`poor.small:d` cover less than a tenth of their picture. Squeezed,
# they look like others of their kind, one four-legged animal or one small figure among several.

# %% [markdown]
# ## Limits of this chapter
#
# - The premise is tested with one frozen network, one seed and a linear head. A network
#   fine-tuned on crops may lose more, or less.
# - Visible shares count the area of boxes, not of the drawing in them.
# - Intervals leave out that another `collection_seed` would draw another collection, and another `seed` train
#   another head.
# - The collection is drawn. How much of a thing a crop of a photograph holds depends on how large
#   things are in photographs.

# %% [markdown]
# ## Summary
#
# - From the whole picture to a crop AUC changes by {num}`seen.cultures.difference.value:+.3f`
#   {num}`seen.cultures.difference.interval:+.3f` for cultures. For tags it changes by
#   {num}`seen.tags: thing outside.difference.value:+.3f` {num}`seen.tags: thing outside.difference.interval:+.3f`
#   where the thing is outside, in {num}`visibility.outside:.0%` of cases, and by
#   {num}`seen.tags: thing cut by the edge.difference.value:+.3f`
#   {num}`seen.tags: thing cut by the edge.difference.interval:+.3f` where it is cut.
# - Where a thing is outside, the rest of the picture still tells of it: a high AUC is no proof that it
#   was seen.
# - Labels are not told from chance for two reasons: few works, and small things.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: AUC by hand
# :label: ex-02b-1
# Works with a label score .9 and .4, works without it .5, .3 and .1. What is the AUC?
# ```

# %% tags=["solution"]
from sklearn.metrics import roc_auc_score

with_label, without = [0.9, 0.4], [0.5, 0.3, 0.1]
pairs = [(a > b) + (a == b) / 2 for a in with_label for b in without]  # a tie counts half
by_hand = np.mean(pairs)
assert np.isclose(by_hand, roc_auc_score([1, 1, 0, 0, 0], with_label + without))
float(by_hand)

# %% [markdown]
# ```{solution} ex-02b-1
# :class: dropdown
# 5/6: of six pairs five are in the right order.
# ```

# %% [markdown]
# ```{exercise} Level 2: how much of a thing is in a crop?
# :label: ex-02b-2
# A thing spans pixels 200 to 260 of a picture 300 pixels wide, and a crop of 224 begins anywhere. How much
# of the thing does the crop hold on average, and how often does it hold nothing?
# ```

# %% tags=["solution"]
begins = np.arange(300 - 224 + 1)
held = np.clip(np.minimum(260, begins + 224) - np.maximum(200, begins), 0, None) / 60
assert held.min() > 0
round(float(held.mean()), 2), float((held == 0).mean())

# %% [markdown]
# ```{solution} ex-02b-2
# :class: dropdown
# It holds 86 % on average, and never nothing: along one axis a crop of three quarters always meets a thing of a
# fifth. A thing gets lost only with both axes together, or in a wide picture.
# ```

# %% [markdown]
# ```{exercise} Level 2: tags from cultures
# :label: ex-02b-3
# How well can tags be ranked by somebody who sees nothing but the true cultures of a work? Use the training
# works.
# ```

# %% tags=["solution"]
train_targets = parts.train.targets.astype(float)
culture_train, tag_train = train_targets[:, is_culture], train_targets[:, ~is_culture]
p_tag = (culture_train.T @ tag_train + 1) / (culture_train.sum(0)[:, None] + 2)  # (cultures, tags)
by_culture = np.log(p_tag).T @ targets[:, is_culture].T.astype(float)  # (tags, n)
auc_by_culture = roc_auc_per_class(by_culture.T, targets[:, ~is_culture])
page["by_culture"] = or_dash(
    np.nanmean(auc_by_culture) if np.isfinite(auc_by_culture).any() else None
)
page.values["by_culture"]

# %% [markdown]
# ```{solution} ex-02b-3
# :class: dropdown
# The mean AUC over tags is {num}`by_culture:.2f`, and no thing was seen at all. That much of any tag's AUC
# may come from the culture.
# ```

# %% [markdown]
# ```{exercise} Level 3: smaller crops
# :label: ex-02b-4
# How often would a box of a true tag lie wholly outside a crop of half the shorter side, of three quarters, or
# of nine tenths? Draw random crops of the held-out works.
# ```

# %% tags=["solution"]
draw_crop = np.random.default_rng(0)
outside = {}
for name, share in (("half", 0.5), ("three quarters", 0.75), ("nine tenths", 0.9)):
    missed = []
    for row in rows:
        height, width = truth.sizes[row]
        crop_side = share * min(height, width)
        for x0, y0, x1, y1 in truth.boxes[row]:
            x, y = draw_crop.uniform(0, width - crop_side), draw_crop.uniform(0, height - crop_side)
            missed.append(x1 < x or x0 > x + crop_side or y1 < y or y0 > y + crop_side)
    outside[name] = float(np.mean(missed))
assert outside["half"] >= outside["nine tenths"]
page["outside"] = outside
outside

# %% [markdown]
# ```{solution} ex-02b-4
# :class: dropdown
# In {num}`outside.half:.0%` of cases at one half, {num}`outside.three quarters:.0%` at three quarters, which is
# nearly the paper's crop, and {num}`outside.nine tenths:.0%` at nine tenths. These shares count single boxes. All
# of a tag's things are outside in {num}`visibility.outside:.0%` of the paper's crops, as things come in numbers.
# The smaller the crop, the better the premise holds.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# AUC of *boats* is .75 on crops without a boat. Why not .5?
# - [ ] The boxes are wrong. :: They are the drawing program's own.
# - [x] Water, composition and culture make boats likely. :: Yes. Context is information, and the model
#   uses it.
# - [ ] AUC of .75 is chance for rare labels. :: Chance is .5 however rare a label is.
# ```
#
# ```{quiz}
# A label's AUC is .62 with the interval [.45, .78]. What may be said?
# - [ ] The network cannot see it. :: The interval contains .78 as well.
# - [ ] The network sees it a little. :: The interval contains .5: these works cannot tell.
# - [x] These works do not tell it from chance. :: Right, and more works might.
# ```
