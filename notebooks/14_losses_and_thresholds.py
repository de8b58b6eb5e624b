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
# # Losses and thresholds
#
# ```{goals}
# what focal loss does; what the size of a loss reveals; how thresholds are searched; why an AUC of .94 and an F2
# of .53 agree.
#
# {doc}`13_vgg16`; cross-entropy.
# ```
#
# A network minimises one number and is judged by another. Between the two stands a threshold. This
# chapter takes the three apart: what focal loss is and what its size says, whether a low loss means
# a high F2, how the threshold should be searched, and how an AUC of .94 goes together with an F2 of
# .53.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.report.pages import Page

poster = ("vgg16_bn_step10", "vgg16_bn_step15", "vgg16_bn_6000")
rows = {name: runs.run(name, profile, seed=seed, device=device) for name in poster}
main = rows["vgg16_bn_step15"]
page = Page("14_losses_and_thresholds", profile, seed, device, models=rows.values())
train, val, test = main.parts.values()
main.rule.describe()

# %% [markdown]
# ## What is focal loss?
#
# The poster names it as its loss and gives no formula; its reference {cite}`lin2017` does. With
# $p_t$ the probability given to the right answer,
#
# $$ \mathrm{FL}(p_t) = -\alpha_t\,(1 - p_t)^{\gamma} \log p_t . $$
#
# At γ = 0 and without α it is cross-entropy. γ > 0 turns down what is nearly right already: of a
# thousand labels nearly all are absent, and easily seen to be, and their sum dominates cross-entropy. α weighs
# positives against negatives.
#
# Two more losses of this chapter are in neither document. The *asymmetric* loss {cite}`ridnik2020` has a γ for
# positives and one for negatives, and leaves a negative below a margin $m$ alone: with $p$ the probability of
# the label and $p_m = \max(p - m, 0)$ it is
#
# $$\begin{aligned}
# -(1 - p)^{\gamma_+} \log p & \quad \text{where the label is there,} \\
# -p_m^{\gamma_-} \log (1 - p_m) & \quad \text{where it is not.}
# \end{aligned}$$
#
# *Soft F2* is one minus F2 of a whole work, with probabilities in place of decisions:
#
# $$ 1 - \frac{(1 + \beta^2) \sum_j p_j\, y_j}{\beta^2 \sum_j y_j + \sum_j p_j}, \qquad \beta = 2 . $$
#
# {numref}`fig-loss-shapes` draws the losses of single labels.

# %% tags=["hide-input"]
import torch

from imet.losses import asymmetric_loss, focal_loss, weighted_bce_loss
from imet.report.plots.losses import loss_shapes

shapes = {
    "cross-entropy": lambda x, y: weighted_bce_loss(x, y, None, "none"),
    "class-weighted": lambda x, y: weighted_bce_loss(x, y, torch.tensor([10.0]), "none"),
    "focal, γ = 2": lambda x, y: focal_loss(x, y, 2.0, None, "none"),
    "focal, γ = 5": lambda x, y: focal_loss(x, y, 5.0, None, "none"),
    "asymmetric": lambda x, y: asymmetric_loss(x, y, reduction="none"),
}
loss_shapes(shapes)

# %% [markdown]
# ```{caption} fig-loss-shapes
# :alt: Two panels of curves that fall with probability where the label is there and rise where it is
#   not; focal loss stays near zero where cross-entropy still rises.
# Losses of one label against the probability given to it, where the label is there (left) and where
# it is not (right). The class weight is the paper's 10, which almost every label has.
# ```

# %% [markdown]
# ## What does the size of a loss say?
#
# The poster's table gives losses from {num}`reported/poster.vgg16_bn_step15.loss:.2f` to
# {num}`reported/poster.vgg16.loss:.2f`. Without γ, α and the reduction such a number says nothing; but
# it can be used to infer them. A model that never looks at the pictures can still learn how frequent each label
# is. Its loss is the *best constant*: a model trained on the same loss that does worse has learned less than
# nothing:

# %%
import numpy as np
import pandas as pd

from imet.io import REPO, read_json
from imet.losses import constant_predictor_focal_loss
from imet.report.tables import show

