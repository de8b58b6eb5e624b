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
# # Label noise
#
# ```{goals}
# what wrong labels cost in learning and in scoring; how mistakes in a table can be found; why a perfect
# answer does not score 1.
#
# {doc}`14_losses_and_thresholds`; the idea of a confusion of labels.
# ```
#
# One person labelled each picture and nobody checked. The poster blames that for part of its loss.
# On real pictures the claim cannot be tested, since nobody knows the truth. On drawn ones somebody
# does.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.config import get_profile
from imet.report.pages import Page

known = profile if get_profile(profile).data == "simulated" else "sample"
trained = {}  # times the simulated annotator's rate of mistakes
for factor in (0.0, 1.0, 2.0, 4.0):
    changes = {"label_noise": factor}
    trained[factor] = runs.run("poster_head", known, seed=seed, device=device, overrides=changes)
clean = trained[0.0]
labels, works = clean.parts.labels, clean.parts.collection
page = Page("15_label_noise", profile, seed, device, models=trained.values(), pictures=known)

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
# cultures, mistakes {num}`rates.confused:.0%` of the tags for a related one, and adds a wrong tag to
# {num}`rates.wrong:.0%` of the works. The result in this build's collection:

# %%
import pandas as pd

from imet_simulation import RELATED, Noise, count_label_noise, read_ground_truth

shown = read_ground_truth(works).targets  # (N, K)
annotated = runs.load(known).collection.targets
table = {}
for kind, mask in {"culture": works.labels.is_culture, "tag": ~works.labels.is_culture}.items():
    truth, labelled = shown[:, mask], annotated[:, mask]
    table[kind] = {
        "labels shown": truth.sum(),
        "left out, but shown": (truth & ~labelled).sum(),
        "given, but not shown": (labelled & ~truth).sum(),
        "works with an error": f"{(labelled != truth).any(1).mean():.0%}",
    }
page["rates"] = Noise().asdict()
page["errors"] = table
made = count_label_noise(shown, annotated, works.labels.names, RELATED)
page["made"] = {kind: mistakes for kind, (mistakes, _) in made.items()}
page["tags"] = {"lost": table["tag"]["left out, but shown"]}
page["tags.new"] = table["tag"]["given, but not shown"]
assert page.values["tags"]["lost"] == made["missing"][0] + made["confused"][0]
assert page.values["tags"]["new"] == made["wrong"][0] + made["confused"][0]
pd.DataFrame(table).T

# %% [markdown]
# A tag that is mistaken for a related one counts twice in the table: of the {num}`tags.lost:d` tags that are
# shown but not given, {num}`made.missing:d` were left out and {num}`made.confused:d` became a related one; of
# the {num}`tags.new:d` that are given but not shown, {num}`made.confused:d` are those relatives and
# {num}`made.wrong:d` were added at random.

# %% [markdown]
# ## What does it cost?
#
# Noise acts twice: a model *learns* from wrong labels, and it is *scored* on wrong labels. To separate the two,
# the same head is trained, as in {doc}`14_losses_and_thresholds`, on the same works under labels with no mistakes,
# with the annotator's mistakes, and with twice and four times as many. It is scored on test works twice: against
# the labels at hand, as one would have to, and against what is really shown.

# %%
from imet.metrics import fbeta_per_work

truth = clean.parts.test.targets  # (N, K)
f2 = {}  # F2 of each test work
for factor, run in trained.items():
    at_hand, predicted = run.parts.test.targets, run.predicted("test")
    f2["model, scored on labels at hand", factor] = fbeta_per_work(predicted, at_hand)
    f2["model, scored on the truth", factor] = fbeta_per_work(predicted, truth)
    f2["the truth, scored on labels at hand", factor] = fbeta_per_work(truth, at_hand)
curves = pd.Series({key: per_work.mean() for key, per_work in f2.items()}).unstack(0)
curves.round(3)

# %% tags=["hide-input"]
from imet.report.plots.comparisons import score_curves

