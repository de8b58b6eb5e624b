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
# # Decoding
#
# A trained AttnCNN-RNN would name labels for ever. When to stop, how many paths to follow and what
# six views say together are decided after training, and cost no training to compare.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import numpy as np
import pandas as pd

from imet import runs
from imet.decoding import (
    GAMMAS,
    PathRule,
    combine_views,
    path_probability,
    path_threshold,
    stop_paths,
    tune_gamma,
    tune_path_rule,
)
from imet.evaluation import metrics_with_intervals
from imet.metrics import fbeta, fbeta_per_work
from imet.report.pages import record_page
from imet.report.plots.comparisons import forest_plot, score_curves
from imet.report.reported import reported_numbers
from imet.report.tables import DIFFERENCE, metrics_table, or_dash, with_interval
from imet.statistics import paired_difference

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
parts, names = run.parts, run.parts.labels.names
f = parts.train.targets.mean(0)  # (K,) proportions in training
targets = {part: getattr(parts, part).targets for part in ("val", "test")}
as_coded = {
    row["key"].removeprefix("code.decoding."): float(row["value"])
    for row in reported_numbers()
    if row["key"] in ("code.decoding.gamma", "code.decoding.beams")
}
widths = [int(k) for k in run.metrics["search"]]
paths = {part: {k: run.paths(part, k) for k in widths} for part in ("val", "test")}

# %% [markdown]
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
# $P_t$ is the geometric mean of the probabilities along the path (Equation 6). It is a score and not
# a probability: every step is trained to give *all* labels, so the sigmoids are no conditional
# probabilities of a next label, and their product is not that of a path. Both sides can fall and rise
# from step to step: the threshold moves with the frequency of each label named. {numref}`fig-path` shows
# them for one view whose path is cut short.

# %% tags=["hide-input"]
greedy = paths["test"][1]
gamma = run.metrics["gamma"]
p, limit = path_probability(greedy.probabilities), path_threshold(greedy.labels, gamma, f)
ends = np.where((p < limit).any(-1), (p < limit).argmax(-1), p.shape[-1])  # (N, V)
last = p.shape[-1]
cut = np.argwhere((ends > 1) & (ends < last))  # stopped, but not at once
work, view = np.random.default_rng(seed).choice(cut).tolist() if len(cut) else (0, 0)
pd.DataFrame(
    {
        "t": np.arange(1, p.shape[-1] + 1),
        "l_t": [names[k] for k in greedy.labels[work, view]],
        "p_t of it": greedy.probabilities[work, view],
        "P_t": p[work, view],
        "threshold": limit[work, view],
        "true": ["yes" if targets["test"][work, k] else "" for k in greedy.labels[work, view]],
    }
).style.hide(axis="index").format(precision=3)

