# Two commands: `make quickstart` and `make test`. Both set up what they need in .venv, from this folder's own files.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile --constraint constraints.txt
# What pip would compile on one core, all of them do; the packages' own tests are left out.
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x 'site-packages/.*/tests?/' $(abspath $(VENV))/lib || true

.PHONY: quickstart test test-fast lint types docs format clean

quickstart: $(VENV)/.quickstart
	$(BIN)/oreline run recipes/quickstart.yaml

# All tests, those marked slow too (an environment without torch, the catalog from the package index).
test: $(VENV)/.dev
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

test-fast: $(VENV)/.dev
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) runs oreline-runs dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Only the extras that the quickstart needs; the stamp files make a second `make` instant.
$(VENV)/.quickstart: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e '.[data,train,export,serve]'
	$(COMPILE)
	touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e '.[dev]'
	$(COMPILE)
	touch $@
