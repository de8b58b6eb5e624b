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
# # Attention
#
# The model says where it looked when it chose a label. Pictures of that are persuasive. On a simulated
# collection, where the place of every thing is known, one can ask whether they are true.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import numpy as np
import pandas as pd
from IPython.display import Markdown

from imet import inspection, runs
from imet.inspection import (
    SIGMA,
    boxes_on_view,
    centre_prior,
    class_activation_map,
    normalised_entropy,
    pointing_game,
    upsample_attention,
)
from imet.metrics import roc_auc_per_class
from imet.report.pages import record_page
from imet.report.plots.comparisons import forest_plot, label_scatter
from imet.report.plots.overlays import Attended, attention_examples
from imet.report.tables import DIFFERENCE, or_dash
from imet.statistics import mean_interval, paired_difference, spearman
from imet_simulation import has_ground_truth, read_ground_truth

run = runs.run("attn_cnn_rnn", profile, seed=seed, device=device)
baseline = runs.run("resnet50", profile, seed=seed, device=device)
parts, names = run.parts, run.parts.labels.names
side = run.recipe.input_size
works = np.arange(min(len(parts.test), 400))
steps = inspection.steps_of(run, parts.test, works, device)
targets = parts.test.targets[works]
truth = read_ground_truth(parts.collection) if has_ground_truth(parts.collection.root) else None
place = [parts.collection.labels.column(name) for name in names]  # column in the whole table

# %% [markdown]
# ## What does it look at?
#
# ```{quote-doc} paper
# :where: §5.5
# The first column shows the original raw image with ground truth labels (black texts), the second
# column shows one of the six cropped and normalized images obtained from the raw image, and the last
# column shows the local regions of the cropped image where the model attend to for the corresponding
# predicted label (blue texts for correct predictions or red texts for wrong predictions).
# ```
#
# {numref}`fig-attention` follows that layout with the weights as they are, square by square. A thin
# blue frame marks the thing itself where the simulation knows it. The works are drawn at random among
# those with a right tag. {numref}`fig-attention-smooth` shows the same as the authors' code does,
# smoothed by {num}`reported/code.overlay.sigma:d` pixels.

# %% tags=["hide-input"]
is_tag = ~parts.labels.is_culture
kept, label = steps.kept[:, 0], steps.labels[:, 0]  # (n, T), of the resized view
hit = np.take_along_axis(targets, label, 1)  # (n, T) the annotator agrees
candidates = np.flatnonzero((kept & hit & is_tag[label]).any(1))
candidates = candidates if len(candidates) >= 3 else works
rng = np.random.default_rng(seed)
chosen = np.sort(rng.choice(candidates, min(4, len(candidates)), replace=False))
shown = [inspection.view_pictures(run, parts.test, int(w)) for w in chosen]
attended, smoothed = [], []
for w, (picture, _, _) in zip(chosen, shown):
    row = parts.test.rows[w]
    order = [t for t in range(label.shape[1]) if kept[w, t]] or [0]
    tags_first = sorted(order, key=lambda t: (not is_tag[label[w, t]], t))[:4]
    for found, sigma in ((attended, 0.0), (smoothed, SIGMA * side / 224)):
        found.append(
            [
                Attended(
                    names[label[w, t]],
                    bool(hit[w, t]),
                    upsample_attention(steps.attention[w, 0, t], side, sigma),
                    boxes_on_view(truth.boxes_of(row, place[label[w, t]]), *picture.shape[:2], side)
                    .round()
                    .astype(int)
                    if truth
                    else None,
                )
                for t in tags_first
            ]
        )
words = [[names[k] for k in np.flatnonzero(targets[w])] for w in chosen]

# %% tags=["hide-input"]
attention_examples([s[0] for s in shown], words, [s[1][0] for s in shown], attended)

# %% [markdown]
# ```{caption} fig-attention
# :alt: Four works in rows. Beside each picture stand its view and up to four grey copies of it with
#   coloured squares where the model looked, titled with the predicted label.
# Attended regions, the paper's Figure 4: the picture over its labels, the resized view, and for up to
# four predicted labels the attention when it was chosen; blue with a tick is right, red with a cross
# is wrong. Grey regions get no attention, purple, orange and yellow ones more and more; a thin blue
# frame is the thing itself.
# ```

# %% tags=["hide-input"]
attention_examples([s[0] for s in shown], words, [s[1][0] for s in shown], smoothed)