real = read_json(REPO / "results" / "imet2019.json")["values"]
real_frequency = np.array(real["frequency"]) / real["works"]
here_frequency = train.targets.mean(0)
constants = pd.DataFrame(
    {
        form: {
            "real table, sum": constant_predictor_focal_loss(real_frequency, 2.0, alpha),
            "this collection, sum": constant_predictor_focal_loss(here_frequency, 2.0, alpha),
        }
        for form, alpha in (("no α", None), ("α = .25", 0.25), ("α = .75", 0.75))
    }
).T
constants["real table, class mean"] = constants["real table, sum"] / len(real_frequency)
constants.pipe(show, "{:.4g}")

# %% [markdown]
# ```{exercise} Level 2: which loss was it?
# :label: ex-focal
# The poster reports validation losses of {num}`reported/poster.vgg16_bn_step15.loss:.2f` to
# {num}`reported/poster.vgg16.loss:.2f`. Which of the forms in the table can have been its loss? Take
# into account that public notebooks with γ = 2, no α and a sum over labels report losses of
# {num}`reported/context.public.focal_low:.2f` to {num}`reported/context.public.focal_high:.2f` at an F2 near the
# poster's.
# ```

# %% tags=["solution"]
from imet.report.reported import reported_value

on_real = constants["real table, sum"]
page["constants"] = dict(zip(("none", "alpha25", "alpha75"), on_real))
page["constants.class_mean"] = constants.loc["no α", "real table, class mean"]
low, high = (reported_value(f"poster.{row}.loss") for row in ("vgg16_bn_step15", "vgg16"))
page["constants.share"], page["constants.highest"] = np.array([low, high]) / on_real["no α"]
page["constants.over"] = np.array([low, high]) / on_real["α = .75"] - 1

# %% [markdown]
# ````{solution} ex-focal
# :class: dropdown
# γ = 2 without α, summed over labels. A model should lie *under* the best constant of the loss it was trained on,
# clearly so at an AUC of .94. (A model trained on another loss need not: the table below has good models far above
# it.)
#
# - *Class mean*: the constant is {num}`constants.class_mean:.4f`. A trained model would report a loss
#   under that; the poster's is more than six hundred times as large.
# - *α = .25, summed*: the constant is {num}`constants.alpha25:.2f`. The poster's losses are larger,
#   so its models would be worse than a model that does not look.
# - *α = .75, summed*: the constant is {num}`constants.alpha75:.2f`, and the poster's losses lie
#   {num}`constants.over.0:.0%` to {num}`constants.over.1:.0%` over it. The contradiction is the same, but its
#   margin is small, and poor calibration on validation works could explain it: this form is unlikely, not
#   excluded.
# - *No α, summed*: the constant is {num}`constants.none:.3f`, and the poster's models lie at
#   {num}`constants.share:.0%` (row 3) to {num}`constants.highest:.0%` (row 1) of it. That is what looking at
#   the pictures should bring, and what others found with this form.
#
# The last form fits best, so this book reads the loss as γ = 2 without α, summed over labels. Other values of γ
# remain possible: one number cannot fix two unknowns.
# ````

# %% [markdown]
# ## Which loss gives the best F2?
#
# Five losses train the same head on the same features, with the same epochs, the same seed and Adam at one
# learning rate, since Adam ignores the scale of a loss. Each gets the threshold that suits it best on validation.

# %%
losses = {
    "cross-entropy": "bce",
    "class-weighted": "weighted_bce",
    "focal, γ = 2": "focal",
    "asymmetric": "asymmetric",
    "soft F2": "soft_f2",
}
trained = {}
for name, loss in losses.items():
    changes = {"loss": loss}
    trained[name] = runs.run("poster_head", profile, seed=seed, device=device, overrides=changes)
page.add_models(*trained.values())

# %% tags=["hide-input"]
from imet.report.plots.comparisons import forest_plot

forest_plot({name: {"test": run.test.f2} for name, run in trained.items()})

# %% [markdown]
# ```{caption} fig-losses
# :alt: Five points with horizontal bars, one per loss: F2 on test and its interval.
# F2 of test works by the loss a head was trained with, each at its own threshold, with 95 % bootstrap
# intervals over works. Intervals of single values overlap more readily than the paired differences in
# the table below.
# ```

