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
# # What a full run needs
#
# ```{goals}
# how hours, disk and memory of a run follow from its views and operations; what storing features saves, and what
# it costs; how to plan, interrupt and resume runs of hours.
#
# {doc}`02_split_and_views` for the views, {doc}`06_attn_cnn_rnn` and {doc}`13_vgg16` for the networks.
# ```
#
# The documents trained on 109,237 photographs, this copy of the book on fewer. What would their own
# experiments take today, and how are they started, interrupted and resumed?
#
# **No GPU has run this book yet.** Operations, views and bytes on this page are counted on the networks
# themselves; hours are those operations divided by a rate that was estimated for each GPU from published rates in
# views per second, not measured here. `imet plan`, on the machine that will do the work, measures its own. What
# needs no GPU was rehearsed on two processor cores, and that is measured.

# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet.config import resolve
from imet.plan import KAGGLE, RATES, cost
from imet.report.pages import Page

rows = ("resnet50", "resnet50_hog", "attn_cnn_rnn", "attn_cnn_rnn_hog")
rows += ("vgg16", "vgg16_bn_step10", "vgg16_bn_step15", "vgg16_bn_6000")
page = Page("20_full_size", profile, seed, device, numbers="counted")
recipes = {name: resolve(name, "kaggle") for name in rows}
processors = dict.fromkeys(RATES, 16) | {"T4": 4}  # as such GPUs come with
needs = {}
for name, recipe in recipes.items():
    sizes = KAGGLE[recipe.labels]
    needs[name] = {gpu: cost(recipe, sizes, gpu, cpus=processors[gpu]) for gpu in RATES}

# %% [markdown]
# ## Eight rows, counted
#
# The paper's {term}`backbone` is frozen and sees six {term}`views <view>` of a picture, cut anew in every epoch;
# the poster's, as this book reads it, learns and sees one. Training a layer takes about three times the operations of a pass
# through it.

# %%
import pandas as pd

table = {}
for name, costs in needs.items():
    each = costs["T4"]
    table[name] = {
        "million views": f"{each.views / 1e6:.1f}",
        "10¹⁵ operations": f"{each.tflop / 1e3:,.0f}",
        "GB of disk": f"{each.disk / 1e9:.1f}",
        "GB of a GPU": f"{each.memory / 1e9:.1f}",
    } | {f"hours, {gpu}": f"{costs[gpu].hours:.1f}" for gpu in RATES}
    page[f"rows.{name}"] = {"views": each.views, "tflop": each.tflop, "memory": each.memory}
for gpu in RATES:
    page[f"hours.{gpu}"] = sum(costs[gpu].hours for costs in needs.values())
page["t4"] = {  # hours of the paper's rows and of the poster's
    "paper": sum(needs[name]["T4"].hours for name in rows[:4]),
    "poster": sum(needs[name]["T4"].hours for name in rows[4:]),
}
page["works"] = sum(KAGGLE["all"][:3])
assumed = dict(zip(("ResNet50, looking", "VGG16, training"), zip(*RATES.values())))
print("assumed, 10¹² operations per second:", pd.DataFrame(assumed, index=list(RATES)), sep="\n")
page["processors"] = processors
pd.DataFrame(table).T

# %% [markdown]
# All eight rows take about {num}`20_full_size/hours.T4:.0f` hours on one T4, the GPU that Kaggle and
# Colab lend, and about {num}`20_full_size/hours.H100:.0f` on an H100. A T4 is lent for at most twelve
# hours at a time: that is why a run may be stopped at any moment. A T4 is assumed to come with
# {num}`20_full_size/processors.T4` processors that decode, as at Kaggle, the others with
# {num}`20_full_size/processors.H100`; with two, an H100 would wait for pictures most of the time.
#
# ## Views cut once
#
# A frozen network's features of a view never change. If the six views of a work are cut once, not in every epoch,
# its features can be stored and only the last layer is left to train. This deviates from the documents, whose
# crops differ from epoch to epoch, and so it has a profile of its own, `PROFILE=stored`.

# %%
stored = {}
for name in rows[:4]:
    fixed = resolve(name, "kaggle", {"view_mode": "fixed"})
    each, fresh = cost(fixed, KAGGLE["kept"], "T4", cpus=4), needs[name]["T4"]
    stored[name] = {
        "hours fresh, T4": f"{fresh.hours:.1f}",
        "hours stored, T4": f"{each.hours:.1f}",
        "GB of disk stored": f"{each.disk / 1e9:.1f}",
    }
    page[f"stored.{name}"] = {"hours": each.hours, "gigabytes": each.disk / 1e9}
