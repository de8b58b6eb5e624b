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
import pandas as pd

from imet import inspection, runs
from imet.data.images import read_image
from imet.report.pages import record_page
from imet.report.plots.collection import cooccurrence, lift
from imet.report.plots.comparisons import label_scatter
from imet.report.plots.examples import predictions
from imet.report.tables import or_dash
from imet.statistics import spearman
from imet_simulation import has_ground_truth, read_ground_truth

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
baseline = runs.run("resnet50", profile, seed=seed, device=device)
parts, names = run.parts, run.parts.labels.names
targets, predicted = parts.test.targets, run.predicted("test")

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

# %% tags=["hide-input"]
works = np.random.default_rng(seed).permutation(len(parts.test))[:5]
scores = run.scores("test")
pictures = [read_image(parts.collection.path(parts.test.rows[w])) for w in works]
true = [[names[k] for k in np.flatnonzero(targets[w])] for w in works]
said = [[names[k] for k in np.argsort(-scores[w]) if predicted[w, k]] for w in works]

# %% tags=["hide-input"]
predictions(pictures[:2], true[:2], said[:2])

# %% [markdown]
# ```{caption} fig-predictions
# :alt: Two works, each with its true labels and its predicted labels marked right or wrong.
# AttnCNN-RNN on two test works drawn at random, the paper's Figure 5: the annotator's labels in
# black, predictions in blue with a tick where they agree and in red with a cross where not.
# ```

# %% tags=["hide-input"]
predictions(pictures[2:], true[2:], said[2:]) if len(works) > 2 else predictions(
    pictures, true, said
)

# %% [markdown]
# ```{caption} fig-predictions-more
# :alt: Three more works with true and predicted labels.
# Three more.
# ```

# %% tags=["hide-input"]
wrong = predicted & ~targets
if has_ground_truth(parts.collection.root):
    truth = read_ground_truth(parts.collection)
    columns = [parts.collection.labels.column(name) for name in names]
    really = truth.targets[np.ix_(parts.test.rows, columns)]
    reasonable = int((wrong & really).sum())
    share = reasonable / max(int(wrong.sum()), 1)
    left_out = int((really & ~targets).sum())
    found = int((really & ~targets & predicted).sum())
else:
    reasonable = share = left_out = found = None
pd.Series(
    {
        "predictions against the annotator's word": int(wrong.sum()),
        "of them really there": reasonable,
        "labels the annotator left out": left_out,
        "of them predicted": found,
    }
).to_frame("on test works")

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

# %% tags=["hide-input"]
counts = parts.train.targets.sum(0)
often = np.argsort(-counts, kind="stable")[: min(30, len(names))]
above = np.triu_indices(len(often), 1)
trained = lift(parts.train.targets[:, often], parts.train.targets[:, often])[above]
given = {
    "baseline": baseline.predicted("test"),
    "AttnCNN-RNN": predicted,
    "annotator, test": targets,
}
lifts = {name: lift(p[:, often], p[:, often])[above] for name, p in given.items()}
expected = counts[often][above[0]] * counts[often][above[1]] / len(parts.train)
enough = expected >= 3  # pairs that meet often enough for a lift to mean something
usable = {name: enough & np.isfinite(v) for name, v in lifts.items()}
agreement = {
    name: spearman(trained[m], lifts[name][m]) if (m := usable[name]).sum() > 2 else float("nan")
    for name in lifts
}
pd.DataFrame(
    {
        name: {"pairs": int(usable[name].sum()), "rank correlation of lifts": agreement[name]}
        for name in lifts
    }
).T.style.format({"pairs": "{:.0f}", "rank correlation of lifts": "{:.2f}"}, na_rep="–")

# %% tags=["hide-input"]
label_scatter(
    np.where(enough, trained, np.nan),
    {name: lifts[name] for name in ("baseline", "AttnCNN-RNN")},
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

# %% tags=["hide-input"]
asked = often[: min(20, len(often))]
change = inspection.influence(
    run, parts.test, np.arange(min(len(parts.test), 400)), asked, device
)  # (A, A)
known = lift(parts.train.targets[:, asked], parts.train.targets[:, asked])
off = ~np.eye(len(asked), dtype=bool) & np.isfinite(known)
rank = spearman(known[off], change[off]) if off.sum() > 2 else float("nan")
size = float(np.abs(change[off]).mean())
itself = float(np.diag(change).mean())

# %% tags=["hide-input"]
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
# nearly repeats its first.
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

# %% tags=["hide-input", "remove-output"]
record_page(
    "11_predictions",
    {
        "noise": {
            "wrong": int(wrong.sum()),
            "reasonable": "–" if reasonable is None else reasonable,
            "share": or_dash(share),
            "left_out": "–" if left_out is None else left_out,
            "found": "–" if found is None else found,
        },
        "agreement": {name: or_dash(v) for name, v in agreement.items()},
        "influence": {
            "size": or_dash(size),
            "rank": or_dash(rank),
            "itself": or_dash(itself),
        },
    },
    profile=profile,
    seed=seed,
    device=device,
    runs=[run, baseline],
)
