# The commands of the project, the same for people and for CI. Each sets up what it needs.
#   make setup    a virtual environment with pinned, hash-checked packages
#   make demo     a live market in the terminal, served on this machine (FOR=10s ends it)
#   make test     all tests
#   make check    style, types, import rules, sizes, spelling, pages made of docstrings
#   make bench    ours against the leanest possible reader, in one run (QUICK=1: under a minute)
#   make nightly  fuzzing, mutants, a soak: MINUTES=30 altogether (ONLY=soak: one of them, SEED=1)
# PYTHON names the interpreter (3.11 or later), VENV the folder of the environment.

PYTHON ?= python3
VENV ?= .venv
FOR ?=
WORKERS ?= 2
QUICK ?=
MINUTES ?= 30
ONLY ?=
SEED ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.rxbybit-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench nightly

help:
	@sed -n 's/^#   //p' Makefile

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("rxbybit needs Python 3.11 or later: make PYTHON=python3.13" if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) (a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/python -m rxbybit demo $(if $(FOR),--for $(FOR))

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --quiet

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python scripts/house_rules.py
	$(BIN)/codespell
	$(BIN)/python -m pytest --quiet tests/test_exports.py tests/operators/test_page.py -k fresh

bench: $(STAMP)
	$(BIN)/python -m tests.perf.suite $(if $(QUICK),--quick)

nightly: $(STAMP)
	$(BIN)/python -m tests.nightly --minutes $(MINUTES) $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))
