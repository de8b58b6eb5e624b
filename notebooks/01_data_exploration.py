# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The collection
#
# ```{goals}
# what a long tail of labels looks like; what lift is; which facts of the table every later chapter rests
# on.
#
# nothing but the idea of a table of works and labels.
# ```
#
# Both documents start from the same table: photographs of museum objects, each with a few labels
# that one person chose. Before any model, this chapter asks what there is to learn, and from how
# many examples.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.data.summary import summarise
from imet.report.pages import Page

parts = runs.load(profile)
works, labels = parts.collection, parts.collection.labels
page = Page("01_data_exploration", profile, seed, device)
facts = summarise(works.root)
page["facts"] = {key: value for key, value in facts.items() if key != "counts"}
page.values["facts"]

# %%
from imet.io import REPO, read_json
from imet.report.collection_statistics import aspect_ratios, statistics

ratio = aspect_ratios(works)  # (N,) width over height
here = statistics(works, ratio)
real = read_json(REPO / "results" / "imet2019.json")["values"]
ours, theirs = f"this collection ({profile})", "iMet Collection 2019"
page["kinds"] = here["kinds"]
here["kinds"]

# %% [markdown]
# ## What is in it?
#
# ```{quote-doc} paper
# :where: §1
# This sample has a *culture* label “American” that describes its style, and two *tag* labels “men”
# and “portraits” which depict subjects that can be observed from this picture.
# ```
#
# Every label is either a *culture*, which describes a work as a whole, or a *tag*, which names a
# thing to be seen somewhere in it. A work can have several of each. {numref}`fig-samples` shows
# works as the paper's Figure 1 does, with culture labels in italics.

# %% tags=["hide-input"]
import numpy as np

from imet.data.images import read_image
from imet.report.plots.examples import picture_grid

rng = np.random.default_rng(seed)
ordinary = np.flatnonzero((works.targets.sum(1) >= 2) & (ratio > 0.5) & (ratio < 2))
shown = rng.choice(ordinary, 12, replace=False)
picture_grid(
    [read_image(works.path(row)) for row in shown],
    [[labels.names[k] for k in np.flatnonzero(works.targets[row])] for row in shown],
)

# %% [markdown]
# ```{caption} fig-samples
# :alt: A grid of twelve works of the collection, each over its labels; names of cultures are in
#   italics and tags upright.
# Works of the collection with their labels, as the paper's Figure 1 shows them. Names of cultures are
# in italics, tags upright.
# ```

# %% mystnb={"figure": {"name": "cover"}} tags=["remove-cell"]
from imet.report.plots.examples import mosaic

wall = rng.choice(np.flatnonzero((ratio > 0.4) & (ratio < 3)), 17, replace=False)
mosaic([read_image(works.path(row)) for row in wall])

# %% [markdown]
# The collection of this build has {num}`facts.rows:,d` works and {num}`facts.labels:,d` labels,
# {num}`facts.culture:,d` of them cultures and {num}`facts.tag:,d` tags; a work carries
# {num}`facts.mean_labels:.2f` on average and {num}`facts.max_labels:d` at most. The real one has
# {num}`reported/paper.images:,d` works and {num}`reported/paper.labels:,d` labels. On the sample
# profile the works are drawn by a program, so that anybody can run this book: Kaggle's
# pictures may not be handed on. Whatever is said on that profile is said of drawings.

# %% [markdown]
# ## How often is a label used?
#
# A few labels are everywhere and most are nearly nowhere. On logarithmic axes the curve of
# {numref}`fig-frequency` falls over its whole length: there is no group of “normal” labels.

# %% tags=["hide-input"]
from imet.report.plots import collection as charts

charts.label_frequency({ours: here["frequency"], theirs: real["frequency"]})

# %% [markdown]
# ```{caption} fig-frequency
# :alt: Two falling curves on logarithmic axes of works against rank of the label; both end in a tail
#   of labels with one or two uses.
# Uses of every label, most frequent first, on logarithmic axes, for this collection and for the real
# one (its counts are recorded). Labels under the dotted line are rare, and are dropped with every
# work that carries one.
# ```

# %%
import pandas as pd

from imet.report.plots.style import short

columns = {}
for name, data in ((ours, here), (theirs, real)):
    for kind in ("culture", "tag"):
        top = data[f"top_{kind}"][:8]  # (label, works)
        shares = [f"{short(label)} ({count / data['works']:.1%})" for label, count in top]
        columns[f"{name}: {kind}"] = pd.Series(shares, index=range(1, len(top) + 1), dtype=str)
pd.DataFrame(columns).rename_axis("rank").fillna("–")

# %% [markdown]
# The table gives the most frequent labels with the share of works that carry them.
# {num}`facts.rare_labels:d` labels of this collection are used fewer than three times. A model can
# learn nothing about a label it sees once, and nobody can measure what it learned. The paper drops
# these labels, and with them every work that carries one ({doc}`02_split_and_views`). The poster
# keeps them.
#
# ```{quote-doc} poster
# :where: Discussion
# There are classes that have only 1 or 2 images associated with it. That complicates the analysis
# and training procedure, and may result in overtraining the model for that class.
# ```