# %%
from imet.report.comparisons import FORMATS, compare_runs
from imet.report.tables import or_dash

compared = compare_runs(trained)
page["against.soft_auc"] = or_dash(compared["macro AUC"]["soft F2"])
for name in ("focal, γ = 2", "asymmetric"):
    page[f"against.{name}"] = compared["less the first"][name]
reached = compared["F2, test"].drop("soft F2").astype(float).sort_values()
page["against.range"], page["against.best"] = reached.iloc[[0, -1]].to_numpy(), reached.index[-1]
compared.pipe(show, FORMATS)

# %% [markdown]
# Soft F2 alone hardly trains here: its macro AUC of {num}`against.soft_auc:.2f` is near chance. The other four
# reach {num}`against.range.0:.3f` to {num}`against.range.1:.3f`, the highest F2 with the loss called
# *{num}`against.best`*: focal loss less cross-entropy is {num}`against.focal, γ = 2.value:+.3f`
# {num}`against.focal, γ = 2.interval:+.3f`, asymmetric less cross-entropy {num}`against.asymmetric.value:+.3f`
# {num}`against.asymmetric.interval:+.3f`, {num}`against.asymmetric.interval:verdict`. Each loss has its own idea
# of a probability, as the thresholds show, and the threshold search removes *that* difference; what remains is how
# well the labels of a work are ordered. There is one seed and one length of training: a loss that learns slowly
# may catch up. One fixed threshold would mostly compare calibrations.
#
# ## Does a lower focal loss mean a higher F2?
#
# ```{quote-doc} poster
# :where: Future work
# Using other loss measure: as can be seen, focal loss and F2 score are not directly related.
# ```
#
# Its table supports that with four points. Here are more: every epoch of the poster's rows 2 to 4,
# and the final scores of all settings of this chapter, all judged by the same focal loss.

# %% tags=["hide-input"]
from imet.report.plots.losses import loss_vs_f2

histories = {f"row {n}": pd.DataFrame(rows[name].history) for n, name in zip((2, 3, 4), poster)}
loss_vs_f2({name: (h["val_loss"], h["val_f2"]) for name, h in histories.items()})

# %% [markdown]
# ```{caption} fig-loss-f2
# :alt: Trails of points from high loss and low F2 to low loss and high F2; those of rows 2 to 4
#   largely cover each other, row 2 in hollow marks on top.
# Focal loss and F2 of validation works after every epoch of rows 2 to 4, at that epoch's best threshold. Training
# runs from right to left; the axis of the loss is logarithmic.
# ```

# %%
from scipy.special import logit

from imet.statistics import spearman

settings = {}
for name, run in (dict(zip(histories, rows.values())) | trained).items():
    scores = np.clip(run.scores("val").astype(np.float64), 1e-7, 1 - 1e-7)
    loss = focal_loss(torch.from_numpy(logit(scores)), torch.from_numpy(val.targets))
    settings[name] = {"focal loss": loss.item(), "F2": run.val.f2.value}