# %% [markdown]
# ```{caption} fig-attention-smooth
# :alt: The same works with a soft wash of colour in the place of squares.
# The same smoothed as the authors' code does: single regions are spread over the whole view, and
# nothing shows how coarse the model's grid is.
# ```

# %% [markdown]
# ## How much does it choose?
#
# Attention that is spread evenly chooses nothing. Its *spread* is the entropy of the weights as a share
# of the largest possible: one is even, zero is a single region.

# %% tags=["hide-input"]
spread = normalised_entropy(steps.attention)  # (n, V, T)
by_step = pd.DataFrame(
    {
        "mean spread": spread[:, 0].mean(0),
        "largest weight, times an even one": steps.attention[:, 0].max(-1).mean(0)
        * steps.attention.shape[-1],
        "labels kept": kept.mean(0),
    },
    index=pd.Index(np.arange(1, label.shape[1] + 1), name="step"),
)
moves = np.abs(np.diff(steps.attention[:, 0], axis=1)).sum(-1).mean() / 2
by_step.style.format({"labels kept": "{:.0%}"}, precision=3)

# %% [markdown]
# From one step to the next {num}`attention.moves:.1%` of the attention moves to other regions. If it
# hardly moves, it does not follow the label: it looks where there is something to see.
#
# ## Does it look at the thing?

# %% tags=["hide-input"]
weights = inspection.head_weights(baseline)  # (K, D) of the baseline's linear layer
middle = centre_prior(side)
rows = []
for w in works if truth else []:
    height, width = truth.sizes[parts.test.rows[w]]
    for t in np.flatnonzero(kept[w] & hit[w] & is_tag[label[w]]):
        boxes = truth.boxes_of(parts.test.rows[w], place[label[w, t]])
        if not len(boxes):
            continue
        boxes = boxes_on_view(boxes, height, width, side)
        maps = {
            "attention": upsample_attention(steps.attention[w, 0, t], side),
            "Grad-CAM of the baseline": upsample_attention(
                class_activation_map(steps.spatial[w, 0], weights[label[w, t]]), side
            ),
            "centre": middle,
        }
        scored = {name: pointing_game(m, boxes) for name, m in maps.items()}
        rows.append(
            {"work": w, "even hit": scored["centre"]["area"], "even mass": scored["centre"]["area"]}
            | {f"{name} {kind}": s[kind] for name, s in scored.items() for kind in ("hit", "mass")}
        )
found = pd.DataFrame(rows)  # one row a label
enough = bool(rows) and found["work"].nunique() > 1
hits = {}
if enough:
    by_work = found.groupby("work").mean()  # its labels share a picture: intervals are over works
    for name in ("attention", "Grad-CAM of the baseline", "centre", "even"):
        hits[name] = {
            kind: mean_interval(by_work[f"{name} {kind}"].to_numpy())._asdict()
            for kind in ("hit", "mass")
        }

# %% [markdown]
# Each time the model rightly names a tag whose thing is in the picture, its map can be scored against
# the thing's boxes, in two ways: does the *highest* region lie in one (the pointing game), and what
# share of all weight do they hold? Three rivals know nothing of the attention: Grad-CAM, which asks the
# *baseline* which regions speak for the label (for a linear layer on mean features it is the class
# activation map); a Gaussian in the centre, where things tend to be; and an even map, whose score
# is the area of the boxes.

# %% tags=["hide-input"]
Markdown(
    f"{len(rows)} labels on {found['work'].nunique()} test works can be scored; their boxes cover "
    f"{found['even hit'].mean():.0%} of the view on average. Means are over works, a work's labels "
    "averaged first."
    if enough
    else "On this profile no box is known, or too few are: nothing can be scored."
)

# %% tags=["hide-input"]
forest_plot(
    {
        name: {"highest region in a box": found["hit"], "weight in the boxes": found["mass"]}
        for name, found in hits.items()
    }
    or {"no box": {"": {"value": 0, "low": 0, "high": 0}}},
    value_name="share",
)

# %% [markdown]
# ```{caption} fig-hits
# :alt: Attention, Grad-CAM, a centre prior and an even map, each with two marks and their intervals.
# How well maps find the thing that a rightly predicted tag names: share of highest regions inside its
# boxes, and share of the whole weight, with 95 % intervals.
# ```

