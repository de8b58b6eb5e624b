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
# # The report on Colab
#
# Colab lends one T4, and a session may end at any moment. Only your Drive survives it: the runs are kept there,
# and running this notebook again from the top resumes them. Choose a runtime with a T4. Accept the rules of
# *iMet Collection 2019* with your Kaggle account, and put a token of that account under *Secrets* as
# `KAGGLE_API_TOKEN`. The code is a folder on the Drive, or is cloned.

# %% tags=["parameters"]
profile = "small"
chapters = ""  # numbers of those to train and show, as in "03 05"; "" for all of them
hours = 11  # of a session; then training is stopped
sessions = 2  # that you will spend; a plan that needs more is refused before it starts
device = "cuda"
root = "/content"  # the machine's disk, which goes with the session
drive = "/content/drive/MyDrive/imet"  # what survives
code = "/content/drive/MyDrive/imet/code"  # a folder, or an address to clone
venv = "/content/venv"

# %%
import os

from google.colab import drive as google_drive
from google.colab import userdata

google_drive.mount("/content/drive")
os.environ["KAGGLE_API_TOKEN"] = userdata.get("KAGGLE_API_TOKEN")
os.environ |= {"PROFILE": profile, "CHAPTERS": chapters, "DEVICE": device}
os.environ |= {"HOURS": str(hours * sessions), "SESSION": f"{hours}h"}
os.environ |= {"IMET_DATA": f"{root}/imet-2019-fgvc6", "IMET_HOME": f"{root}/imet-home"}
os.environ |= {"CODE": code, "ROOT": root, "DRIVE": drive, "VENV": venv, "MACHINE_TORCH": "1"}

# %% [markdown]
# ## The code, and what this machine is
#
# If the GPU cannot be used, the check stops the notebook here, before any hour is spent.

# %% magic_args="-e" language="bash"
# cd "$ROOT"
# if [ ! -d imet ]; then
#   if [ -f "$CODE/Makefile" ]; then cp -r --no-preserve=mode "$CODE" imet; else git clone --quiet "$CODE" imet; fi
# fi
# make --no-print-directory -C imet machine

# %% [markdown]
# ## Packages
#
# All are as pinned except torch: the machine's own fits its driver.

# %% magic_args="-e" language="bash"
# make --no-print-directory -C "$ROOT/imet" env
# "$VENV/bin/python" -c "import torch, torchvision; print('torch', torch.__version__, 'torchvision', torchvision.__version__)"

# %% [markdown]
# ## What the session before left
#
# Runs are written straight to the Drive. On a drive without locks, a file names the holder of each run. Such
# files are deleted here, since an earlier session may have left them: let no other session work on this Drive.
# Features are computed again.

# %% magic_args="-e" language="bash"
# mkdir -p "$DRIVE/runs" "$IMET_HOME"
# ln -sfn "$DRIVE/runs" "$IMET_HOME/runs"
# rm -f "$DRIVE"/runs/*/*.holder
# ls "$DRIVE/runs"

# %% [markdown]
# ## The collection
#
# Each session fetches it anew onto the machine's disk: a Drive is slow with so many small files.

# %% magic_args="-e" language="bash"
# cd "$ROOT/imet"
# if [ ! -e "$IMET_DATA/.whole" ]; then
#   "$VENV/bin/python" -m imet.cli data download kaggle "$IMET_DATA"
#   touch "$IMET_DATA/.whole"
# fi

# %% [markdown]
# ## The plan
#
# The plan counts operations and takes a few seconds to measure this GPU's rate.

# %% magic_args="-e" language="bash"
# cd "$ROOT/imet"
# "$VENV/bin/python" -m imet.cli run --list --profile "$PROFILE" --chapters "$CHAPTERS"
# "$VENV/bin/python" -m imet.cli plan --profile "$PROFILE" --chapters "$CHAPTERS" --device "$DEVICE"

# %% [markdown]
# ## Training
#
# Training that does not fit the disk, the GPU or the hours is refused, with the numbers. If the session is cut
# off, at most five minutes of training are lost, and the next session resumes it. (A search of thresholds or
# paths, at a run's end, begins anew.)

# %% magic_args="-e" language="bash"
# cd "$ROOT/imet" && rm -f finished
# timeout --signal=INT --kill-after=120 "$SESSION" make --no-print-directory runs 2>&1 && touch finished || case $? in 124 | 137) ;; *) exit 1 ;; esac
# [ -e finished ] || echo "This session's time is over: run the notebook again in a new one."

# %% [markdown]
# ## The book, in one file
#
# The book is `imet-book.zip` on the Drive: unpack it and open `html/index.html`.

# %% magic_args="-e" language="bash"
# cd "$ROOT/imet"
# if [ -e finished ]; then
#   make --no-print-directory book
#   cd book/_build && "$VENV/bin/python" -m zipfile -c "$ROOT/imet-book.zip" html && cp "$ROOT/imet-book.zip" "$DRIVE"
# fi

# %%
google_drive.flush_and_unmount()
