# Every command makes the virtual environment first where it is missing or older than the lock.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo serve test soak check format train bench bench-training
.DEFAULT_GOAL := demo

demo: $(READY)  ## start a server, let it read pictures and learn a hand that it reads badly
	$(BIN)/python docs/demo.py

serve: $(READY)  ## serve on http://127.0.0.1:8000 until stopped
	$(BIN)/digitserve serve

# Files with long tests first, so that no process is left with them alone at the end.
SUITE := tests/system tests/browser tests/unit tests/integration tests/contracts
test: $(READY)  ## unit, integration, system and contract tests
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(SUITE)

MINUTES ?= 20
SEED ?= 1
soak: $(READY)  ## the service under work and accidents, on SQLite and on PostgreSQL in turn: make soak MINUTES=20 SEED=2
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED)

check: $(READY)  ## lint, format, types, import walls, file lengths
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --config tests/contracts/imports.toml
	$(BIN)/python tests/contracts/file_lengths.py

format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

RECIPE ?= fast
train: $(READY)  ## train a version: make train RECIPE=bundled
	$(BIN)/python -m training train $(RECIPE)

bench: $(READY)  ## the quickest recipes beside the tutorials' way
	$(BIN)/python -m benchmarks.training lite cnn

bench-training: $(READY)  ## every recipe; the table goes into the README
	$(BIN)/python -m benchmarks.training --write docs/benchmarks.md

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14) and "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	touch $(READY)
