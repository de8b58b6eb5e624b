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
# # The content-aware crop
#
# ```{goals}
# how a crop can be read from a network's first layers; how crops are judged by boxes; which simple rivals
# a method must beat.
#
# {doc}`13_vgg16`; convolutions and their maps.
# ```
#
# A museum photographs an object with room around it, and a network that takes a square of 224 pixels gets that
# room too. The poster's own idea: the first layers of a trained network know where something is, so let them do
# the cropping.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
from imet.crop import CropMethod
from imet.predict import load_network
from imet.report.crop_rivals import collection_with_boxes
from imet.report.pages import Page

device = runs.resolve_device(device)
model = runs.run("vgg16", profile, seed=seed, device=device)
known, parts, marked = collection_with_boxes(profile)
page = Page("16_content_aware_crop", profile, seed, device, models=[model], pictures=known)
network, recipe, *_ = load_network(model.folder, device)
encoder, size = network.encoder, recipe.input_size
method = CropMethod()
page["boxes"] = marked.source + (" of the drawn collection" if known != profile else "")
page["method"] = {k: getattr(method, k) for k in ("layers", "cutoff", "rim", "tail")}
page.values["method"]

# %%
import numpy as np

from imet.data.images import read_image

held_out = np.concatenate([parts.val.rows, parts.test.rows])
rows = np.array([row for row in held_out if len(marked.boxes[row])])[:160]
pictures = [read_image(parts.collection.path(row)) for row in rows]
things = [marked.boxes[row] for row in rows]  # (M, 4) of each work
page["works"] = len(rows)

# %% [markdown]
# ## The method, step by step
#
# ```{quote-doc} poster
# :where: Model performance and content aware crop
# Example of using convolutional layers of the trained model 1 for cropping photographs of various
# objects. The feature maps are normalized by layer, and layers with low standard deviation are not
# used. 'Nearest' interpolation is done to scale feature maps up.
# ```
#
# That is all the poster says, apart from the abstract's “first 8 layers”. The rest had to be chosen:
#
# 1. *Which picture.* It is squeezed to the network's square, as in training, so any aspect ratio will
#    do; the box is stretched back at the end.
# 2. *Which layers.* The first {num}`method.layers:d` **convolutions**, in the order in which they run.
#    `reading = "modules"` takes the first eight modules of any kind instead, as `vgg16.features[:8]`
#    would.
# 3. *The ground.* A map may be high on the object or on the wall behind it. Its median along the frame
#    stands for the ground, and only the distance from that counts.
# 4. *Normalised by layer.* Distances are divided by the standard deviation of the layer.
# 5. *Low standard deviation.* A map is left out where its standard deviation is below
#    {num}`method.cutoff:.1f` of its layer's, the *cut-off*: so flat a map says the same of every place, and
#    would only dilute the mean. “Layers” can also be read as whole layers; `leave_out = "layers"` does that.
# 6. *Up-scaling.* The mean of a layer's maps is scaled to [0, 1] and then up by nearest neighbour; the
#    mean over layers is the saliency.
# 7. *The box.* Cells above the mean saliency are marked, and the box goes around them. A few stray ones
#    must not pull it to the edge of the picture, so beyond each of its four sides
#    {num}`method.tail:.0%` of the marked cells may lie, the *tail*. The outer {num}`method.rim:.0%` of every
#    map are not looked at: convolutions pad with zeros, which makes edges there that no picture has.
#
# {numref}`fig-crop-steps` shows each step on one work, with model 1 as this profile trained it
# ({doc}`13_vgg16`).

# %%
from imet.report.crop_rivals import hull

areas = np.array([np.prod(picture.shape[:2]) for picture in pictures])
around = np.array([hull(boxes) for boxes in things])  # (N, 4), the smallest box around all things
shares = np.prod(around[:, 2:] - around[:, :2], axis=1) / areas
ratio = np.array([picture.shape[1] / picture.shape[0] for picture in pictures])
likely = np.flatnonzero((shares < np.quantile(shares, 0.4)) & (ratio > 0.6) & (ratio < 1.8))
one = int(np.random.default_rng(seed).choice(likely if len(likely) else np.arange(len(rows))))

