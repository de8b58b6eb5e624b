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
# # Look for yourself
#
# Numbers and pictures of the chapters before, to be moved by hand: thresholds, predictions, ROC curves, and
# a table of all labels. Everything runs in the browser from files beside this page. Where scripts are off,
# the figures and the table stand still.

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
}
trained = {
    name: runs.run(recipe, profile, seed=seed, device=device) for recipe, name in NAMES.items()
}
baseline, _, rnn = trained.values()
page = Page("11b_explore", profile, seed, device, models=trained.values())
part = baseline.parts.test

# %%
import json

import numpy as np

from imet.config import resolve
from imet.crop import crop_boxes
from imet.data.images import read_image
from imet.inspection import steps_of
from imet.models.registry import build_encoder
from imet.report.explorer import explorer_data, write_pictures

works = np.arange(min(len(part), 60))
pictures = [read_image(part.collection.path(part.rows[work])) for work in works]
poster = resolve("vgg16_bn_step15", profile)
crops = crop_boxes(build_encoder(poster), pictures, poster.input_size)  # (n, 4)
steps = steps_of(rnn, part, works, device)
data = explorer_data(trained)
data["pictures"] = write_pictures(page.files / "pictures", part, works, crops, steps)
data["folder"] = "../_static/pages/11b_explore/pictures/"
script = (
    f"window.EXPLORER = {json.dumps(data, allow_nan=False)};\n"  # a page may load no JSON from disk
)
(page.files / "data.js").write_text(script, encoding="utf-8")
page["works"], page["shown"] = len(part), len(works)
page["bytes"] = sum(file.stat().st_size for file in page.files.rglob("*") if file.is_file()) / 1e6
page.values

# %% [markdown]
# ## Move the threshold
#
# One number for all labels, one for cultures and one for tags, or one for each quarter of the labels by
# frequency. The tuned number is the best single one on validation works. Move it on *validation* until you
# are content, and then look at *test*.

# %% tags=["hide-input"]
from IPython.display import HTML

HTML(
    '<div class="explorer" id="explore-threshold"></div>'
    '<script src="../_static/plotly/plotly.min.js" defer></script>'
    '<script src="../_static/pages/11b_explore/data.js" defer></script>'
    '<script src="../_static/explorer.js" defer></script>'
)

# %%
from imet.metrics import fbeta_at_thresholds
from imet.report.plots.curves import threshold_curve
from imet.thresholds import threshold_grid

grid = threshold_grid(0.99)
threshold_curve(
    grid,
    {
        name: fbeta_at_thresholds(run.scores("test"), part.targets, grid)
        for name, run in trained.items()
    },
)

# %% [markdown]
# ```{caption} fig-explore-threshold
# :alt: Three curves of F2 against one threshold for all labels, each rising to a peak and falling.
# F2 of test works by one threshold for all labels, for the three models of the explorer above.
# ```

# %% [markdown]
# ## Browse predictions
#
# {num}`shown:d` test works with what each model says of them by its own rule: ✓ right, ✗ against the
# annotator, ○ missed. Choose a work to lay over it where AttnCNN-RNN looked when it named a label, and the
# box of the poster's crop from the network as ImageNet left it.

# %% tags=["hide-input"]
HTML('<div class="explorer" id="explore-predictions"></div>')

# %%
from imet.report.plots.examples import predictions

names = baseline.parts.labels.names
few = works[:3]
decided = baseline.predicted("test")
predictions(
    [pictures[w] for w in few],
    [[names[k] for k in np.flatnonzero(part.targets[w])] for w in few],
    [[names[k] for k in np.flatnonzero(decided[w])] for w in few],
)

# %% [markdown]
# ```{caption} fig-explore-predictions
# :alt: Three works, each with the annotator's labels and those of the baseline, marked right or wrong.
# The first three works of the browser above with the baseline's labels.
# ```

# %% [markdown]
# ## Draw a ROC curve
#
# Of any label with a positive test work, for every model, with the area and its 95 % interval.

# %% tags=["hide-input"]
HTML('<div class="explorer" id="explore-roc"></div>')

# %% tags=["hide-input"]
from sklearn.metrics import roc_curve

from imet.report.plots.curves import roc_curves

often = part.targets.sum(0).argmax()
roc_curves(
    {
        n: roc_curve(part.targets[:, often], r.scores("test")[:, often])[:2]
        for n, r in trained.items()
    }
)

# %% [markdown]
# ```{caption} fig-explore-roc
# :alt: Three ROC curves of one label, one a model, over the diagonal.
# The label with the most test works, for the three models.
# ```

# %% [markdown]
# ## All labels
#
# Select a heading to sort; type to filter.

# %%
import pandas as pd

from imet.metrics import roc_auc_per_class
from imet.report.tables import show

labels = pd.DataFrame(
    {
        "label": names,
        "kind": baseline.parts.labels.kinds,
        "uses in training": baseline.parts.train.targets.sum(0),
        "test works": part.targets.sum(0),
    }
)
for name, run in trained.items():
    labels[f"AUC, {name}"] = roc_auc_per_class(run.scores("test"), part.targets)
sortable = 'class="dataframe sortable" data-filter="Filter labels"'
show(labels, index=False).set_table_attributes(sortable)

# %% [markdown]
# ## Limits
#
# - Scores are rounded to 1/255, so the numbers here may differ from the chapters' in the third digit.
# - A threshold that you moved on test works until it pleased you is tuned on test works.
