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
# # Decoding
#
# ```{goals}
# how a path is stopped; what γ and the number of beams do; what is gained by searching, and what by
# combining views.
#
# {doc}`06_attn_cnn_rnn`; logarithms and geometric means.
# ```
#
# A trained AttnCNN-RNN names a label at every step, whatever the picture. When to stop, how many paths to follow and what
# six views say together are decided after training, so comparing such choices costs no training.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.report.pages import Page

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
page = Page("07_decoding", profile, seed, device, models=[run])
parts, names = run.parts, run.parts.labels.names
f = parts.train.targets.mean(0)  # (K,) proportions in training
val_targets, test_targets = parts.val.targets, parts.test.targets
page["works.val"], page["epochs"] = len(parts.val), run.recipe.epochs
run.rule.describe()

# %%
widths = [int(k) for k in run.metrics["search"]]
val_paths = {k: run.paths("val", k) for k in widths}  # (N, V, T) each
test_paths = {k: run.paths("test", k) for k in widths}
test_paths[1].labels.shape

# %% [markdown]
# This chapter uses the model of {doc}`06_attn_cnn_rnn`, trained for {num}`epochs:d` epochs here and
# {num}`reported/code.rnn.epochs:d` in the code. What follows holds for this model; a finished one may stop
# differently.
#
# ## When does a path end?
#
# ```{quote-doc} paper
# :where: §3.3
# let $\gamma \mathbf{f}$ be the threshold vector for all classes, where $\mathbf{f} \in R^{1077}$ is
# the proportions of the class occurrences in the training set, and γ is a hyperparameter to be tuned
# on the validation set. If $P_t < \sqrt[t]{\gamma f_{l_1} \times \dots \times \gamma f_{l_t}}$, we would
# terminate the label generation at the end of time step t.
# ```
#
# $P_t$ is the geometric mean of the probabilities along the path (Equation 6),
#
# $$P_t = \sqrt[t]{p_1(l_1) \times p_2(l_2) \times \dots \times p_t(l_t)} \;(6)$$
#
# with $p_s(l_s)$ the probability of the label named at step $s$. It is a score, not a probability: every step is
# trained to give *all* labels, so the sigmoids are no conditional probabilities of a next label, and their product
# is not the probability of a path. Score and threshold can fall and rise from step to step: the threshold moves
# with the frequency of each label named. {numref}`fig-path` shows them for one view whose path is cut short.

# %%
import numpy as np

from imet.decoding import path_probability, path_threshold

greedy, gamma = test_paths[1], run.rule.gamma
p = path_probability(greedy.probabilities)  # (N, V, T) P_t
limit = path_threshold(greedy.labels, gamma, f)
last = p.shape[-1]
ends = np.where((p < limit).any(-1), (p < limit).argmax(-1), last)  # (N, V) steps before the end
page["ends.resize_whole"] = (ends[:, 0] == last).mean()
page["ends.crop_first"] = (ends[:, 1:] <= 1).mean() if ends.shape[1] > 1 else "–"
page.values["ends"]

# %%
import pandas as pd

from imet.report.tables import show

cut = np.argwhere((ends > 1) & (ends < last))  # stopped, but not at once
work, view = np.random.default_rng(seed).choice(cut).tolist() if len(cut) else (0, 0)
labels = greedy.labels[work, view]  # (T,)
pd.DataFrame(
    {
        "t": np.arange(1, last + 1),
        "l_t": [names[k] for k in labels],
        "p_t of it": greedy.probabilities[work, view],
        "P_t": p[work, view],
        "threshold": limit[work, view],
        "true": np.where(test_targets[work, labels], "yes", ""),
    }
).pipe(show, index=False)

# %% tags=["hide-input"]
from imet.report.plots.comparisons import score_curves

score_curves(
    np.arange(1, last + 1),
    {"path probability": p[work, view], "threshold": limit[work, view]},
    x_name="step",
    y_name="normalised",
    dots=True,
)

# %% [markdown]
# ```{caption} fig-path
# :alt: Two lines over the steps of one path: its probability and its threshold.
# The normalised path probability of one view and its threshold, step by step, with the γ that was
# tuned on validation. The path ends where the first falls below the second, or with the last step.
# ```

