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
# # Predictions, and what the labels know of each other
#
# The paper's claim for its recurrent model is that it learns which labels go together. Looking at
# predictions cannot tell: labels that go together are seen together by any good model. This chapter
# looks, and then asks the model directly.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import numpy as np

from imet import runs
from imet.report.pages import Page

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
baseline = runs.run("resnet50", profile, seed=seed, device=device)
page = Page("11_predictions", profile, seed, device, models=[run, baseline])
parts, names = run.parts, run.parts.labels.names
targets, predicted = parts.test.targets, run.predicted("test")
page["epochs"] = run.recipe.epochs
predicted.sum(1).mean(), targets.sum(1).mean()  # labels per work

# %% [markdown]
# ## Two works, and three more
#
# ```{quote-doc} paper
# :where: §5.6
# Some of the predictions are quite reasonable even if they do not exist in the noisy ground truth
# labels.
# ```
#
# {numref}`fig-predictions` is laid out as the paper's Figure 5, {numref}`fig-predictions-more` goes on.
# The works are drawn at random, which the paper's were probably not.

# %%
works = np.random.default_rng(seed).permutation(len(parts.test))[:5]
scores = run.scores("test")
true = [[names[k] for k in np.flatnonzero(targets[w])] for w in works]
named = [[names[k] for k in np.argsort(-scores[w]) if predicted[w, k]] for w in works]
true[0], named[0]

# %% tags=["hide-input"]
from imet.data.images import read_image
from imet.report.plots.examples import predictions

pictures = [read_image(parts.collection.path(parts.test.rows[w])) for w in works]
predictions(pictures[:2], true[:2], named[:2])

# %% [markdown]
# ```{caption} fig-predictions
# :alt: Two works, each with its true labels and its predicted labels marked right or wrong.
# AttnCNN-RNN on two test works drawn at random, the paper's Figure 5: the annotator's labels in
# black, predictions in blue with a tick where they agree and in red with a cross where not.
# ```

# %% tags=["hide-input"]
predictions(pictures[2:], true[2:], named[2:]) if len(works) > 2 else predictions(
    pictures, true, named
)

# %% [markdown]
# ```{caption} fig-predictions-more
# :alt: Three more works with true and predicted labels.
# Three more.
# ```

# %%
import pandas as pd

from imet_simulation import has_ground_truth, read_ground_truth

wrong = predicted & ~targets
page["noise"] = {"wrong": wrong.sum()} | dict.fromkeys(
    ("reasonable", "share", "left_out", "found"), "–"
)
if has_ground_truth(parts.collection.root):
    truth = read_ground_truth(parts.collection).targets
    really = truth[np.ix_(parts.test.rows, parts.test.columns)]  # (N, K)
    page["noise"] = {
        "reasonable": (wrong & really).sum(),
        "share": (wrong & really).sum() / max(wrong.sum(), 1),
        "left_out": (really & ~targets).sum(),
        "found": (really & ~targets & predicted).sum(),
    }

# %%
titles = {
    "wrong": "predictions against the annotator's word",
    "reasonable": "of them really there",
    "left_out": "labels the annotator left out",
    "found": "of them predicted",
}
counts = pd.Series(page.values["noise"])[list(titles)]
counts.rename(titles).to_frame("on test works")

# %% [markdown]
# “Reasonable” can be counted where the collection is simulated, since what is really in a picture is
# known: of {num}`noise.wrong` predictions that the annotator does not share,
# {num}`noise.reasonable` name something that is there and was left out, a share of {num}`noise.share:.0%`; of
# the {num}`noise.left_out` labels that were left out the model gives {num}`noise.found`. So “some” is true,
# and the rest are mistakes.
#
# ## Do predictions go together as labels do?
#
# *Lift* is how much more often two labels meet than if they were independent. For the pairs of the
# labels most used in training, {numref}`fig-lift` compares the lift among the predictions with that
# among the annotator's labels of training works.

# %%
from imet.report.plots.collection import lift
from imet.report.tables import or_dash
from imet.statistics import spearman

