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
# # Ranking, from frequent labels to rare ones
#
# ```{goals}
# what a ROC curve and its area say of one label; how wide intervals of rare labels are; why macro and
# micro averages differ.
#
# {doc}`03_baseline`; true and false positive rates.
# ```
#
# F2 judges decisions. The area under the ROC curve judges the order in which a model ranks works, label by label;
# no threshold enters. The paper shows it for eight labels and one model.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.report.pages import Page

NAMES = {
    "resnet50": "baseline",
    "resnet50_hog": "with HOG",
    "attn_cnn_rnn": "AttnCNN-RNN",
    "attn_cnn_rnn_hog": "AttnCNN-RNN + HOG",
}
trained = {
    name: runs.run(recipe, profile, seed=seed, device=device) for recipe, name in NAMES.items()
}
page = Page("08_roc_by_quartile", profile, seed, device, models=trained.values())
parts = trained["baseline"].parts
targets = parts.val.targets
page["works"] = len(targets)
page["epochs"] = trained["AttnCNN-RNN"].recipe.epochs

# %%
import pandas as pd

from imet.labels import quartile_of
from imet.metrics import roc_auc_per_class
from imet.report.tables import show

scores = {name: run.scores("val") for name, run in trained.items()}  # (N, K) each
labels = pd.DataFrame(
    {
        "label": parts.labels.names,
        "quartile": quartile_of(parts.train.targets.sum(0)),
        "uses in training": parts.train.targets.sum(0),
        "positives": targets.sum(0),
    }
)
auc = pd.DataFrame({name: roc_auc_per_class(s, targets) for name, s in scores.items()})  # K rows
labels.join(auc).sort_values("uses in training", ascending=False).head(4).pipe(show, index=False)

# %% [markdown]
# The recurrent models were trained for {num}`epochs:d` epochs here and {num}`reported/code.rnn.epochs:d` in the
# code. All areas of this chapter are for validation works, as in the paper's Figure 3; those of {doc}`03_baseline`
# are for test works, and those of {doc}`14_losses_and_thresholds` for another model, so a quartile's mean differs
# in each.
#
# ## Which eight labels?
#
# ```{quote-doc} paper
# :where: §5.4
# Because of the large number of classes, we only show 8 classes here by choosing 2 classes from each
# quartile (sorted by the class proportions in the training set).
# ```
#
# The authors' notebook sorts all labels by their training proportion and takes the first two of each
# quarter of that ranking. On the real table that gives ids {num}`reported/paper.roc.class.men:d` and
# {num}`reported/paper.roc.class.women:d`, {num}`reported/paper.roc.class.pediments:d` and
# {num}`reported/paper.roc.class.games:d`, and, where ties decide, two of several labels with the same
# number of uses; there the paper's own are taken. The labels below were picked by {num}`picked_by`:

# %%
from imet.report.figure_3 import figure_3_columns
from imet.report.tables import or_dash
from imet.statistics import auc_interval

columns, picked_by = figure_3_columns(parts)
page["labels"] = [parts.labels.names[k] for k in columns]
page["picked_by"] = picked_by
table = labels.iloc[columns].copy()
for name in NAMES.values():
    table[name] = "–"
    for k in columns[auc[name][columns].notna()]:
        positives = int(labels["positives"][k])
        interval = auc_interval(auc[name][k], positives, len(targets) - positives)
        table.loc[k, name] = "{:.3f} [{:.2f}, {:.2f}]".format(*interval)
for word in ("men", "women"):  # the paper's text gives an area for each
    this = labels["label"] == f"tag::{word}"
    area, positives = auc["with HOG"][this].mean(), labels["positives"][this].sum()
    interval = auc_interval(area, positives, len(targets) - positives)
    page[f"named.{word}"] = {"auc": or_dash(area), "interval": [or_dash(x) for x in interval[1:]]}
table.set_index(["quartile", "label"]).sort_index(level="quartile", ascending=False).pipe(show)

# %% [markdown]
# The brackets are 95 % intervals (Hanley and McNeil, solved for the area). With a handful of positives
# they span most of the range: on the real split two of the paper's eight labels have three validation
# positives each, and an area of one half then has the interval {num}`12_paper_results/rare.interval:.2f`. That the
# “model performance deteriorates significantly for smaller classes” cannot be read off three works.
#
# {numref}`fig-roc` draws the curves of the model that the paper names for its Figure 3, and {numref}`fig-roc-rnn`
# those of the model that, it says, has none:
#
# ```{quote-doc} paper
# :where: §5.4
# The ROC curve is not illustrated for the best model, since AttnCNN-RNN directly outputs hard labels
# instead of probabilities.
# ```
#
# AttnCNN-RNN does have probabilities, at every step. A label's score here is its largest over the steps, averaged
# over the views.

