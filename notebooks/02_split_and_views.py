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
# # Split and views
#
# ```{goals}
# how a split is made and recovered; what the six views are; how to check what a
# program makes of training labels.
#
# {doc}`01_data_exploration`; Python lists and sets.
# ```
#
# Between the table and a model stand three decisions: which works to drop, which to hold back, and
# what part of a picture a network gets to see. The third hides the paper's largest surprise.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.report.pages import Page

parts = runs.load(profile)
works, labels, split = parts.collection, parts.collection.labels, parts.split
page = Page("02_split_and_views", profile, seed, device)
page["split"] = {name: len(part) for name, part in parts.items()}
page.values["split"]

# %% [markdown]
# ## Which works stay?
#
# ```{quote-doc} paper
# :where: §4.2
# We first discarded samples that contain labels appearing less than 3 times out of the 109,237
# images from the official training set. This resulted in 109,200 images and 1,077 labels left,
# which were then split into our own train/validation/test sets with a ratio of 8:1:1
# ```
#
# The rule is applied once, on counts of the whole table. Dropping a work takes its other labels
# away too, so a label that was just frequent enough may end below the limit; neither the paper nor
# its code checks again.

# %%
import numpy as np

from imet.data.split import rare_columns

rare = rare_columns(works.targets)  # (K,) used fewer than three times
kept_works = np.setdiff1d(np.arange(len(works)), split.dropped)
uses = works.targets[:, ~rare][kept_works].sum(0)
page["rare"] = {
    "labels": rare.sum(),
    "works": len(split.dropped),
    "fewest_after": uses.min(),
}
page.values["rare"]

# %%
import pandas as pd

table = []
for name, part in parts.items():
    targets = works.targets[part.rows]  # (N, all labels)
    table.append(
        {
            "part": name,
            "works": len(targets),
            "labels present": targets.any(0).sum(),
            "labels with 3 or more works": (targets.sum(0) >= 3).sum(),
            "most labels on a work": targets.sum(1).max(),
        }
    )
pd.DataFrame(table).set_index("part")

# %%
from scipy.stats import hypergeom

from imet.report.reported import reported_value

kept, men, drawn = (
    int(reported_value(key))
    for key in ("paper.kept_images", "context.count.men", "paper.split.test")
)
page["men.deviation"] = hypergeom.std(kept, men, drawn)  # works, over random splits
page.values["men"]

# %% [markdown]
# Here {num}`rare.labels:d` labels are rare and {num}`rare.works:d` works go with them; after that
# the rarest remaining label has {num}`rare.fewest_after:d` uses.
# On the real table the same rule drops {num}`reported/context.rare_labels:d` labels and leaves
# {num}`reported/paper.kept_images:,d` works with {num}`reported/paper.kept_labels:,d` labels.
#
# ## Which works are held back?
#
# The paper gives only the ratio 8 : 1 : 1. The assignment can be recovered from the authors'
# code, which calls scikit-learn's `train_test_split` on the kept works in file order, first for the test
# part, then for validation from the rest, both with `random_state=231` and without stratification. This book
# makes the same calls. On the real table the paper's Figure 6 confirms them: it counts
# {num}`reported/code.confusion.fn:,d` + {num}`reported/code.confusion.tp:,d` test works with the tag *men*
# (those that the model missed, and those that it named),
# and the test part recovered here has exactly that many. Over random splits this number has a standard
# deviation of about {num}`men.deviation:.0f` works.
#
# The table above shows the price of not stratifying: a part a tenth the size of the collection
# lacks many rare labels altogether, and nothing about them can be measured there. That is why every
# per-label result of this book comes with its number of positives.

# %% [markdown]
# (six-views)=
# ## What does a network see?
#
# ```{quote-doc} paper
# :where: §4.2
# Resizing prevents cropping out local regions associated with *tag* labels, whereas cropping
# prevents shape distortion of objects in the images.
# ```
#
# So every work becomes six views. In training, a work with culture *and* tag labels gives one
# resize with all its labels and five random crops with its *culture* labels only, because a crop
# may have lost the thing a tag names. A work with tags only gives six resizes. In validation and
# test every work gives one resize and five crops. A crop takes 224 pixels of a shorter side of 300.
# Works with a culture label only, which the paper does not mention, are treated like works with both.
# {doc}`02b_what_a_view_shows` asks whether crops do lose the things that tags name.

