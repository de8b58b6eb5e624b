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
# # Calibration
#
# ```{goals}
# how to tell whether scores are probabilities; what temperature scaling does, and what it cannot do; why
# good thresholds lie under one half.
#
# {doc}`03_baseline` and {doc}`08_roc_by_quartile`; cross-entropy; {term}`logit, odds`.
# ```
#
# Of all pairs of work and label that score .3, do three in ten carry the label? Neither document asks, since
# a threshold search does not care. This chapter asks it of every row of both documents' tables, and then asks what
# the answer does to thresholds. The poster's rows come in {doc}`13_vgg16`; they train with the focal loss
# ({doc}`14_losses_and_thresholds`), in which what a model has nearly right already counts for little.

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
    "attn_cnn_rnn_hog": "AttnCNN-RNN + HOG",
    "vgg16": "poster's row 1",
    "vgg16_bn_step10": "poster's row 2",
    "vgg16_bn_step15": "poster's row 3",
    "vgg16_bn_6000": "poster's row 4",
}
IN_FIGURE = ("baseline", "ResNet50 + HOG", "AttnCNN-RNN", "poster's row 1", "poster's row 3")
trained = {
    name: runs.run(recipe, profile, seed=seed, device=device) for recipe, name in NAMES.items()
}
page = Page("08b_calibration", profile, seed, device, models=trained.values())

# %% [markdown]
# ## How reliable is a score?
#
# All decisions of a model on test works, a score for each pair of work and label, are put into ten bins by
# their score. A *reliability diagram* plots the share of pairs that carry the label against the scores of a bin:
# calibrated scores lie on the diagonal. The *expected calibration error* is the mean distance from it, bins
# weighted by their pairs,
#
# $$\mathrm{ECE} = \sum_b \frac{n_b}{n}\, \big|\, \bar s_b - \bar y_b \,\big| .$$

# %%
import numpy as np

BINS = 10
mean_scores, share_true, error, pooled = {}, {}, {}, {}
for name, run in trained.items():
    s, y = run.scores("test").ravel().astype(float), run.parts.test.targets.ravel()
    which = np.minimum((s * BINS).astype(int), BINS - 1)  # the bin of each pair of work and label
    n = np.bincount(which, minlength=BINS)
    mean_score, true = (np.bincount(which, v, BINS) / np.maximum(n, 1) for v in (s, y))
    error[name] = float((n / n.sum() * np.abs(mean_score - true)).sum())
    mean_scores[name] = mean_score
    share_true[name] = np.where(n >= 20, true, np.nan)  # fewer pairs tell nothing
    pooled[name] = {"mean score": s.mean(), "share with the label": y.mean(), "ECE": error[name]}
    page[f"pooled.{name}"] = pooled[name]

# %%
import pandas as pd

from imet.report.tables import show

pd.DataFrame(pooled).T.pipe(show, "{:.4f}")

# %% tags=["hide-input"]
from imet.report.plots.comparisons import score_curves

score_curves(
    [mean_scores[name] for name in IN_FIGURE],
    {name: share_true[name] for name in IN_FIGURE},
    x_name="mean score of the bin",
    y_name="share that carry the label",
    dots=True,
    diagonal=True,
)

# %% [markdown]
# ```{caption} fig-reliability
# :alt: A line for each of five models of the share of pairs that carry the label against the score, and the line of
#   calibrated scores.
# Reliability of five of the models over all pairs of test work and label, in ten bins of the score; bins with
# fewer than twenty pairs are left out. On the dotted line scores are calibrated; under it a model claims more than
# it delivers.
# ```

# %% [markdown]
# The class-weighted loss counts a positive up to ten times, which by itself would multiply the odds by as
# much. But six views are averaged, and five of them were trained without tags, which pulls scores down
# again: the baseline's mean score is {num}`pooled.baseline.mean score:.3f` where
# {num}`pooled.baseline.share with the label:.3f` of the pairs carry the label. Focal loss is off in another
# way: it does not reward certainty, so low scores stay high. The poster's rows 1 and 3 have mean scores of
# {num}`pooled.poster's row 1.mean score:.3f` and {num}`pooled.poster's row 3.mean score:.3f` where
# {num}`pooled.poster's row 1.share with the label:.3f` of the pairs carry the label. As nearly all labels are
# absent from nearly all works, the error is that of the many low scores; the high ones, which matter to a reader,
# are a small part of it.
#
# ## What does a temperature do?
#
# *Temperature scaling* divides all logits by one number, found on validation works by cross-entropy. A scale
# that is too high throughout needs a *shift* as well. Neither changes any order. Below, each model gets a new
# threshold on validation and is scored on test.

