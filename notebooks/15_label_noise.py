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
# # Label noise
#
# One person labelled each picture and nobody checked. The poster blames that for part of its loss.
# On real pictures the claim cannot be tested, since nobody knows the truth. On drawn ones somebody
# does.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import numpy as np
import pandas as pd
import torch

from imet import runs
from imet.config import get_profile
from imet.data.images import read_image
from imet.losses import focal_loss
from imet.metrics import fbeta_per_work
from imet.report.label_noise import confident_errors, detection_scores, out_of_fold_scores
from imet.report.pages import record_page
from imet.report.plots.comparisons import score_curves
from imet.report.plots.examples import picture_grid
from imet.report.tables import with_interval
from imet.statistics import mean_interval, paired_difference
from imet_simulation import Noise, read_ground_truth

known = profile if get_profile(profile).data == "simulated" else "sample"
budget = {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "cosine", "batch_size": 64} | (
    {"epochs": 12} if known == "sample" else {}
)
clean = runs.run(
    "vgg16_bn_step15", known, seed=seed, device=device, overrides=budget | {"label_noise": 0.0}
)
labels = clean.parts.labels

# %% [markdown]
# ## What is wrong with the labels?
#
# ```{quote-doc} poster
# :where: Discussion
# The ground truth labels are noisy, as each image is labeled by one person without checks. This
# results in the higher loss, when model correctly predicts the label upon manual examination, but
# the ground truth is missing the label.
# ```
#
# The simulated collection, which this chapter uses on every profile, was annotated by a simulated
# person who leaves out {num}`rates.missing:.0%` of the tags and {num}`rates.missing_culture:.0%` of the
# cultures, takes {num}`rates.confused:.0%` of the tags for a related one, and adds a wrong tag to
# {num}`rates.wrong:.0%` of the works. What that makes of this build's collection:

# %% tags=["hide-input"]
works = clean.parts.collection
shown = read_ground_truth(works).targets
given = runs.load(known).collection.targets
wrong = {"left out, but shown": shown & ~given, "given, but not shown": given & ~shown}
kinds = {"culture": works.labels.is_culture, "tag": ~works.labels.is_culture}
table = {
    kind: {
        "labels shown": int(shown[:, mask].sum()),
        **{name: int(errors[:, mask].sum()) for name, errors in wrong.items()},
        "works with an error": f"{(given != shown)[:, mask].any(1).mean():.0%}",
    }
    for kind, mask in kinds.items()
}
pd.DataFrame(table).T

# %% [markdown]
# ## What does it cost?
#
# Noise acts twice: a model *learns* from wrong labels, and it is *scored* on wrong labels. To take
# the two apart, the same head is trained, as in {doc}`14_losses_and_thresholds`, on the same works under
# labels with no mistakes, with the annotator's, and with twice and four times as many, and scored on test
# works twice: against the labels at hand, as one would have to, and against what is really shown.

# %% tags=["hide-input"]
factors = (0.0, 1.0, 2.0, 4.0)
trained = {
    f: runs.run(
        "vgg16_bn_step15", known, seed=seed, device=device, overrides=budget | {"label_noise": f}
    )
    for f in factors
}
truth = clean.parts.test.targets  # (N, K)
at_hand, really, perfect = {}, {}, {}
for f, run in trained.items():
    noisy = run.parts.test.targets
    at_hand[f] = fbeta_per_work(run.predicted("test"), noisy)
    really[f] = fbeta_per_work(run.predicted("test"), truth)
    perfect[f] = fbeta_per_work(truth, noisy)
logits = torch.logit(torch.from_numpy(trained[1.0].scores("test").astype(float)), eps=1e-6)
truth_loss, hand_loss = (
    focal_loss(logits, torch.from_numpy(y), reduction="none").sum(1).numpy()
    for y in (truth, trained[1.0].parts.test.targets)
)  # (N,)
higher = paired_difference(hand_loss, truth_loss)._asdict()
costs = {
    f: {
        "at_hand": mean_interval(at_hand[f])._asdict(),
        "really": mean_interval(really[f])._asdict(),
        "perfect": mean_interval(perfect[f])._asdict(),
        "learning": paired_difference(really[f], really[0.0])._asdict(),
        "scoring": paired_difference(at_hand[f], really[f])._asdict(),
    }
    for f in factors
}