# %%
from imet.config import resolve
from imet.data.images import read_image
from imet.data.views import make_views, random_crop_windows, work_rng

recipe = resolve("resnet50", profile)
has_culture = works.targets[:, labels.is_culture].any(1)
has_tag = works.targets[:, ~labels.is_culture].any(1)
many = works.targets.sum(1) >= 3
rng = np.random.default_rng(seed)
groups = {
    "culture and tags": has_culture & has_tag & many,
    "tags only": ~has_culture & has_tag,
    "culture only": has_culture & ~has_tag,
    "culture and one tag": has_culture & has_tag & ~many,
}
works_of = {
    name: np.intersect1d(split.train, np.flatnonzero(mask)) for name, mask in groups.items()
}
examples = [rng.choice(rows) for rows in works_of.values() if len(rows)][:2]
shown = read_image(works.path(examples[0]))  # (H, W, 3)
height, width = shown.shape[:2]
cut = random_crop_windows(height, width, 5, work_rng(seed, works.ids[examples[0]]))
boxes = [(left, top, left + side, top + side) for top, left, side in cut]
rng = work_rng(seed, works.ids[examples[0]])  # as before, so the same windows
six = make_views(shown, ["resize", *["crop"] * 5], rng, recipe.input_size)  # (6, 3, S, S)
inside = np.zeros((height, width), bool)
for left, top, right, bottom in boxes:
    inside[top:bottom, left:right] = True
page["drawn"] = {
    "width": width,
    "height": height,
    "side": boxes[0][2] - boxes[0][0],
    "input": recipe.input_size,
    "share": (boxes[0][2] - boxes[0][0]) ** 2 / (height * width),
    "together": inside.mean(),
}
page.values["drawn"]

# %% tags=["hide-input"]
from imet.report.plots.crops import six_views

six_views(shown, boxes, list(six.permute(0, 2, 3, 1).numpy()))

# %% [markdown]
# ```{caption} fig-six-views
# :alt: A picture with five numbered square frames of one size, which overlap; below it six squares, the
#   whole picture squeezed and what each of the five frames cuts out.
# The six views of one work. Above, where the five crops lie; below, what the network gets: the whole
# picture squeezed to a square, so that shapes are distorted, and five squares cut from it, undistorted.
# ```

# %% [markdown]
# In this picture of {num}`drawn.width:d` × {num}`drawn.height:d` pixels a crop is
# {num}`drawn.side:d` pixels wide and is scaled to the network's {num}`drawn.input:d`. Each crop keeps
# {num}`drawn.share:.0%` of the picture, and the five
# together {num}`drawn.together:.0%`: they overlap most in the middle, and a corner may be in none. In general
# a crop keeps 56 % of a square picture, and less of a longer one.
#
# What each view trains on depends on the work's labels:

# %%
from imet.data.views import view_kinds, view_targets

views, kept_labels = {}, {}
for row in examples:
    kinds = view_kinds(has_culture[row], has_tag[row], train=True)
    rng = work_rng(seed, works.ids[row])
    views[row] = make_views(read_image(works.path(row)), kinds, rng, recipe.input_size)
    targets = view_targets(works.targets[row], labels.is_culture, kinds, train=True)  # (6, K)
    total = works.targets[row].sum()
    kept_labels[row] = [f"{k}: {n} of {total} labels" for k, n in zip(kinds, targets.sum(1))]
list(kept_labels.values())

# %% tags=["hide-input"]
from imet.report.plots.examples import view_strip

view_strip(
    [list(views[row].permute(0, 2, 3, 1).numpy()) for row in views],
    [kept_labels[row] for row in views],
    headings=[
        ", ".join(labels.short(k) for k in np.flatnonzero(works.targets[row])) for row in views
    ],
)

# %% [markdown]
# ```{caption} fig-views
# :alt: Groups of six square views, one group for each work: a squeezed whole picture and five crops
#   of it where the work has a culture, else six squeezed whole pictures.
# The six training views of two works: one with culture and tags, then one with tags only, where the
# collection has such works. Under each view stand the kind of view and how many of the work's labels
# it trains on.
# ```

