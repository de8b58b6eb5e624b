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
# ```{goals}
# how to ask a model whether labels know of each other; the difference between dependence and dependence
# given the picture.
#
# {doc}`06_attn_cnn_rnn`, {doc}`07_decoding`; {term}`lift`, odds and logits.
# ```
#
# The paper claims that its recurrent model learns which labels go together. Looking at predictions cannot tell:
# any good model sees together the labels that go together. This chapter looks, and then asks the model directly.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.report.pages import Page

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
baseline = runs.run("resnet50", profile, seed=seed, device=device)
page = Page("11_predictions", profile, seed, device, models=[run, baseline])
parts, names = run.parts, run.parts.labels.names
targets, predicted = parts.test.targets, run.predicted("test")
page["epochs"] = run.recipe.epochs
{"predicted": predicted.sum() / len(targets), "true": targets.sum() / len(targets)}  # per work

# %% [markdown]
# ## Two works, and three more
#
# ```{quote-doc} paper
# :where: §5.6
# Some of the predictions are quite reasonable even if they do not exist in the noisy ground truth
# labels.
# ```
#
# {numref}`fig-predictions` is laid out like the paper's Figure 5, and {numref}`fig-predictions-more` continues it.
# The works are drawn at random; the paper's probably were not.

# %%
import numpy as np

from imet.report.tables import spoken

works = np.random.default_rng(seed).permutation(len(parts.test))[:5]
scores = run.scores("test")
true = [[names[k] for k in np.flatnonzero(targets[w])] for w in works]
named = [[names[k] for k in np.argsort(-scores[w]) if predicted[w, k]] for w in works]
{"annotator": [*map(spoken, true[0])], "AttnCNN-RNN": [*map(spoken, named[0])]}

# %% tags=["hide-input"]
from imet.data.images import read_image
from imet.report.plots.examples import predictions

pictures = [read_image(parts.collection.path(parts.test.rows[w])) for w in works]
predictions(pictures[:2], true[:2], named[:2])

# %% [markdown]
# ```{caption} fig-predictions
# :alt: Two works, each with the annotator's labels and the predicted labels marked right or wrong.
# AttnCNN-RNN on two test works drawn at random, the paper's Figure 5: the annotator's labels in
# black, predictions in blue with a tick where they agree and in red with a cross where not.
# ```

# %% tags=["hide-input"]
predictions(pictures[2:], true[2:], named[2:]) if len(works) > 2 else predictions(
    pictures, true, named
)

# %% [markdown]
# ```{caption} fig-predictions-more
# :alt: Three more works with the annotator's and the predicted labels.
# Three more.
# ```

# %%
from imet.report.tables import or_dash
from imet_simulation import has_ground_truth, read_ground_truth

wrong = predicted & ~targets
page["noise"] = {"wrong": wrong.sum()} | dict.fromkeys(
    ("reasonable", "share", "left_out", "found"), "–"
)
page["noise.wrong_share"] = or_dash(wrong.sum() / predicted.sum() if predicted.any() else None)
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
import pandas as pd

titles = {
    "wrong": "predictions against the annotator's word",
    "reasonable": "of them really there",
    "left_out": "labels the annotator left out",
    "found": "of them predicted",
}
counts = pd.Series(page.values["noise"], dtype=object)[list(titles)]
counts.rename(titles).to_frame("on test works")

# %% [markdown]
# “Reasonable” can be counted where the collection is simulated, since what is really in a picture is
# known: of {num}`noise.wrong` predictions that the annotator does not share,
# {num}`noise.reasonable` name something that is there and was left out, a share of {num}`noise.share:.0%`; of
# the {num}`noise.left_out` labels that were left out, the model gives {num}`noise.found`. So “some” is true, and
# the rest are mistakes. (Of all that the model gives, {num}`noise.wrong_share:.0%` are wrong by the annotator's
# word.)
#
# ## Do predictions go together as labels do?
#
# *Lift* is how much more often two labels meet than if they were independent. For the pairs of the
# labels most used in training, {numref}`fig-lift` compares the lift among the predictions with that
# among the annotator's labels of training works.

# %%
from imet.report.plots.collection import lift

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
from imet.statistics import spearman

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
# baseline and AttnCNN-RNN. Pairs that a model never predicts together lie on the bottom line, pairs that never
# meet in training on the left line; pairs at the same place share a mark, which grows with their number.
# ```

# %% [markdown]
# Both models put labels together much as the annotator does, with rank correlations of
# {num}`agreement.baseline:.2f` and {num}`agreement.AttnCNN-RNN:.2f`; test labels themselves agree with
# training labels at {num}`agreement.annotator, test:.2f`. A model that treats labels independently
# *given the picture* shows their dependencies all the same, since the picture shows them.
#
# ## Does naming one label change the others?
#
# Only the recurrent model can be asked that. Take every test work through the first step, then *tell* the model
# that it has named label $a$, and see how the logit of label $b$ at the second step differs from when it is told
# nothing. The average over works is what $a$ says about $b$, beyond the picture.

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
# On average, naming a label changes another's logit by {num}`influence.size:.3f` in absolute value, and the change
# agrees with the training lift at a rank correlation of {num}`influence.rank:+.2f`. A label's own logit changes by
# {num}`influence.itself:+.3f`. A model that had learned dependencies would show both a clear correlation and
# changes of a size that matters; small changes mean that its second step nearly repeats its first. This model was
# trained for {num}`epochs:d` epochs, in the code for {num}`reported/code.rnn.epochs:d`: one trained for longer may
# have learned more.
#
# That is what the loss asks for. Every step is trained to give all labels of the work, named or not, so
# a step loses nothing by ignoring what was named before. {ref}`The ablations <paper-results>` measure
# what the recurrence is worth.
#
# ## Limits
#
# - The probe changes $\tilde{\mathbf{y}}$ alone; $\mathbf{v}_{pred}$ and the state carry the first step as it was.
# - Lifts of pairs that meet only a few times are noisy. Pairs expected fewer than three times among training works
#   are left out; among test works, of which there are far fewer, a lift rests on less than one meeting for many of
#   the remaining pairs.