# %%
from imet.crop import crop_boxes, feature_maps, layer_saliency, saliency
from imet.data.views import resize_view

view = resize_view(pictures[one], size)[None].to(device)
layers = []
for number, (_, maps) in enumerate(feature_maps(encoder, view, method), 1):
    layer, used = layer_saliency(maps, method)
    title = f"{number}: {int(used.sum())} of {used.shape[1]}"
    layers.append((title, layer[0].cpu().numpy()))
mean = saliency(encoder, view, method)[0].cpu().numpy()
ours = crop_boxes(encoder, pictures, size, method, device=device)  # (N, 4)
[title for title, _ in layers]  # maps used of each layer

# %% tags=["hide-input"]
from imet.report.plots.crops import crop_steps

crop_steps(pictures[one], layers, mean, ours[one])

# %% [markdown]
# ```{caption} fig-crop-steps
# :alt: A picture, eight layer maps that are bright where the object is, their mean, a black-and-white
#   mask with a box, and the cropped picture.
# The crop step by step: the picture; for each of the first eight convolutions, the mean of its normalised maps and
# how many of them were used (perhaps none); their mean; the cells above the mean with the box around them; the
# crop.
# ```

# %% tags=["hide-input"]
from imet.report.plots.crops import before_and_after

small = np.flatnonzero((shares <= np.median(shares)) & (ratio > 0.5) & (ratio < 2))
some = np.random.default_rng(seed + 1).choice(small, min(4, len(small)), replace=False)
before_and_after([pictures[i] for i in some], [ours[i] for i in some])

# %% [markdown]
# ```{caption} fig-crop-gallery
# :alt: Four pictures with a box around their object, each above the cropped picture.
# Works drawn at random from those whose named things fill less than the median share of the picture,
# with the box of the content-aware crop (above) and what it leaves (below).
# ```

# %% [markdown]
# ## Is it any good?
#
# Where nobody has marked the things in pictures, one can only look. Here they are marked, by {num}`boxes`. With a
# box around each thing that a label names, a crop can be scored, on {num}`works:d` held-out works:
#
# - *IoU*: overlap of the crop with the smallest box around all named things, over their union;
# - *kept*: share of the area of named things that is inside the crop;
# - *area*: share of the picture that is inside the crop.
#
# Keeping everything is easy: take the whole picture. The crop must lose room and nothing else. Its rivals are the
# centre crop with the paper's proportions, and two methods that need no training: Otsu's threshold
# {cite}`otsu1979` on the distance from the frame's grey, and the spectral residual {cite}`hou2007`, boxed by the
# same rule. The same network before fine-tuning shows what training on art adds, and the other readings of the
# poster show what the choice of reading is worth.

# %%
from imet.models.registry import build_encoder
from imet.report.crop_rivals import centre_box, otsu_box, spectral_residual_box

before = build_encoder(recipe).to(device).eval()
modules, whole_layers = CropMethod(reading="modules"), CropMethod(leave_out="layers")
boxes = {
    "content-aware crop": ours,
    "other reading: 8 modules": crop_boxes(encoder, pictures, size, modules, device=device),
    "other reading: whole layers": crop_boxes(encoder, pictures, size, whole_layers, device=device),
    "before fine-tuning": crop_boxes(before, pictures, size, method, device=device),
    "centre crop": [centre_box(*picture.shape[:2]) for picture in pictures],
    "Otsu": [otsu_box(picture) for picture in pictures],
    "spectral residual": [spectral_residual_box(picture) for picture in pictures],
    "whole picture": [np.array([0, 0, *picture.shape[1::-1]]) for picture in pictures],
}

# %%
import pandas as pd

from imet.report.crop_rivals import crop_scores
from imet.report.tables import show

