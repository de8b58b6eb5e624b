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
# # Histograms of oriented gradients
#
# Before networks learned their features, people designed them. The paper takes one of the best of
# these, the histogram of oriented gradients (HOG), and sets it beside what the network sees. This
# chapter computes it step by step and asks what it knows about a work of art.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
import numpy as np
import pandas as pd
import torch
from skimage.feature import hog as skimage_hog

from imet import inspection, runs
from imet.config import resolve
from imet.data.images import read_image
from imet.data.views import resize_view
from imet.hog import BLOCK, CELL, ORIENTATIONS, hog_blocks, hog_cells, hog_image
from imet.report.pages import record_page
from imet.report.plots.overlays import picture_strip

recipe = resolve("resnet50_hog", profile, {"views": "one", "seed": seed})
parts = runs.load(profile, "resnet50_hog")
rng = np.random.default_rng(seed)

# %% [markdown]
# ## How is it computed?
#
# ```{quote-doc} paper
# :where: §3.2, Algorithm 1
# Apply normalization algorithm to each RGB channel; Compute gradients; Weighted vote into spatial and
# orientation cells; Contrast normalize over overlapping spatial blocks; Collect HOG’s over detection
# window and concatenate into an output vector
# ```
#
# The first step is left to the default of scikit-image, which is none. The gradient of a pixel is the
# difference of its two neighbours, along and across; of the three channels the one with the largest
# gradient counts.

# %%
rows = parts.test.rows[rng.choice(len(parts.test), 2, replace=False)]
views = torch.stack(
    [resize_view(read_image(parts.collection.path(row)), recipe.input_size) for row in rows]
)  # (2, 3, S, S)
view = views[0].permute(1, 2, 0).numpy()  # (S, S, 3)
x = view.astype(np.float32)
along, across = np.zeros_like(x), np.zeros_like(x)
along[:, 1:-1] = x[:, 2:] - x[:, :-2]
across[1:-1] = x[2:] - x[:-2]
channel = (along**2 + across**2).argmax(2)[..., None]  # (S, S, 1), the strongest
along, across = (np.take_along_axis(g, channel, 2)[..., 0] for g in (along, across))
magnitude = np.hypot(along, across)  # (S, S)
angle = np.degrees(np.arctan2(across, along)) % 180  # (S, S), without a direction

# %% tags=["hide-input"]
strong = np.where(magnitude > np.quantile(magnitude, 0.8), angle, np.nan)
picture_strip(
    [view, np.sqrt(magnitude), strong, np.cbrt(hog_image(view))],
    ["the view", "size of the gradient", "its angle, 0° to 180°", "histograms of the cells"],
    columns=2,
    colours=[None, "gray", "hsv", "gray"],
)

# %% [markdown]
# ```{caption} fig-hog-steps
# :alt: Four square pictures: a work of art; its outlines in white on black; the outlines coloured by
#   direction; a grid of small stars that retraces the outlines.
# From a view to its histograms: the view, the size of its gradients, their angle where they are
# strong (red: across an upright edge, cyan: across a level one), and the 16-pixel cells, drawn as
# stars whose rays are as bright as the gradients in that direction.
# ```

# %% [markdown]
# Every pixel votes for one of {num}`hog.orientations:d` directions with the size of its gradient, and
# the votes of a cell of {num}`hog.cell:d` × {num}`hog.cell:d` pixels are averaged. Then each block of
# {num}`hog.block:d` × {num}`hog.block:d` cells is scaled to length one, clipped at 0.2 and scaled
# again, so that a dim picture counts as much as a bright one. A cell belongs to up to nine blocks and
# enters the vector once for each.

# %%
cells = hog_cells(views)  # (2, rows, columns, 8)
vectors = hog_blocks(cells)  # (2, H)
reference = np.stack(
    [
        skimage_hog(
            v.permute(1, 2, 0).numpy(), ORIENTATIONS, (CELL,) * 2, (BLOCK,) * 2, channel_axis=-1
        )
        for v in views
    ]
)
largest = float(np.abs(vectors.numpy() - reference).max())
pd.DataFrame(
    {
        "shape": [str(tuple(a.shape[1:])) for a in (views, cells, vectors)],
        "values": [a[0].numel() for a in (views, cells, vectors)],
        "largest": [f"{float(a.float().max()):.3f}" for a in (views, cells, vectors)],
    },
    index=["view", "cells", "vector"],
)

