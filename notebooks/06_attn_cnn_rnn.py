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
# # AttnCNN-RNN
#
# ```{goals}
# how a recurrent network with attention names labels one at a time; what each equation of the paper is as
# an array; why 196 regions are 49.
#
# {doc}`03_baseline`; what an LSTM and a softmax are.
# ```
#
# The paper's own model names labels one at a time. Before each label it looks at the picture again, at a
# place that depends on what it has named so far. This chapter goes through its algorithm on a single
# work, with every array in view, and then trains it.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import numpy as np

from imet import runs
from imet.config import resolve
from imet.report.pages import Page
from imet.report.tables import spoken

recipe = resolve("attn_cnn_rnn", profile, {"seed": seed})
parts = runs.load(profile, "attn_cnn_rnn")
names = parts.labels.names
many = parts.test.targets.sum(1)
work = int(np.random.default_rng(seed).choice(np.flatnonzero(many == many.max())))
page = Page("06_attn_cnn_rnn", profile, seed, device)
[spoken(names[k]) for k in np.flatnonzero(parts.test.targets[work])]

# %% [markdown]
# ## One work, step by step
#
# ```{quote-doc} paper
# :where: §3.3
# we adopted the order-free approach in [11]. The training procedure of our AttnCNN-RNN model is
# summarized in Algorithm 2, where $T = 10$ is the maximum number of labels in the training set.
# ```
#
# Their [11] is {cite:t}`chen2018`; {cite:t}`wang2016` try several orders, which the paper does not. The
# attention is that of {cite:t}`xu2015`, made for captions. Here paths have {num}`recipe.steps:d` steps; more
# on that below.
#
# Algorithm 2 follows, on the resized view of one work, with weights as they are drawn at the
# start: nothing has been learned yet.
#
# **Extract $\mathbf{V}_{feat}$ and compute $\mathbf{v}_{prob}$.** The network gives a vector
# $\mathbf{v}_i$ for each region of the view. The baseline reads their mean; a linear layer
# and a sigmoid turn this mean into $\mathbf{v}_{prob}$.

# %%
import dataclasses

import torch

from imet.inspection import features_of

one = dataclasses.replace(recipe, views="one")
spatial = torch.from_numpy(features_of(one, parts, parts.test, "spatial", [work], device)[0])
features = {"spatial": spatial, "pooled": spatial.mean(1)}  # (1, P, D), (1, D)
spatial.shape

# %%
import pandas as pd

from imet.models.attn_cnn_rnn import AttnCnnRnn

torch.manual_seed(seed)
head = AttnCnnRnn(
    len(names), spatial.shape[-1], 0, recipe.rnn_width, recipe.steps,
    attention_width=recipe.attention_width,
).eval()  # fmt: skip
with torch.no_grad():
    view, state = head.begin(features)  # v_pred = v_prob, ỹ_0 = {}, C_0 = all labels
pd.Series(
    {
        "V_feat: regions × channels": "{} × {}".format(*view.v.shape[1:]),
        "v_prob: labels": state.v_pred.shape[2],
        "h_0: units": state.h.shape[2],
        "labels in C_0": int(state.pool.sum()),
    }
).to_frame("size")

# %% [markdown]
# **Compute the context vector $\mathbf{z}_t$ by equation 3.** A small network scores each region
# against the state, a softmax turns the scores into weights, and the context is the weighted mean:
#
# $$\begin{aligned}
# \epsilon_{i,t} &= f_{att}(\mathbf{v}_i, \mathbf{h}_{t-1}) &&(1) \\
# \alpha_{i,t} &= \frac{e^{\epsilon_{i,t}}}{\sum_j e^{\epsilon_{j,t}}} &&(2) \\
# \mathbf{z}_t &= \sum_i \alpha_{i,t}\, \mathbf{v}_i &&(3)
# \end{aligned}$$
#
# $f_{att}$ is a linear layer, a ReLU and another linear layer. The code multiplies $\mathbf{z}_t$ by a
# gate, a sigmoid of the state, which the text does not have; the array below is gated.

# %%
with torch.no_grad():
    z, alpha = head.attention(view.v, view.v_projected, state.h)  # (1, 1, D), (1, 1, P)
pd.Series(
    {
        "α sums to": f"{float(alpha.sum()):.4f}",
        "smallest α": f"{float(alpha.min()):.4f}",
        "largest α": f"{float(alpha.max()):.4f}",
        "an even α": f"{1 / alpha.shape[-1]:.4f}",
        "channels of z": z.shape[2],
    }
).to_frame("value")