# %%
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from imet.metrics import fbeta_per_work
from imet.thresholds import tune_exact

rows = {}
for name, run in trained.items():
    y = {part: run.parts[part].targets for part in ("val", "test")}
    x = {part: logit(run.scores(part).astype(float).clip(1e-6, 1 - 1e-6)) for part in y}
    for way in ("as it is", "temperature", "temperature and shift"):
        slope, shift = 1.0, 0.0
        if way != "as it is":  # cross-entropy of x · slope + shift on validation works
            fit = LogisticRegression(C=1e6, fit_intercept="shift" in way)
            fit.fit(x["val"].reshape(-1, 1), y["val"].ravel())
            slope, shift = fit.coef_.item(), np.sum(fit.intercept_)
        s = {part: expit(x[part] * slope + shift) for part in x}
        rule = tune_exact(s["val"], y["val"])
        bins = np.minimum((s["test"].ravel() * BINS).astype(int), BINS - 1)
        gaps = np.bincount(bins, s["test"].ravel() - y["test"].ravel(), BINS)
        rows[name, way] = {
            "temperature": 1 / slope,
            "ECE": np.abs(gaps).sum() / y["test"].size,
            "threshold": rule.threshold,
            "F2, test": fbeta_per_work(rule.predict(s["test"]), y["test"]).mean(),
        }
        page[f"scaled.{name}.{way}"] = rows[name, way]
pd.DataFrame(rows).T.pipe(show, precision=4)

# %%
ece = pd.DataFrame(rows).T["ECE"].unstack()
change = (ece["temperature and shift"] - ece["as it is"]).sort_values(kind="stable")
page["mended"] = {
    "models": (change < 0).sum(),
    "of": len(change),
    "most": change.index[0],
    "grows": ", ".join(change.index[change > 0]) or "none",
}
for name in ("as it is", "temperature and shift"):
    page[f"mended.{name}"] = ece.loc[change.index[0], name]
change.to_frame("change of the error").pipe(show, "{:+.4f}")

# %% [markdown]
# The baseline's error goes from {num}`scaled.baseline.as it is.ECE:.4f` to
# {num}`scaled.baseline.temperature.ECE:.4f` with a temperature and to
# {num}`scaled.baseline.temperature and shift.ECE:.4f` with a shift. Its threshold moves from
# {num}`scaled.baseline.as it is.threshold:.3f` to
# {num}`scaled.baseline.temperature and shift.threshold:.3f`, and its F2 on test is
# {num}`scaled.baseline.as it is.F2, test:.4f` before and
# {num}`scaled.baseline.temperature and shift.F2, test:.4f` after: scores that keep their order give the same
# labels, at another threshold. So calibration is no way to a better F2 here. It makes a score mean something to a
# reader, and thresholds of different models comparable.
#
# Temperature and shift together lower the error of {num}`mended.models:d` of {num}`mended.of:d` models, most for
# *{num}`mended.most`*, from {num}`mended.as it is:.4f` to {num}`mended.temperature and shift:.4f`. The error grows
# for: {num}`mended.grows`. Two numbers that minimise cross-entropy on validation works need not lower another
# measure on test works where little is off.
#
# Why do thresholds on calibrated scores lie under one half? A decision that is right with probability $p$ raises
# $F_\beta$ as soon as $p$ exceeds $F_\beta / (1 + \beta^2)$, for one label judged by itself: half of F1, a
# fifth of F2. A miss costs four times what a false alarm does.
#
# ## Limits
#
# - Ten bins of equal width: the error depends on the bins, and all decisions are pooled, so labels scored too high
#   and labels scored too low cancel.
# - The score of AttnCNN-RNN is the largest over its steps, which was not trained to be a probability. One
#   threshold cuts it here; its F2 by the rule of its paths is in {doc}`06_attn_cnn_rnn`.
# - The temperature is tuned on the works on which epoch and threshold were chosen.

# %% [markdown]
# ## Summary
#
# - Focal loss leaves low scores above the share of pairs that carry the label, off their {term}`calibration`.
#   The class weight raises scores and crops without tags lower them: a mean that fits may have two faults that
#   cancel.
# - A {term}`temperature` and a shift mend what is off throughout, and change no order: the error falls for
#   {num}`mended.models:d` of {num}`mended.of:d` models. Where it is small it can grow.
# - F2 at a tuned threshold stays the same; the threshold moves.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: a weight in the loss
# :label: ex-08b-1
# A label is on a work with probability $q$. Which score minimises the expected loss $-w\,q \log s - (1 - q)
# \log(1 - s)$, and what is it for $w = 10$ and $q = .05$?
# ```