# %% tags=["hide-input"]
lines, limit = {}, float("nan")
if enough:
    limit = found["even hit"].quantile(0.25)
    small = found["even hit"] <= limit
    for rival in ("Grad-CAM of the baseline", "centre"):
        for size, chosen in (
            ("all", found),
            ("smallest quarter", found[small]),
            ("the rest", found[~small]),
        ):
            means = chosen.groupby("work").mean()
            if len(means) > 1:
                lines[f"attention over {rival}, {size}"] = paired_difference(
                    means["attention hit"].to_numpy(), means[f"{rival} hit"].to_numpy()
                )._asdict()
pd.DataFrame({name: {"difference in hits": DIFFERENCE.format(**d)} for name, d in lines.items()}).T

# %% [markdown]
# ## Do small things gain from it?
#
# ```{quote-doc} paper
# :where: §3.3
# some attributes, especially those belonging to *tags*, might be extremely small in the image. [...]
# Hence, to encourage the model to focus on specific regions in the input image, we applied the same
# visual attention mechanism
# ```
#
# If attention helps with small things, the labels that gain over the baseline should be those with
# small boxes. {numref}`fig-size` sets the gain in AUC against the size of the thing.

# %% tags=["hide-input"]
auc = {
    name: roc_auc_per_class(each.scores("test"), parts.test.targets)
    for name, each in (("baseline", baseline), ("AttnCNN-RNN", run))
}
size = np.full(len(names), np.nan)
if truth:
    for k, column in enumerate(place):
        shares = []
        for row in np.concatenate([parts.train.rows, parts.test.rows]):
            boxes = truth.boxes_of(row, column)
            if len(boxes):
                height, width = truth.sizes[row]
                shares.append(
                    ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).max()
                    / height
                    / width
                )
        if shares:
            size[k] = np.median(shares)
gained = auc["AttnCNN-RNN"] - auc["baseline"]
several = parts.test.targets.sum(0) >= 3  # the area of one or two works is mostly chance
both = np.isfinite(gained) & np.isfinite(size) & several
rank = spearman(size[both], gained[both]) if both.sum() > 2 else float("nan")

# %% tags=["hide-input"]
label_scatter(
    100 * np.where(both, size, np.nan),
    {"": gained},
    x_name="size of the thing, % of the picture",
    y_name="gain in AUC",
    reference=0,
)

# %% [markdown]
# ```{caption} fig-size
# :alt: A scatter of tags around zero gain, from small to large things.
# Gain in AUC of AttnCNN-RNN over the baseline on test works, by the median share of the picture that
# a tag's largest box covers. One point a tag with three test works or more.
# ```

# %% [markdown]
# The rank correlation of size and gain is {num}`size.rank:+.2f` over {num}`size.labels:d` tags: clearly
# negative would mean that small things gain more.
#
# ## Are the pictures true?
#
# On the drawn collection, hardly. The highest weight lies in a box of the named thing in
# {num}`answer.attention:.0%` of cases; a map that chooses nothing would have
# {num}`answer.even:.0%`, Grad-CAM of the baseline {num}`answer.grad_cam:.0%`
# and a blob in the centre {num}`answer.centre:.0%`. The paper wants attention for small things; where the
# boxes cover {num}`answer.limit:.0%` of the view or less, a quarter of the cases, the difference from
# Grad-CAM is {num}`answer.small:+.2f`.
# A model trained for longer may look better; these overlays show where weights are, and not yet why a
# label was named.
#
# ## Limits
#
# - A map that hits shows that the model looked there, not that it chose the label for what it saw. The
#   regions have already seen their surroundings: the receptive field of the last feature map covers
#   most of the view.
# - Only right predictions are scored: those of another model would be other labels.
# - Simulated things have crisp outlines on quiet grounds. Photographs are harder.

# %% tags=["hide-input", "remove-output"]
rates = {name: found["hit"]["value"] for name, found in hits.items()}  # none without boxes
small_things = lines.get("attention over Grad-CAM of the baseline, smallest quarter", {})
record_page(
    "10_attention",
    {
        "attention": {
            "moves": or_dash(moves),
            "spread": or_dash(spread[:, 0].mean()),
            "regions": steps.attention.shape[-1],
        },
        "hits": hits,
        "differences": lines,
        "answer": {
            "attention": or_dash(rates.get("attention")),
            "grad_cam": or_dash(rates.get("Grad-CAM of the baseline")),
            "centre": or_dash(rates.get("centre")),
            "even": or_dash(rates.get("even")),
            "small": or_dash(small_things.get("value")),
            "limit": or_dash(limit),
        },
        "scored": len(rows),
        "size": {"rank": or_dash(rank), "labels": int(both.sum())},
    },
    profile=profile,
    seed=seed,
    device=device,
    runs=[run, baseline],
)