score_curves(
    list(trained),
    {
        name: curves[name]
        for name in (
            "model, scored on labels at hand",
            "model, scored on the truth",
            "the truth, scored on labels at hand",
        )
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

# %%
from imet.statistics import paired_difference

rows = {}
for factor, name in ((1.0, "one"), (2.0, "two"), (4.0, "four")):
    really = f2["model, scored on the truth", factor]
    at_hand = f2["model, scored on labels at hand", factor]
    learning = paired_difference(really, f2["model, scored on the truth", 0.0])
    scoring = paired_difference(at_hand, really)
    rows[f"{factor:g} × the mistakes"] = {
        "by learning from them": f"{learning:+.3f}",
        "by being scored on them": f"{scoring:+.3f}",
    }
    page[name] = {
        "perfect": f2["the truth, scored on labels at hand", factor].mean(),
        "at_hand": at_hand.mean(),
        "really": really.mean(),
        "learning": learning.value,
        "learning_interval": learning[1:],
        "scoring": scoring.value,
        "scoring_interval": scoring[1:],
    }
pd.DataFrame(rows).T

# %%
import torch

from imet.losses import focal_loss

run = trained[1.0]
logits = torch.logit(torch.from_numpy(run.scores("test").astype(float)), eps=1e-6)
loss = {}  # of each work
for name, targets in (("at_hand", run.parts.test.targets), ("really", truth)):
    loss[name] = focal_loss(logits, torch.from_numpy(targets), reduction="none").sum(1).numpy()
    page[f"loss.{name}"] = loss[name].mean()
higher = paired_difference(loss["at_hand"], loss["really"])
page["loss"] = {"difference": higher.value, "interval": higher[1:]}
page.values["loss"]

# %% [markdown]
# At the simulated annotator's own rate a *perfect* answer would score {num}`one.perfect:.3f`: that is the ceiling,
# and nobody can see from the score alone how far below 1 it lies. The model reaches {num}`one.at_hand:.3f` on the
# labels at hand and {num}`one.really:.3f` on the truth. Learning from the mistakes changes its F2 on the truth by
# {num}`one.learning:+.3f` {num}`one.learning_interval:+.3f`, being scored on them by {num}`one.scoring:+.3f`
# {num}`one.scoring_interval:+.3f`. At four times the rate the changes are {num}`four.learning:+.3f` and
# {num}`four.scoring:+.3f`.
#
# The poster's sentence is about the loss. The focal loss of the model that learned from the annotator is
# {num}`loss.at_hand:.3f` per test work against the labels at hand and {num}`loss.really:.3f` against the truth, a
# difference of {num}`loss.difference:+.3f` {num}`loss.interval:+.3f`. A label that is missing from the ground
# truth does raise the loss where the model gives it. Over all works, at the rate of this annotator, that is a
# small part of the loss and, where the interval contains zero, not even a certain one.

# %% [markdown]
# ## Can the mistakes be found?
#
# ```{quote-doc} poster
# :where: Future work
# Cleaning the dataset labels in a supervised fashion. Ideally, labelling the dataset at least one
# more time would be beneficial to estimate the level of human error.
# ```
#
# {term}`Confident learning <confident learning>` {cite}`northcutt2021` asks for each label which works a model would put
# on the other side. The threshold is the model's mean confidence in works annotated with that outcome, so
# that a label the model is generally unsure of is not suspected everywhere. The scores must come
# from models that have not seen the work: here five linear layers, each trained on four fifths of
# the training works, score the remaining fifth. (The library `cleanlab` does the same and more; its
# licence is not this project's, and the rule is twenty lines.)

# %%
from imet.inspection import features_of
from imet.report.label_errors import confident_errors, out_of_fold_scores

frozen = runs.run("vgg16_bn_step15", known, seed=seed, device=device)
page.add_models(frozen)
train = frozen.parts.train
features = features_of(frozen.recipe, frozen.parts, train, "pooled", device=device)[:, 0]  # (N, D)
scores = out_of_fold_scores(features, train.targets, epochs=12, seed=seed)  # (N, K)
suspects = confident_errors(scores, train.targets)
errors = train.targets != clean.parts.train.targets  # (N, K)
suspects.suspicious.sum(), errors.sum()

# %%
from imet.report.label_errors import detection_scores

sides = {"left out, but shown": ~train.targets, "given, but not shown": train.targets}
rows = {}
for (name, side), key in zip(sides.items(), ("left_out", "given")):
    result = detection_scores(suspects.suspicious & side, errors & side)
    guessing = (errors & side).sum() / side.sum()  # the precision of it
    page[f"found.{key}"] = result
    rows[name] = {
        "errors there are": result["errors"],
        "suspected": result["suspects"],
        "precision": f"{result['precision']:.1%}",
        "precision of guessing": f"{guessing:.1%}",
        "recall": f"{result['recall']:.0%}",
    }
    page.values["found"].setdefault("odds", 1 / max(guessing, 1e-6))  # of those left out
pd.DataFrame(rows).T

# %% [markdown]
# The table counts single annotations, each one label of one work. Labels left out by mistake are hidden among all
# those rightly left out: guessing finds one in {num}`found.odds:.0f`. Someone who wants to clean a collection
# would look at the most doubtful ones first, in the order of {numref}`fig-suspects`.

# %%
import numpy as np

looked_at = np.geomspace(5, max(6, min(2000, train.targets.sum() // 2)), 24)
looked_at = np.unique(looked_at.astype(int))
fifty = int(np.argmin(abs(looked_at - 50)))
page["first.looked"] = looked_at[fifty]
precision_at = {}
for (name, side), key in zip(sides.items(), ("left_out", "given")):
    order = np.argsort(-np.where(side, suspects.doubt, -1).ravel(), kind="stable")
    right = np.cumsum((errors & side).ravel()[order])
    precision_at[name] = right[looked_at - 1] / looked_at
    page[f"first.{key}"] = precision_at[name][fifty]
page.values["first"]

# %% tags=["hide-input"]
score_curves(
    looked_at,
    precision_at,
    x_name="annotations looked at",
    y_name="share that are errors",
    logarithmic=True,
)

# %% [markdown]
# ```{caption} fig-suspects
# :alt: Two curves of precision against the number of annotations looked at, that of left-out labels
#   far above that of wrongly given ones.
# Share of real errors among the annotations looked at, when the most doubtful are looked at first:
# training works, out-of-fold scores. Their number is on a logarithmic axis.
# ```

# %% [markdown]
# Of the first {num}`first.looked:d` suspected to be left out, {num}`first.left_out:.0%` really are; of the
# first {num}`first.looked:d` suspected to be wrongly given, {num}`first.given:.0%`. A thing that is plainly
# there and has no label is easy to notice; a label whose thing the model does not find is mostly just
# one that the model does not know.

# %% tags=["hide-input"]
from imet.data.images import read_image
from imet.report.plots.examples import picture_grid

ranked = np.argsort(-np.where(suspects.suspicious, suspects.doubt, -1).ravel(), kind="stable")
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
# The most doubtful annotations of training works, one per work: which label is suspected, and below the
# labels that were given.
# ```

# %% [markdown]
# ## Limits
#
# - The simulated annotator errs at random, at rates that were made up. People err where things are
#   small, unfamiliar or a matter of opinion, and in real collections the mistakes of one person
#   resemble each other.
# - Whether confident learning would do as well on the real collection depends on how good the model
#   is, and only on that: a mistake that the model makes too cannot be found with it.
# - All labels carry noise here, validation too: thresholds and epochs are chosen on noisy labels.
# - One seed: heads at different rates are separate trainings, and part of their difference is chance. The mistakes
#   are drawn anew at each rate, including the annotator's own: that head is not the one of
#   {doc}`14_losses_and_thresholds`, which learned the mistakes of the collection.

# %% [markdown]
# ## Summary
#
# - Noise acts twice, when a model learns and when it is scored; the two can be separated where the truth is known.
# - Somebody who knows the truth does not score 1 against a noisy table.
# - Of the {num}`first.looked:d` labels most confidently suspected to be left out, {num}`first.left_out:.0%` are,
#   where guessing finds one in {num}`found.odds:.0f`; of those suspected to be wrongly given,
#   {num}`first.given:.0%`.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: a ceiling
# :label: ex-15-1
# An annotator leaves out each label of a work with probability .1, never adds one, and every work truly has
# three. What is the mean recall of the truth against the annotator's table, and its mean precision?
# ```

# %% tags=["solution"]
import numpy as np

guess = np.random.default_rng(0)
left_in = (guess.random((200_000, 3)) >= 0.1).sum(1)
kept = left_in[left_in > 0]
assert abs((kept / 3).mean() - 0.9 / (1 - 0.1**3)) < 0.01
1.0, round(float((kept / 3).mean()), 3)  # recall, precision

# %% [markdown]
# ```{solution} ex-15-1
# :class: dropdown
# Recall is 1, since all that the table has is true; precision is the share that was kept, .9 among works
# that have labels at all. A perfect answer looks as if it added a tenth.
# ```

# %% [markdown]
# ```{exercise} Level 2: which mistakes hurt F2 more?
# :label: ex-15-2
# Take the truth of test works and damage it in two ways, equally often: leave labels out, or add wrong
# ones. Score the truth against both.
# ```

# %% tags=["solution"]
harm = np.random.default_rng(1)
count = int(0.1 * truth.sum())
less, more = truth.copy(), truth.copy()
less.ravel()[harm.choice(np.flatnonzero(truth), count, replace=False)] = False
more.ravel()[harm.choice(np.flatnonzero(~truth), count, replace=False)] = True
scored = {
    name: fbeta_per_work(truth, table).mean()
    for name, table in (("left out", less), ("added", more))
}
assert max(scored.values()) <= 1
page["harm"] = scored
page.values["harm"]

# %% [markdown]
# ```{solution} ex-15-2
# :class: dropdown
# Against the table with labels left out the truth has an F2 of {num}`harm.left out:.3f`, against the table with
# labels added {num}`harm.added:.3f`. Labels that the table adds cost recall, which F2 weighs most; labels that it
# lacks cost precision. So an added wrong label makes a good model look worse than a label left out.
# ```

# %% [markdown]
# ```{exercise} Level 2: what does a check cost?
# :label: ex-15-3
# Somebody looks at the annotations in order of doubt and corrects them. How many must be looked at to
# correct a tenth of the labels left out, and how many in random order?
# ```

# %% tags=["solution"]
left_out = sides["left out, but shown"]
doubt_order = np.argsort(-np.where(left_out, suspects.doubt, -1).ravel(), kind="stable")
corrected = np.cumsum((errors & left_out).ravel()[doubt_order])
goal = max(int(np.ceil(0.1 * (errors & left_out).sum())), 1)
page["looked"] = int(np.searchsorted(corrected, goal)) + 1
page["looked_random"] = int(goal * left_out.sum() / max((errors & left_out).sum(), 1))
page.values["looked"], page.values["looked_random"]

# %% [markdown]
# ```{solution} ex-15-3
# :class: dropdown
# {num}`looked:,d` in order of doubt, about {num}`looked_random:,d` at random.
# ```

# %% [markdown]
# ```{exercise} Level 3: is the gain real?
# :label: ex-15-4
# A second model is trained on the corrected table and scores higher *on the corrected table*. What two
# explanations are there, and which experiment tells them apart?
# ```

# %% tags=["solution"]
first_row = {
    "learned and scored without mistakes": f2["model, scored on the truth", 0.0].mean(),
    "learned and scored with them": f2["model, scored on labels at hand", 1.0].mean(),
}
assert all(0 <= value <= 1 for value in first_row.values())
pd.Series(first_row).round(3).to_frame("F2")

# %% [markdown]
# ```{solution} ex-15-4
# :class: dropdown
# Either it learned better, or the scoring became easier, as the model itself helped to choose what was
# corrected. Score both models on a part of the works that was checked by people without any model's help.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A model's F2 rises when its test labels are corrected by looking at its own confident disagreements. What
# follows?
# - [ ] The model is better than it seemed. :: Perhaps; but only labels on which it disagreed were looked
#   at, so corrections can only help it.
# - [x] Nothing until labels drawn without its help are checked. :: Right.
# - [ ] The annotator was careless. :: Some mistakes are found in any table.
# ```
#
# ```{quiz}
# Training on wrong labels changes F2, and so does being scored on them. Which of the two changes it more?
# - [x] This page cannot tell: it has an interval for each change and none for their difference. :: Right. That
#   two intervals overlap decides nothing either; the two changes would have to be compared work by work.
# - [ ] Training, since a network repeats what it was taught. :: It may; but mistakes that are scattered over many
#   works can average out, and no interval here compares the two.
# - [ ] Scoring, since every mistake counts there. :: It may, but no interval here compares the two.
# ```