# %% tags=["hide-input"]
score_curves(
    factors,
    {
        "model, scored on labels at hand": [costs[f]["at_hand"]["value"] for f in factors],
        "model, scored on the truth": [costs[f]["really"]["value"] for f in factors],
        "the truth, scored on labels at hand": [costs[f]["perfect"]["value"] for f in factors],
    },
    x_name="mistakes, times the simulated annotator's rate",
    dots=True,
)

# %% [markdown]
# ```{caption} fig-noise
# :alt: Three curves against the rate of mistakes: a perfect answer scored on noisy labels falls
#   fastest from 1; the model's two scores lie lower.
# F2 of test works by the rate of annotators' mistakes, in multiples of the simulation's: of a model
# trained and scored on the labels at hand, of the same model scored on what is really shown, and of
# somebody who knows what is shown and is scored on the labels at hand.
# ```

# %% tags=["hide-input"]
pd.DataFrame(
    {
        f"{f:g} × the mistakes": {
            name: f"{m['value']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}]"
            for name, m in (
                ("by learning from them", costs[f]["learning"]),
                ("by being scored on them", costs[f]["scoring"]),
            )
        }
        for f in factors[1:]
    }
).T

# %% [markdown]
# At the simulated annotator's own rate a *perfect* answer would be scored {num}`one.perfect:.3f`: that
# is the ceiling, and nobody can see from the score alone how far below 1 it lies. The model reaches
# {num}`one.at_hand:.3f` on the labels at hand and {num}`one.really:.3f` on the truth. Learning from the
# mistakes changes its F2 on the truth by {num}`one.learning:+.3f` {num}`one.learning_interval:.3f`,
# being scored on them by {num}`one.scoring:+.3f` {num}`one.scoring_interval:.3f`. At four times the
# rate it is {num}`four.learning:+.3f` and {num}`four.scoring:+.3f`.
#
# The poster's sentence is about the loss. The focal loss of the model that learned from the annotator is
# {num}`loss.at_hand:.3f` a test work against the labels at hand and {num}`loss.really:.3f` against the truth,
# a difference of {num}`loss.difference:+.3f` {num}`loss.interval:+.3f`. A label that is missing from the ground
# truth does raise the loss where the model gives it. Over all works, at the rate of this annotator, that is
# a small part of the loss, and where the interval contains zero not even a sure one.

# %% [markdown]
# ## Can the mistakes be found?
#
# ```{quote-doc} poster
# :where: Future work
# Cleaning the dataset labels in a supervised fashion. Ideally, labelling the dataset at least one
# more time would be beneficial to estimate the level of human error.
# ```
#
# *Confident learning* {cite}`northcutt2021` asks for each label which works a model would put on the
# other side. The threshold is the model's mean confidence in works annotated with that outcome, so
# that a label the model is generally unsure of is not suspected everywhere. The scores must come
# from models that have not seen the work: here five linear layers, each trained on four fifths of
# the training works, score the remaining fifth. (The library `cleanlab` does the same and more; its
# licence is not this project's, and the rule is twenty lines.)

# %% tags=["hide-input"]
annotated = runs.run("vgg16_bn_step15", known, seed=seed, device=device)
train = annotated.parts.train
features = runs.pooled_features(annotated, device)["train"]  # (N, D)
scores = out_of_fold_scores(features, train.targets, epochs=12, seed=seed)  # (N, K)
suspects = confident_errors(scores, train.targets)
errors = train.targets != clean.parts.train.targets  # (N, K)
sides = {
    "left out, but shown": ~train.targets,
    "given, but not shown": train.targets,
}
found = {
    name: detection_scores(suspects.found & side, errors & side) for name, side in sides.items()
}
share = {name: float((errors & side).sum() / side.sum()) for name, side in sides.items()}
pd.DataFrame(
    {
        name: {
            "errors there are": f["errors"],
            "suspected": f["suspects"],
            "precision": f"{f['precision']:.1%}",
            "precision of guessing": f"{share[name]:.1%}",
            "recall": f"{f['recall']:.0%}",
        }
        for name, f in found.items()
    }
).T