# %% [markdown]
# **Compute the hidden state $\mathbf{h}_t$ and the predicted probability $\mathbf{p}_t$ by equations 4
# and 5.** The LSTM {cite}`hochreiter1997` reads three things: the probabilities of the step before, the
# context, and the labels named so far, as ones and zeros. $f_{pred}$ is two linear layers, each behind dropout.
#
# $$\begin{aligned}
# \mathbf{h}_t &= f_{LSTM}(\mathbf{v}_{pred}, \mathbf{z}_t, \tilde{\mathbf{y}}_{t-1}, \mathbf{h}_{t-1}) &&(4) \\
# \mathbf{p}_t &= \sigma(f_{pred}(\mathbf{h}_t)) &&(5)
# \end{aligned}$$
#
# **Obtain the label $l_t$, update the labels $\tilde{\mathbf{y}}_t$ and the pool $C_t$.** The label is
# the most probable one *that has not been named*: the argmax runs over $C_{t-1}$ (the paper writes
# $C_t$, which does not exist yet). Then **$\mathbf{v}_{pred} = \mathbf{p}_t$** and the next step begins.
#
# **Compute the loss.** Every step is asked for *all* labels of the work, whatever was named before,
# and the losses are averaged over the $T$ steps. This makes the training free of any order.

# %%
from imet.report.tables import show
from imet.training.criterion import make_criterion

targets = torch.from_numpy(parts.test.targets[[work]]).float()  # (1, K)
criterion = make_criterion(recipe, parts.train.targets, "cpu")
steps, logits = [], []
with torch.no_grad():
    for t in range(1, recipe.steps + 1):
        step_logits, alpha, state = head.step(view, state)  # Eqs. 1-5
        p = step_logits.sigmoid()  # (1, 1, K)
        label = p.masked_fill(~state.pool, -1).argmax(-1)  # (1, 1), over C_{t-1}
        state = head.advance(state, p, label)  # ỹ_t, C_t, v_pred = p_t
        logits.append(step_logits[:, 0])
        steps.append(
            {
                "t": t,
                "l_t": names[int(label)],
                "p_t of it": float(p[0, 0, int(label)]),
                "true": "yes" if targets[0, int(label)] else "",
                "labels in C_t": int(state.pool.sum()),
                "loss of the step": float(criterion(logits[-1], {"targets": targets})),
            }
        )
page["untrained.loss"] = float(criterion(torch.stack(logits, 1), {"targets": targets}))
pd.DataFrame(steps).pipe(show, index=False)

# %% [markdown]
# The loss of this work is the mean of the last column, {num}`untrained.loss:.2f`. Untrained, the
# probabilities lie around one half and the labels mean nothing.
#
# ### 196 regions are 49
#
# ```{quote-doc} paper
# :where: §3.3
# We then reshaped $\mathbf{V}_{feat}$ into $(\mathbf{v}_1, \dots, \mathbf{v}_{196})$
# ```
#
# At 224 pixels ResNet50 has 7 × 7 regions. The code pools them *up* to 14 × 14, which repeats each
# one 2 × 2. Four copies of a region get four equal weights, so the context is the same as with 49.

# %%
rows = round(spatial.shape[1] ** 0.5)
grid = spatial.unflatten(1, (rows, rows)).repeat_interleave(2, 1).repeat_interleave(2, 2)
with torch.no_grad():
    few, _ = head.begin(features)
    many_regions, first = head.begin({**features, "spatial": grid.flatten(1, 2)})
    z_few, alpha_few = head.attention(few.v, few.v_projected, first.h)
    z_many, alpha_many = head.attention(many_regions.v, many_regions.v_projected, first.h)
page["same"] = {
    "regions": few.v.shape[1],
    "repeated": many_regions.v.shape[1],
    "context": float((z_few - z_many).abs().max()),
    "weights": float(alpha_few.max() / alpha_many.max()),
}
page.values["same"]

# %% [markdown]
# The contexts of {num}`same.regions:d` and of {num}`same.repeated:d` regions differ by at most
# {num}`same.context:.0e`, and a weight of the former is {num}`same.weights:.2f` times as large. So this book
# computes on the distinct regions. `attn_cnn_rnn_448` is a recipe on larger views, where the network really has
# 14 × 14.
#
# ## Training