# %% [markdown]
# ## Summary
#
# - Predictions of any good model go together as labels do, because pictures show labels together.
# - Only telling a recurrent model what it has named shows whether it uses that. Here it changes another
#   label's logit by {num}`influence.size:.3f` on average.
# - The loss does not ask for it.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: lift from counts
# :label: ex-11-1
# Of 200 works 40 carry *ships*, 50 *seas*, and 30 both. What is the lift, and what is the largest it could
# be?
# ```

# %% tags=["solution"]
ships, seas, both, n = 40, 50, 30, 200
value = both * n / (ships * seas)
assert value == 3.0
value, min(ships, seas) * n / (ships * seas)

# %% [markdown]
# ```{solution} ex-11-1
# :class: dropdown
# 3, and at most 4, with every ship at sea.
# ```

# %% [markdown]
# ```{exercise} Level 2: dependent, and independent given the picture
# :label: ex-11-2
# Make a collection in which works are sea pieces or not, and ships and waves are each on nine tenths of sea
# pieces and on a hundredth of the others, independently. What is their lift, and what is left of it among
# sea pieces?
# ```

# %% tags=["solution"]
make = np.random.default_rng(0)
sea = make.random(100_000) < 0.2
ship, wave = (make.random(len(sea)) < np.where(sea, 0.9, 0.01) for _ in range(2))
of_all = (ship & wave).mean() / (ship.mean() * wave.mean())
of_sea = (ship & wave)[sea].mean() / (ship[sea].mean() * wave[sea].mean())
assert of_all > 2
assert abs(of_sea - 1) < 0.05
round(float(of_all), 2), round(float(of_sea), 2)

# %% [markdown]
# ```{solution} ex-11-2
# :class: dropdown
# 4.6 over all works and 1 within sea pieces: whoever sees the sea needs no memory of the ship. A
# recurrent model gains only from dependence that is left *after* the picture.
# ```

# %% [markdown]
# ```{exercise} Level 2: how sure is the model of what is “reasonable”?
# :label: ex-11-3
# Compare the scores of false positives that are really there with those of the others. (Without a ground
# truth, compare right predictions with wrong ones.)
# ```

# %% tags=["solution"]
s = run.scores("test")
really_there = wrong & really if has_ground_truth(parts.collection.root) else predicted & targets
groups = {"really there": s[really_there], "the rest": s[wrong & ~really_there]}
page["sure"] = {
    name: or_dash(np.median(group) if len(group) else None) for name, group in groups.items()
}
page.values["sure"]

# %% [markdown]
# ```{solution} ex-11-3
# :class: dropdown
# The median score is {num}`sure.really there:.3f` for those that are there and {num}`sure.the rest:.3f` for the
# rest. Where the first is higher, a higher threshold keeps a larger share of the reasonable ones than of the rest.
# Where they are alike, the model is as sure of its own mistakes as of the annotator's.
# ```

# %% [markdown]
# ```{exercise} Level 3: is the influence mutual?
# :label: ex-11-4
# If naming $a$ raised $b$ because the two go together, naming $b$ should raise $a$. Correlate the influence
# table with its transpose, off the diagonal.
# ```

# %% tags=["solution"]
above_only = np.triu_indices(len(asked), 1)
mutual = spearman(change[above_only], change.T[above_only]) if len(asked) > 2 else float("nan")
page["influence.mutual"] = or_dash(mutual)
words = {"Hardly": 0.2, "In part": 0.6, "Mostly": 1.1}
page["influence.answer"] = next((word for word, to in words.items() if mutual < to), "Unknown")
page.values["influence"]["mutual"]

# %% [markdown]
# ```{solution} ex-11-4
# :class: dropdown
# {num}`influence.answer`: the rank correlation is {num}`influence.mutual:.2f`. Lift is symmetric; an influence
# that is not symmetric has another reason, such as the place of a label in the order of naming.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A model without any memory predicts *ships* with *seas* three times as often as by chance. What did it
# learn?
# - [ ] That ships belong to seas. :: It may only have learned what each looks like.
# - [x] To see both, which occur in the same pictures. :: Right: seen together, said together.
# - [ ] Nothing, lift needs a memory. :: Lift is a property of the predictions, however they came about.
# ```
#
# ```{quiz}
# Why does telling the model its first label change so little?
# - [x] Every step is trained to give all labels, named or not. :: Yes: the loss gives no reason to use
#   what was named.
# - [ ] The LSTM is too small. :: Perhaps, but the loss would not reward a larger one either.
# - [ ] The labels are independent. :: They are not; the picture already shows how they depend.
# ```