# %% [markdown]
# Resized views and crops end differently. Of the greedy paths of resized test views, {num}`ends.resize_whole:.0%`
# run to the last step; of those of crops, {num}`ends.crop_first:.0%` stop after at most one label: on crops the
# model has learned to name cultures only.
#
# ## Which γ, and how many beams?
#
# ```{quote-doc} paper
# :where: §3.3
# the algorithm records K predicted labels with the highest probability at time step t; then at time
# step $t + 1$, the algorithm search from all $K \times \mathcal{C}$ successor paths
# ```
#
# (The paper's K is the number of paths that are followed at once, `beams` in the code; the K in the shapes of
# arrays is the number of labels.) Neither γ nor K is printed. In the code they are {num}`reported/code.decoding.gamma` and
# {num}`reported/code.decoding.beams`. Here both are tuned on validation works:
# {numref}`fig-gamma` tries {num}`grid.size:d` values of γ for each width of the search. The labels of a
# path do not depend on γ, so each width is decoded once.

# %%
from imet.decoding import GAMMAS, tune_gamma

page["grid.size"] = len(GAMMAS)
f2_of_gamma = {}
for k in widths:
    best, values = tune_gamma(val_paths[k], f, val_targets)
    f2_of_gamma[f"beams = {k}"] = values
    print(f"beams = {k}: F2 {values.max():.3f} at γ = {best:.2f}")

# %% tags=["hide-input"]
from imet.report.reported import reported_value

beams = run.rule.beams
chosen = run.metrics["search"][str(beams)]
score_curves(
    GAMMAS,
    f2_of_gamma,
    x_name="γ",
    logarithmic=True,
    marks={f"beams = {beams}, γ = {gamma:.2f}": (gamma, chosen["f2"])},
    guide=("as coded", reported_value("code.decoding.gamma")),
)

# %% [markdown]
# ```{caption} fig-gamma
# :alt: Curves of F2 over γ on a logarithmic axis that rise, peak and fall; a dot marks the highest
#   point, a dotted line stands at {num}`reported/code.decoding.gamma`.
# F2 of validation works by γ, for each width of the beam search; one beam is greedy. The dot is the
# chosen pair, the dotted line the γ of the code.
# ```

# %%
from imet.report.tables import spoken

page["chosen"] = {
    "gamma": gamma,
    "beams": beams,
    "f2": chosen["f2"],
    "at_edge": run.rule.at_edge,
    "ceiling": 1 / f.max(),
    "first": gamma * f.max(),
    "begins": "no path begins" if gamma * f.max() > 1 else "paths may begin",
    "commonest": spoken(names[f.argmax()]),
}
page.values["chosen"]

# %% [markdown]
# Validation chooses γ = {num}`chosen.gamma:.2f` and K = {num}`chosen.beams:d`, with an F2 of {num}`chosen.f2:.3f`.
# To the left of the peak the curve rises slowly, since a small γ stops little; to the right it falls. Above γ =
# {num}`chosen.ceiling:.1f`, one over the share of the most frequent label, {num}`chosen.commonest`, no path can
# even begin with that label, however sure the model is: its threshold is then above one. With the chosen γ the
# threshold of that label is {num}`chosen.first:.2f`: {num}`chosen.begins` with it. The worth of the search over
# paths itself, with γ tuned for each width:

# %%
from imet.decoding import tune_path_rule
from imet.metrics import fbeta_per_work
from imet.statistics import paired_difference

f2, rows = {}, []  # f2: width to (N,) on test
for k in widths:
    rule, _ = tune_path_rule({k: val_paths[k]}, val_targets, f)
    f2[k] = fbeta_per_work(rule.predict(test_paths[k]), test_targets)
    gain = paired_difference(f2[k], f2[widths[0]])
    rows.append((k, rule.gamma, rule.f_beta, f2[k].mean(), f"{gain:+.3f}"))
columns = ["beams", "γ", "F2, validation", "F2, test", "test, less greedy"]
pd.DataFrame(rows, columns=columns).pipe(show, index=False)