# %% [markdown]
# Six resizes of one work are the same picture six times. The figure leaves out what training does to every
# view on its way into the network: half of them are mirrored and, as coded, hue and saturation are jittered a
# little.
#
# In evaluation the crops of each work are drawn once, from a `view_seed` of their own and not from
# the `seed` of training, so two models are always compared on the same pixels. In training the faithful way
# is to draw crops anew each epoch (the profiles `kaggle` and `small` say which they do). Fixed views let
# features be computed once; the sample profile uses them to fit on a laptop.

# %% [markdown]
# (as-coded-crops)=
# ## What the authors' code does with crops
#
# The rule above is what the paper says. In its authors' code the test for a culture label compares
# a *string* with *integers*. It is never true, so **every crop of a work with culture and tags
# trains on no label at all**: the network is told, five times for each such work, that there is nothing
# to see. Both variants can be run here: `crop_targets = "as_written"` or `"as_coded"`.

# %%
from imet.report.tables import show

for variant in ("as_written", "as_coded"):
    coded = resolve("resnet50", profile, {"crop_targets": variant})
    targets = parts.train.view_targets(coded)  # (N, V, K)
    page[f"crop_targets.{variant}"] = {
        "empty_views": (~targets.any(2)).mean(),
        "positives": targets.sum(),
        "labels_a_view": targets.sum(2).mean(),
    }
counts = pd.DataFrame(page.values["crop_targets"])
table = counts.T.set_axis(["views without a label", "positive targets", "labels per view"], axis=1)
show(table, dict(zip(table, ("{:.0%}", "{:,.0f}", "{:.2f}"))))

# %%
page["crop_targets.lost"] = (
    1 - counts.loc["positives", "as_coded"] / counts.loc["positives", "as_written"]
)

# %% [markdown]
# On this collection {num}`crop_targets.as_coded.empty_views:.0%` of the training views carry no label
# as coded, and {num}`crop_targets.lost:.0%` of the positive targets are gone. On the real table the shares are
# {num}`reported/code.crops.empty_views:.0%` of the views and
# {num}`reported/code.crops.lost_positives:.0%` of the positives.
#
# The paper observes that its model “made better predictions on cropped versions of the images than
# the resized versions”. A network that has learned to answer *nothing* to crops predicts fewer labels
# on them: a second explanation, beside the paper's own, the shape of objects. The two
# variants are compared in {doc}`03_baseline` and {doc}`05_resnet50_hog`.
#
# ## Limits
#
# - Figure 6 confirms the split for the run of AttnCNN-RNN that it shows. The other rows were likely made on
#   the same split, but nothing shows it.
# - “Random crops of size 224” of a picture that was not scaled to 300 pixels would show another share
#   of it; here a crop always shows 224/300 of the shorter side.

# %% [markdown]
# ## Summary
#
# - {term}`Rare labels <rare label>` are dropped with every work that carries one, on counts of the whole
#   table.
# - The authors' {term}`split` can be made again, work for work, and a count in their own figure agrees.
# - By the paper's text a crop trains on culture labels only; by its code, on nothing.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: how many works does a label need?
# :label: ex-02-1
# The test part is a tenth of the works. How many works must a label be on to have one there with a
# probability of 95 %, if works are drawn independently?
# ```

# %% tags=["solution"]
from imet.io import REPO, read_json

needed = int(np.ceil(np.log(0.05) / np.log(0.9)))
assert 1 - 0.9**needed >= 0.95 > 1 - 0.9 ** (needed - 1)
real = read_json(REPO / "results" / "imet2019.json")["values"]
page["fewer"] = {
    "here": (works.targets.sum(0) < needed).mean(),
    "there": np.mean(np.array(real["frequency"]) < needed),
}
needed, page.values["fewer"]

# %% [markdown]
# ```{solution} ex-02-1
# :class: dropdown
# On 29, the least $n$ with $1 - 0.9^n \ge .95$. Of the real table's labels {num}`fewer.there:.0%` are on
# fewer works, of this collection's {num}`fewer.here:.0%`.
# ```