counts = parts.train.targets.sum(0)
often = np.argsort(-counts, kind="stable")[: min(30, len(names))]
above = np.triu_indices(len(often), 1)  # each pair once
pairs = pd.DataFrame({"training": lift(*[parts.train.targets[:, often]] * 2)[above]})
pairs["baseline"] = lift(*[baseline.predicted("test")[:, often]] * 2)[above]
pairs["AttnCNN-RNN"] = lift(*[predicted[:, often]] * 2)[above]
pairs["annotator, test"] = lift(*[targets[:, often]] * 2)[above]
expected = counts[often][above[0]] * counts[often][above[1]] / len(parts.train)
pairs = pairs[expected >= 3]  # that meet often enough for a lift to mean something
pairs.describe().loc[["count", "mean", "max"]].round(2)

# %%
for name in ("baseline", "AttnCNN-RNN", "annotator, test"):
    known = pairs[["training", name]].dropna()
    rank = spearman(known["training"], known[name]) if len(known) > 2 else None
    page[f"agreement.{name}"] = or_dash(rank)
page.values["agreement"]  # rank correlations of lifts

# %% tags=["hide-input"]
from imet.report.plots.comparisons import label_scatter

label_scatter(
    pairs["training"],
    {name: pairs[name] for name in ("baseline", "AttnCNN-RNN")},
    x_name="lift among training labels",
    y_name="lift among predictions",
    logarithmic=False,
)

# %% [markdown]
# ```{caption} fig-lift
# :alt: A scatter of label pairs for two models that rises with the training lift.
# Lift of pairs of frequent labels among training labels and among predictions for test works,
# baseline and AttnCNN-RNN. Pairs that both models keep apart lie at zero.
# ```

# %% [markdown]
# Both models put labels together much as the annotator does, with rank correlations of
# {num}`agreement.baseline:.2f` and {num}`agreement.AttnCNN-RNN:.2f`; test labels themselves agree with
# training labels at {num}`agreement.annotator, test:.2f`. A model that treats labels independently
# *given the picture* shows their dependencies all the same, since the picture shows them.
#
# ## Does naming one label change the others?
#
# That is the question that only the recurrent model can be asked. Take every test work through the
# first step, then *tell* the model that it has named label $a$, and see how the logit of label $b$ at
# the second step differs from when it is told nothing. Averaged over works this is what $a$ says about
# $b$, beyond the picture.

# %%
from imet.inspection import influence

asked = often[: min(20, len(often))]
first_works = np.arange(min(len(parts.test), 400))
change = influence(run, parts.test, first_works, asked, device)  # (A, A) of logits
known = lift(parts.train.targets[:, asked], parts.train.targets[:, asked])
others = ~np.eye(len(asked), dtype=bool) & np.isfinite(known)
page["influence"] = {
    "size": or_dash(np.abs(change[others]).mean()),
    "rank": or_dash(spearman(known[others], change[others]) if others.sum() > 2 else None),
    "itself": or_dash(np.diag(change).mean()),
}
page.values["influence"]

# %% tags=["hide-input"]
from imet.report.plots.collection import cooccurrence

first = asked[: min(10, len(asked))]
cooccurrence(
    np.exp(change[: len(first), : len(first)]),
    [names[k] for k in first],
    [names[k] for k in first],
    limit=1.25,
    value_name="factor on the odds",
    digits=2,
)

# %% [markdown]
# ```{caption} fig-influence
# :alt: A square table of factors, red above one and blue below, for the most frequent labels.
# How much more likely the label of a column becomes at the second step once the label of a row has
# been named: the factor on its odds, averaged over test works. On the diagonal is the label itself:
# it is not named twice, but the step still gives it a probability.
# ```

# %% [markdown]
# On average naming a label changes another's logit by {num}`influence.size:.3f` in absolute value, and
# the change agrees with the training lift at a rank correlation of {num}`influence.rank:+.2f`. A label's
# own logit changes by {num}`influence.itself:+.3f`. A model that had learned dependencies would show both a
# clear correlation and changes of a size that matters; small changes mean that its second step
# nearly repeats its first. The model asked had {num}`epochs:d` epochs, and
# {num}`reported/code.rnn.epochs:d` in the code: one that is trained for longer may have learned more.
#
# That is what the loss asks for. Every step is trained to give all labels of the work, named or not, so
# a step loses nothing by ignoring what was named before. {ref}`The ablations <paper-results>` measure
# what the recurrence is worth.
#
# ## Limits
#
# - The probe changes $\tilde{\mathbf{y}}$ alone; $\mathbf{v}_{pred}$ and the state carry the first step as it was.
# - Lifts of pairs that meet a few times are noisy. Pairs expected fewer than three times among training
#   works are left out; among test works, of which there are far fewer, a lift rests on less than one meeting
#   for many of those that stay.
