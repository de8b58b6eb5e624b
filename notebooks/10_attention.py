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
# # Attention
#
# ```{goals}
# how attention maps can be judged where the truth is known; which rivals it has to beat;
# why a persuasive picture proves little.
#
# {doc}`06_attn_cnn_rnn`; boxes and their overlap ({term}`IoU`).
# ```
#
# The model says where it looked when it chose a label. Pictures of that are persuasive. Whether they are true can
# be asked where the place of things is known, from a drawing program or from boxes that somebody drew.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import numpy as np

from imet import runs
from imet.inspection import steps_of
from imet.report.pages import Page

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
baseline = runs.run("resnet50", profile, seed=seed, device=device)
page = Page("10_attention", profile, seed, device, models=[run, baseline])
part, names = run.parts.test, run.parts.labels.names
works = np.arange(min(len(part), 400))
steps = steps_of(run, part, works, device)
page["attention.regions"] = steps.attention.shape[-1]
steps.attention.shape  # works, views, steps, regions

# %% [markdown]
# ## What does it look at?
#
# ```{quote-doc} paper
# :where: §5.5
# The first column shows the original raw image with ground truth labels (black texts), the second
# column shows one of the six cropped and normalized images obtained from the raw image, and the last
# column shows the local regions of the cropped image where the model attend to for the corresponding
# predicted label (blue texts for correct predictions or red texts for wrong predictions).
# ```
#
# {numref}`fig-attention` follows that layout with the raw weights, square by square. A white frame marks the thing
# itself where its place is known (here to {num}`boxes`). The works are drawn at random from those with a right
# tag. {numref}`fig-attention-smooth` shows the same in the manner of the authors' code, smoothed by
# {num}`reported/code.overlay.sigma:d` pixels.

# %%
is_tag = ~run.parts.labels.is_culture
kept, label = steps.kept[:, 0], steps.labels[:, 0]  # (n, T), of the resized view
hit = np.take_along_axis(part.targets[works], label, 1)  # (n, T) the annotator agrees
right_tags = kept & hit & is_tag[label]
candidates = np.flatnonzero(right_tags.any(1))
candidates = candidates if len(candidates) >= 2 else works
rng = np.random.default_rng(seed)
chosen = np.sort(rng.choice(candidates, min(2, len(candidates)), replace=False))
len(candidates), right_tags.sum()

# %%
from imet.data.source import known_boxes

marked = known_boxes(part.collection)
page["boxes"] = marked.source if marked else "nobody"

# %%
from imet.inspection import SIGMA, boxes_on_view, upsample_attention, view_pictures
from imet.report.plots.overlays import Attended

side = run.recipe.input_size
shown = [view_pictures(run, part, int(w)) for w in chosen]
attended, smoothed = [], []
for w, (picture, _, _) in zip(chosen, shown):
    order = [t for t in range(label.shape[1]) if kept[w, t]] or [0]
    tags_first = sorted(order, key=lambda t: (not is_tag[label[w, t]], t))[:3]
    for column, sigma in ((attended, 0.0), (smoothed, SIGMA * side / 224)):
        column.append([])
        for t in tags_first:
            boxes = None
            if marked:
                boxes = marked.boxes_of(part.rows[w], part.columns[label[w, t]])
                boxes = boxes_on_view(boxes, *picture.shape[:2], side).round().astype(int)
            overlay = upsample_attention(steps.attention[w, 0, t], side, sigma)
            column[-1].append(Attended(names[label[w, t]], bool(hit[w, t]), overlay, boxes))
words = [[names[k] for k in np.flatnonzero(part.targets[w])] for w in chosen]

# %% tags=["hide-input"]
from imet.report.plots.overlays import attention_examples

attention_examples([s[0] for s in shown], words, [s[1][0] for s in shown], attended)

# %% [markdown]
# ```{caption} fig-attention
# :alt: Two works. Beside each picture stand its view and up to three grey copies of it with coloured
#   squares where the model looked, titled with the predicted label.
# Attended regions, the paper's Figure 4: the picture over the annotator's labels, the resized view, and, for up to
# three predicted labels, the attention when each was chosen; blue with a tick is right, red with a cross is wrong.
# Grey regions get no attention, and purple, orange and yellow ones increasingly more; a white frame is the thing
# itself: a red label with a frame is really there, and the annotator left it out.
# ```

# %% tags=["hide-input"]
attention_examples([s[0] for s in shown], words, [s[1][0] for s in shown], smoothed)

