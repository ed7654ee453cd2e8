# Everything a newcomer, a teacher or CI runs. Needs: python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
EXTRAS := notebooks,text,app,site,peers,dev
# Chapters and solutions, without the spoilt ones that `sercourse reset` keeps beside them.
NOTEBOOKS = $(foreach file,$(wildcard notebooks/*.ipynb notebooks/solutions/*.ipynb),$(if $(findstring .before-reset,$(file)),,$(file)))
# CPU-only machines may save gigabytes: see "Smaller installs" in README.md.
UV_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast test-long lint notebooks bench kit site site-links lab badges lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP)  ## the environment, in .venv

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(0 if sys.version_info >= (3, 11) else f"sercourse needs Python 3.11 or newer, and {sys.executable} is {v}; run: make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python $(UV_FLAGS) --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@touch $(STAMP)

demo: $(STAMP)  ## default corpus, baseline and networks, build/report.html
	$(BIN)/sercourse demo

test: $(STAMP)  ## everything that CI runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not long and not browser" --cov --cov-report=term
	$(BIN)/sercourse corpora synthetic > /dev/null && $(BIN)/sercourse corpora matrix > /dev/null
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout=300 -p no:cacheprovider $(NOTEBOOKS)
	$(BIN)/python -m pytest -q -m "browser and not long" tests/browser

test-fast: $(STAMP)  ## unit tests only
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not long and not browser"

test-long: $(STAMP)  ## what takes minutes: fresh environments, the built site, Binder, Colab, load on the app, all references
	$(BIN)/python -m pytest -m long

lint: $(STAMP)  ## ruff, codespell, import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell && $(BIN)/lint-imports

notebooks: $(STAMP)  ## build notebooks and solutions from notebooks/source, run them, keep their outputs
	$(BIN)/python notebooks/source/build.py

bench: $(STAMP)  ## our features beside librosa, memory of streaming, cost of each profile; by name only (python -m benchmarks NAME): explorer, notebooks
	$(BIN)/python -m benchmarks

kit: $(STAMP)  ## the instructor's kit in build/kit: slides, students' folder, answer key, teaching pages
	$(BIN)/python -m data_scripts.kit

site: $(STAMP)  ## the site, in build/site (SITE_EXPLORERS=all trains first runs that are missing)
	$(BIN)/python -m data_scripts.website $(SITE_FLAGS)

site-links: $(STAMP)  ## links to other servers, which are asked
	$(BIN)/python -m data_scripts.website --external

lab: $(STAMP)  ## JupyterLab on the first chapter
	$(BIN)/jupyter trust $(NOTEBOOKS)  # else the stored audio players stay silent
	SERCOURSE_RUNS="$${SERCOURSE_RUNS:-$(CURDIR)/runs}" $(BIN)/jupyter lab notebooks/00_start_here.ipynb

badges: $(STAMP)  ## write the repository's address into badges: make badges REPO=owner/name
	$(BIN)/python data_scripts/badges.py "$(REPO)"

lock: $(STAMP)  ## resolve constraints.txt anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-annotate --no-header --upgrade -o constraints.txt

clean:  ## remove what was built (not .venv, not runs)
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .coverage*
