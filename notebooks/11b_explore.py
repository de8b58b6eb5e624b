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
# # Look for yourself
#
# ```{goals}
# what one threshold trades, by moving it; why a threshold that was moved on test works flatters itself; how
# little the curve of a rare label rests on.
#
# {doc}`03_baseline`, {doc}`06_attn_cnn_rnn` and {doc}`08_roc_by_quartile`.
# ```
#
# Numbers and pictures of earlier chapters, to be moved by hand: thresholds, predictions, ROC curves, and a table
# of all labels. Everything runs in the browser from files beside this page. Without scripts, the figures and the
# table stand still.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.report.pages import Page

NAMES = {
    "resnet50": "baseline",
    "resnet50_hog": "ResNet50 + HOG",
    "attn_cnn_rnn": "AttnCNN-RNN",
}
trained = {
    name: runs.run(recipe, profile, seed=seed, device=device) for recipe, name in NAMES.items()
}
baseline, _, rnn = trained.values()
page = Page("11b_explore", profile, seed, device, models=trained.values())
part = baseline.parts.test

# %%
import json

import numpy as np

from imet.config import resolve
from imet.crop import crop_boxes
from imet.data.images import read_image
from imet.inspection import steps_of
from imet.models.registry import build_encoder
from imet.report.explorer import MOST_WORKS, explorer_data, write_pictures

works = np.arange(min(len(part), 60))
pictures = [read_image(part.collection.path(part.rows[work])) for work in works]
poster = resolve("vgg16_bn_step15", profile)
crops = crop_boxes(build_encoder(poster), pictures, poster.input_size)  # (n, 4)
steps = steps_of(rnn, part, works, device)
data = explorer_data(trained)
data["pictures"] = write_pictures(page.files / "pictures", part, works, crops, steps)
data["folder"] = "../_static/pages/11b_explore/pictures/"
script = (
    f"window.EXPLORER = {json.dumps(data, allow_nan=False)};\n"  # a page may load no JSON from disk
)
(page.files / "data.js").write_text(script, encoding="utf-8")
page["works"], page["shown"] = len(part), len(works)
page["most"] = MOST_WORKS
page["mapless"] = sum(not each["maps"] for each in data["pictures"])
page["bytes"] = sum(file.stat().st_size for file in page.files.rglob("*") if file.is_file()) / 1e6
page.values

# %% [markdown]
# ## Move the threshold
#
# One number for all labels, one for cultures and one for tags, or one for each quarter of the labels by
# frequency, quartile 4 being the most frequent. The row below yours is *tuned* on validation works for the same
# choice: the best of all single numbers; the best pair of hundredths; or four hundredths, each moved in turn to its
# best place while the others stay, until none moves. Yours begin at the best single number. Move them on
# *validation* until you are content, and then look at *test*: they stay where you left them, for each model.

# %% tags=["hide-input"]
from IPython.display import HTML

HTML(
    '<div class="explorer" id="explore-threshold"></div>'
    '<script src="../_static/plotly/plotly.min.js" defer></script>'
    '<script src="../_static/pages/11b_explore/data.js" defer></script>'
    '<script src="../_static/explorer.js" defer></script>'
)

# %%
from imet.metrics import fbeta_at_thresholds
from imet.report.plots.curves import threshold_curve
from imet.thresholds import threshold_grid

grid = threshold_grid(0.99)
threshold_curve(
    grid,
    {
        name: fbeta_at_thresholds(run.scores("test"), part.targets, grid)
        for name, run in trained.items()
    },
)

# %% [markdown]
# ```{caption} fig-explore-threshold
# :alt: Three curves of F2 against one threshold for all labels, each rising to a peak and falling.
# F2 of test works by one threshold for all labels, for the three models of the explorer above.
# ```

# %% [markdown]
# ## Browse predictions
#
# {num}`shown:d` test works with what each model says of them by its own rule: ✓ right, ✗ against the
# annotator, ○ missed. Choose a work to see, laid over it, where AttnCNN-RNN looked when it named a label, and the
# box of the poster's crop from the network as ImageNet left it. The maps are those of the *whole picture*, one of
# the six views: a label that only a crop was given has no map, nor has a work to which the whole picture gave no
# label, as on {num}`mapless:d` of these works.

# %% tags=["hide-input"]
HTML('<div class="explorer" id="explore-predictions"></div>')

# %%
from imet.report.plots.examples import predictions

names = baseline.parts.labels.names
few = works[:3]
decided = baseline.predicted("test")
predictions(
    [pictures[w] for w in few],
    [[names[k] for k in np.flatnonzero(part.targets[w])] for w in few],
    [[names[k] for k in np.flatnonzero(decided[w])] for w in few],
)

# %% [markdown]
# ```{caption} fig-explore-predictions
# :alt: Three works, each with the annotator's labels and those of the baseline, marked right or wrong.
# The first three works of the browser above with the baseline's labels.
# ```