pd.DataFrame(stored).T

# %% [markdown]
# The baseline's pooled features fit any disk ({num}`20_full_size/stored.resnet50.gigabytes:.1f` GB with
# checkpoints and scores). AttnCNN-RNN looks at 49 regions of every view, and those take
# {num}`20_full_size/stored.attn_cnn_rnn.gigabytes:.0f` GB: its views stay fresh in that profile, too.
#
# ## Rehearsed on two cores
#
# Whoever has two processor cores need not take all of this on trust. `make rehearsal TABLES=… WORKS=1000` draws works
# that carry rows of the real label table, and takes the paper's four rows through every stage of a run: views cut
# once, two epochs, decoding and all measures, with the documents' heads on the network of `PROFILE=sample`. Each
# stage is a process of its own, so that its time and its memory are its own. Seconds are those of one processor. An
# *epoch* includes its validation; *decisions* are the search of the rule, decoding included, and all measures.

# %%
import numpy as np

from imet.report.tables import recorded

record, all_works = recorded("rehearsal"), page.values["works"]
sizes = sorted((size for size in record if size.isdigit()), key=int)
works = np.array([int(size) for size in sizes])
seconds, held, table = {}, {}, {}
for stage in record[sizes[0]]:
    stages = [record[size][stage] for size in sizes]
    title = recipes[stage].title if stage in rows else stage
    held[title] = [each["held_mb"] / 1e3 for each in stages]
    per_work, once = np.polyfit(works, held[title], 1)  # a straight line
    page[f"rehearsed.{stage}.held"] = once + per_work * all_works
    for part in ("epoch", "decision") if stage in rows else ("whole",):
        name = title if part == "whole" else f"{title}, {part}"
        seconds[name] = [each.get(part, each)["cpu"] for each in stages]
        per_work, once = np.polyfit(works, seconds[name], 1)
        page[f"rehearsed.{stage}.{part}"] = hours = (once + per_work * all_works) / 3600
        table[name] = {f"{n:,} works": f"{s:,.1f} s" for n, s in zip(works, seconds[name])}
        line = f"{hours:.2f} h" if per_work > 0 else "no growth"
        table[name] |= {f"{all_works:,}, by a line": line}
store = record[sizes[-1]]["features"]["disk_mb"] / 1e3 * all_works / works[-1]  # GB of features
page["sizes"], page["store"] = works.tolist(), store
page["share"] = page.values["rehearsed"]["attn_cnn_rnn_hog"]["held"] / store
pd.DataFrame(table).T

# %%
from imet.report.plots.comparisons import score_curves

per_work = {name: each / works for name, each in seconds.items() if each[-1] > 10}
relative = {name: each / each[0] for name, each in per_work.items()}
figure = score_curves(works, relative, x_name="works", y_name="relative time per work", dots=True)
figure.axes[0].set_ylim(bottom=0)
figure

# %% [markdown]
# ```{caption} fig-growth
# :alt: One line per stage, all nearly level at or a little below one.
# Processor seconds per work, as a multiple of those at {num}`sizes.0:,d` works, for stages of more than ten
# seconds. A stage whose time grows as the works do is a level line at one.
# ```

# %%
figure = score_curves(works, held, x_name="works", y_name="GB held", dots=True)
figure.axes[0].legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure

# %% [markdown]
# ```{caption} fig-memory
# :alt: One line per stage; each rises by far less than the works do.
# Memory that each stage holds and that the system cannot take back, by the number of works.
# ```

# %% [markdown]
# The time of a stage grows as the works do, or more slowly. So the whole collection would take one such processor about
# {num}`rehearsed.features.whole:.1f` hours for the features of six views,
# {num}`rehearsed.attn_cnn_rnn.epoch:.1f` hours for an epoch of AttnCNN-RNN, and
# {num}`rehearsed.attn_cnn_rnn.decision:.1f` for its decisions. Memory grows far more slowly: on a straight line, too,
# AttnCNN-RNN + HOG, which holds most, would hold {num}`rehearsed.attn_cnn_rnn_hog.held:.0f` GB, {num}`share:.0%` of the
# {num}`store:.0f` GB of features that it reads. Sizes were measured
# on different days, and one machine's speed differs by up to a quarter from day to day: smaller differences
# between sizes mean nothing.
#
# ## The whole table, on two cores
#
# What needs no picture needs no GPU either. `make rehearsal FULL=1` reads the real table, all
# {num}`recorded/imet2019/works:,d` works and {num}`recorded/imet2019/labels:,d` labels, and takes it through the
# split, the targets of six views of every training work, and, with random scores, a threshold from the poster's
# grid, the best threshold there is, and the areas under all curves. (The command goes on to a beam search of one
# view of each work, which is not in this record.)