# %% tags=["hide-input"]
score_curves(
    np.arange(1, p.shape[-1] + 1),
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
# Resized views and crops end differently. Of the greedy paths of resized test views
# {num}`ends.resize_whole:.0%` run to the last step, and of those of crops
# {num}`ends.crop_first:.0%` stop after one label or before it: crops have learned to show cultures only.
#
# ## Which γ, and how many beams?
#
# ```{quote-doc} paper
# :where: §3.3
# the algorithm records K predicted labels with the highest probability at time step t; then at time
# step $t + 1$, the algorithm search from all $K \times \mathcal{C}$ successor paths
# ```
#
# Neither γ nor K is printed. In the code they are {num}`reported/code.decoding.gamma` and
# {num}`reported/code.decoding.beams`. Here both are tuned on validation works:
# {numref}`fig-gamma` tries {num}`grid.size:d` values of γ for each width of the search. The labels of a
# path do not depend on γ, so each width is decoded once.

# %% tags=["hide-input"]
curves = {}
for k in widths:
    values = []
    for g in GAMMAS:
        predicted = combine_views(stop_paths(paths["val"][k], float(g), f, keep_first=False))
        values.append(fbeta(predicted, targets["val"]))
    curves[f"K = {k}"] = values
chosen = run.metrics["search"][str(run.metrics["beams"])]
score_curves(
    GAMMAS,
    curves,
    x_name="γ",
    logarithmic=True,
    marks={f"K = {run.metrics['beams']}, γ = {gamma:.2f}": (gamma, chosen["f2"])},
    guide=("as coded", as_coded["gamma"]),
)

# %% [markdown]
# ```{caption} fig-gamma
# :alt: Curves of F2 over γ on a logarithmic axis that rise, peak and fall; a dot marks the highest
#   point, a dotted line stands at {num}`reported/code.decoding.gamma`.
# F2 of validation works by γ, for each width of the beam search; one beam is greedy. The dot is the
# chosen pair, the dotted line the γ of the code.
# ```

# %% [markdown]
# Chosen are γ = {num}`chosen.gamma:.2f` and K = {num}`chosen.beams:d`, with
# {num}`chosen.f2:.3f` on validation. To the left of the peak the curve rises slowly, since a small γ
# stops little; to the right it falls. Above γ = {num}`chosen.ceiling:.1f`, one over the share of the most
# frequent label, {num}`chosen.commonest`, no path may so much as begin with that label, however sure the
# model is: its threshold is then above one. What the search over paths itself is worth, with γ tuned for
# each width:

# %% tags=["hide-input"]
beams = {}
for k in widths:
    rule, _ = tune_path_rule({k: paths["val"][k]}, targets["val"], f)
    found = fbeta_per_work(rule.predict(paths["test"][k]), targets["test"])
    if k == widths[0]:
        first = found
    beams[k] = {"gamma": rule.gamma, "val": rule.f_beta, "test": float(found.mean())} | {
        "difference": paired_difference(found, first)._asdict()
    }
pd.DataFrame(
    {
        "K": list(beams),
        "γ": [b["gamma"] for b in beams.values()],
        "F2, validation": [b["val"] for b in beams.values()],
        "F2, test": [b["test"] for b in beams.values()],
        "test, against greedy": [
            "" if k == widths[0] else DIFFERENCE.format(**b["difference"]) for k, b in beams.items()
        ],
    }
).style.hide(axis="index").format(precision=3)

# %% [markdown]
# A wider search finds paths whose *product* over all T steps is higher; they are stopped afterwards, so
# that labels which are cut later had a say in which path won. And a work is judged by its set of labels,
# while what each step is trained to say does not depend on the order, so there is little that a later
# step could put right.
#
# ## Terminate or mask?
#
# As written a path ends at the first step that fails. The code drops failing steps one by one and
# lets later ones in again, and always keeps the first label. “At the end of time step t” may also mean
# that the failing label is still given. A work's labels are then the *union* of what its six views name;
# under *vote* a label needs half of the views, and under *mean* one path is decoded from probabilities
# averaged over views. Each way gets its own γ, from validation, at the chosen K; the row *as coded* takes
# the code's γ, and its K as far as the search of this profile goes.

# %% tags=["hide-input"]
k = run.metrics["beams"]
ways = {
    "terminate (as written)": {"mode": "terminate"},
    "terminate, first label kept": {"mode": "terminate", "keep_first": True},
    "mask": {"mode": "mask"},
    "mask, first label kept (as coded)": {"mode": "mask", "keep_first": True},
}
rules = {
    name: tune_path_rule({k: paths["val"][k]}, targets["val"], f, **way)[0]
    for name, way in ways.items()
}
coded = PathRule(
    gamma=as_coded["gamma"],
    proportions=tuple(f),
    beams=int(min(as_coded["beams"], widths[-1])),
    mode="mask",
    keep_first=True,
)
rules[f"as coded: γ = {coded.gamma:g}, K = {coded.beams}"] = coded
for how in ("vote", "mean"):
    source = run.paths("val", "mean") if how == "mean" else paths["val"][k]
    rules[f"{how} of the views"] = tune_path_rule({k: source}, targets["val"], f, combine=how)[0]
decided = {
    name: rule.predict(
        run.paths("test", "mean") if rule.combine == "mean" else paths["test"][rule.beams]
    )
    for name, rule in rules.items()
}
failing = {"mode": "terminate", "keep_first": False, "keep_failing": True}
best, _ = tune_gamma(paths["val"][k], f, targets["val"], GAMMAS, **failing)
decided["terminate, failing label given"] = combine_views(
    stop_paths(paths["test"][k], best, f, **failing)
)
found = {
    name: metrics_with_intervals(predicted, targets["test"])
    | {"predicted_labels": predicted.sum(1).mean()}
    for name, predicted in decided.items()
}
metrics_table(found)

# %% tags=["hide-input"]
as_written = fbeta_per_work(decided["terminate (as written)"], targets["test"])
differences = {
    name: {"": paired_difference(fbeta_per_work(p, targets["test"]), as_written)._asdict()}
    for name, p in decided.items()
    if name != "terminate (as written)"
}
forest_plot(differences, value_name="difference in F2 from terminating", reference=0)

# %% [markdown]
# ```{caption} fig-stopping
# :alt: A line for each way with its difference from the paper's way and its interval.
# Ways to stop a path and to put views together: difference in F2 of test works from the paper's way,
# with 95 % intervals over works. Each γ was tuned on validation, but for the code's own.
# ```

# %% [markdown]
# The ways to stop differ by {num}`stopping.lowest:+.3f` to {num}`stopping.highest:+.3f` in F2 from
# terminating, the ways to put views together by {num}`combining.vote.value:+.3f`
# {num}`combining.vote.interval:+.3f` (vote) and {num}`combining.mean.value:+.3f`
# {num}`combining.mean.interval:+.3f` (mean). A vote must lose the tags, which the crops do not show.
#
# ## Six views
#
# ```{quote-doc} paper
# :where: §6
# at prediction time, the model made better predictions on cropped versions of the images than the
# resized versions [...] one future direction could be to only crop test images
# ```
#
# The paths of every view are on disk, so the future work takes a line. Each choice of views has its
# own γ.

# %% tags=["hide-input"]
choices = {"all six": slice(None), "the resize": slice(0, 1), "the five crops": slice(1, None)}
count = paths["val"][k].labels.shape[1]
by_views = {}
for name, which in choices.items():
    part_of = {
        part: type(paths[part][k])(
            paths[part][k].labels[:, which],
            paths[part][k].probabilities[:, which],
        )
        for part in ("val", "test")
    }
    if not part_of["val"].labels.size:  # a profile of one view has no crops
        continue
    rule, _ = tune_path_rule({k: part_of["val"]}, targets["val"], f)
    predicted = rule.predict(part_of["test"])
    by_views[name] = metrics_with_intervals(predicted, targets["test"]) | {
        "predicted_labels": predicted.sum(1).mean(),
        "gamma": rule.gamma,
        "at_edge": rule.at_edge,
        "difference": paired_difference(
            fbeta_per_work(predicted, targets["test"]), as_written
        )._asdict(),
    }
table = metrics_table(by_views)
table["γ"] = [f"{v['gamma']:.2g}" + (", at the edge" * v["at_edge"]) for v in by_views.values()]
table

# %% [markdown]
# Here the resize alone changes F2 by {num}`views.the resize.difference.value:+.3f`
# {num}`views.the resize.difference.interval:+.3f` and the crops alone by
# {num}`views.the five crops.difference.value:+.3f`
# {num}`views.the five crops.difference.interval:+.3f`. A γ at the lower edge of what is tried stops
# nothing, so that every work gets the labels of all T steps, and such a row compares numbers of labels as
# much as views. With crops trained as written they have to lose: a crop never learns a tag. That crops did better in the paper may have
# the reason it gives, undistorted shapes, or another one: a network whose crops were trained on no
# label at all ({ref}`crop-targets`) gives fewer labels on crops, and so fewer wrong ones in a union
# of six.
#
# ## Limits
#
# - Test works decide nothing here: every γ, K and way of combining is tuned on validation. But several
#   ways are compared on the same test works, and the best of several is flattered.
# - {num}`works.val:d` validation works give a γ its own uncertainty. Where several γ are equally good the
#   smallest is taken, which gives the most labels.

# %% tags=["hide-input", "remove-output"]
interval = {name: {"difference": with_interval(d[""])} for name, d in differences.items()}
stopping = [d[""]["value"] for name, d in differences.items() if "views" not in name]
record_page(
    "07_decoding",
    {
        "grid": {"size": len(GAMMAS)},
        "chosen": {
            "gamma": gamma,
            "beams": run.metrics["beams"],
            "f2": chosen["f2"],
            "at_edge": run.metrics["gamma_at_edge"],
            "ceiling": 1 / f.max(),
            "commonest": names[int(f.argmax())],
        },
        "ends": {
            "resize_whole": (ends[:, 0] == last).mean(),
            "crop_first": or_dash((ends[:, 1:] <= 1).mean() if ends.shape[1] > 1 else None),
        },
        "stopping": {"lowest": min(stopping), "highest": max(stopping)},
        "combining": {
            how: with_interval(differences[f"{how} of the views"][""]) for how in ("vote", "mean")
        },
        "beams": beams,
        "ways": interval,
        "views": {
            name: {
                "gamma": v["gamma"],
                "f2": v["f2"],
                "difference": with_interval(v["difference"]),
            }
            for name, v in by_views.items()
        },
        "works": {part: len(getattr(parts, part)) for part in ("val", "test")},
        "run": run.folder.name,
    },
    profile=profile,
    seed=seed,
    device=device,
    runs=[run],
)