# %% [markdown]
# A wider search finds paths whose *product* over all T steps is higher; they are stopped afterwards, so
# labels that are then cut still help to decide which path wins. Besides, a work is judged by its set of labels,
# and what each step is trained to name does not depend on the order, so a later step can put little right.
#
# ## Terminate or mask?
#
# As written, a path ends at the first step that fails. The code drops failing steps one by one, lets later ones in
# again, and always keeps the first label. “At the end of time step t” may also mean that the failing label is
# still given. A work then gets every label that any of its views names, as the paper says (“the union of the
# predictions over all the six samples”, §3.3); under *vote* a label needs half of the views, and under *mean* one
# path is decoded from probabilities averaged over views. Each way gets its own γ, from validation, at the chosen
# K; the row *as coded* takes the code's γ, and its K as far as the search of this profile goes.

# %%
ways = {
    "terminate (as written)": {"mode": "terminate"},
    "terminate, first label kept": {"mode": "terminate", "keep_first": True},
    "mask": {"mode": "mask"},
    "mask, first label kept (as coded)": {"mode": "mask", "keep_first": True},
    "vote of the views": {"combine": "vote"},
    "mean of the views": {"combine": "mean"},
}
predicted = {}  # way: (N, K) on test
for name, settings in ways.items():
    search = "mean" if "mean" in name else beams
    val = {beams: run.paths("val", search)}
    rule, _ = tune_path_rule(val, val_targets, f, **settings)
    predicted[name] = rule.predict(run.paths("test", search))

# %%
from imet.decoding import PathRule

coded = PathRule(
    gamma=reported_value("code.decoding.gamma"),
    proportions=tuple(f),
    beams=min(int(reported_value("code.decoding.beams")), widths[-1]),
    mode="mask",
    keep_first=True,
)
name = f"as coded: γ = {coded.gamma:g}, beams = {coded.beams}"
predicted[name] = coded.predict(test_paths[coded.beams])

# %%
# The label that ends a path is given too.
rule, _ = tune_path_rule({beams: val_paths[beams]}, val_targets, f, mode="terminate_after")
predicted["terminate, failing label given"] = rule.predict(test_paths[beams])

# %%
from imet.report.tables import predictions_table

predictions_table(predicted, test_targets)

# %%
as_written = fbeta_per_work(predicted["terminate (as written)"], test_targets)
differences = {}
for name, labels in predicted.items():
    if name != "terminate (as written)":
        differences[name] = paired_difference(fbeta_per_work(labels, test_targets), as_written)
# Not the code's own, named with a colon: it has another γ and K, too.
stopping = [d.value for way, d in differences.items() if "views" not in way and ":" not in way]
page["stopping"] = {"lowest": min(stopping), "highest": max(stopping)}
page["coded.beams"] = coded.beams
page["ways"] = {name.partition(":")[0]: d for name, d in differences.items()}
page.values["stopping"]

# %% tags=["hide-input"]
from imet.report.plots.comparisons import forest_plot

forest_plot(
    {name: {"": d} for name, d in differences.items()},
    value_name="difference in F2 from terminating",
    reference=0,
)

# %% [markdown]
# ```{caption} fig-stopping
# :alt: A line for each way with its difference from the paper's way and its interval.
# Ways to stop a path and to combine views: difference in F2 of test works from the paper's way, with 95 %
# intervals over works. Each γ was tuned on validation, except the code's own.
# ```

# %% [markdown]
# The ways to stop, each with its own γ, differ from terminating by {num}`stopping.lowest:+.3f` to
# {num}`stopping.highest:+.3f` in F2, the ways to combine views from the union by
# {num}`ways.vote of the views.value:+.3f` {num}`ways.vote of the views.interval:+.3f` (vote) and
# {num}`ways.mean of the views.value:+.3f` {num}`ways.mean of the views.interval:+.3f` (mean). A vote needs crops
# to name tags that they do not show. The row *as coded* also changes γ and K, and tunes neither:
# {num}`ways.as coded.value:+.3f` {num}`ways.as coded.interval:+.3f`.
#
# ## Six views
#
# ```{quote-doc} paper
# :where: §6
# at prediction time, the model made better predictions on cropped versions of the images than the
# resized versions [...] one future direction could be to only crop test images
# ```
#
# The paths of every view are on disk, so the paper's future work is one line of code here. Each choice of views has its
# own γ.