# %%
run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
hog = runs.run("attn_cnn_rnn_hog", profile, seed=seed, device=device)
baseline = runs.run("resnet50", profile, seed=seed, device=device)
page.add_models(baseline, run, hog)
page["recipe"] = {
    "epochs": recipe.epochs,
    "learning_rate": recipe.learning_rate,
    "gradient_clip": recipe.gradient_clip,
    "steps": recipe.steps,
    "rnn_width": recipe.rnn_width,
    "attention_width": recipe.attention_width,
    "most_labels": parts.train.targets.sum(1).max(),
}
page["rule"] = {"gamma": run.rule.gamma, "beams": run.rule.beams}
run.rule.describe()

# %% tags=["hide-input"]
from imet.report.plots.curves import training_curves

training_curves(run.history, best_epoch=run.metrics["best_epoch"])

# %% [markdown]
# ```{caption} fig-rnn-training
# :alt: Two panels over epochs: the training loss falls and validation F2 rises; a dotted line marks
#   the kept epoch.
# Training of AttnCNN-RNN: Algorithm 2's loss on training and validation views, and F2 of validation
# works, decoded greedily with the best γ of each epoch.
# ```

# %% [markdown]
# | setting | here | documents |
# |---|---|---|
# | epochs | {num}`recipe.epochs:d` | {num}`reported/code.rnn.epochs:d`, as coded |
# | learning rate, Adam | {num}`recipe.learning_rate:g` | {num}`reported/code.rnn.learning_rate:g`, as coded |
# | steps T | {num}`recipe.steps:d` | {num}`reported/paper.rnn.steps:d` |
# | units of the LSTM | {num}`recipe.rnn_width:d` | {num}`reported/code.rnn.lstm_width:d`, as coded |
# | width of the attention | {num}`recipe.attention_width:d` | {num}`reported/code.rnn.attention_width:d`, as coded |
# | gradients clipped at | {num}`recipe.gradient_clip:g` | the same, as coded |
#
# *AttnCNN-RNN + HOG* differs in one place. Its $\mathbf{v}_{prob}$ comes from the layer of
# {doc}`05_resnet50_hog`, which reads the descriptor too; the regions $\mathbf{V}_{feat}$ are the same.
#
# ### The same work again
#
# {numref}`fig-rnn-steps` shows where the trained model looks when it names its first labels. The rule of
# {doc}`the next chapter <07_decoding>` decides which of them are *kept*. The *spread* of the
# attention is one where it is even and zero where it lies on a single region ({doc}`10_attention`).

# %%
from imet.inspection import normalised_entropy, steps_of

followed = steps_of(run, parts.test, [work], device)
labels = followed.labels[0, 0]  # (T,) of the resized view
pd.DataFrame(
    {
        "t": np.arange(1, len(labels) + 1),
        "l_t": [names[k] for k in labels],
        "p_t of it": followed.probabilities[0, 0],
        "true": np.where(parts.test.targets[work, labels], "yes", ""),
        "kept": np.where(followed.kept[0, 0], "yes", ""),
        "spread of attention": normalised_entropy(followed.attention[0, 0]),
    }
).pipe(show, index=False)

# %% tags=["hide-input"]
from imet.inspection import SIGMA, upsample_attention, view_pictures
from imet.report.plots.overlays import attention_steps

picture, views, kinds = view_pictures(run, parts.test, work)
side = recipe.input_size
shown = followed.attention[0, 0, : min(4, recipe.steps)]  # (4, P)
attention_steps(
    views[0],
    [names[k] for k in labels[: len(shown)]],
    list(upsample_attention(shown, side)),
    list(upsample_attention(shown, side, SIGMA * side / 224)),
)

# %% [markdown]
# ```{caption} fig-rnn-steps
# :alt: The same view four times in two rows, with bright patches of attention; square patches above,
#   blurred ones below.
# The first four labels of one work and where the model looked when it chose them: the weights of the
# regions above, smoothed as in the paper below. Grey is no attention; purple, orange and yellow are more and
# more.
# ```

# %% [markdown]
# ## How good is it?

# %%
from imet.report.tables import metrics_table, table_rows

trained = {"baseline": baseline, "AttnCNN-RNN": run, "AttnCNN-RNN + HOG": hog}
rows = {("validation", name): each.metrics["val"] for name, each in trained.items()}
rows |= {("test", name): each.metrics["test"] for name, each in trained.items()}
rows["test", "floor"] = baseline.metrics["test"]["floor"]
for name, each in trained.items():
    page[f"rows.{each.recipe.name}"] = table_rows(each)
    page[f"runs.{name}"] = each.folder.name
metrics_table(rows)