# %%
from sklearn.metrics import roc_curve

from imet.metrics import micro_auc

curves, areas = {}, {}
for name, s in scores.items():
    curves[name], areas[name] = {}, {}
    for k in columns[auc[name][columns].notna()]:
        title = f"{parts.labels.short(k)}, {labels['positives'][k]}"
        curves[name][title] = roc_curve(targets[:, k], s[:, k])[:2]
        areas[name][title] = auc[name][k]
    curves[name]["micro average"] = roc_curve(targets.ravel(), s.ravel())[:2]
    areas[name]["micro average"] = micro_auc(s, targets)
    page[f"micro.{name}"] = or_dash(micro_auc(s, targets))
page.values["micro"]

# %% tags=["hide-input"]
from imet.report.plots.curves import roc_curves

roc_curves(curves["with HOG"], areas["with HOG"], emphasised=["micro average"])

# %% [markdown]
# ```{caption} fig-roc
# :alt: ROC curves of up to eight labels and, thick, their micro average, all above the diagonal to
#   differing degrees; curves of rare labels are steps.
# ResNet50 + HOG on validation works: two labels from each quartile of training frequency, where they
# have a validation positive, and the micro average, as in the paper's Figure 3. A label's number of positives
# follows it; the area is in brackets.
# ```

# %% tags=["hide-input"]
roc_curves(curves["AttnCNN-RNN"], areas["AttnCNN-RNN"], emphasised=["micro average"])

# %% [markdown]
# ```{caption} fig-roc-rnn
# :alt: ROC curves of the same eight labels and their micro average.
# The same for AttnCNN-RNN, which the paper leaves out.
# ```

# %% [markdown]
# ## The same labels, with curves that can be read
#
# With so few positives the curves are stairs. An area does not depend on how common a label is: it is
# the probability that a work with the label scores higher than one without. So positives may be added, if
# they are positives like the others and no model has seen them. Here {num}`more.source` join them; they
# serve this figure and nothing else. The negatives are still the validation works.

# %%
import numpy as np
from sklearn.metrics import roc_auc_score

from imet.inspection import outputs_of
from imet.report.figure_3 import more_positives

more = more_positives(parts, columns, profile)
page["more"] = {"source": more.source, "works": len(more.part)}
readable, readable_areas, rows = {}, {}, []
for name in ("with HOG", "AttnCNN-RNN"):
    readable[name], readable_areas[name] = {}, {}
    more_scores = outputs_of(trained[name], more.part, device).scores
    for place, k in enumerate(columns):
        joins = more.positive[:, place]
        truth = np.append(targets[:, k], np.ones(joins.sum(), bool))
        if not truth.any():
            continue  # no work of this label anywhere outside training
        both = np.append(scores[name][:, k], more_scores[joins, k])
        title = f"{parts.labels.short(k)}, {truth.sum()}"
        readable[name][title] = roc_curve(truth, both)[:2]
        area = auc_interval(roc_auc_score(truth, both), truth.sum(), (~truth).sum())
        readable_areas[name][title] = area.value
        rows.append({"label": parts.labels.names[k], "positives": truth.sum(), name: f"{area:.3f}"})
page["more.least"] = min(row["positives"] for row in rows)
pd.DataFrame(rows).groupby(["label", "positives"], sort=False).first().fillna("–").pipe(show)

# %% tags=["hide-input"]
roc_curves(readable["with HOG"], readable_areas["with HOG"])

# %% [markdown]
# ```{caption} fig-roc-readable
# :alt: ROC curves of the same labels, smoother than before, and each with its area.
# ResNet50 + HOG: the labels of {numref}`fig-roc`, with the positives added. Their new number, at least
# {num}`more.least:d`, follows the label.
# ```

# %% tags=["hide-input"]
roc_curves(readable["AttnCNN-RNN"], readable_areas["AttnCNN-RNN"])

# %% [markdown]
# ```{caption} fig-roc-rnn-readable
# :alt: The same for AttnCNN-RNN.
# AttnCNN-RNN, with the same positives added.
# ```

# %% [markdown]
# In the authors' notebook the cell titled “Baseline + HOG” plots the predictions of the plain
# baseline, so the printed figure probably shows that model. Here the micro average is {num}`micro.baseline:.3f`
# without HOG and {num}`micro.with HOG:.3f` with it.
#
# ## All labels
#
# Eight of many labels can be made to say anything. {numref}`fig-auc-frequency` shows every label that
# has both outcomes among the validation works, {numref}`fig-auc-quartile` their means.