# %% [markdown]
# ```{caption} fig-attention-smooth
# :alt: The same works with a soft wash of colour in place of squares.
# The same, smoothed as in the authors' code: single regions are spread over the whole view, and nothing shows how
# coarse the model's grid is.
# ```

# %% [markdown]
# ## How much does it choose?
#
# Attention that is spread evenly chooses nothing. Its *spread* is the entropy of the weights as a share
# of the largest possible: one is an even map, zero a single region.

# %%
import pandas as pd

from imet.inspection import normalised_entropy
from imet.report.tables import or_dash, show

spread = normalised_entropy(steps.attention)[:, 0]  # (n, T)
attention = steps.attention[:, 0]  # (n, T, P)
page["attention.spread"] = or_dash(spread.mean())
page["attention.moves"] = or_dash(np.abs(np.diff(attention, axis=1)).sum(-1).mean() / 2)
pd.DataFrame(
    {
        "step": np.arange(1, label.shape[1] + 1),
        "mean spread": spread.mean(0),
        "largest weight, times an even one": attention.max(-1).mean(0) * attention.shape[-1],
        "labels kept": kept.mean(0),
    }
).pipe(show, {"labels kept": "{:.0%}"}, index=False)

# %% [markdown]
# From one step to the next {num}`attention.moves:.1%` of the attention moves to other regions. If it
# hardly moves, it does not follow the label: it looks where there is something to see.
#
# ## Does it look at the thing?

# %%
from imet.inspection import head_weights
from imet.report.attention import score_maps

weights = head_weights(baseline)  # (K, D) of the baseline's linear layer
scores = pd.DataFrame(columns=["work", "label", "map", "hit", "mass", "area"])
if marked:
    scores = score_maps(part, works, steps, right_tags, marked, weights, side)
labels = scores[scores["map"] == "attention"]
enough = labels["work"].nunique() > 1
page["scored"] = len(labels)
named = scores.assign(label=[run.parts.labels.short(k) for k in scores["label"]])
named.tail(4).pipe(show, index=False)

# %% [markdown]
# Each time the model correctly names a tag whose thing is in the picture, its map can be scored against the
# thing's boxes, in two ways: does the *highest* region lie in a box (the pointing game), and what share of all
# weight do the boxes hold? Three rivals use no attention: Grad-CAM, which asks which regions speak for the label
# in the *baseline* (for a linear layer on mean features it is the class activation map); a Gaussian in the centre,
# where things tend to be; and an even map, whose score is the area of the boxes.

# %%
if enough:
    print(
        f"{len(labels)} labels on {labels['work'].nunique()} test works can be scored; their boxes "
        f"cover {labels['area'].mean():.0%} of the view on average. Means are over works, a work's "
        "labels averaged first."
    )
else:
    print("On these pictures no box is known, or too few are: nothing can be scored.")

# %%
from imet.statistics import mean_interval

MAPS = ("attention", "Grad-CAM of the baseline", "centre", "even")
by_work = scores.groupby(["map", "work"])[["hit", "mass"]].mean()  # labels share a picture
hits = {}
for name in MAPS if enough else ():
    hits[name] = {
        "highest region in a box": mean_interval(by_work.loc[name]["hit"]),
        "weight in the boxes": mean_interval(by_work.loc[name]["mass"]),
    }
for name, key in zip(MAPS, ("attention", "grad_cam", "centre", "even")):
    page[f"answer.{key}"] = hits[name]["highest region in a box"].value if enough else "–"
    page[f"mass.{key}"] = hits[name]["weight in the boxes"].value if enough else "–"
page.values["answer"]

# %% tags=["hide-input"]
from imet.report.plots.comparisons import forest_plot
from imet.statistics import Interval

forest_plot(hits or {"no box": {"": Interval(0, 0, 0)}}, value_name="share")

# %% [markdown]
# ```{caption} fig-hits
# :alt: Attention, Grad-CAM, a centre prior and an even map, each with two marks and their intervals.
# How well maps find the thing that a rightly predicted tag names: share of highest regions inside its
# boxes, and share of the whole weight there, with 95 % intervals.
# ```

# %%
from imet.report.tables import with_interval
from imet.statistics import paired_difference

limit = labels["area"].quantile(0.25)
sizes = {
    "all": scores,
    "smallest quarter": scores[scores["area"] <= limit],
    "the rest": scores[scores["area"] > limit],
}
page["answer.limit"], page["answer.small"] = or_dash(limit), with_interval(None)
page["less"] = dict.fromkeys(("grad_cam", "centre", "even_mass"), with_interval(None))
if enough:
    mass = by_work["mass"].unstack("map")
    page["less.even_mass"] = paired_difference(mass["attention"], mass["even"])