# %%
from imet.decoding import Paths

choices = {"all six": slice(None), "the resize": slice(0, 1), "the five crops": slice(1, None)}
by_views = {}  # name: (N, K) on test
for name, which in choices.items():
    val, test = (
        Paths(each[beams].labels[:, which], each[beams].probabilities[:, which])
        for each in (val_paths, test_paths)
    )
    if not val.labels.size:  # a profile of one view has no crops
        continue
    rule, _ = tune_path_rule({beams: val}, val_targets, f)
    by_views[name] = rule.predict(test)
    difference = paired_difference(fbeta_per_work(by_views[name], test_targets), as_written)
    page[f"views.{name}.difference"] = difference
    print(f"{name}: γ = {rule.gamma:.2g}{', at the edge' * rule.at_edge}; {difference:+.3f}")
predictions_table(by_views, test_targets)

# %% [markdown]
# Here the resize alone changes F2 by {num}`views.the resize.difference.value:+.3f`
# {num}`views.the resize.difference.interval:+.3f` and the crops alone by
# {num}`views.the five crops.difference.value:+.3f`
# {num}`views.the five crops.difference.interval:+.3f`. (Where a line above says *at the edge*, γ is the first or
# the last value tried. The first stops next to nothing: every work gets the labels of all T steps, and the row
# compares numbers of labels as much as views.) Crops trained as written have to lose: a crop never learns a tag.
# In the paper crops may have done better for the reason it gives, undistorted shapes, or for another: a network
# whose crops were trained on no label at all ({ref}`crop-targets`) gives fewer labels on crops, and so fewer wrong
# ones in a union of six.
#
# ## Limits
#
# - Test works decide nothing here: every γ, K and way of combining is tuned on validation. But several
#   ways are compared on the same test works, and the best of several looks better than it is.
# - With {num}`works.val:d` validation works, γ itself is uncertain. Where several γ are equally good, the smallest
#   is taken, which gives the most labels.

# %% [markdown]
# ## Summary
#
# - A {term}`path` ends where its score falls below a threshold made of γ and the labels' frequencies.
# - A large γ forbids frequent labels altogether: the threshold of a first step may exceed one.
# - A wider search finds likelier paths, by the model, but likelihood is not what is scored: no gain need follow.
# - Combining the views in another way than by their union changes F2 by {num}`ways.mean of the views.value:+.3f`
#   {num}`ways.mean of the views.interval:+.3f` (mean) and {num}`ways.vote of the views.value:+.3f`
#   {num}`ways.vote of the views.interval:+.3f` (vote).

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: where does it stop?
# :label: ex-07-1
# A path names labels with the probabilities .9, .5 and .2, each carried by a tenth of the training works,
# and γ is 4. After which step does it end?
# ```

# %% tags=["solution"]
probabilities, share, factor = np.array([0.9, 0.5, 0.2]), np.full(3, 0.1), 4.0
scores_so_far = path_probability(probabilities)
limits = path_threshold(np.arange(3), factor, share)
assert (scores_so_far >= limits).tolist() == [True, True, True]
scores_so_far, limits

# %% [markdown]
# ```{solution} ex-07-1
# :class: dropdown
# It does not end in these three steps: the threshold is .4 throughout, and the scores are .9, .67 and .45,
# although the third label has a probability of .2. The geometric mean forgives what follows a sure start.
# ```

# %% [markdown]
# ```{exercise} Level 1: the forbidden label
# :label: ex-07-2
# A label is on a fifth of the training works. From which γ on can no path begin with it, unless the first
# label is always kept?
# ```

# %% tags=["solution"]
assert path_threshold(np.array([0]), 5.0, np.array([0.2]))[0] >= 1 - 1e-9
1 / 0.2