# %%
from imet.report.comparisons import paired_gain

page["gains.rnn"] = paired_gain(run, baseline)
page["gains.hog"] = paired_gain(hog, baseline)
page["gains.floor"] = run.test.gain_over_floor
for name, each in (("AttnCNN-RNN", run), ("AttnCNN-RNN + HOG", hog)):
    print(f"{name}, less the baseline: {paired_gain(each, baseline):+.3f}")

# %% [markdown]
# On test the F2 of AttnCNN-RNN differs from the baseline's by {num}`gains.rnn.value:+.3f`
# {num}`gains.rnn.interval:+.3f` ({num}`gains.rnn.interval:verdict`), that of AttnCNN-RNN with HOG by
# {num}`gains.hog.value:+.3f` {num}`gains.hog.interval:+.3f` ({num}`gains.hog.interval:verdict`). AttnCNN-RNN
# differs from the floor by {num}`gains.floor.value:+.3f`
# {num}`gains.floor.interval:+.3f`. A path takes the most probable label at each step
# and stops where its score falls below the labels' frequencies times a factor γ; a work gets the labels that
# any of its six views names. γ = {num}`rule.gamma:.2f` and the number of paths followed at once,
# K = {num}`rule.beams:d`, were found on validation; {doc}`07_decoding` explains all of it.
# {ref}`The results <paper-results>` ask whether a difference comes from the memory, the attention or the
# number of labels. They also show the model after {num}`recorded/equal_length/AttnCNN-RNN.changes.epochs:d`
# epochs: its test F2 is {num}`recorded/equal_length/AttnCNN-RNN.test.f2.value:.3f` over three
# seeds on the sample profile.
#
# ### Beside the paper
#
# ```{reported-table} paper Table 1
# :metrics: f2 f1 precision recall
# :models: resnet50 attn_cnn_rnn attn_cnn_rnn_hog
# :ours: 06_attn_cnn_rnn/rows.{model}.{split}.{metric}
# ```
#
# ## What the text leaves open
#
# - **The gate on $\mathbf{z}$** is the code's. `gate = false` leaves it out.
# - **The number of steps.** T, the most labels a path can give, is {num}`recipe.steps:d` here and
#   {num}`reported/paper.rnn.steps:d` in the paper; training works of this profile have up to
#   {num}`recipe.most_labels:d`. {ref}`Recorded runs <recorded-runs>` try four values.
# - **$\mathbf{h}_0$ and $\mathbf{c}_0$** are linear in the mean feature, as coded.
# - **$\mathbf{v}_{pred}$** is $\mathbf{v}_{prob}$ at the first step and $\mathbf{p}_{t-1}$ later; Equation
#   4 shows one of the two. Gradients pass through it.
# - **Weights.** Algorithm 2 writes the loss without the weights of Equation 7; they are used here, as
#   coded. Both formulas need parentheses for the minus to cover both terms.
#
# ## Limits
#
# - Training on this profile is short: where F2 still rises at the last epoch of the curve above, the
#   model is unfinished. Validation loss may rise meanwhile for the reason given in {doc}`03_baseline`: crops
#   are charged for tags they were trained not to show. Over-fitting is not
#   ruled out: nothing here tells the two apart.
# - One seed.

# %% [markdown]
# ## Summary
#
# - At every step the model weighs the regions ({term}`visual attention`), updates its state and names the
#   most probable label that is left.
# - Every step is trained to give all labels of a work, so training needs no order and asks for no memory.
# - Repeating regions changes no context: the paper's 196 regions are 49.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: count the attention's parameters
# :label: ex-06-1
# $f_{att}$ is a linear layer of the region, one of the state, a ReLU and one linear unit; the gate is one
# more layer from the state to the channels. How many parameters do they have, with $D$ channels, a state of
# $R$ units and a width of $A$?
# ```

# %% tags=["solution"]
D, R, A = spatial.shape[-1], recipe.rnn_width, recipe.attention_width
counted = (D * A + A) + (R * A + A) + (A + 1) + (R * D + D)
assert counted == sum(p.numel() for p in head.attention.parameters())
page["parameters"] = {"all": counted, "gate": R * D + D}
page.values["parameters"]

# %% [markdown]
# ```{solution} ex-06-1
# :class: dropdown
# $(DA + A) + (RA + A) + (A + 1)$, and $RD + D$ for the gate that the text does not have: here
# {num}`parameters.all:,d`, of which the gate has {num}`parameters.gate:,d`.
# ```