rows = []
for rival, key in (("Grad-CAM of the baseline", "grad_cam"), ("centre", "centre")):
    for size, some in sizes.items() if enough else ():
        means = some.pivot_table(values="hit", index="work", columns="map")
        if len(means) > 1:
            difference = paired_difference(means["attention"], means[rival])
            rows.append((f"attention over {rival}, {size}", f"{difference:+.3f}"))
            if size == "all":
                page[f"less.{key}"] = difference
            if rival != "centre" and size == "smallest quarter":
                page["answer.small"] = difference
pd.DataFrame(rows, columns=["", "difference in hits"]).pipe(show, index=False)

# %% [markdown]
# ## Do small things gain from it?
#
# ```{quote-doc} paper
# :where: §3.3
# some attributes, especially those belonging to *tags*, might be extremely small in the image. [...]
# Hence, to encourage the model to focus on specific regions in the input image, we applied the same
# visual attention mechanism
# ```
#
# If attention helps with small things, labels with small boxes should gain most over the baseline.
# {numref}`fig-size` plots the gain in AUC against the size of the thing.

# %%
from imet.metrics import roc_auc_per_class
from imet.report.attention import median_size
from imet.statistics import bootstrap_statistic, spearman

gained = roc_auc_per_class(run.scores("test"), part.targets)
gained -= roc_auc_per_class(baseline.scores("test"), part.targets)
size = np.full(len(names), np.nan)
if marked:
    train_and_test = np.concatenate([run.parts.train.rows, part.rows])
    size = median_size(marked, train_and_test, part.columns)
several = part.targets.sum(0) >= 3  # the area of one or two works is mostly chance
both = np.isfinite(gained) & np.isfinite(size) & several
page["size.labels"] = both.sum()
rank = bootstrap_statistic(spearman, size[both], gained[both]) if both.sum() > 9 else None
page["size.rank"] = with_interval(rank)  # over tags
page.values["size"]

# %% tags=["hide-input"]
from imet.report.plots.comparisons import label_scatter

label_scatter(
    100 * np.where(both, size, np.nan),
    {"": gained},
    x_name="size of the thing, % of the picture",
    y_name="gain in AUC",
    reference=0,
)

# %% [markdown]
# ```{caption} fig-size
# :alt: A scatter of tags around zero gain, from small to large things.
# Gain in AUC of AttnCNN-RNN over the baseline on test works, by the median share of the picture that
# a tag's largest box covers. One point per tag with three test works or more.
# ```

# %% [markdown]
# The rank correlation of size and gain is {num}`size.rank.value:+.2f` {num}`size.rank.interval:+.2f` over
# {num}`size.labels:d` tags. A value below zero would mean that small things gain more: an interval that contains
# zero says that these tags cannot tell.
#
# ## Are the pictures true?
#
# The highest weight lies in a box of the named thing in
# {num}`answer.attention:.0%` of cases, judged by {num}`boxes`; a map that chooses nothing would reach
# {num}`answer.even:.0%`, Grad-CAM of the baseline {num}`answer.grad_cam:.0%` and a blob in the centre
# {num}`answer.centre:.0%`. Paired by work, attention's share differs by {num}`less.grad_cam.value:+.3f`
# {num}`less.grad_cam.interval:+.3f` from that of Grad-CAM ({num}`less.grad_cam.interval:verdict`) and by
# {num}`less.centre.value:+.3f` {num}`less.centre.interval:+.3f` from that of the centre
# ({num}`less.centre.interval:verdict`). By the second measure {num}`mass.attention:.2f` of its weight lies in the
# boxes, and {num}`mass.even:.2f` of an even map's: a difference of {num}`less.even_mass.value:+.3f`
# {num}`less.even_mass.interval:+.3f`, {num}`less.even_mass.interval:verdict`. The paper wants attention for small
# things; where the boxes cover {num}`answer.limit:.0%` of the view or less, a quarter of the cases, the difference
# from Grad-CAM is {num}`answer.small.value:+.2f` {num}`answer.small.interval:+.2f`,
# {num}`answer.small.interval:verdict`. A model trained for longer may look better; these overlays show where
# weights lie, not why a label was named.
#
# ## Limits
#
# - A map that hits shows that the model looked there, not that it chose the label for what it saw there. Each
#   region has already seen its surroundings: the receptive field of the last feature map covers most of the view.
# - Only right predictions are scored: those of another model would be of other labels.
# - Drawn things have crisp outlines on quiet grounds. Photographs are harder.