settings = pd.DataFrame(settings).T
history = histories["row 3"]
late = history[len(history) // 2 :]
page["rank"] = {
    "all": or_dash(spearman(-history["val_loss"], history["val_f2"])),
    "late": or_dash(spearman(-late["val_loss"], late["val_f2"])),
    "across": or_dash(spearman(-settings["focal loss"], settings["F2"])),
    "settings": len(settings),
}
settings.round(3)

# %% [markdown]
# The rank correlation of F2 with low focal loss is {num}`rank.all:.2f` over all epochs of row 3, and
# {num}`rank.late:.2f` over the second half of them; across the {num}`rank.settings:d` settings of the
# table it is {num}`rank.across:.2f`. A correlation near 1 over a whole training says little, since
# everything improves at first; a choice between finished models needs the last two. So the poster's remark can be
# put more exactly: the loss follows F2 while a model learns, but need not between finished models, because it also
# judges how well their probabilities are calibrated, which the threshold search ignores. {num}`rank.settings:d`
# settings neither show an order nor exclude one.

# %% [markdown]
# ## How should the threshold be searched?
#
# Both documents take one threshold for all labels from a grid: the poster by “search over different
# thresholds”, the paper by “grid search on range (0, 0.5)”. {numref}`fig-search` shows the whole
# curve for row 3, the table other rules that need one or two numbers. All are tuned on validation
# works and then applied to test works.

# %% tags=["hide-input"]
from imet.metrics import fbeta_at_thresholds
from imet.report.plots.curves import threshold_curve
from imet.thresholds import POSTER_GRID, tune_grid

grid = np.arange(1, 100) / 100
curves = {
    "validation": fbeta_at_thresholds(main.scores("val"), val.targets, grid),
    "test": fbeta_at_thresholds(main.scores("test"), test.targets, grid),
}
chosen = tune_grid(main.scores("val"), val.targets, POSTER_GRID)
threshold_curve(
    grid, curves, {"poster's grid": (chosen.threshold, chosen.f_beta)}, edge=float(POSTER_GRID[-1])
)

# %% [markdown]
# ```{caption} fig-search
# :alt: Curves of F2 on validation and test against the threshold, rising to a peak and falling, with
#   the chosen threshold marked.
# F2 by a threshold that is the same for all labels, row 3. The mark is the best of the poster's grid on
# validation; the dotted line is where the grid ends.
# ```

# %%
from imet.thresholds import threshold_grid, tune_all

is_culture = main.parts.labels.is_culture
scores = main.scores("val"), val.targets
rules = tune_all(*scores, is_culture, train.targets.mean(0))
searched = {
    "poster's grid, 0 to .5": rules["grid"],
    "paper's grid, (0, .5)": tune_grid(*scores, threshold_grid()),
    "as coded, (0, 1)": tune_grid(*scores, threshold_grid(1.0)),
    "exact optimum": rules["exact"],
    "culture and tag apart": rules["per_type"],
    "γ·f": rules["proportional"],
    "share of the highest score": rules["max_fraction"],
    "the same number of labels": rules["count"],
}

# %%
from imet.report.comparisons import compare_rules

compared = compare_rules(main, searched)
exact, grid_search = compared.loc["exact optimum"], compared.loc["poster's grid, 0 to .5"]
page["rules.exact_gain"] = exact["F2, validation"] - grid_search["F2, validation"]
page["rules.exact_test"] = exact["F2, test"] - grid_search["F2, test"]
page["rules.proportional_labels"] = compared.loc["γ·f", "labels per work"]
compared.pipe(show, FORMATS)

# %% [markdown]
# A rule that contains another can never lose to it on validation, and test shows how much of that was luck. The
# exact optimum is worth {num}`rules.exact_gain:.4f` more than the grid on validation and
# {num}`rules.exact_test:+.4f` on test. It takes one sort of the validation scores, so a coarse grid saves nothing.
# γ·f, the paper's threshold for each label, is γ times the share of works that carry it; this γ is the factor of
# the paper's §3.3, not the exponent of focal loss. Such thresholds suit scores that shrink with the share, as
# calibrated ones do. Focal loss gives a rare label far more than its share, so no γ fits frequent and rare labels
# together: the best γ gives {num}`rules.proportional_labels:.0f` labels per work.
#
# ## How can AUC be .94 and F2 only .53?
#
# The poster reports an “Avg. AUC” of {num}`reported/poster.best.auc:.2f` beside an F2 of
# {num}`reported/poster.best.f2:.3f`. First, which average? Over labels that have both outcomes
# (macro), over all pairs of work and label (micro), or over groups of labels:

# %%
from imet.labels import quartile_of
from imet.metrics import mean_auc, micro_auc, roc_auc_per_class

areas = roc_auc_per_class(*scores)  # (K,)
quartile = quartile_of(train.targets.sum(0))  # (K,)
groups = {"all labels": np.ones(len(areas), bool)}
groups |= {f"quartile {q} by frequency": quartile == q for q in (4, 3, 2, 1)}
groups |= {"culture": is_culture, "tag": ~is_culture}
by_group = pd.DataFrame([mean_auc(areas[mask]) for mask in groups.values()], index=list(groups))
page["auc.micro"], page["auc.macro"] = or_dash(micro_auc(*scores)), or_dash(mean_auc(areas).value)
by_group.set_axis(["macro AUC", "labels", "left out"], axis=1).round(3)

# %% [markdown]
# Micro AUC is {num}`auc.micro:.3f` for the same scores: it also rewards knowing which labels are
# frequent. The poster does not say what it does with labels that have no validation work at all
# ({num}`reported/context.no_val_positive` of {num}`reported/poster.labels:,d` on the real table).
#
# Second, AUC does not know how rare a label is. It is the probability that a work with the label scores
# above one without it. If a label is on one work in a thousand, then at an AUC of .94 the works that
# score above a typical positive are still mostly negatives, because there are a thousand times as
# many of them. {numref}`fig-base-rates` makes that exact: works are simulated with the real label
# frequencies, a model gives every label the same AUC and perfectly calibrated probabilities, and
# gets its best threshold.

# %%
from imet.report.binormal import f2_at_auc

aucs = (0.6, 0.7, 0.8, 0.85, 0.9, 0.94, 0.97, 0.99)
real_table = pd.DataFrame([f2_at_auc(real_frequency, a, works=800, seed=seed) for a in aucs])
even = pd.DataFrame([f2_at_auc(np.full(30, 0.1), a, works=800, seed=seed) for a in aucs])
posters = real_table.iloc[aucs.index(0.94)]
page["base"] = {"f2": posters["f2"], "precision": posters["precision"]}
real_table.loc[[posters.name]].pipe(show, index=False)

# %% tags=["hide-input"]
from imet.report.plots.comparisons import score_curves

score_curves(
    aucs,
    {
        "F2, real frequencies": real_table["f2"],
        "precision at that threshold": real_table["precision"],
        "F2, every label on a tenth": even["f2"],
    },
    x_name="macro AUC",
    y_name="score",
    guide=("the poster's", 0.94),
)

# %% [markdown]
# ```{caption} fig-base-rates
# :alt: Two rising curves of F2, precision against AUC; under the real frequencies F2 is near one half
#   at the poster's AUC of .94.
# F2 of a simulated model of a given AUC at its best threshold, with the same AUC and calibrated
# probabilities for every label, under the real table's label frequencies and if every label were on a
# tenth of the works. Labels are drawn independently. The vertical line is the poster's AUC.
# ```

# %% [markdown]
# At an AUC of .94 such a model reaches an F2 of {num}`base.f2:.2f`, with a precision of
# {num}`base.precision:.2f`. The poster's is a little higher, so this is no upper bound: its labels have
# different AUCs and depend on each other, while the simulation gives all the same AUC and draws them
# independently. But it explains why F2 is near one half, not near .94, and so the two numbers agree: .94 is a good
# ranking of *works*, .53 what is left of it for a decision among a thousand *labels*, nearly all of them rare.
#
# ## Limits
#
# - Losses are compared on one head, one set of features and one seed; their own settings (γ, margins)
#   are those of their papers, not tuned.
# - Rules are compared on one model. Other losses may suit other rules.
# - Equal AUC for every label is a simplification: rare labels have less reliable ones. The simulation is one
#   draw of 800 works.

# %% [markdown]
# ## Summary
#
# - {term}`Focal loss` turns down what is already right; its size tells its form, within limits.
# - Loss follows F2 within one training; between models of different losses it need not.
# - AUC does not know how rare labels are, F2 does: the poster's two numbers agree.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: how much does γ turn down?
# :label: ex-14-1
# By what factor does focal loss with γ = 2 scale the cross-entropy of a decision that gives the right answer .9,
# .5 and .1?
# ```

# %% tags=["solution"]
p = torch.tensor([0.9, 0.5, 0.1], dtype=torch.float64)
x = torch.logit(p)
ratio = focal_loss(x, torch.ones(3), 2.0, None, "none") / weighted_bce_loss(
    x, torch.ones(3), None, "none"
)
assert torch.allclose(ratio.double(), (1 - p) ** 2, atol=1e-5)
[round(each, 2) for each in ratio.tolist()]

# %% [markdown]
# ```{solution} ex-14-1
# :class: dropdown
# By .01, .25 and .81, which is $(1 - p)^2$. A thousand easy decisions at .9 weigh as much as ten without γ.
# ```

# %% [markdown]
# ```{exercise} Level 2: does temperature move F2?
# :label: ex-14-2
# Divide all logits of row 3 by a temperature before the sigmoid, for instance 2, and search the threshold
# again. What happens to the threshold, to F2 and to the loss?
# ```

# %% tags=["solution"]
from imet.thresholds import tune_exact

warm = {}
raw = logit(np.clip(main.scores("val").astype(float), 1e-7, 1 - 1e-7))
for name, temperature in (("half", 0.5), ("one", 1.0), ("two", 2.0)):
    x = torch.from_numpy(raw / temperature)
    rule = tune_exact(x.sigmoid().numpy(), val.targets)
    loss = focal_loss(x, torch.from_numpy(val.targets)).item()
    warm[name] = {"threshold": rule.threshold, "F2": rule.f_beta, "focal loss": loss}
assert np.isclose(warm["half"]["F2"], warm["two"]["F2"], atol=2e-3)
page["warm"] = warm
pd.DataFrame(warm).T.rename_axis("temperature").round(3)

# %% [markdown]
# ```{solution} ex-14-2
# :class: dropdown
# At a temperature of 2 the threshold moves from {num}`warm.one.threshold:.3f` to {num}`warm.two.threshold:.3f`
# and the loss from {num}`warm.one.focal loss:.3f` to {num}`warm.two.focal loss:.3f`, while F2 stays the same:
# {num}`warm.one.F2:.3f` and {num}`warm.two.F2:.3f`. One temperature for all labels keeps every order, and the
# threshold follows the scores; only the loss reads the probabilities themselves. So calibration and F2 at a tuned
# threshold are different things.
# ```

# %% [markdown]
# ```{exercise} Level 3: a threshold for every label
# :label: ex-14-3
# Tune one threshold for each label on validation. What does F2 gain there, and what is left on test?
# ```

# %% tags=["solution"]
s_val, s_test = main.scores("val"), main.scores("test")
grid_of = np.arange(2, 96) / 100
limits = np.full(s_val.shape[1], chosen.threshold)
for k in np.flatnonzero(val.targets.any(0)):
    hit = (s_val[:, k, None] >= grid_of) & val.targets[:, k, None]  # (N, G)
    false = (s_val[:, k, None] >= grid_of) & ~val.targets[:, k, None]
    tp, fp = hit.sum(0), false.sum(0)
    f2_of_label = 5 * tp / np.maximum(5 * tp + 4 * (val.targets[:, k].sum() - tp) + fp, 1)
    limits[k] = grid_of[f2_of_label.argmax()]
from imet.metrics import fbeta_per_work

page["own_thresholds"] = {
    name: fbeta_per_work(s >= limits, y).mean() - fbeta_per_work(s >= chosen.threshold, y).mean()
    for name, s, y in (("val", s_val, val.targets), ("test", s_test, test.targets))
}
page.values["own_thresholds"]

# %% [markdown]
# ```{solution} ex-14-3
# :class: dropdown
# On validation F2 over works changes by {num}`own_thresholds.val:+.3f`, on test by
# {num}`own_thresholds.test:+.3f`. A label with two positives fits its threshold to these two works; and
# what is best for each label is not what is best for the works.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A model's focal loss is above the best constant. Must it be worse than not looking?
# - [ ] Yes. :: Only if it was trained on that loss. A model trained on another may rank well and be badly
#   calibrated.
# - [x] Not if it was trained on another loss. :: Right: its probabilities may be off and its order good.
# - [ ] No, constants are not models. :: A constant is a model, and a hard one to beat in loss.
# ```
#
# ```{quiz}
# AUC is .94 for a label on one work in a thousand. You take the best-scoring works until half of the
# positives are among them. What is the precision likely to be?
# - [ ] about .94 :: AUC is no precision.
# - [x] a few percent :: Yes: with scores of normal shape about 1.4 % of negatives lie that high,
#   twenty-eight for each positive that was found.
# - [ ] about .5 :: That is the recall you asked for.
# ```