table = []
for name, several in boxes.items():
    for i, box in enumerate(several):
        table.append(
            {"crop": name, "work": i} | crop_scores(box, things[i], *pictures[i].shape[:2])
        )
scores = pd.DataFrame(table)
iou = scores.pivot(index="work", columns="crop", values="iou")  # (N, crops)
means = scores.groupby("crop", sort=False)[["iou", "kept", "area"]].mean()
loose = shares < 0.5  # things under half of the picture
page["loose"] = loose.sum()
means.pipe(show, {"iou": "{:.3f}", "kept": "{:.1%}", "area": "{:.0%}"})

# %% tags=["hide-input"]
from imet.report.plots.comparisons import forest_plot
from imet.statistics import mean_interval

lines = {name: {"all works": mean_interval(iou[name])} for name in boxes}
if loose.sum() > 1:
    for name in boxes:
        lines[name]["things under half of it"] = mean_interval(iou[name][loose])
forest_plot(lines, value_name="IoU")

# %% [markdown]
# ```{caption} fig-crop-scores
# :alt: One line per method with a point and interval for all works and one for works with room around their
#   things.
# IoU of crops with the smallest box around all named things, over all held-out works and over those
# whose things fill less than half of the picture, with 95 % bootstrap intervals over works.
# ```

# %%
from imet.statistics import paired_difference

keys = ("ours", "modules", "layers", "before", "centre", "otsu", "residual", "whole")
differences = {}
for key, name in zip(keys, boxes):
    difference = paired_difference(iou["content-aware crop"], iou[name])
    page[f"scores.{key}"] = means.loc[name].to_dict()
    page[f"scores.{key}"] = {"difference": difference.value, "interval": difference[1:]}
    page[f"scores.{key}"] = {"loose": "–", "loose_interval": "–"}
    if loose.sum() > 1:
        on_loose = paired_difference(iou["content-aware crop"][loose], iou[name][loose])
        page[f"scores.{key}"] = {"loose": on_loose.value, "loose_interval": on_loose[1:]}
    differences[name] = f"{difference:+.3f}"
pd.Series(differences).to_frame("first row's IoU, less this")

# %% [markdown]
# The content-aware crop keeps {num}`scores.ours.kept:.1%` of the area of named things in
# {num}`scores.ours.area:.0%` of the picture; the centre crop keeps {num}`scores.centre.kept:.1%` in
# {num}`scores.centre.area:.0%`. Its IoU is {num}`scores.ours.iou:.3f` against
# {num}`scores.centre.iou:.3f`, a difference of {num}`scores.centre.difference:+.3f`
# {num}`scores.centre.interval:+.3f`. Against doing nothing, which keeps all, the difference is
# {num}`scores.whole.difference:+.3f` {num}`scores.whole.interval:+.3f`; against Otsu's threshold, which knows
# nothing of art, {num}`scores.otsu.difference:+.3f` {num}`scores.otsu.interval:+.3f`, and against the spectral
# residual {num}`scores.residual.difference:+.3f` {num}`scores.residual.interval:+.3f`; fine-tuning changed the IoU
# by {num}`scores.before.difference:+.3f` {num}`scores.before.interval:+.3f`. The first convolutions of a network
# respond to edges and textures whatever it was trained for. That may be why the method works, and why training on
# art need not matter to it; no untrained network was tried.
#
# On the {num}`loose:d` works whose named things fill less than half of the picture, the difference
# from the centre crop is {num}`scores.centre.loose:+.3f` {num}`scores.centre.loose_interval:+.3f`,
# {num}`scores.centre.loose_interval:verdict`. There is a lot of ground to lose. A crop that keeps nearly
# everything keeps that ground, too; one that blindly cuts away the rim does well as far as things stand in the
# middle.

# %% [markdown]
# ## What the missing numbers are worth
#
# The poster gives neither the limit for a low standard deviation nor the rule for the box. How much
# depends on them, on the first sixty of these works:

