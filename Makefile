# What one can do here; `make` alone prints it.
#
# Everything runs in .venv, which is made once and then needs no network. To start afresh: rm -r .venv

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
WORKERS ?= 2

# The first Python on the path of a version that the course runs on. Another one: make lab PYTHON=/path/to/python3.12
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	if $$python -c '$(SUPPORTED)' 2>/dev/null; then echo $$python; break; fi; done)

# Jupyter is to find the kernel in .venv before any other, and TensorFlow to keep its start-up notes to itself.
export JUPYTER_PREFER_ENV_PATH := 1
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help lab test test-oldest test-colab course notebooks bench venv check-python

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s%s\n", $$1, $$2}'

lab: $(STAMP) ## open the course in JupyterLab
	$(BIN)/python -m jupyterlab --ServerApp.root_dir="$(CURDIR)" $(if $(filter 0,$(shell id -u)),--allow-root) \
		$(LAB_OPTIONS) notebooks/00_start_here.ipynb

# Two workers of one thread each, so that they do not compete for the cores.
TEST_ENVIRONMENT := GAN_LESSONS_FAST=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=2 OMP_NUM_THREADS=1 \
	TF_CPP_MIN_LOG_LEVEL=3

TESTS := -m pytest -q --numprocesses=$(WORKERS) --dist=loadscope --no-loadscope-reorder --durations=10 \
	--nbval-lax --nbval-current-env --nbval-cell-timeout=600 build/fast/[0-9]*.ipynb tests

# The lessons in the form that is tested, then all tests, in one environment: $(call run_tests,FOLDER)
define run_tests
	$(1)/bin/python notebooks/course.py fast
	$(TEST_ENVIRONMENT) $(1)/bin/python $(TESTS)
endef

test: $(STAMP) ## run the unit tests, and every lesson in fast mode
	$(call run_tests,$(VENV))

# The same with other versions, in an environment of its own: $(call test_in,FOLDER,WHAT PIP INSTALLS)
define test_in
	test -x $(1)/bin/pip || "$(PYTHON)" -m venv $(1)
	$(1)/bin/python -m pip install --disable-pip-version-check $(2)
	$(1)/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(call run_tests,$(1))
endef

# requirements.txt with each lower bound made the version itself. TensorFlow 2.19 has no wheels for Python 3.13.
test-oldest: | check-python ## the same with the oldest versions that requirements.txt admits, in .venv-oldest
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] > (3, 12))' || { \
		echo 'The oldest versions need Python 3.11 or 3.12: make test-oldest PYTHON=/path/to/python3.12'; exit 1; }
	mkdir -p build
	sed 's/>=\([0-9.]*\),<[0-9.]*/==\1/' requirements.txt > build/oldest.txt
	$(call test_in,.venv-oldest,-r build/oldest.txt)

# Colab's of August 2026.
test-colab: | check-python ## the same with the versions that Colab has, in .venv-colab
	$(call test_in,.venv-colab,-r requirements.txt 'tensorflow==2.20.*' 'keras==3.13.*' 'ipywidgets==7.7.*')

course: $(STAMP) ## run every lesson at laptop size into build/ (FRESH=1: again; ONLY=name: that one; FAST=1: quickly)
	$(BIN)/python notebooks/course.py run $(if $(FRESH),--fresh) $(if $(FAST),--fast) $(ONLY)

notebooks: $(STAMP) ## build notebooks/*.ipynb and README's table from notebooks/source/ (FRESH=1, ONLY=name)
	$(BIN)/python notebooks/course.py build $(if $(FRESH),--fresh) $(ONLY)

bench: $(STAMP) ## measure speed
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/speed.py

venv: $(STAMP) ## make .venv, with all that the above needs

# requirements.txt brings the tool that builds the package as well, so one download is enough.
$(STAMP): requirements.txt pyproject.toml | check-python
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'The virtual environment could not be made. On Debian and Ubuntu: sudo apt install python3-venv'; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# JupyterLab would ask every student whether it may fetch news.
	@$(BIN)/python -m jupyter labextension disable @jupyterlab/apputils-extension:announcements 2>/dev/null
	@touch $@

check-python:
	@test -e $(STAMP) || { test -n "$(PYTHON)" && "$(PYTHON)" -c '$(SUPPORTED)'; } || { \
		echo 'The course needs Python 3.11, 3.12 or 3.13 (TensorFlow has no wheels for others).' \
			'Found: $(if $(PYTHON),$(PYTHON) which is '"$$($(PYTHON) --version 2>&1)"',none of these).' \
			'Install one, or name it: make lab PYTHON=/path/to/python3.12'; exit 1; }