# %% [markdown]
# ## Draw a ROC curve
#
# Of any label with a positive test work, for every model, with the area and its 95 % interval.

# %% tags=["hide-input"]
HTML('<div class="explorer" id="explore-roc"></div>')

# %% tags=["hide-input"]
from sklearn.metrics import roc_curve

from imet.report.plots.curves import roc_curves

often = part.targets.sum(0).argmax()
roc_curves(
    {
        n: roc_curve(part.targets[:, often], r.scores("test")[:, often])[:2]
        for n, r in trained.items()
    }
)

# %% [markdown]
# ```{caption} fig-explore-roc
# :alt: Three ROC curves of one label, one per model, over the diagonal.
# The label with the most test works, for the three models.
# ```

# %% [markdown]
# ## All labels
#
# Select a heading to sort; type to filter. AUC has its 95 % interval below it; F2 is that of the labels given by the
# model's own rule; *average precision* is the mean precision over the places of the right works when all are
# ranked by the label's score, and about the share of works with the label if that ranking is chance. The table
# is the baseline's until you choose another model.

# %%
import pandas as pd

from imet.report.explorer import label_measures
from imet.report.tables import show

measures = label_measures(baseline.scores("test"), decided, part.targets)  # (K, 5)
labels = pd.DataFrame(
    {
        "label": names,
        "kind": baseline.parts.labels.kinds,
        "uses in training": baseline.parts.train.targets.sum(0),
        "test works": part.targets.sum(0),
    }
).join(pd.DataFrame(measures, columns=["AUC", "low", "high", "F2", "average precision"]))
interval = labels.apply(lambda row: f"{row.AUC:.3f} [{row.low:.2f}, {row.high:.2f}]", axis=1)
sortable = 'class="dataframe sortable of-labels" data-filter="Filter labels"'
show(
    labels.drop(columns=["low", "high"]).assign(AUC=interval.where(labels.AUC.notna())),
    index=False,
).set_table_attributes(sortable)

# %% [markdown]
# ## Limits
#
# - Explorers take at most {num}`most:d` works of a part, and so do the areas printed above their curves; the
#   table of all labels takes every test work. Here there are {num}`works:,d`.
# - A threshold that you moved on test works until it pleased you is tuned on test works.

# %% [markdown]
# ## Summary
#
# - A {term}`threshold` trades precision for recall; two thresholds, for cultures and for tags, are another model
#   to F2.
# - Move on validation, read on test: a threshold moved on the reported works flatters itself.
# - The curve of a rare label is a stair of few steps: its {term}`AUC` is that coarse.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: guess, then move
# :label: ex-11b-1
# Before you move anything, write down what F2 the baseline will have on validation works at the thresholds .01,
# .50 and .99. Then move the one slider there. Where does a work get as many labels on average as the annotator
# gave ({num}`crossing.true:.1f`), and where is F2 best? Why not at the same place?
# ```

# %% tags=["solution"]
from imet.metrics import fbeta_per_work, threshold_scores
from imet.thresholds import tune_exact

val = baseline.parts.val
s_val, s_test = baseline.scores("val"), baseline.scores("test")  # (N, K)
best = tune_exact(s_val, val.targets)
kth = np.sort(s_val, axis=None)[::-1][val.targets.sum() - 1]  # as many pairs lie above as are true
page["crossing"] = {
    "best": best.threshold,
    "labels": best.predict(s_val).sum(1).mean(),
    "as_many": kth,
    "true": val.targets.sum(1).mean(),
    "f2": best.f_beta,
    "f2_as_many": fbeta_per_work(s_val >= kth, val.targets).mean(),
}
assert best.f_beta >= page.values["crossing"]["f2_as_many"]
for name, limit in (("low", 0.01), ("half", 0.5), ("high", 0.99)):
    guessed = threshold_scores(s_val, limit)
    page[f"guess.{name}"] = fbeta_per_work(guessed, val.targets).mean()
    page[f"guess.{name}_labels"] = guessed.sum(1).mean()
page["guess.all"] = fbeta_per_work(np.ones_like(val.targets), val.targets).mean()
page.values["crossing"], page.values["guess"]

# %% [markdown]
# ```{solution} ex-11b-1
# :class: dropdown
# Expect little at both ends. Near 0 nearly all labels are named, and precision is lost: at .01
# {num}`guess.low_labels:.0f` for each work, with an F2 of {num}`guess.low:.3f` ({num}`guess.all:.3f` if all are
# named). Near 1 nearly none is, and recall is lost: at .99 {num}`guess.high_labels:.2f` for each work, with an F2 of
# {num}`guess.high:.3f`. At .50, above which a calibrated score says “rather yes”, F2 is
# {num}`guess.half:.3f`, with {num}`guess.half_labels:.1f` labels for each work.
#
# At {num}`crossing.as_many:.2f` as many labels are named as are there, so false alarms and misses are equally
# many, and F2 is {num}`crossing.f2_as_many:.3f`. It is best at {num}`crossing.best:.2f`, {num}`crossing.f2:.3f`,
# with {num}`crossing.labels:.1f` labels per work: a miss costs F2 four times what a false alarm costs.
# ```