# %%
whole = {
    stage: {
        "processor seconds": f"{each['cpu']:,.0f}",
        "GB held": f"{each['held_mb'] / 1e3:.1f}",
        "GB at the peak": f"{each['peak_mb'] / 1e3:.1f}",
    }
    for stage, each in record["full"].items()
}
pd.DataFrame(whole).T

# %% [markdown]
# The peak counts pages of files, too. *Scores* is the
# memory of the two arrays that the stages below it read. Here thresholds and areas are searched over every work
# and label at once; a run tunes them on validation works and holds a tenth.
#
# ## How it is run
#
# ```bash
# export IMET_DATA=/path/to/imet-2019-fgvc6
# imet plan --profile kaggle             # what it needs here, before anything starts
# make runs PROFILE=kaggle DEVICE=cuda   # trains; stop at any moment, the same call resumes
# make book PROFILE=kaggle DEVICE=cuda   # the same first, then the chapters, which only read
# ```
#
# `make runs` trains whatever a chapter shows, which is more than the eight rows: the first command says how many
# hours in all. It lists what is done, running and still to do, and says after each epoch what is left. While it
# trains, it saves a checkpoint every five minutes, with the place in the epoch and the state of every random
# generator: on a CPU a run that was killed ends with the same numbers as one that was not; on a GPU sums may be
# taken in another order. `DEVICES=2` shares each batch between two GPUs,
# so that the experiment remains the documents'; under `torchrun` or with `--num-nodes` there may be several
# machines. Where disk, memory or a budget of hours (`HOURS=12`) does not suffice, it says so, with the numbers,
# before it begins.
#
# ## Precision
#
# Networks compute in bfloat16 where a GPU has it (compute capability 8 and above) and in float16 with
# scaled gradients on a T4, which lacks it. Heads and losses are float32, their products TF32 where a GPU has it. A GPU that the
# installed PyTorch has no kernels for, such as Kaggle's P100 today, is refused by name.
#
# ## Limits
#
# Hours are estimates until somebody measures them: they leave out start-up and take one rate for all
# networks on a GPU. Batch normalisation that is trained sees
# a GPU's share of a batch on CPUs and the whole batch on GPUs (synchronised); frozen, it is the same
# everywhere.

# %% [markdown]
# ## Summary
#
# - All eight rows take about {num}`20_full_size/hours.T4:.0f` hours on one T4 by this estimate, the poster's four
#   about {num}`20_full_size/t4.poster:.0f` of them: a network that learns costs three passes, not one.
# - Hours are operations divided by a rate, or works divided by what the processors decode, whichever is longer.
# - Stored features spare a frozen network its epochs. Pooled ones are small; those of every region take
#   {num}`20_full_size/stored.attn_cnn_rnn.gigabytes:.0f` GB.
# - A run may be stopped while it trains and goes on from its checkpoint.
# - The rates were measured on no GPU. A short run on the machine itself tells more than this page.

# %% [markdown]
# ## Exercises
#
# Level 1 recalls, level 2 applies, level 3 goes on from here. Try before you unfold.

# %% [markdown]
# ```{exercise} Level 1: predict the hours of a T4
# :label: ex-20-1
# The baseline's ResNet50 takes about 8.2 · 10⁹ operations for a view. It trains on 87,360 works for 15 epochs,
# with a validation on 10,920 works after each, and is evaluated at the end on as many validation and test works;
# every work has six views. How many hours does a T4 need at 9 · 10¹² operations a second?
# ```

# %% tags=["solution"]
training, judging = 15 * 87_360 * 6, (15 * 10_920 + 10_920 + 10_920) * 6
by_hand = (training + judging) * 8.2e9 / RATES["T4"][0] / 1e12 / 3600
assert training + judging == needs["resnet50"]["T4"].views
assert abs(by_hand / needs["resnet50"]["T4"].hours - 1) < 0.02
page["by_hand"] = {"views": training + judging, "hours": by_hand}
round(by_hand, 2), round(needs["resnet50"]["T4"].hours, 2)

# %% [markdown]
# ```{solution} ex-20-1
# :class: dropdown
# {num}`20_full_size/by_hand.views:,d` views and {num}`20_full_size/by_hand.hours:.1f` hours. The new last layer
# adds next to nothing. Four processors decode the same works in less time, so the GPU decides.
# ```