# %% [markdown]
# ```{solution} ex-07-2
# :class: dropdown
# From γ = 5 on: γ f reaches one, and no probability is larger. The more frequent a label, the sooner it is
# forbidden, and frequent labels are those that score.
# ```

# %% [markdown]
# ```{exercise} Level 2: no stop at all
# :label: ex-07-3
# With γ near zero nothing is stopped. Show that every work then gets exactly the labels that its views'
# paths contain, and compute precision and recall.
# ```

# %% tags=["solution"]
from imet.decoding import stop_paths as stop

unstopped = stop(greedy, 1e-9, np.maximum(f, 1e-9)).any(1)  # (N, K)
named = np.zeros_like(unstopped)
np.put_along_axis(named, greedy.labels.reshape(len(named), -1), True, 1)
assert (unstopped == named).all()
right = (unstopped & test_targets).sum(1)
page["unstopped"] = {
    "precision": (right / unstopped.sum(1)).mean(),
    "recall": (right / np.maximum(test_targets.sum(1), 1)).mean(),
}
page.values["unstopped"]

# %% [markdown]
# ```{solution} ex-07-3
# :class: dropdown
# Precision is {num}`unstopped.precision:.2f` and recall {num}`unstopped.recall:.2f`. A work gets the union of all
# its paths: recall is the highest that these paths allow, and precision pays for it.
# ```

# %% [markdown]
# ```{exercise} Level 3: how many views must agree?
# :label: ex-07-4
# The paper takes the union of six views, for which one vote is enough. Ask for 1, 2, … 6 votes, tune γ
# for each on validation, and score on test.
# ```

# %% tags=["solution"]
from imet.metrics import fbeta_per_work as f_beta

by_votes = {}
views_count = val_paths[beams].labels.shape[1]
tried = {}  # γ to F2 of validation works for each number of votes
for g in GAMMAS:
    votes = stop(val_paths[beams], g, f).sum(1)  # (N, K)
    tried[g] = [f_beta(votes >= n, val_targets).mean() for n in range(1, views_count + 1)]
for needed, (g, best) in enumerate(zip(pd.DataFrame(tried).T.idxmax(), zip(*tried.values())), 1):
    votes = stop(test_paths[beams], g, f).sum(1)
    by_votes[needed] = {
        "γ": g,
        "validation": max(best),
        "test": f_beta(votes >= needed, test_targets).mean(),
        "at the edge": "yes" if g in (GAMMAS[0], GAMMAS[-1]) else "no",
    }
by_votes = pd.DataFrame(by_votes).T
assert np.isclose(by_votes["test"].iloc[0], as_written.mean()), "one vote is the union"
page["votes"] = {
    "best": int(by_votes["validation"].astype(float).idxmax()),
    "one": by_votes["test"].iloc[0],
    "all": by_votes["test"].iloc[-1],
    "at_edge": (by_votes["at the edge"] == "yes").sum(),
}
by_votes.pipe(show)

# %% [markdown]
# ```{solution} ex-07-4
# :class: dropdown
# The number of votes that is best on validation is {num}`votes.best:d`. On test one vote, the chapter's union,
# gives an F2 of {num}`votes.one:.3f`, and the votes of all views give {num}`votes.all:.3f`. Where crops show no
# tags, asking for more than one vote loses the tags that only the resize shows; γ then falls to let more through.
# In {num}`votes.at_edge:d` rows it ends at the edge of the values tried, where it stops next to nothing. A rule
# that treats cultures and tags alike cannot suit both.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A search with five beams finds a path of a higher product than the greedy one. Must F2 rise?
# - [ ] Yes, the path is more probable. :: The product is not the probability of the set of labels, and F2 looks at
#   the set.
# - [x] No: the search maximises a number other than the score. :: Right.
# - [ ] Yes, if γ is tuned again. :: Not even then.
# ```
#
# ```{quiz}
# What does *mask* do that *terminate* does not?
# - [ ] It removes labels that were named before. :: The pool does that.
# - [x] It lets a later step in again after one has failed. :: Yes.
# - [ ] It keeps the first label. :: That is a switch of its own.
# ```