# %% [markdown]
# ```{exercise} Level 2: find the mistake
# :label: ex-02-2
# The authors' code looks for the cultures among a work's labels as `coded` does below. Which
# labels does it find, and why? Mend it, and compare with what the paper says.
#
#     culture_ids = {"13", "51"}
#     work = [13, 813]
#     coded = [k for k in work if k in culture_ids]
# ```

# %% tags=["solution"]
culture_ids = {str(i) for i in labels.ids[labels.is_culture]}  # read from a file: strings
work = works.targets[examples[0]]
ids_of_work = [int(i) for i in labels.ids[work]]  # integers
coded = [k for k in ids_of_work if k in culture_ids]  # never true
mended = [k for k in ids_of_work if str(k) in culture_ids]
assert coded == []
assert mended == labels.ids[work & labels.is_culture].tolist()
coded, mended

# %% [markdown]
# ```{solution} ex-02-2
# :class: dropdown
# None: `13 == "13"` is false in Python, and a set looks for equal members, so no label is ever found and nothing
# complains. One `int` or `str` mends it. A test with one known work would have caught it; so would printing
# how many labels a batch carries.
# ```

# %% [markdown]
# ```{exercise} Level 2: how much of a picture is in a crop?
# :label: ex-02-3
# A picture is scaled to a shorter side of 300 and a crop has 224. What share of a square picture is in a
# crop, and of one that is three times as wide as high? How likely is a pixel to be inside, at the
# centre and in a corner?
# ```

# %% tags=["solution"]
side, crop = 300, 224
left = np.arange(side - crop + 1)  # where a crop may begin, along one axis
inside = np.array([((left <= x) & (x < left + crop)).mean() for x in range(side)])
assert np.isclose(inside.mean(), crop / side)
share = {"square": (crop / side) ** 2, "3 : 1": crop**2 / (side * 3 * side)}
pixels = {"centre": inside[side // 2] ** 2, "corner": inside[0] ** 2}
share | {name: round(float(held), 5) for name, held in pixels.items()}

# %% [markdown]
# ```{solution} ex-02-3
# :class: dropdown
# 56 % of a square and 19 % of the wide one. The centre is in every crop of a square picture and the corner
# pixel in hardly any: a crop loses the edge, and photographers put things in the middle.
# ```

# %% [markdown]
# ```{exercise} Level 3: was it a lucky split?
# :label: ex-02-4
# Make twenty random splits with other seeds. How many labels do they leave without a validation work? Where
# among them does the split in use stand, which is made as the paper's authors made theirs?
# ```

# %% tags=["solution"]
from sklearn.model_selection import train_test_split

kept_targets = works.targets[kept_works][:, ~rare]
empty = []
for other_seed in range(20):
    rest, _ = train_test_split(kept_targets, test_size=0.1, random_state=other_seed)
    _, validation = train_test_split(rest, test_size=1 / 9, random_state=other_seed)
    empty.append(int((~validation.any(0)).sum()))
page["empty"] = {
    "low": min(empty),
    "high": max(empty),
    "here": (~works.targets[parts.val.rows][:, ~rare].any(0)).sum(),
}
page.values["empty"]

# %% [markdown]
# ```{solution} ex-02-4
# :class: dropdown
# Other seeds leave {num}`empty.low:d` to {num}`empty.high:d` labels without a validation work, the split in
# use {num}`empty.here:d`. Chance decides which labels a macro average covers; stratifying would fix that
# for labels with enough works.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A work carries *french*, *men* and a label that is on two works only. What happens to the work?
# - [ ] It loses the rare label and stays. :: The rule drops works, not labels of works.
# - [x] It goes, with all its labels. :: Yes. So *men* loses a work, too, and nobody counts again.
# - [ ] It goes to the training part. :: The rule is applied before the split, to all works alike.
# ```
#
# ```{quiz}
# As coded, what does a crop of a work with culture and tags learn?
# - [ ] Its cultures. :: That is what the paper says. The comparison in the code is never true.
# - [x] That there is nothing to see. :: Right: its targets are all zero, and the loss counts them.
# - [ ] Nothing, it is skipped. :: It is not skipped: an empty target is a target.
# ```