# %% [markdown]
# ## How many labels does a work carry?
#
# The paper decodes up to {num}`reported/paper.rnn.steps:d` labels *per view*, “the maximum number of labels
# in the training set”, and a work gets the union over its six views. In the real table one training work
# has {num}`reported/context.max_labels.train:d`.

# %% tags=["hide-input"]
charts.labels_per_work(
    {
        name: np.repeat(np.arange(len(data["labels_per_work"])), data["labels_per_work"])
        for name, data in ((ours, here), (theirs, real))
    }
)

# %% [markdown]
# ```{caption} fig-labels-per-work
# :alt: Bars of the share of works by number of labels, for both collections; most works carry two to
#   four labels.
# Labels on a work, as a share of works. Most carry two to four.
# ```

# %% tags=["hide-input"]
charts.label_kinds({ours: here["kinds"], theirs: real["kinds"]})

# %% [markdown]
# ```{caption} fig-kinds
# :alt: One bar for each collection, divided into works with a culture only, with culture and tags, and with
#   tags only.
# Which kinds of label works carry. The paper's rule for views treats works with tags only in a way of their
# own, and never mentions works with a culture only.
# ```

# %% [markdown]
# ## Which labels go together?
#
# If labels were independent, a classifier could look at each alone. *Lift* says how much more often
# two labels meet than independent labels would: 1 means independence, 2 twice as often.

# %%
order = np.argsort(-works.targets.sum(0), kind="stable")  # the most frequent label first
cultures = order[labels.is_culture[order]][:9]
tags = order[~labels.is_culture[order]][:9]
if not (len(cultures) and len(tags)):  # a collection of one kind: its labels with each other
    cultures = tags = order[:9]
lifts = charts.lift(works.targets[:, cultures], works.targets[:, tags])  # (9, 9)
lifts[cultures[:, None] == tags] = np.nan
culture, tag = np.unravel_index(np.nanargmax(lifts), lifts.shape)
page["lift"] = {
    "culture": labels.short(cultures[culture]),
    "tag": labels.short(tags[tag]),
    "value": lifts[culture, tag],
}
page.values["lift"]

# %% tags=["hide-input"]
charts.cooccurrence(lifts, [labels.names[k] for k in cultures], [labels.names[k] for k in tags])

# %% [markdown]
# ```{caption} fig-cooccurrence
# :alt: A table of coloured cells, cultures down and tags across, with the lift of each pair written
#   in it.
# Lift of the most frequent cultures with the most frequent tags of this collection: how many times
# more often the two meet than if they were independent.
# ```

# %% [markdown]
# The strongest pair of {numref}`fig-cooccurrence` is *{num}`lift.culture`* with *{num}`lift.tag`*,
# {num}`lift.value:.1f` times as often as by chance. Such dependence is what the paper's recurrent
# network is meant to use.

# %% [markdown]
# ## What shapes do the pictures have?
#
# Kaggle scaled every picture to a shorter side of 300 pixels. A network wants a square, and a scroll
# 25 times as wide as high does not fit one without squeezing or cutting. The six views of the
# {doc}`next chapter <02_split_and_views>` answer this problem.

# %% tags=["hide-input"]
charts.aspect_ratios({ours: here["aspect"], theirs: real["aspect"]})

# %% [markdown]
# ```{caption} fig-aspect
# :alt: Histograms of width over height for both collections, with a peak near square pictures and
#   long tails on both sides.
# Width over height of the pictures, both axes logarithmic, from 401 evenly spaced quantiles of each
# collection. The real collection reaches 25 : 1; the
# paper names a picture of 4428 by 300 pixels.
# ```

# %% [markdown]
# ## Limits
#
# - Labels are noisy: one person chose them and nobody checked. What a label's absence means is
#   unknown.
# - Counts say how often a label is used, not how hard it is to see.
# - The simulated collection was made to look like the real one in these figures. It is no evidence
#   about museums: a “culture” in it is a manner of drawing, not a claim about people.

# %% [markdown]
# ## Summary
#
# - A few {term}`labels <label>` are everywhere and most are nearly nowhere: there is no typical label.
# - Works carry a handful of labels, and which kinds they carry decides what the paper's {term}`views
#   <view>` train on.
# - Labels depend on each other ({term}`lift`), and pictures have shapes that no square fits.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: how much do ten labels cover?
# :label: ex-01-1
# What share of all uses of labels falls on the ten most frequent ones, here and in the real table? Guess
# first.
# ```

# %% tags=["solution"]
share_of_ten = {
    name: np.sort(data["frequency"])[::-1][:10].sum() / np.sum(data["frequency"])
    for name, data in (("here", here), ("there", real))
}
assert all(0 < share <= 1 for share in share_of_ten.values())
page["ten"] = share_of_ten
page.values["ten"]

