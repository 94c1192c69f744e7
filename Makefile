# Two commands: `make quickstart` and `make test`. Both set up what they need in .venv, from this folder's own files.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile --constraint constraints.txt
# What pip would compile on one core, all of them do, without what is hardly ever imported: the packages' own tests,
# hundreds of architectures, places of telephones, clients of clouds. If it is, Python compiles it then.
SPARED := site-packages/(.*/tests?/|transformers/models/(?!auto/|bert/)|phonenumbers/geodata/|databricks/|ray/(rllib|serve)/)
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x '$(SPARED)' $(abspath $(VENV))/lib || true

.PHONY: quickstart test test-fast lint types docs format clean

quickstart: $(VENV)/.quickstart
	$(BIN)/oreline run recipes/quickstart.yaml

# A file's tests share what they make, so they run in one process; files in their order, so that the smallest (examples in
# docstrings) come last and no process waits long for the other.
TESTED := HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# All tests, those marked slow too (an environment without torch, the catalog from the package index).
test: $(VENV)/.dev
	$(TESTED)

test-fast: $(VENV)/.dev
	$(TESTED) -m "not slow"

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
