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
# ```{goals}
# what four counts say of one label; why precision depends on how frequent a label is; what is said in a
# missed label's place.
#
# {doc}`06_attn_cnn_rnn`; {term}`precision, recall`.
# ```
#
# Which labels does the model give too often, which too rarely, and what does it say instead? Each label of a
# multi-label problem can be seen as a yes-or-no question of its own.

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
# The text announces one label and shows another. `label` is a parameter of this page: it takes any name of the
# label table; a misspelt one fails and names close ones. A collection without the tag *men* shows its most
# frequent label. Here it is *{num}`label.name`*.

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

from imet.report.tables import or_dash
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
page["share"] = (tp + fn) / len(targets)
pd.DataFrame(rows).T

# %% [markdown]
# The paper's counts for *men*, from its authors' notebook, are
# {num}`reported/code.confusion.tn:,d` true negatives, {num}`reported/code.confusion.fp:,d` false
# positives, {num}`reported/code.confusion.fn:,d` false negatives and
# {num}`reported/code.confusion.tp:,d` true positives: a true positive rate of
# {num}`reported/paper.confusion.tpr:.2f` and a true negative rate of
# {num}`reported/paper.confusion.tnr:.2f`. There two of three works that are called *men* show none. The reason
# that the paper gives, “an improper threshold that is not harsh enough”, is what the measure asks for: F2 counts
# recall twice as much as precision (β² = 4 in the formula). Here, for {num}`label.name`, the counts are
# {num}`counts.tn:d`, {num}`counts.fp:d`, {num}`counts.fn:d` and {num}`counts.tp:d`, with rates of {num}`tpr:.2f`
# and {num}`tnr:.2f`. They are those of a model trained for {num}`epochs:d` epochs (as coded
# {num}`reported/code.rnn.epochs:d`) and of its rule: with γ = {num}`rule.gamma:.2f` the threshold of a path's
# first step is {num}`rule.first:.2f` for this label, so {num}`rule.begins` with it ({doc}`07_decoding`). A later
# step may name it all the same, once a rarer label has lowered the path's threshold.
#
# ## All labels
#
# {numref}`fig-rates` plots the true positive rate of every label with a test positive against its frequency.

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
# AttnCNN-RNN. Labels at the same place share a mark, which grows with their number.
# ```

# %%
from imet.report.tables import show
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
# With many labels per work there is no single wrong answer. But for the works that *miss* a label, one can count
# which other labels of its kind they wrongly got. {numref}`fig-instead` does so for the labels missed most often.
# Of all {num}`missed.all:d` misses, {num}`missed.cultures:d` are of a culture.

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
#   more frequent, and blank where there is nothing to count.
# For the labels that test works miss most often, the labels of the same kind wrongly given to those
# works, in percent of them. Labels of another kind are blank, and so is each label's own column: where a label is
# missed it is true, and cannot be wrong.
# ```

# %% [markdown]
# Most columns are labels that are given often. A cell that stands out from the others in its column is a confusion
# proper, if the row has more than a few works: its label and the column's look alike to the model, or go together.
#
# ## Limits
#
# - The annotator's word is the truth here. Some of the “false positives” are things that the annotator left out.
# - {num}`works:d` test works: a rate from a few positives has an interval almost as wide as the scale.

# %% [markdown]
# ## Summary
#
# - One label of many is a yes-or-no question with four counts.
# - Many false positives are what F2 asks for, not only a threshold that is not harsh enough.
# - A cell of the confusion table means something only against the rest of its column.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: F2 from counts
# :label: ex-09-1
# Compute precision, recall and F2 of *men* from the paper's four counts.
# ```

# %% tags=["solution"]
from imet.report.reported import reported_value

paper = {c: reported_value(f"code.confusion.{c}") for c in ("tn", "fp", "fn", "tp")}
of_paper = 5 * paper["tp"] / (5 * paper["tp"] + 4 * paper["fn"] + paper["fp"])
p = paper["tp"] / (paper["tp"] + paper["fp"])
r = paper["tp"] / (paper["tp"] + paper["fn"])
assert np.isclose(of_paper, 5 * p * r / (4 * p + r))
page["of_paper"] = {"precision": p, "recall": r, "f2": of_paper}
page.values["of_paper"]

# %% [markdown]
# ```{solution} ex-09-1
# :class: dropdown
# {num}`of_paper.precision:.2f`, {num}`of_paper.recall:.2f` and {num}`of_paper.f2:.2f`.
# $F_2 = 5\,TP / (5\,TP + 4\,FN + FP)$: a miss costs four times as much as a false alarm.
# ```