# %%
tried = {
    "chosen: cut-off .5, tail 1 %": CropMethod(),
    "no map left out": CropMethod(cutoff=0.0),
    "cut-off .9": CropMethod(cutoff=0.9),
    "tail 0": CropMethod(tail=0.0),
    "tail 3 %": CropMethod(tail=0.03),
    "edges of maps looked at": CropMethod(rim=0.0),
}
few = min(60, len(rows))
table, chosen = {}, iou["content-aware crop"].to_numpy()[:few]
for name, change in tried.items():
    cut = crop_boxes(encoder, pictures[:few], size, change, device=device)
    each = [crop_scores(b, t, *p.shape[:2]) for b, t, p in zip(cut, things, pictures)]
    each = pd.DataFrame(each)[["iou", "kept", "area"]]
    less = f"{paired_difference(each['iou'], chosen):+.3f}" if change != method else ""
    table[name] = each.mean().map("{:.3f}".format).to_dict() | {"iou less the chosen's": less}
pd.DataFrame(table).T

# %% [markdown]
# ## Where it fails
#
# {numref}`fig-crop-failures` shows the works on which the crop overlaps least with what the labels
# name.

# %%
worst = np.argsort(iou["content-aware crop"].to_numpy(), kind="stable")[:6]
of_worst = scores[scores["crop"] == "content-aware crop"].iloc[worst][["kept", "area"]].mean()
page["failures"] = {"works": len(worst), "things": shares[worst].mean()} | of_worst.to_dict()
page.values["failures"]

# %% tags=["hide-input"]
from imet.report.plots.crops import box_gallery

labels = parts.collection.labels
captions = []
for row in rows[worst]:
    tags = marked.tags[row]
    names = [labels.short(k) for k in tags[tags >= 0]]
    captions.append(", ".join(dict.fromkeys(names)))  # each name once
box_gallery(
    [pictures[i] for i in worst],
    {name: [boxes[name][i] for i in worst] for name in ("content-aware crop", "centre crop")},
    things=[things[i] for i in worst],
    captions=captions,
)

# %% [markdown]
# ```{caption} fig-crop-failures
# :alt: Six pictures with two boxes each and light boxes over the things that the labels name.
# The six works with the lowest IoU: content-aware crop and centre crop, with the boxes of named
# things in white with a dark rim.
# ```

# %% [markdown]
# On these {num}`failures.works:d` works the crop keeps {num}`failures.kept:.0%` of the area of named things in
# {num}`failures.area:.0%` of the picture, while the smallest box around them fills {num}`failures.things:.0%`.
# Where the first number is high and the second far above the third, the crop does not miss things: it keeps
# ground. Land and sky, borders, hatching and the weave of a cloth have edges, as things do, and the first
# convolutions respond to edges. Nothing in this method knows which of them belong to what a label names.
#
# ## Limits
#
# - Drawn pictures have drawn grounds. Photographs have shadows, stands and colour scales, which
#   respond too.
# - The choices above (ground, limit, box) were made on drawn works: never on those scored here but, where these
#   are drawn, on works of the same kind.
# - The crop was not used to train a model. Neither the poster nor this page says whether it would help one.
#
# `imet crop PICTURES --run RUN --out FOLDER` crops any pictures with the network of any run.

# %% [markdown]
# ## Summary
#
# - Maps of the first convolutions are combined into one, and a box is laid around what is above its mean.
# - The crop is judged by boxes of named things, against a centre crop, Otsu's threshold and the whole picture.
# - Its IoU differs from the centre crop's by {num}`scores.centre.difference:+.3f`
#   {num}`scores.centre.interval:+.3f` over all works ({num}`scores.centre.interval:verdict`) and, where things
#   fill little of the picture, by {num}`scores.centre.loose:+.3f` {num}`scores.centre.loose_interval:+.3f`
#   ({num}`scores.centre.loose_interval:verdict`).

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: IoU
# :label: ex-16-1
# A thing is a box of 100 × 100 pixels in the middle of a picture of 300 × 300. What is the {term}`IoU` of
# the whole picture, and of a centred crop of 150 × 150?
# ```