# %% [markdown]
# ```{solution} ex-01-1
# :class: dropdown
# {num}`ten.here:.0%` here and {num}`ten.there:.0%` in the real table, of {num}`facts.labels:,d` and
# {num}`reported/paper.labels:,d` labels. A model that knows only these ten can find that share of all uses. The
# floor of {doc}`03_baseline` knows only the most frequent labels, and has a test F2 of
# {num}`03_baseline/test.floor_f2:.3f`; the baseline has {num}`03_baseline/test.f2:.3f`. An average over
# works does not show how few labels the floor knows; an average over labels does.
# ```

# %% [markdown]
# ```{exercise} Level 1: the mean label
# :label: ex-01-2
# A work has $\bar n$ of $K$ labels on average. On what share of the works is a label, on
# average? Why does hardly any label have that share?
# ```

# %% tags=["solution"]
density = works.targets.mean()
assert np.isclose(density, works.targets.sum(1).mean() / len(labels))
page["density"] = {"mean": density, "median": np.median(works.targets.mean(0))}
page.values["density"]

# %% [markdown]
# ```{solution} ex-01-2
# :class: dropdown
# On $\bar n / K$ of the works, here {num}`density.mean:.2%`; the median label is on
# {num}`density.median:.2%`. A few very frequent labels make the mean, and most labels lie below it.
# ```

# %% [markdown]
# ```{exercise} Level 2: what is lift without dependence?
# :label: ex-01-3
# Shuffle the column of a tag many times and compute its lift with a culture each time. Do this for the strongest
# pair above and for a tag that is expected to meet the same culture once or twice. Where does the lift lie, and
# how far does it spread?
# ```

# %% tags=["solution"]
c, t = cultures[culture], tags[tag]  # the strongest pair above
meetings = works.targets[:, c].sum() * works.targets.mean(0)  # (K,) expected with that culture
meetings[c] = np.inf
rare = int(np.abs(meetings - 1.5).argmin())
shuffle = np.random.default_rng(1)
for name, other in (("strongest", t), ("rare", rare)):
    columns = [
        (works.targets[:, c], shuffle.permutation(works.targets[:, other])) for _ in range(500)
    ]
    lifts_by_chance = [(a & b).sum() / meetings[other] for a, b in columns]
    page[f"shuffled.{name}"] = {
        "with": labels.short(other),
        "expected": meetings[other],
        "mean": np.mean(lifts_by_chance),
        "range": np.quantile(lifts_by_chance, [0.025, 0.975]),
    }
page.values["shuffled"]

# %% [markdown]
# ```{solution} ex-01-3
# :class: dropdown
# Around one, by construction. For the strongest pair chance gives {num}`shuffled.strongest.expected:.1f`
# meetings, and 95 % of the lifts lie in {num}`shuffled.strongest.range:.2f`; for *{num}`shuffled.rare.with`*
# {num}`shuffled.rare.expected:.1f` meetings are expected, and they lie in {num}`shuffled.rare.range:.2f`. The
# fewer meetings are expected, the wider the lift spreads; with one or two, a lift of two means nothing.
# ```

# %% [markdown]
# ```{exercise} Level 3: is the tail a power law?
# :label: ex-01-4
# A power law would be a straight line on logarithmic axes. Fit a line to the first hundred ranks and another to
# the next hundred, in both collections, and compare the slopes.
# ```

# %% tags=["solution"]
slopes = {}
for name, data in (("here", here), ("there", real)):
    uses = np.sort(np.array(data["frequency"], float))[::-1]
    uses = uses[uses > 0]
    rank = np.arange(1, len(uses) + 1)
    half = min(100, len(uses) // 2)
    slopes[name] = [
        float(np.polyfit(np.log(rank[part]), np.log(uses[part]), 1)[0])
        for part in (slice(0, half), slice(half, 2 * half))
    ]
page["slopes"] = slopes
slopes

# %% [markdown]
# ```{solution} ex-01-4
# :class: dropdown
# No. In the real table the slope goes from {num}`slopes.there.0:.2f` to {num}`slopes.there.1:.2f`, here from
# {num}`slopes.here.0:.2f` to {num}`slopes.here.1:.2f`. A line that bends down like the real table's falls faster
# than a power law, and a model of frequencies that assumes a power law promises rare labels more works than
# there are.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# *men* is on 18 % of works and *flowers* on 8 %; they meet on 0.7 %. What is their lift?
# - [ ] 0.7, they avoid each other strongly :: The lift is a ratio to what independence gives, which is
#   1.44 %.
# - [x] about 0.5, half as often as by chance :: Yes: 0.7 / (0.18 × 8) = 0.49.
# - [ ] 2, twice as often as by chance :: That is the ratio upside down.
# ```
#
# ```{quiz}
# What does it mean if a work lacks a label?
# - [ ] The thing is not in the picture. :: One person chose the labels and nobody checked. Things are
#   left out.
# - [x] The label was not given. Whether the thing is there is not known. :: Right. That is why “false” positives
#   may be true.
# - [ ] The annotator was asked and said no. :: Nobody went through all labels for each work.
# ```