# %% [markdown]
# The table counts single annotations, a label of a work each. Labels that were left out are hidden
# among all those that rightly were: guessing finds one in {num}`found.odds:.0f`. Someone who wants to
# clean a collection would look at the most doubtful ones first, in the order of
# {numref}`fig-suspects`.

# %% tags=["hide-input"]
precision_at = {}
counts = np.unique(np.geomspace(5, max(6, min(2000, train.targets.sum() // 2)), 24).astype(int))
for name, side in sides.items():
    order = np.argsort(-np.where(side, suspects.doubt, -1).ravel(), kind="stable")
    hits = np.cumsum((errors & side).ravel()[order])
    precision_at[name] = hits[counts - 1] / counts
score_curves(
    counts, precision_at, x_name="annotations looked at", y_name="really errors", logarithmic=True
)

# %% [markdown]
# ```{caption} fig-suspects
# :alt: Two curves of precision against the number of annotations looked at, that of left-out labels
#   far above that of wrongly given ones.
# Share of real errors among the annotations looked at, when the most doubtful are looked at first:
# training works, out-of-fold scores. Logarithmic.
# ```

# %% [markdown]
# Of the first {num}`first.looked:d` suspected to be left out, {num}`first.left_out:.0%` really are; of the
# first {num}`first.looked:d` suspected to be wrongly given, {num}`first.given:.0%`. A thing that is plainly
# there and has no label is easy to notice; a label whose thing the model does not find is mostly just
# one that the model does not know.

# %% tags=["hide-input"]
ranked = np.argsort(-np.where(suspects.found, suspects.doubt, -1).ravel(), kind="stable")
at, column = np.unravel_index(ranked, errors.shape)
_, first = np.unique(at[:400], return_index=True)
picked = np.sort(first)[:6]
picture_grid(
    [read_image(works.path(train.rows[at[i]])) for i in picked],
    [[labels.names[k] for k in np.flatnonzero(train.targets[at[i]])] for i in picked],
    titles=[
        f"{labels.short(column[i])} {'given' if train.targets[at[i], column[i]] else 'left out'}: "
        f"{'an error' if errors[at[i], column[i]] else 'no error'}"
        for i in picked
    ],
)

# %% [markdown]
# ```{caption} fig-suspect-works
# :alt: Six works, each headed by a suspected label and whether the suspicion is right, above the
#   labels it was given.
# The most doubtful annotations of training works, one a work: which label is suspected, and below the
# labels that were given.
# ```

# %% [markdown]
# ## Limits
#
# - The simulated annotator errs at random, at rates that were made up. People err where things are
#   small, unfamiliar or a matter of opinion, and in real collections the mistakes of one person
#   resemble each other.
# - Whether confident learning would do as well on the real collection depends on how good the model
#   is, and on just that: a mistake that the model makes too cannot be found with it.
# - All labels carry noise here, validation too: thresholds and epochs are chosen on noisy labels.

# %% tags=["hide-input", "remove-output"]
fifty = int(np.argmin(abs(counts - 50)))
record_page(
    "15_label_noise",
    {
        "first": {
            "looked": int(counts[fifty]),
            "left_out": precision_at["left out, but shown"][fifty],
            "given": precision_at["given, but not shown"][fifty],
        },
        "rates": Noise().asdict(),
        "errors": table,
        "loss": with_interval(higher)
        | {
            "difference": higher["value"],
            "at_hand": hand_loss.mean(),
            "really": truth_loss.mean(),
        },
        "costs": {f"{f:g}": found for f, found in costs.items()},
        **{
            name: {
                "perfect": costs[f]["perfect"]["value"],
                "at_hand": costs[f]["at_hand"]["value"],
                "really": costs[f]["really"]["value"],
                "learning": costs[f]["learning"]["value"],
                "learning_interval": [costs[f]["learning"]["low"], costs[f]["learning"]["high"]],
                "scoring": costs[f]["scoring"]["value"],
                "scoring_interval": [costs[f]["scoring"]["low"], costs[f]["scoring"]["high"]],
            }
            for name, f in (("one", 1.0), ("four", 4.0))
        },
        "found": {
            "left_out": found["left out, but shown"],
            "given": found["given, but not shown"],
            "odds": 1 / max(share["left out, but shown"], 1e-6),
        },
    },
    profile=profile,
    seed=seed,
    device=device,
    runs=[*trained.values(), annotated],
)