# %% [markdown]
# ```{exercise} Level 2: break the candidate pool
# :label: ex-06-2
# Take the argmax of each step over *all* labels, not over those that are left. How many different labels
# does the untrained model name in its steps, with the pool and without?
# ```

# %% tags=["solution"]
named_by = {}
for pooled in (True, False):
    with torch.no_grad():
        view, state = head.begin(features)
        named = []
        for _ in range(recipe.steps):
            step_logits, _, state = head.step(view, state)
            p = step_logits.sigmoid()
            label = (p.masked_fill(~state.pool, -1) if pooled else p).argmax(-1)
            state = head.advance(state, p, label)
            named.append(int(label))
    named_by["with the pool" if pooled else "without"] = named
assert len(set(named_by["with the pool"])) == recipe.steps
page["named"] = {name: len(set(named)) for name, named in named_by.items()}
page.values["named"]

# %% [markdown]
# ```{solution} ex-06-2
# :class: dropdown
# {num}`named.with the pool:d` with the pool, and {num}`named.without:d` without. With it every step names a new
# label, by construction. Without it nothing keeps the most probable label from being named again. The loss
# does not, either: each step is trained to give all labels.
# ```

# %% [markdown]
# ```{exercise} Level 2: copies of a region
# :label: ex-06-3
# Repeat every region four times and compute the softmax by hand. Why is the context the same and each
# weight a quarter?
# ```

# %% tags=["solution"]
scores_of_regions = torch.randn(49, generator=torch.Generator().manual_seed(0))
values = torch.randn(49, 8, generator=torch.Generator().manual_seed(1))
once = scores_of_regions.softmax(0) @ values
repeated = scores_of_regions.repeat_interleave(4).softmax(0)
assert torch.allclose(once, repeated @ values.repeat_interleave(4, 0), atol=1e-5)
assert torch.allclose(4 * repeated[::4], scores_of_regions.softmax(0), atol=1e-6)
float(repeated.sum())

# %% [markdown]
# ```{solution} ex-06-3
# :class: dropdown
# Each copy has the region's numerator over four times the sum, a quarter of the region's weight. Four copies
# together get the weight that the region had, so the weighted mean is the same.
# ```

# %% [markdown]
# ```{exercise} Level 3: how many steps are enough?
# :label: ex-06-4
# Cut the trained model's greedy paths of test works after 1, 2, … T steps and score what is left, with a γ
# of its own for each length, tuned on validation. Which length would you choose?
# ```

# %% tags=["solution"]
from imet.decoding import Paths, tune_path_rule
from imet.metrics import fbeta_per_work

f = parts.train.targets.mean(0)
whole = {part: run.paths(part, 1) for part in ("val", "test")}
by_length = {}
for t in range(1, recipe.steps + 1):
    cut = {part: Paths(w.labels[..., :t], w.probabilities[..., :t]) for part, w in whole.items()}
    rule, _ = tune_path_rule({1: cut["val"]}, parts.val.targets, f)
    by_length[t] = {
        "validation": rule.f_beta,
        "test": float(fbeta_per_work(rule.predict(cut["test"]), parts.test.targets).mean()),
    }
by_length = pd.DataFrame(by_length).T
best = int(by_length["validation"].idxmax())
first, *others = by_length["validation"].nlargest(2)
page["length"] = {"best": best, "val": first, "test": by_length["test"][best]}
page["length.lead"] = first - min([first, *others])
by_length.round(3)

# %% [markdown]
# ```{solution} ex-06-4
# :class: dropdown
# {num}`length.best:d`, if only F2 on validation counts: it is {num}`length.val:.3f`, and
# {num}`length.lead:.3f` less with the second-best length. On test, where one looks afterwards, it is
# {num}`length.test:.3f`. Where the curve flattens, γ cuts what a long path adds, and a shorter path does as
# well.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# Why does the model not name a label twice?
# - [ ] The loss punishes it. :: The loss asks every step for all labels of the work, named or not.
# - [x] The argmax runs over the labels that are left. :: Yes, the candidate pool forbids it.
# - [ ] The LSTM remembers it. :: It may, but nothing makes it.
# ```
#
# ```{quiz}
# $\mathbf{p}_t$ is a vector of sigmoids. What is its sum?
# - [ ] One. :: That would be a softmax. Sigmoids of many labels may all be large.
# - [x] Anything between zero and the number of labels. :: Right, so it is no distribution over the next
#   label.
# - [ ] The number of true labels. :: Only if they were perfectly calibrated, and not by construction.
# ```