# %% [markdown]
# ## Summary
#
# - Attention can be scored: does its highest region lie on the thing, and how much of its weight does?
# - It is compared with two maps that know nothing of the label, the centre and an even map, and one without
#   attention, {term}`Grad-CAM` of the baseline. How often its highest region lies on the thing differs by
#   {num}`less.grad_cam.value:+.3f` {num}`less.grad_cam.interval:+.3f` from Grad-CAM
#   ({num}`less.grad_cam.interval:verdict`) and by {num}`less.centre.value:+.3f` {num}`less.centre.interval:+.3f`
#   from the centre ({num}`less.centre.interval:verdict`); the boxes hold {num}`mass.attention:.2f` of its weight
#   and {num}`mass.even:.2f` of an even map's.
# - A map that hits says where the model looked, not why it named the label.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: even and single
# :label: ex-10-1
# The spread of a map is its entropy as a share of the largest possible. What is it for an even map over 49
# regions, for one region alone, and for half the weight on each of two?
# ```

# %% tags=["solution"]
maps = np.zeros((3, 49))
maps[0], maps[1, 0], maps[2, :2] = 1 / 49, 1, 0.5
spread_of = normalised_entropy(maps)
assert np.allclose(spread_of, [1, 0, np.log(2) / np.log(49)], atol=1e-6)
spread_of

# %% [markdown]
# ```{solution} ex-10-1
# :class: dropdown
# 1, 0 and $\log 2 / \log 49 = .18$.
# ```

# %% [markdown]
# ```{exercise} Level 2: pointing without looking
# :label: ex-10-2
# A thing covers a fifth of the view. How often does the highest region of a random map lie in it? And how
# often does a map that always points to the centre hit, if things cover the centre three times as often as other
# places?
# ```

# %% tags=["solution"]
point = np.random.default_rng(0)
hits_by_chance = (point.random(100_000) < 0.2).mean()
assert abs(hits_by_chance - 0.2) < 0.01
round(float(hits_by_chance), 2), round(3 * 0.2, 2)

# %% [markdown]
# ```{solution} ex-10-2
# :class: dropdown
# A fifth, and three fifths. That is why the centre is needed as a rival: photographers put things there.
# ```

# %% [markdown]
# ```{exercise} Level 2: does it hit large things only?
# :label: ex-10-3
# Any map hits a thing that fills the view. Correlate the hits of a work with the area of its boxes.
# ```

# %% tags=["solution"]
if enough:
    hits_of = scores[scores["map"] == "attention"].groupby("work")["hit"].mean()
    areas_of = scores[scores["map"] == "attention"].groupby("work")["area"].mean()
    page["by_area"] = or_dash(spearman(areas_of, hits_of) if len(hits_of) > 2 else None)
else:
    page["by_area"] = "–"
page.values["by_area"]

# %% [markdown]
# ```{solution} ex-10-3
# :class: dropdown
# The rank correlation of a work's hits with the area of its boxes is {num}`by_area:.2f`. Large things are
# hit whatever the map. Hits on small things away from the centre speak for attention.
# ```

# %% [markdown]
# ```{exercise} Level 3: what would show *why*?
# :label: ex-10-4
# Describe an experiment that tests whether the model named a label *because* of the region it attended to.
# What would you change in the picture, and what would you measure?
# ```

# %% [markdown]
# ```{solution} ex-10-4
# :class: dropdown
# Cover the region (with the mean colour, or with a piece of another work) and see by how much the label's
# probability falls; cover another region of the same size for comparison, and do it on many works. A fall
# larger than the comparison's, with its interval, is evidence; a bright patch is none.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A map hits the thing in 60 % of cases. Is that good?
# - [ ] Yes, more than half. :: The boxes may cover most of the view, or its centre.
# - [x] It depends on how well maps do that know nothing. :: Right: the even map and the centre are the scale.
# - [ ] No, 40 % are missed. :: Perhaps those things are hidden, or named from context.
# ```
#
# ```{quiz}
# Why are smoothed overlays more convincing than raw ones?
# - [x] Smoothing hides how coarse the grid is. :: Yes: a handful of squares becomes an outline.
# - [ ] They are more exact. :: Nothing is added but blur.
# - [ ] They use more regions. :: The same 49.
# ```
