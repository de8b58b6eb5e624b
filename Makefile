# From a fresh clone, `make book` makes the whole report and `make test` checks it; `make help` lists the rest.

# A reader's own profiles are kept beside runs and data.
PROFILES := $(if $(IMET_HOME),$(IMET_HOME)/)profiles

# DATA=folder makes a profile of its own for the reader's pictures; the profile's name keeps folders apart.
ifeq ($(origin DATA),command line)
FOLDER  := $(shell cd '$(DATA)' 2> /dev/null && pwd -P)
ifeq ($(FOLDER),)
$(error DATA=$(DATA): no such folder; name one in Kaggle's layout)
endif
PROFILE := $(shell basename '$(FOLDER)' | tr -c 'A-Za-z0-9\n' '-')-$(shell printf '%s' '$(FOLDER)' | cksum | cut -d' ' -f1)
$(shell mkdir -p '$(PROFILES)' && printf 'data = "folder"\nfolder = "%s"\nbased_on = "sample"\nnote = "Pictures of a folder of the reader, on EfficientNet-Lite0."\n' '$(FOLDER)' > '$(PROFILES)/$(PROFILE).toml')
endif
PROFILE ?= sample
DEVICE  ?= auto
SEED    ?= 0
DEVICES ?= 1
NODES   ?= 1
HOURS   ?= 0
FOR     ?= 3.12
ARCH    ?= x86_64
PORT    ?= 8000
PYTHON  ?= python3
VENV    ?= .venv

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN   := $(VENV)/bin
# Only those of the caller's settings are kept that say where packages come from, and how: PIP_TARGET,
# UV_SYSTEM_PYTHON or a foreign PYTHONPATH would install elsewhere or run other code.
KEPT := %_URL %_INDEX UV_INDEX_% %_LINKS %_HOST %_CERT %_TLS %_PROXY %_CACHE_DIR %_CONFIG_FILE %_TIMEOUT %_RETRIES %_PROVIDER %_LINK_MODE
unexport $(filter-out $(KEPT),$(filter PIP_% UV_%,$(.VARIABLES))) PYTHONPATH PYTHONHOME

# An environment belongs to the checkout that made it: its scripts and its `imet` point there. In a
# copied or moved checkout the mark of this folder is missing, so the environment is made anew.
# SHARED=1 uses the packages of another checkout's environment (VENV=…) with the code of this one.
# MACHINE_TORCH=1 uses the machine's own torch, which fits its GPU and driver, and all else as pinned;
# WHEELS=folder, made by `make wheels`, installs the rest from that folder, without a network.
ifdef SHARED
READY := $(BIN)/python
export PYTHONPATH := $(CURDIR)
else
READY := $(VENV)/.ready-$(shell printf '%s' '$(CURDIR)' | cksum | cut -d' ' -f1)
endif
BUILD := build/$(PROFILE)
RUNS  := $(if $(IMET_HOME),$(IMET_HOME)/)runs
HTML_DIR ?= book/_build/html
HTML  := $(HTML_DIR)/index.html

ifeq ($(filter $(PROFILE),sample tiny small kaggle stored met $(basename $(shell ls '$(PROFILES)' 2> /dev/null))),)
$(error PROFILE=$(PROFILE): choose sample, met, small, kaggle, stored or tiny, or name a folder: DATA=folder)
endif
ifeq ($(filter $(DEVICE),auto cpu cuda),)
$(error DEVICE=$(DEVICE): choose auto, cpu or cuda)
endif

# Two notebooks run at a time: much of each is start-up, which uses one core. A notebook on a full-size
# profile has the machine to itself, and everything is trained before the first one is executed. Notebooks
# that train longest begin first, and others wait for their runs. 06 waits for the features that 03 stores on all
# cores: with 13 in training beside 03, a book took longer.
LONG    := small kaggle stored
CORES   := $(shell nproc 2> /dev/null || getconf _NPROCESSORS_ONLN)
JOBS    ?= $(if $(filter $(LONG),$(PROFILE)),1,2)
THREADS ?= $(shell echo $$(( $(CORES) > $(JOBS) ? $(CORES) / $(JOBS) : 1 )))
ifneq ($(filter book notebooks serve pdf assignments slides,$(MAKECMDGOALS)),)
MAKEFLAGS += -j$(JOBS)
endif
EARLY := 01_data_exploration 02_split_and_views 03_baseline 06_attn_cnn_rnn 13_vgg16 05_resnet50_hog 14_losses_and_thresholds

NOTEBOOKS := $(wildcard $(EARLY:%=notebooks/%.py))
NOTEBOOKS += $(filter-out $(NOTEBOOKS),$(sort $(wildcard notebooks/*.py)))
# CHAPTERS="03 05" trains, executes and sets these chapters alone; links to the others lead nowhere.
ifneq ($(strip $(CHAPTERS)),)
NOTEBOOKS := $(foreach chapter,$(CHAPTERS),$(filter notebooks/$(firstword $(subst _, ,$(chapter)))_%,$(NOTEBOOKS)))
export CHAPTERS
endif
EXECUTED  := $(NOTEBOOKS:notebooks/%.py=$(BUILD)/notebooks/%.ipynb)
RULES     := $(NOTEBOOKS:notebooks/%.py=build/rules/%.mk)
RECORDED  := $(wildcard results/*.json results/*.npz results/*/*)
PAGES     := CHANGELOG.md CITATION.cff $(shell find book -path book/_build -prune -o -type f -not -name '*.pyc' -print)

.PHONY: help env machine wheels data runs kernels notebooks book pdf assignments slides serve pair test lint type bench bench-gpu rehearsal studies verify-studies clean lock test-book test-code test-faults reproduce mutants FORCE

help: ## Show this list
	@echo "make TARGET [PROFILE=sample|met|small|kaggle|stored|tiny | DATA=folder] [DEVICE=auto|cpu|cuda]"
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 16

env: $(READY) ## Create .venv from the pinned, hash-checked requirements

SUPPORTED = $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "error: Python 3.11 to 3.13 is needed; name one with make PYTHON=python3.12")'

# The environment is made anew only when the pins change or its Python is gone; what an interrupted
# installation left is cleared. uv takes less than half of pip's time; if packages come from an index
# that only pip knows, pip installs them.
ifndef SHARED
$(READY): requirements.txt pyproject.toml $(if $(realpath $(BIN)/python),,FORCE)
	@if [ -n "$$(ls -A $(VENV) 2> /dev/null)" ] && [ ! -e $(VENV)/pyvenv.cfg ] && ! ls $(VENV)/.ready* > /dev/null 2>&1 && [ ! -e $(BIN)/python ] && [ ! -L $(BIN)/python ]; then \
	  echo "error: VENV=$(VENV) holds something else than an environment; name a folder of its own" >&2; exit 1; fi
	@case '$(abspath $(VENV))' in \
	  '$(CURDIR)'/*) if [ ! -e $@ ] && ls $(VENV)/.ready* > /dev/null 2>&1; then \
	      echo "$(VENV) was made for another folder: it is made anew"; rm -rf $(VENV); fi; \
	    if [ -e $(VENV) ] && { [ ! -e $@ ] || ! $(BIN)/python -c '' 2> /dev/null; }; then \
	      echo "$(VENV) is not whole: it is made anew"; rm -rf $(VENV); fi ;; \
	  *) if [ ! -e $@ ] && ls $(VENV)/.ready* > /dev/null 2>&1; then \
	      echo "error: VENV=$(VENV) belongs to another checkout; name a folder of its own, or add SHARED=1 to use its packages with the code here" >&2; exit 1; fi ;; \
	esac
	@$(SUPPORTED)
ifneq ($(MACHINE_TORCH),)
	test -x $(BIN)/python || $(PYTHON) -m venv --system-site-packages --without-pip $(VENV)
	$(PYTHON) -P book/tools/pins.py > $(VENV)/pins.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  $(if $(WHEELS),--no-index --find-links '$(WHEELS)') -r $(VENV)/pins.txt
else
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.txt > $(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.txt || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
endif
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
endif

machine: ## Show processors, memory, disk, GPUs, and whether torch supports them
	@$(if $(realpath $(BIN)/python),$(BIN)/python,$(PYTHON)) -P book/tools/machine.py '$(or $(IMET_HOME),$(CURDIR))'

# The platforms are those of wheels for glibc 2.28 and older; pip wants each by name.
wheels: $(READY) ## Fetch all packages but torch for a machine without a network: FOR=3.12 ARCH=x86_64
	@mkdir -p build
	$(BIN)/python -P book/tools/pins.py $(FOR) $(ARCH) > build/pins.txt
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
	  --implementation cp --python-version $(FOR) --platform manylinux2014_$(ARCH) --platform manylinux1_$(ARCH) \
	  $(foreach glibc,5 12 17 24 26 27 28,--platform manylinux_2_$(glibc)_$(ARCH)) \
	  --dest '$(or $(WHEELS),build/wheels)' -r build/pins.txt

data: $(READY) ## Make the profile's collection ready (simulated ones are drawn)
	$(BIN)/python -c "from imet.config import get_profile; from imet.data.source import collection_folder; print(collection_folder(get_profile('$(PROFILE)')))"

runs: $(READY) ## Train what the chapters show; stop at any moment, and the next call resumes
	$(BIN)/python -m imet.cli run --all --profile $(PROFILE) --seed $(SEED) --device $(DEVICE) --devices $(DEVICES) --num-nodes $(NODES) --hours $(HOURS) \
	  $(if $(CACHE_VIEWS),--cache-views) --chapters '$(CHAPTERS)'

notebooks: $(EXECUTED) ## Execute the notebooks with papermill

# These rules say which files of imet/ a notebook depends on, read from its imports.
build/rules/%.mk: notebooks/%.py imet/code_digest.py
	@mkdir -p $(@D)
	@$(SUPPORTED)
	@$(PYTHON) -P imet/code_digest.py '$$(BUILD)/notebooks/$*.ipynb' $< > $@.tmp && mv $@.tmp $@

ifneq ($(filter book notebooks serve pdf assignments slides,$(MAKECMDGOALS)),)
# After the clock is set back, files made before would look newer than any edit, so they are deleted.
$(shell mkdir -p build && touch build/now && find build/rules $(BUILD)/notebooks -type f -newer build/now -delete 2> /dev/null)
include $(RULES)
endif

# A change of parameters or of a reader's profile re-runs every notebook; without one, this file keeps its time.
PARAMETERS := $(strip profile=$(PROFILE) seed=$(SEED) device=$(DEVICE) $(firstword $(shell cksum 2> /dev/null < '$(PROFILES)/$(PROFILE).toml')))
$(BUILD)/parameters: FORCE
	@mkdir -p $(@D) && touch $(BUILD)/started
	@echo "$(PARAMETERS)" | cmp -s - $@ || echo "$(PARAMETERS)" > $@
FORCE:

# Imports that all chapters share take most of a short chapter's time, so they are done once, in a process that
# this make starts and that ends with it.
kernels: | $(READY)
	@mkdir -p $(BUILD)
	@OMP_NUM_THREADS=$(THREADS) $(BIN)/python book/tools/kernels.py serve $(BUILD)/kernels-$$PPID --while $$PPID < /dev/null > /dev/null 2>&1 &

$(BUILD)/notebooks/%.ipynb: notebooks/%.py $(BUILD)/parameters book/tools/execute.py book/tools/kernels.py $(wildcard imet/recipes/*.toml imet/profiles/*.toml) imet/report/plots/imet.mplstyle book/reported.csv $(RECORDED) | $(READY) $(if $(filter $(LONG),$(PROFILE)),runs) kernels
	@JOBS=$(JOBS) OMP_NUM_THREADS=$(THREADS) IMET_KERNELS=$(BUILD)/kernels-$$PPID $(BIN)/python book/tools/kernels.py run book/tools/execute.py $< --out $@ -p profile=$(PROFILE) -p seed=$(SEED) -p device=$(DEVICE)

# The book holds one profile at a time; this file says which one it holds.
$(HTML_DIR).profile: FORCE
	@mkdir -p $(@D)
	@echo $(PROFILE) $(CHAPTERS) | cmp -s - $@ || echo $(PROFILE) $(CHAPTERS) > $@

# A reader's folder is checked before anything is trained on it, and again after a change.
ifdef FOLDER
$(BUILD)/checked: $(wildcard $(FOLDER) $(FOLDER)/*.csv $(FOLDER)/train) | $(READY)
	@mkdir -p $(@D)
	@$(BIN)/python -m imet.cli data check '$(FOLDER)'
	@touch $@
$(EXECUTED): $(BUILD)/checked
endif

book: $(HTML) ## Run the report and build book/_build/html/index.html
	@$(BIN)/python book/tools/progress.py $(BUILD) $(HTML)

# The book is always built from nothing, since an incremental build hides faults. Links, anchors and
# resources are checked.
$(HTML): $(EXECUTED) $(PAGES) $(HTML_DIR).profile $(RECORDED) | $(READY)
	@echo "all chapters are executed; setting the pages"
	@IMET_KERNELS=$(BUILD)/kernels-$$PPID $(BIN)/python book/tools/kernels.py run book/tools/build.py --notebooks $(BUILD)/notebooks --results '$(RUNS)' --profile $(PROFILE) --out $(@D) --quiet $(if $(CHAPTERS),--preview)

pdf: $(HTML_DIR)/../imet.pdf ## Print the whole book as book/_build/imet.pdf (needs Chromium)

$(HTML_DIR)/../imet.pdf: $(HTML)
	@$(BIN)/python book/tools/pdf.py $(HTML_DIR) $@

assignments: $(HTML) ## Write the exercises without solutions, for nbgrader
	@$(BIN)/python book/tools/assignments.py $(HTML_DIR) $(HTML_DIR)/../assignments

slides: $(HTML) ## Print two decks of slides as book/_build/slides/*.pdf (needs Chromium)
	@$(BIN)/python book/tools/slides.py --notebooks $(BUILD)/notebooks --results '$(RUNS)' --profile $(PROFILE) --out $(HTML_DIR)/../slides

serve: book ## Build the book, serve it on http://localhost:8000 (PORT=…), rebuild on change
	@$(BIN)/python book/tools/serve.py --directory $(HTML_DIR) --port $(PORT) -- $(MAKE) --no-print-directory book PROFILE=$(PROFILE)

pair: $(READY) ## Write the .ipynb twins of the notebooks, for Jupyter
	$(BIN)/jupytext --quiet --sync notebooks/*.py notebooks/cloud/*.py

lint: $(READY) ## Check style (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(READY) ## Check types (mypy)
	$(BIN)/mypy

test: lint type test-book test-code ## Run every quality gate
	@echo "every gate passed"

# Executes every notebook on the tiny profile, builds the book afresh and strictly, checks its links, and
# tests its pages in Chromium.
test-book: $(READY)
	$(MAKE) --no-print-directory book PROFILE=tiny DEVICE=cpu SEED=0 HTML_DIR=build/tiny/html
	IMET_BOOK_HTML=build/tiny/html $(BIN)/python -m pytest -q tests/browser

# Runs unit tests, property tests and doctests, with one thread per worker, so that two workers fill two cores.
test-code: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --doctest-modules --ignore=tests/browser --ignore=tests/faults tests imet imet_simulation

test-faults: $(READY) ## Kill, starve and damage whatever writes or is read (BOUNDED=1: a sample, for CI)
	OMP_NUM_THREADS=1 IMET_FAULT_POINTS=$(if $(BOUNDED),5,100) IMET_FAULT_KILLS=$(if $(BOUNDED),3,20) IMET_FUZZ=$(if $(BOUNDED),,full) \
	  $(BIN)/python -m pytest -q -s tests/faults tests/unit/data/test_fuzz.py

reproduce: $(READY) ## Run the report three times, the last with one thread fewer, and compare every number
	$(BIN)/python book/tools/reproduce.py --profile $(if $(filter command line,$(origin PROFILE)),$(PROFILE),tiny)

mutants: $(READY) ## Try small faults, SAMPLE=300 per module (MODULES=imet/losses.py): how many do tests notice?
	[ -e build/mutmut/.ready ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade \
	  --target build/mutmut --no-deps --require-hashes -r tests/mutmut.txt
	touch build/mutmut/.ready
	$(BIN)/python tests/mutants.py $(MODULES) --sample $(or $(SAMPLE),300)

bench: $(READY) ## Run the benchmarks and write benchmarks/results.json
	$(BIN)/python -m benchmarks

bench-gpu: $(READY) ## Measure a GPU's views per second, with random weights, into results/gpu.json
	$(BIN)/python -m benchmarks.gpu '$(or $(OUT),build/gpu)' --device $(DEVICE)

rehearsal: $(READY) ## Time every stage at size on drawn works: TABLES=folder WORKS=5000, or FULL=1
	$(BIN)/python -m benchmarks.rehearsal '$(TABLES)' '$(or $(OUT),build/rehearsal)' $(if $(FULL),--full,--works $(or $(WORKS),5000))

studies: $(READY) ## Run the longer experiments and record them in results/
	$(BIN)/python -m imet.report.studies --profile $(PROFILE) --device $(DEVICE)

verify-studies: $(READY) ## Run one seed of every study recorded for PROFILE again, and note what is equal
	$(BIN)/python -m imet.report.studies --verify --profile $(PROFILE) --device $(DEVICE)

lock: $(READY) ## Resolve requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.txt

clean: ## Remove what was built; collections, features, runs and .venv stay
	rm -rf build book/_build