# %% [markdown]
# ```{exercise} Level 2: two that beat one
# :label: ex-11b-2
# Choose two thresholds for the baseline, one for cultures and one for tags. Write down which of the two has to go
# up from the best single number, and which down. Then move them, without a look at the tuned row, until F2 on
# validation is as high as you can get it. How far is the tuned pair ahead? Then look at test, once.
# ```

# %% tags=["solution"]
from imet.report.explorer import GRID
from imet.thresholds import tune_grid, tune_per_kind

one = tune_grid(s_val, val.targets, GRID)
two = tune_per_kind(s_val, val.targets, baseline.parts.labels.is_culture, GRID)
assert two.f_beta >= one.f_beta  # any one threshold is a pair of equal ones
page["two"] = {"culture": two.culture, "tag": two.tag, "val": two.f_beta, "one_val": one.f_beta}
for name, rule in (("test", two), ("one_test", one)):
    page[f"two.{name}"] = fbeta_per_work(rule.predict(s_test), part.targets).mean()
page.values["two"]

# %% [markdown]
# ```{solution} ex-11b-2
# :class: dropdown
# The best pair of hundredths is {num}`two.culture:.2f` for cultures and {num}`two.tag:.2f` for tags:
# {num}`two.val:.3f` on validation, where the best single one has {num}`two.one_val:.3f`. On test it is
# {num}`two.test:.3f` against {num}`two.one_test:.3f`. A tag shows on one view of six, so its mean score is low
# where it is right ({ref}`learning-or-threshold`).
# ```

# %% [markdown]
# ```{exercise} Level 2: worse than chance?
# :label: ex-11b-3
# Sort the baseline's table by AUC and draw the curve of the label at its lower end. How many steps up does it
# have? Is the model worse than a coin for this label?
# ```

# %% tags=["solution"]
from imet.report.tables import spoken

worst = labels.dropna().sort_values("AUC", kind="stable").iloc[0]
assert worst.low <= worst.AUC <= worst.high
page["worst"] = {"label": spoken(worst.label), "auc": worst.AUC, "steps": worst["test works"]}
page["worst.interval"] = [worst.low, worst.high]
page["worst.few"] = (labels["test works"].between(1, 3)).sum()
page["worst.measured"] = len(labels.dropna())
page.values["worst"]

# %% [markdown]
# ```{solution} ex-11b-3
# :class: dropdown
# *{num}`worst.label`* has {num}`worst.auc:.3f` {num}`worst.interval:.2f`; the number of its test works, and so of
# steps up, is {num}`worst.steps:d`. An interval that contains .5 cannot tell the model from a coin. Nor is the
# lowest of {num}`worst.measured:d` areas a fair sample: {num}`worst.few:d` of these labels have three works or
# fewer, and among so many some must come out low by luck, even if the model ranks all of them well.
# ```

# %% [markdown]
# ```{exercise} Level 3: what moving on test is worth
# :label: ex-11b-4
# Move four thresholds, one for each quarter of the labels, on *test* until F2 is as high as you can get it. How
# much of your gain over four moved on validation is real?
# ```

# %% tags=["solution"]
from imet.labels import quartile_of
from imet.report.explorer import tune_quartiles

quartile = quartile_of(baseline.parts.train.targets.sum(0))  # (K,) 1 to 4
reached = {}
for name, scores, targets in (("val", s_val, val.targets), ("test", s_test, part.targets)):
    four = np.array(tune_quartiles(scores, targets, quartile, best.threshold))
    named = threshold_scores(s_test, four[quartile - 1])
    reached[name] = fbeta_per_work(named, part.targets).mean()
page["moved"] = reached | {"flattery": reached["test"] - reached["val"]}
page.values["moved"]

# %% [markdown]
# ```{solution} ex-11b-4
# :class: dropdown
# Nothing that these works could show: four moved on validation have an F2 of {num}`moved.val:.3f` on test, four
# moved on test {num}`moved.test:.3f`, and the {num}`moved.flattery:+.3f` between them is peculiar to these works.
# The more numbers are moved, the more of it there is.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# You raise the one threshold of a model a little. Which of these cannot happen?
# - [ ] Precision falls. :: It can: the label that went may have been right, and the one that stayed wrong.
# - [x] Recall rises. :: Right: nothing is named that was not named before.
# - [ ] F2 rises. :: It does, wherever the threshold lies below the best one.
# ```
#
# ```{quiz}
# A label is on one test work, and its area is .97. What do you know?
# - [ ] The model knows this label. :: It ranked one work well. Another one might rank anywhere.
# - [x] Of the works without the label, 3 % scored higher than the one with it. :: Yes, and no more than that.
# - [ ] 97 % of its predictions are right. :: That would be a precision, and needs a threshold.
# ```