# %% tags=["hide-input"]
from imet.report.plots.comparisons import label_scatter

label_scatter(
    labels["uses in training"],
    {name: auc[name] for name in ("baseline", "AttnCNN-RNN")},
    x_name="uses in training",
    y_name="AUC, validation",
    reference=0.5,
)

# %% [markdown]
# ```{caption} fig-auc-frequency
# :alt: A scatter of labels: to the left, where labels are rare, areas spread widely; to the right
#   they are close together.
# AUC of every label on validation works, by its uses in training, for the baseline and AttnCNN-RNN. An area
# near zero rests on one or two positives that are ranked last. Labels at the same place share a mark, which grows
# with their number.
# ```

# %%
from imet.metrics import mean_auc
from imet.statistics import bootstrap_statistic

DRAWS = page["draws"] = 100
by_quartile = {}
for quartile, columns_of in labels.groupby("quartile").groups.items():
    measured = int(auc["baseline"][columns_of].notna().sum())
    for name in NAMES.values() if measured else ():
        interval = bootstrap_statistic(
            lambda s, y: mean_auc(roc_auc_per_class(s, y)).value,
            scores[name][:, columns_of],
            targets[:, columns_of],
            n=DRAWS,
            seed=seed,
        )
        by_quartile.setdefault(f"quartile {quartile} ({measured} labels)", {})[name] = interval
by_quartile = dict(reversed(by_quartile.items()))  # the most frequent first

# %% tags=["hide-input"]
from imet.report.plots.comparisons import forest_plot

forest_plot(by_quartile, value_name="mean AUC")

# %% [markdown]
# ```{caption} fig-auc-quartile
# :alt: Four groups of four marks with intervals; the intervals are widest for the rarest labels.
# Mean AUC of the labels of each quartile of training frequency, with 95 % intervals over validation
# works. Quartile 4 holds the most frequent labels; a quartile without a label that has both outcomes
# is left out.
# ```

# %%
from imet.statistics import paired_difference

known = auc["baseline"].notna()
rows = []
for name in NAMES.values():
    macro = mean_auc(auc[name].to_numpy())
    page[f"macro.{name}"] = or_dash(macro.value)
    row = {"model": name, "macro AUC": f"{macro.value:.3f}", "labels": macro.classes}
    row["micro AUC"] = f"{micro_auc(scores[name], targets):.3f}"
    if name != "baseline":
        gain = paired_difference(auc[name][known], auc["baseline"][known])
        page[f"gain.{name}"] = gain
        row["gain, mean over labels"] = f"{gain:+.3f}"
    rows.append(row)
page["macro.classes"], page["macro.left_out"] = macro.classes, macro.left_out
pd.DataFrame(rows).set_index("model").fillna("")

# %%
frequencies = labels["uses in training"].to_numpy() / len(parts.train)
prior = np.tile(frequencies, (len(targets), 1))  # every work gets the same scores
page["prior.micro"] = or_dash(micro_auc(prior, targets))
page.values["prior"]

# %% [markdown]
# Averaged over labels, HOG changes the area by {num}`gain.with HOG.value:+.3f` {num}`gain.with HOG.interval:+.3f`
# and AttnCNN-RNN by {num}`gain.AttnCNN-RNN.value:+.3f` {num}`gain.AttnCNN-RNN.interval:+.3f`. These two intervals
# are over labels, on the works at hand.
#
# The *macro* average gives each label one vote; it covers {num}`macro.classes:d` labels and leaves out
# {num}`macro.left_out:d` without a positive among {num}`works:d` validation works. The *micro* average
# pools all pairs of work and label, so that telling frequent labels from rare ones already earns a high area: a
# model that never looks at the picture and gives every work the training proportions reaches
# {num}`prior.micro:.3f`, with a macro average of exactly one half.
#
# ## Limits
#
# - The paper's “deteriorates significantly for smaller classes” cannot be shown by eight labels. Whole quartiles
#   can be compared in {numref}`fig-auc-quartile`: where the intervals of the rarest quarter lie below those of the
#   most frequent, these works do show it. On test works ({doc}`03_baseline`) quartiles have other means.
# - The bars of that figure rest on {num}`draws:d` resamples, so that each end is known to about a quarter of the
#   standard error.
# - The score of AttnCNN-RNN is a choice: the largest probability over the steps.
# - Works that are drawn for a label carry it by design; its style and the other labels that come with it follow
#   the drawing program's weights, not quite the collection's mix.
# - Intervals of single labels assume that works are all that varies.