# %% tags=["solution"]
assert np.isclose(100**2 / 300**2, 1 / 9)
round(100**2 / 300**2, 3), round(100**2 / 150**2, 3)

# %% [markdown]
# ```{solution} ex-16-1
# :class: dropdown
# 1/9 and 4/9. Without any cut, the IoU is the thing's share of the picture.
# ```

# %% [markdown]
# ```{exercise} Level 2: the best box that is always the same
# :label: ex-16-2
# Which centred crop, as a share of the sides, has the highest mean IoU here? Compare it with the method's.
# ```

# %% tags=["solution"]
by_share = {}
for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
    each = []
    for picture, boxes_of in zip(pictures, things):
        height, width = picture.shape[:2]
        dx, dy = (1 - share) / 2 * width, (1 - share) / 2 * height
        box = np.array([dx, dy, width - dx, height - dy]).round().astype(int)
        each.append(crop_scores(box, boxes_of, height, width)["iou"])
    by_share[share] = float(np.mean(each))
page["best_share"] = max(by_share, key=by_share.get)
page["best_iou"] = max(by_share.values())
by_share, float(means.loc["content-aware crop", "iou"])

# %% [markdown]
# ```{solution} ex-16-2
# :class: dropdown
# The best share is {num}`best_share:.0%` with an IoU of {num}`best_iou:.3f`. It was chosen on these works,
# which flatters it a little; but it has one parameter, and the method several.
# ```

# %% [markdown]
# ```{exercise} Level 2: what is kept and what is cut
# :label: ex-16-3
# A crop may have a high IoU and cut half of a small thing. For which works does the method keep less than
# half of the things' area although its IoU is above the median?
# ```

# %% tags=["solution"]
own = scores[scores["crop"] == "content-aware crop"].set_index("work")
treacherous = own[(own["iou"] > own["iou"].median()) & (own["kept"] < 0.5)]
assert len(treacherous) <= len(own) // 2 + 1
page["treacherous"] = {"works": len(treacherous), "of": len(own)}
page.values["treacherous"]

# %% [markdown]
# ```{solution} ex-16-3
# :class: dropdown
# For {num}`treacherous.works:d` of {num}`treacherous.of:d`: where things are large, IoU and the share kept go
# together. They part where a picture has one large thing and one small.
# ```

# %% [markdown]
# ```{exercise} Level 3: a crop for the model
# :label: ex-16-4
# The poster offers its crop as a tool for photographs of objects and does not say that it helps a model.
# Would it? Describe how you would measure that, and why boxes are only a stand-in.
# ```

# %% tags=["solution"]
area_kept = means.loc[["content-aware crop", "whole picture"], ["kept", "area"]]
assert area_kept.loc["whole picture", "kept"] > 0.99
area_kept.pipe(show, "{:.0%}")

# %% [markdown]
# ```{solution} ex-16-4
# :class: dropdown
# Train and score a model on cropped works and on whole ones, with equal budgets and seeds, and take the
# paired difference. Boxes name things that have labels; a culture also shows in the ground, which a good crop by
# boxes cuts away.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# A crop beats the centre crop over all works, and loses to it where things fill little of the picture. How?
# - [ ] The measurement is wrong. :: Both are right, for different works.
# - [x] Where things fill the picture it cuts little, and so it wins. :: Yes: cutting less is the better bet there,
#   and the worse one where much ground should go.
# - [ ] Small things are in the centre. :: Partly true: that is why the centre crop wins where much ground is
#   left. It does not explain the win elsewhere.
# ```
#
# ```{quiz}
# Why is a score of *kept area* alone of no use?
# - [x] The whole picture keeps everything. :: Right: what is kept has to be seen beside what is cut.
# - [ ] Boxes are not exact. :: They are, for drawn things.
# - [ ] It cannot be computed. :: It can.
# ```
