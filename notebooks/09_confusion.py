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
# # Confusion
#
# Which labels does the model give too often, which too rarely, and what does it say instead? A label
# of a multi-label problem can be looked at as a question of its own: yes or no.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"
label = "tag::men"

# %%
from imet import runs
from imet.report.pages import Page
from imet.report.tables import spoken

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
baseline = runs.run("resnet50", profile, seed=seed, device=device)
page = Page("09_confusion", profile, seed, device, models=[run, baseline])
parts, names = run.parts, run.parts.labels.names
targets, predicted = parts.test.targets, run.predicted("test")
page["works"] = len(targets)
if label == "tag::men" and label not in names:  # another collection: its most frequent label
    label = names[parts.train.targets.sum(0).argmax()]
page["label.name"] = spoken(label)
page["epochs"] = run.recipe.epochs
proportion = parts.train.targets.mean(0)[parts.labels.column(label)]
page["rule"] = {"gamma": run.rule.gamma, "first": run.rule.gamma * proportion}
page["rule.begins"] = "no path begins" if page.values["rule"]["first"] > 1 else "a path may begin"

# %% [markdown]
# ## One label
#
# ```{quote-doc} paper
# :where: §5.7
# we think of our algorithm as a binary classifier: 1 means that the image has the label “tag:trees”
# while 0 means no “tag:trees” label. [...] In Figure 6, for instance, the confusion matrix of the
# largest class label “tag:men” is plotted.
# ```
#
# The text announces one label and shows another. `label` is a parameter of this page: any name of the
# label table can stand there; a misspelt one fails and names close ones. A collection without the tag
# *men* shows its most frequent label. Here it is *{num}`label.name`*.

# %%
from sklearn.metrics import multilabel_confusion_matrix

every = multilabel_confusion_matrix(targets, predicted)  # (K, 2, 2)
counts = every[parts.labels.column(label)]
(tn, fp), (fn, tp) = counts.tolist()
page["counts"] = {"tn": tn, "fp": fp, "fn": fn, "tp": tp}
page.values["counts"]

# %% tags=["hide-input"]
from imet.report.plots.confusion import confusion_matrix

confusion_matrix(counts, spoken(label))

# %% [markdown]
# ```{caption} fig-confusion
# :alt: A square of four counts: true negatives and false positives above, false negatives and true
#   positives below.
# AttnCNN-RNN on test works, one label as a binary problem: the paper's Figure 6. The label is the
# page's parameter.
# ```

# %%
import pandas as pd

from imet.report.tables import or_dash, show
from imet.statistics import wilson_interval

rates = {
    "true positive rate": (tp, tp + fn),
    "true negative rate": (tn, tn + fp),
    "precision": (tp, tp + fp),
    "share of works with the label": (tp + fn, len(targets)),
}
rows = {}
for name, (count, total) in rates.items():
    interval = wilson_interval(count, total) if total else None
    rows[name] = {"of": f"{count} / {total}", "here": f"{interval:.2f}" if total else "–"}
page["tpr"] = or_dash(tp / (tp + fn) if tp + fn else None)
page["tnr"] = or_dash(tn / (tn + fp) if tn + fp else None)
pd.DataFrame(rows).T

# %% [markdown]
# The paper's counts for *men*, from its authors' notebook, are
# {num}`reported/code.confusion.tn:,d` true negatives, {num}`reported/code.confusion.fp:,d` false
# positives, {num}`reported/code.confusion.fn:,d` false negatives and
# {num}`reported/code.confusion.tp:,d` true positives: a true positive rate of
# {num}`reported/paper.confusion.tpr:.2f` and a true negative rate of
# {num}`reported/paper.confusion.tnr:.2f`. There two of three works that are called men show none. The
# reason it gives, “an improper threshold that is not harsh enough”, is the measure's own wish: F2 counts
# recall twice as much as precision (β² = 4 in the formula). Here, for {num}`label.name`, the counts are
# {num}`counts.tn:d`, {num}`counts.fp:d`, {num}`counts.fn:d` and {num}`counts.tp:d`, with rates of
# {num}`tpr:.2f` and {num}`tnr:.2f`. They are those of a model of {num}`epochs:d` epochs (as coded
# {num}`reported/code.rnn.epochs:d`) and of its rule: with γ = {num}`rule.gamma:.2f` the threshold of a path's
# first step is {num}`rule.first:.2f` for this label, so {num}`rule.begins` with it ({doc}`07_decoding`).
#
# ## All labels
#
# {numref}`fig-rates` puts every label with a test positive where its frequency and its true positive
# rate are.