# %% [markdown]
# ## Summary
#
# - {term}`AUC` judges an order, not a decision; no threshold enters.
# - With a handful of positives its interval spans most of the scale.
# - {term}`Macro and micro <samples, macro, micro>` averages answer different questions: micro rewards knowing
#   which labels are frequent.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: a model that does not look
# :label: ex-08-1
# Give every work the same scores, the training proportions. What are its macro and its micro AUC, and why?
# ```

# %% tags=["solution"]
macro_of_prior = roc_auc_per_class(prior, targets)
assert np.allclose(macro_of_prior[np.isfinite(macro_of_prior)], 0.5)
page.values["prior"]

# %% [markdown]
# ```{solution} ex-08-1
# :class: dropdown
# Macro is exactly one half, micro {num}`prior.micro:.3f`. Within a label all works tie; across labels frequent ones
# score higher, and they are more often right.
# ```

# %% [markdown]
# ```{exercise} Level 1: macro and micro on a blackboard
# :label: ex-08-2
# Two labels, four works. Label A is on works 1 and 2 with scores .9, .8, .7, .6 for the four; label B is on
# work 4 with .1, .2, .3, .4. What are the two averages?
# ```

# %% tags=["solution"]
from sklearn.metrics import roc_auc_score

y = np.array([[1, 0], [1, 0], [0, 0], [0, 1]])
s = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
each = [roc_auc_score(y[:, k], s[:, k]) for k in range(2)]
together = roc_auc_score(y.ravel(), s.ravel())
assert each == [1.0, 1.0]
assert together < 1
float(np.mean(each)), together

# %% [markdown]
# ```{solution} ex-08-2
# :class: dropdown
# Macro is 1 and micro 13/15. Each label is ranked perfectly; in the pool, B's only positive (.4) lies below A's
# two negatives: labels with their own scales do not mix.
# ```

# %% [markdown]
# ```{exercise} Level 2: how many positives?
# :label: ex-08-3
# How many positives does a label need for an AUC of .8 to have an interval of ±.1 or less, with as many
# works as here?
# ```

# %% tags=["solution"]
half_width = {}
for positives_needed in range(2, len(targets) // 2):
    interval = auc_interval(0.8, positives_needed, len(targets) - positives_needed)
    half_width[positives_needed] = (interval.high - interval.low) / 2
enough = [p for p, half in half_width.items() if half <= 0.1]
page["positives_needed"] = enough[0] if enough else "more than half of the works"
page["positives_enough"] = int((targets.sum(0) >= enough[0]).sum()) if enough else 0
page.values["positives_needed"], page.values["positives_enough"]

# %% [markdown]
# ```{solution} ex-08-3
# :class: dropdown
# {num}`positives_needed`. The number of labels with that many validation works is {num}`positives_enough:d`, of
# {num}`macro.classes:d` whose area can be measured.
# ```

# %% [markdown]
# ```{exercise} Level 3: average precision
# :label: ex-08-4
# Compute average precision beside AUC for every label. Which of the two depends on how frequent a label is?
# ```

# %% tags=["solution"]
from sklearn.metrics import average_precision_score

from imet.statistics import spearman

measured = auc["baseline"].notna().to_numpy()
precision = np.array(
    [
        average_precision_score(targets[:, k], scores["baseline"][:, k])
        for k in np.flatnonzero(measured)
    ]
)
uses = targets[:, measured].sum(0)
page["rank"] = {
    "auc": or_dash(
        spearman(uses, auc["baseline"][measured].to_numpy()) if measured.sum() > 2 else None
    ),
    "precision": or_dash(spearman(uses, precision) if measured.sum() > 2 else None),
}
page.values["rank"]

# %% [markdown]
# ```{solution} ex-08-4
# :class: dropdown
# Average precision does. The rank correlation with the number of positives is {num}`rank.auc:.2f` for AUC and
# {num}`rank.precision:.2f` for average precision. A model that guesses has an AUC of .5 for every label,
# but an average precision of the label's share: the second measures the base rate, too.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# All scores of a label are halved. What happens to its AUC?
# - [x] Nothing. :: Right: an order does not change when its numbers are scaled.
# - [ ] It halves. :: AUC never sees the numbers, only their order.
# - [ ] It falls a little. :: Not at all.
# ```
#
# ```{quiz}
# A label has three positives, and its AUC is .5 with the interval [.27, .80]. The paper calls the model worse on
# small classes. Is it shown?
# - [ ] Yes, .5 is chance. :: The interval contains .8 as well.
# - [x] No, these works cannot tell. :: Right.
# - [ ] No, .5 is good for three positives. :: There is no such scale: chance is .5 for any number.
# ```