# %% [markdown]
# ```{exercise} Level 2: the disk of stored views
# :label: ex-20-2
# Features are stored with two bytes for each number, six views of each of 109,200 works. ResNet50 has 2,048
# channels. How many GB do its pooled features take, and how many those of all 49 regions?
# ```

# %% tags=["solution"]
numbers = {"resnet50": 2_048, "attn_cnn_rnn": 49 * 2_048}
gigabytes = {name: 2 * 6 * 109_200 * count / 1e9 for name, count in numbers.items()}
for name, size in gigabytes.items():
    kept = cost(resolve(name, "kaggle", {"view_mode": "fixed"}), KAGGLE["kept"], "T4", cpus=4)
    assert abs(size / (kept.features / 1e9) - 1) < 0.1
page["by_hand.gigabytes"] = gigabytes
{name: round(size, 1) for name, size in gigabytes.items()}

# %% [markdown]
# ```{solution} ex-20-2
# :class: dropdown
# {num}`20_full_size/by_hand.gigabytes.resnet50:.1f` GB and
# {num}`20_full_size/by_hand.gigabytes.attn_cnn_rnn:.0f` GB, 49 times as many. The table adds checkpoints, scores
# and whatever else a model reads.
# ```

# %% [markdown]
# ```{exercise} Level 2: two epochs are enough
# :label: ex-20-3
# Plan each row for one epoch and for two. Predict its hours at full length from these two numbers alone. Why does
# it work in the plan, and what would you watch when you time two epochs on a real machine?
# ```

# %% tags=["solution"]
for name, recipe in recipes.items():
    short = [
        cost(resolve(name, "kaggle", {"epochs": n}), KAGGLE[recipe.labels], "T4", cpus=4).hours
        for n in (1, 2)
    ]
    predicted = short[0] + (recipe.epochs - 1) * (short[1] - short[0])
    assert abs(predicted / needs[name]["T4"].hours - 1) < 1e-6

# %% [markdown]
# ```{solution} ex-20-3
# :class: dropdown
# Every epoch does the same work, so hours are a straight line: what is done once (the last evaluation) plus a
# slope times the epochs. Two points fix a line. On a real machine time the second epoch alone, as the first one
# also pays for start-up; and make sure that the GPU has not slowed down by its heat in the hours after it.
# ```

# %% [markdown]
# ```{exercise} Level 3: how many processors feed a GPU?
# :label: ex-20-4
# Fresh views are decoded by processors. How many does each GPU need before it, and not they, decides the hours of
# every row? Which row asks for the most, and why?
# ```

# %% tags=["solution"]
import math

most, example = {}, {}
for gpu in RATES:
    feeders = {}
    for name, recipe in recipes.items():
        with_one = cost(recipe, KAGGLE[recipe.labels], gpu, cpus=1)
        assert needs[name][gpu].fed_by == "device"  # so its hours are the GPU's own
        feeders[name] = math.ceil(with_one.hours / needs[name][gpu].hours)
    most[gpu], example[gpu] = max(feeders.values()), max(feeders, key=feeders.get)
assert most["H100"] > most["T4"]
page["feeders"] = most
pd.DataFrame({"processors": most, "asked for by": example})

# %% [markdown]
# ```{solution} ex-20-4
# :class: dropdown
# A T4 needs {num}`20_full_size/feeders.T4:d` and an H100 {num}`20_full_size/feeders.H100:d`, if the estimated
# rates and the counted views of one processor hold. What counts is how long the GPU takes for each picture that is
# decoded: the row with the shortest time asks for the most processors. Fewer are little loss where features are
# stored, as then pictures are decoded once.
# ```

# %% [markdown]
# ## Quiz
#
# ```{quiz}
# Why does the profile `stored` keep the baseline's features, and none of the poster's VGG16?
# - [x] The poster's network learns, so its features change in every step. :: Right: what is stored would be those
#   of a network that no longer exists.
# - [ ] VGG16's features are too large for any disk. :: Its pooled features would fit. They are of no use while
#   the network learns.
# - [ ] The poster sees only one view. :: One view could be stored as well, if the network were frozen.
# ```
#
# ```{quiz}
# This page says how many hours a T4 takes for all rows. What is that number?
# - [ ] A measurement on a T4. :: No GPU has run this book yet.
# - [ ] An upper limit. :: It leaves out start-up and takes one rate for all networks, so it can be too low.
# - [x] Counted operations over an estimated rate. :: Right. The operations are sure, the rate is not.
# ```