# %%
labels = pd.DataFrame(every.reshape(-1, 4), columns=["TN", "FP", "FN", "TP"])
labels.insert(0, "label", names)
labels.insert(1, "uses in training", parts.train.targets.sum(0))
labels["AttnCNN-RNN"] = labels["TP"] / (labels["TP"] + labels["FN"])  # true positive rates
labels["baseline"] = (baseline.predicted("test") & targets).sum(0) / targets.sum(0)
labels.describe().loc[["mean", "50%"], ["AttnCNN-RNN", "baseline"]].round(2)

# %% tags=["hide-input"]
from imet.report.plots.comparisons import label_scatter

label_scatter(
    labels["uses in training"],
    {"baseline": labels["baseline"], "AttnCNN-RNN": labels["AttnCNN-RNN"]},
    x_name="uses in training",
    y_name="true positive rate, test",
)

# %% [markdown]
# ```{caption} fig-rates
# :alt: A scatter of labels: frequent ones are mostly found, rare ones range from never to always.
# Share of a label's test works that get it, by the label's uses in training, for the baseline and
# AttnCNN-RNN.
# ```

# %%
from imet.statistics import spearman

known = labels.dropna(subset="AttnCNN-RNN")
page["frequency_and_rate"] = or_dash(
    spearman(known["uses in training"], known["AttnCNN-RNN"]) if len(known) > 1 else None
)
most_used = labels.sort_values("uses in training", ascending=False, kind="stable").head(20)
columns = ["label", "uses in training", "TN", "FP", "FN", "TP"]
most_used[columns].pipe(show, index=False)

# %% [markdown]
# ## What does it say instead?
#
# With many labels per work there is no single wrong answer. But of the works that *miss* a label one can
# count which other label of its kind they wrongly got. {numref}`fig-instead` does so for the labels
# missed most often. Of all {num}`missed.all:d` misses {num}`missed.cultures:d` are of a culture.

# %%
import numpy as np

from imet.report.plots.confusion import confusion_when_missed

missed = (targets & ~predicted).sum(0)  # (K,)
is_culture = parts.labels.is_culture
page["missed"] = {"all": missed.sum(), "cultures": missed[is_culture].sum()}
same_kind = is_culture[:, None] == is_culture
shares = np.where(same_kind, confusion_when_missed(predicted, targets), np.nan)  # (K, K)
most = np.argsort(-missed, kind="stable")[:10]
most = most[missed[most] > 0]
weight = np.nansum(shares[most] * missed[most, None], 0) if len(most) else np.zeros(len(names))
instead = np.argsort(-weight, kind="stable")[:10]
page.values["missed"]

# %% tags=["hide-input"]
from imet.report.plots.confusion import confusion_heatmap

confusion_heatmap(
    shares[np.ix_(most, instead)],
    [names[j] for j in most],
    [names[j] for j in instead],
    missed[most].tolist(),
) if len(most) else confusion_matrix(counts, label)

# %% [markdown]
# ```{caption} fig-instead
# :alt: A table of ten missed labels by ten labels said in their place, with percentages; darker is
#   more frequent.
# For the labels that test works miss most often, the labels of the same kind wrongly given to those
# works, in percent of them.
# ```

# %% [markdown]
# Columns are mostly labels that are given often. A cell that stands out from the others in its column
# is a confusion proper, if the row has more than a few works: its label and the column's look alike to
# the model, or go together.
#
# ## Limits
#
# - The annotator's word is the truth here. Some of the “false positives” are things that were left
#   out.
# - {num}`works:d` test works: a rate from a few positives has an interval almost as wide as the scale.