# %% tags=["solution"]
q, w = 0.05, 10
s_grid = np.linspace(0.001, 0.999, 9981)
expected = -w * q * np.log(s_grid) - (1 - q) * np.log(1 - s_grid)
best = w * q / (w * q + 1 - q)
assert abs(s_grid[expected.argmin()] - best) < 1e-3
best

# %% [markdown]
# ```{solution} ex-08b-1
# :class: dropdown
# $s = wq / (wq + 1 - q)$, which is .34 for a label on one work in twenty. The odds are ten times too high, which is
# a shift of the logit by $\log 10$.
# ```

# %% [markdown]
# ```{exercise} Level 2: take the weight back
# :label: ex-08b-2
# Shift the baseline's logits down by $\log 10$. Does its mean score come closer to the share of pairs that
# carry the label? Guess first.
# ```

# %% tags=["solution"]
y_test = trained["baseline"].parts.test.targets
raw = trained["baseline"].scores("test").astype(float).clip(1e-6, 1 - 1e-6)
page["weighted"] = float(raw.mean() - y_test.mean())
page["unweighted"] = float(expit(logit(raw) - np.log(10)).mean() - y_test.mean())
closer = abs(page.values["unweighted"]) < abs(page.values["weighted"])
page["shifted"] = "comes closer" if closer else "is further off"
page.values["weighted"], page.values["unweighted"]

# %% [markdown]
# ```{solution} ex-08b-2
# :class: dropdown
# It {num}`shifted`: the mean score lies {num}`weighted:+.4f` from the share before the shift and
# {num}`unweighted:+.4f` after it. For one view that was trained on all labels the shift would be right. Here six
# views are averaged, and five of them were trained without tags, which pulls scores down as well: where that has
# undone the weight already, taking it back lowers them twice.
# ```

# %% [markdown]
# ```{exercise} Level 2: the order stays
# :label: ex-08b-3
# Show that temperature and shift change neither AUC nor the labels of “the same number for each work”.
# ```

# %% tags=["solution"]
order = np.argsort(raw, 1, kind="stable")
moved = expit(logit(raw) / 2 - 1)
assert (np.argsort(moved, 1, kind="stable") == order).mean() > 0.999
float((np.argsort(moved, 1, kind="stable") == order).mean())

# %% [markdown]
# ```{solution} ex-08b-3
# :class: dropdown
# Neither result changes: a rising function of the score keeps every order, within a work and within a label. Only
# rounding can make or break ties.
# ```

# %% [markdown]
# ```{exercise} Level 3: the best threshold is half of the best F
# :label: ex-08b-4
# Let one label be on a tenth of a million works, with calibrated scores. Find the threshold with the best
# F1 and compare it with half of that F1.
# ```

# %% tags=["solution"]
draw = np.random.default_rng(0)
p = draw.beta(0.3, 2.7, 1_000_000)  # calibrated: the label is there with this probability
there = draw.random(len(p)) < p
limits = np.linspace(0.05, 0.6, 111)
f1 = [2 * there[p >= t].sum() / ((p >= t).sum() + there.sum()) for t in limits]
assert abs(limits[int(np.argmax(f1))] - max(f1) / 2) < 0.03
round(float(limits[int(np.argmax(f1))]), 3), round(float(max(f1) / 2), 3)

# %% [markdown]
# ```{solution} ex-08b-4
# :class: dropdown
# They agree, .25 and .24: including a decision of probability $p$ raises $F_1 = 2TP / (n_{pred} + n_{true})$ as long as
# $2p$ exceeds the F1 reached so far. For F-beta the limit is $F / (1 + \beta^2)$, a fifth of F2 for one
# label by itself.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# The odds of all scores of a model are twice too high. Which of these changes if that is mended?
# - [ ] Its AUC :: The order stays.
# - [ ] Its F2 at a tuned threshold :: The threshold moves with the scores.
# - [x] Its cross-entropy :: Yes, it reads the probabilities.
# ```
#
# ```{quiz}
# ECE of a model that gives every pair of work and label the overall share of positives is about 0. Is it a
# good model?
# - [ ] Yes, it is calibrated. :: It is, and it knows nothing.
# - [x] No: calibration without discrimination is easy. :: Right. Both are needed.
# - [ ] ECE must be wrong. :: It measures what it says.
# ```