# %% [markdown]
# On views of {num}`reported/paper.view_size:d` pixels that gives the paper's
# {num}`reported/paper.hog.size:,d` values, with the parameters that its code names. Here views have
# {num}`hog.side:d` pixels and the vector {num}`hog.size:,d` values. The largest difference between
# this book's implementation, which works on batches and is compiled, and scikit-image's is
# {num}`hog.largest_difference:.0e`. {numref}`fig-hog-pair` is the paper's Figure 2.

# %% tags=["hide-input"]
pictures = [v.permute(1, 2, 0).numpy() for v in views]
picture_strip(
    [item for picture in pictures for item in (picture, np.cbrt(hog_image(picture)))],
    ["picture", "its HOG descriptor"] * 2,
    columns=2,
)

# %% [markdown]
# ```{caption} fig-hog-pair
# :alt: Two works of art, each beside a grid of bright and dark stars in which its outlines can be
#   recognised.
# Two works and their descriptors: the paper's Figure 2. One star a cell; the brighter a ray, the
# stronger the edges along it.
# ```

# %% [markdown]
# ## What does it know?
#
# A quick test without any training: for each test work, take the training work whose descriptor is
# closest (by the cosine), and count how many of the test work's labels the neighbour has too. The same
# with the {num}`neighbours.pooled_size:,d` pooled features of the network, and with a training work
# drawn at random.

# %% tags=["hide-input"]
targets = {part: getattr(parts, part).targets for part in ("train", "test")}
chosen = {"any work": rng.integers(0, len(parts.train), len(parts.test))}
sizes = {}
for name, key in (("HOG", "hog"), ("network", "pooled")):
    found = {
        part: inspection.features_of(recipe, parts, getattr(parts, part), key, device=device)[:, 0]
        for part in ("train", "test")
    }
    unit = {
        part: f / np.maximum(np.linalg.norm(f, axis=1, keepdims=True), 1e-9)
        for part, f in found.items()
    }
    chosen[name] = (unit["test"] @ unit["train"].T).argmax(1)  # (N,) nearest training work
    sizes[name] = found["test"].shape[1]
kinds = {
    "culture": parts.labels.is_culture,
    "tag": ~parts.labels.is_culture,
}
shared = {
    name: {
        kind: float(
            (targets["train"][nearest] & targets["test"])[:, mask].sum()
            / max(targets["test"][:, mask].sum(), 1)
        )
        for kind, mask in kinds.items()
    }
    for name, nearest in chosen.items()
}
pd.DataFrame(shared).T.rename(
    columns={"culture": "cultures shared", "tag": "tags shared"}
).style.format("{:.1%}")

# %% [markdown]
# HOG's neighbours share {num}`shared.HOG.culture:.0%` of the culture labels and
# {num}`shared.HOG.tag:.0%` of the tags; works drawn at random {num}`shared.any work.culture:.0%` and
# {num}`shared.any work.tag:.0%`, the network's neighbours {num}`shared.network.culture:.0%` and
# {num}`shared.network.tag:.0%`. What the descriptor holds is outlines and layout: a coin is a circle, a
# page is lines. That goes a long way for tags, most of which name things. It has no colour and no fine
# texture, and a culture, here a manner of drawing, is mostly these.
#
# ## Limits
#
# - The descriptor is computed on the view after flip and colour jitter, as the paper's is. Equation
#   for equation it is scikit-image's; that this was the authors' version too is an assumption.
# - A nearest neighbour uses all values alike. A linear layer, next chapter, can weigh them.

# %% tags=["hide-input", "remove-output"]
record_page(
    "04_hog",
    {
        "hog": {
            "orientations": ORIENTATIONS,
            "cell": CELL,
            "block": BLOCK,
            "side": recipe.input_size,
            "size": vectors.shape[1],
            "largest_difference": largest,
        },
        "neighbours": {"pooled_size": sizes["network"]},
        "shared": shared,
    },
    profile=profile,
    seed=seed,
    device=device,
)
