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
# # The report on Kaggle
#
# Kaggle lends two T4 for sessions of at most twelve hours. Choose *GPU T4 ×2*, and attach as inputs:
#
# - the competition *imet-2019-fgvc6*, whose rules you have accepted;
# - a data set with the code: the checkout as one zip file, which Kaggle unpacks;
# - from the second session on, this notebook's own output.
#
# Then choose *Save & Run All*. Without internet, attach two more inputs, one with the packages (`make wheels`)
# and one with the ImageNet weights, and name their folders in `wheels` and `weights` below.

# %% tags=["parameters"]
profile = "kaggle"
chapters = "03 05"  # numbers of those to train and show; "" for all of them
hours = 11  # of a session; then training is stopped, and what it made is kept
sessions = 1  # that you will spend; a plan that needs more is refused before it starts
device, devices = "cuda", 2
code = "/kaggle/input/imet/imet"  # a folder, or an address to clone
data = "/kaggle/input/imet-2019-fgvc6"
earlier = "/kaggle/input/imet-on-kaggle"  # the output of the session before
wheels, weights = "", ""
kept, room = "/kaggle/working", 20  # what is left here becomes the output; GB
passing = "/kaggle/temp"  # goes with the session
venv = "/kaggle/temp/venv"

# %%
import os

os.environ |= {"PROFILE": profile, "CHAPTERS": chapters, "DEVICE": device, "DEVICES": str(devices)}
os.environ |= {"HOURS": str(hours * sessions), "SESSION": f"{hours}h"}
os.environ |= {
    "IMET_DATA": data,
    "IMET_HOME": kept,
    "IMET_DISK": str(room),
    "IMET_WEIGHTS": weights,
}
os.environ |= {"CODE": code, "EARLIER": earlier, "PASSING": passing}
os.environ |= {"VENV": venv, "WHEELS": wheels, "MACHINE_TORCH": "1"}

# %% [markdown]
# ## The code, and what this machine is
#
# If the GPU cannot be used, the check stops the notebook here, before any hour is spent.

# %% magic_args="-e" language="bash"
# mkdir -p "$PASSING" && cd "$PASSING"
# if [ ! -d imet ]; then
#   if [ -f "$CODE/Makefile" ]; then cp -r --no-preserve=mode "$CODE" imet; else git clone --quiet "$CODE" imet; fi
# fi
# make --no-print-directory -C imet machine

# %% [markdown]
# ## Packages
#
# All are as pinned except torch: the machine's own fits its driver.

# %% magic_args="-e" language="bash"
# make --no-print-directory -C "$PASSING/imet" env
# "$VENV/bin/python" -c "import torch, torchvision; print('torch', torch.__version__, 'torchvision', torchvision.__version__)"

# %% [markdown]
# ## What the session before left
#
# Inputs are read-only, so runs and features are copied. A finished run is not trained again, and a stopped one
# resumes where it was.

# %% magic_args="-e" language="bash"
# mkdir -p "$IMET_HOME"
# for folder in runs features; do
#   if [ -d "$EARLIER/$folder" ] && [ ! -d "$IMET_HOME/$folder" ]; then
#     cp -r --no-preserve=mode "$EARLIER/$folder" "$IMET_HOME"
#   fi
# done
# cd "$PASSING/imet" && "$VENV/bin/python" -m imet.cli run --list --profile "$PROFILE" --chapters "$CHAPTERS"

# %% [markdown]
# ## The plan
#
# The plan counts operations and takes a few seconds to measure this GPU's rate.

# %% magic_args="-e" language="bash"
# cd "$PASSING/imet" && "$VENV/bin/python" -m imet.cli plan --profile "$PROFILE" --chapters "$CHAPTERS" --device "$DEVICE" --devices "$DEVICES"

# %% [markdown]
# ## Training
#
# Training that does not fit the disk, the GPU or the hours is refused, with the numbers. After this session's
# hours training is stopped: at most five minutes of it are lost, and the next session resumes it. (A search of
# thresholds or paths, at a run's end, begins anew.)

# %% magic_args="-e" language="bash"
# cd "$PASSING/imet" && rm -f finished
# timeout --signal=INT --kill-after=120 "$SESSION" make --no-print-directory runs 2>&1 && touch finished || case $? in 124 | 137) ;; *) exit 1 ;; esac
# [ -e finished ] || echo "This session's time is over: attach its output to the next one."

# %% [markdown]
# ## The book, in one file
#
# Unpack `imet-book.zip` and open `html/index.html`.

# %% magic_args="-e" language="bash"
# cd "$PASSING/imet"
# if [ -e finished ]; then
#   make --no-print-directory book
#   cd book/_build && "$VENV/bin/python" -m zipfile -c "$IMET_HOME/imet-book.zip" html
# fi

# %% [markdown]
# ## A table for the competition
#
# The table comes from the finished run with the highest F2 on the validation works.

# %%
import json
from pathlib import Path

finished = Path(kept, "runs", profile).glob("*/metrics.json")
f2 = {file.parent: json.loads(file.read_text())["val"]["f2"]["value"] for file in finished}
os.environ["BEST"] = str(max(f2, key=f2.get, default=""))
os.environ["BEST"]

# %% magic_args="-e" language="bash"
# cd "$PASSING/imet"
# if [ -n "$BEST" ]; then
#   "$VENV/bin/python" -m imet.cli predict "$IMET_DATA/test" --run "$BEST" --submission "$IMET_HOME/submission.csv" --device "$DEVICE"
# fi