# %% [markdown]
# ```{exercise} Level 2: the price of a rare label
# :label: ex-09-2
# Keep the paper's two rates and let the share of works with the label fall from a fifth to a thousandth.
# What happens to precision?
# ```

# %% tags=["solution"]
tpr, fpr = r, paper["fp"] / (paper["fp"] + paper["tn"])
precision_at = {
    share: tpr * share / (tpr * share + fpr * (1 - share)) for share in (0.2, 0.05, 0.01, 0.001)
}
assert precision_at[0.001] < precision_at[0.2]
page["rare"] = {"fifth": precision_at[0.2], "thousandth": precision_at[0.001]}
precision_at

# %% [markdown]
# ```{solution} ex-09-2
# :class: dropdown
# It falls from {num}`rare.fifth:.2f` to {num}`rare.thousandth:.3f`, with the same rates. That is why a rate that looks good
# for a frequent label is useless for a rare one.
# ```

# %% [markdown]
# ```{exercise} Level 2: the measure that likes silence
# :label: ex-09-3
# *Hamming loss* is the share of wrong decisions among all pairs of work and label. Compare the model with
# one that never predicts anything, in Hamming loss and in F2.
# ```

# %% tags=["solution"]
from imet.metrics import fbeta_per_work

silent = np.zeros_like(predicted)
page["hamming"] = {"model": (predicted != targets).mean(), "silent": (silent != targets).mean()}
page["hamming.f2"] = fbeta_per_work(predicted, targets).mean()
assert fbeta_per_work(silent, targets).mean() == 0
page.values["hamming"]

# %% [markdown]
# ```{solution} ex-09-3
# :class: dropdown
# Silence has a Hamming loss of {num}`hamming.silent:.3f` and an F2 of 0, the model {num}`hamming.model:.3f` and
# {num}`hamming.f2:.2f`. With labels this rare a measure that counts true negatives rewards saying nothing.
# ```

# %% [markdown]
# ```{exercise} Level 3: what would happen by chance?
# :label: ex-09-4
# For the label missed most often, compare the labels that its misses got instead with those that all works got,
# and say how likely as many would be by chance. Which of the ten columns stand out?
# ```

# %% tags=["solution"]
from scipy.stats import binom

row = missed.argmax()
overall = (predicted & ~targets).mean(0)[instead]  # how often a work gets it wrongly
columns = pd.DataFrame(
    {
        "works": shares[row, instead] * missed[row],  # that miss the label and wrongly get this one
        "in its place": shares[row, instead],
        "in any work": overall,
        "times": shares[row, instead] / np.maximum(overall, 1e-9),
    },
    index=[spoken(names[j]) for j in instead],
).dropna()  # without the label itself, and labels of the other kind
# As many or more in as many misses, if misses were works like any other.
columns["by chance"] = binom.sf(columns["works"].round() - 1, missed[row], columns["in any work"])
columns = columns.sort_values("by chance", kind="stable")
assert columns["works"].max() <= missed[row] or columns.empty
enough = columns["by chance"] < 0.05 / max(len(columns), 1)
page["by_chance"] = {
    "label": spoken(names[row]),
    "misses": missed[row],
    "columns": len(columns),
    "standing": ", ".join(columns.index[enough]) or "none",
    "works": or_dash(columns["works"].max()),
    "first": ", ".join(
        f"{name} ({line.works:.0f} works, {line.times:.1f} times as often as in any work)"
        for name, line in columns.head(3).iterrows()
    ),
}
columns.round(3)

# %% [markdown]
# ```{solution} ex-09-4
# :class: dropdown
# For the {num}`by_chance.misses:d` misses of *{num}`by_chance.label`* the least likely columns are:
# {num}`by_chance.first`. None of the columns rests on more than {num}`by_chance.works:.0f` works, and whoever
# looks at {num}`by_chance.columns:d` columns may well find one that is rare by chance. By Bonferroni's rule each
# must be rarer than 5 % divided by their number; then these stand out: {num}`by_chance.standing`. A confusion
# proper needs a ratio well above one from more than a few misses.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A label is on 2 % of works, true and false positive rates are .9 and .1. What is its precision?
# - [ ] .9 :: That is the recall.
# - [x] about .16 :: Yes: .018 of all works are correct alarms, .098 false ones.
# - [ ] .5 :: Only if correct and false alarms were equally many.
# ```
#
# ```{quiz}
# Most works that are called *men* show none. What does F2 say to that?
# - [x] It accepts it, for the men that are found. :: Right: a missed man costs four times as much as a
#   false one.
# - [ ] It is undefined. :: It is defined as long as there is something true or predicted.
# - [ ] It forbids it. :: A measure that counts precision more, such as F0.5, would.
# ```
