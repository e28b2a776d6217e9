# Every command makes the virtual environment first where it is missing or older than its lock.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUNS := .venv/.runs
DEVELOPS := .venv/.develops

# Which torch: `make demo TORCH_INDEX=URL` takes it from there, and .venv remembers that. Where none was ever given, pip's
# own settings decide; `make demo TORCH_INDEX=` goes back to them. Another index than before replaces torch.
TAKEN := $(shell cat .venv/.torch_index 2>/dev/null)
TORCH_INDEX ?= $(TAKEN)
ifneq ($(TORCH_INDEX),$(TAKEN))
REPLACE := --force-reinstall
.PHONY: $(RUNS) $(DEVELOPS)
endif

.PHONY: demo serve test fuzz soak check format train bench bench-peers bench-training
.NOTPARALLEL:  # two of pip must not write into one environment
.DEFAULT_GOAL := demo

demo: $(RUNS)  ## start a server, let it read pictures and learn a handwriting that it reads badly
	$(BIN)/python docs/demo.py

serve: $(RUNS)  ## serve on http://127.0.0.1:8000 until stopped
	$(BIN)/digitserve serve

# Files with long tests first, so that no process is left with them alone at the end. Trainings go last wherever they
# run: at their priority the servers of other tests let them have their share. Hundreds of processes read the same
# sources, which Python keeps compiled whatever the shell says of that.
SUITE := tests/system tests/browser tests/unit tests/integration tests/contracts
test: $(DEVELOPS)  ## unit, integration, system and contract tests
	PYTHONDONTWRITEBYTECODE= nice -n 19 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(SUITE)

SEED ?= 1
PICTURES ?= 20000
BODIES ?= 10000
FORMS ?= 20000
REQUESTS ?= 200
fuzz: $(DEVELOPS)  ## odd and damaged pictures, bodies and forms, and what the OpenAPI document allows: make fuzz PICTURES=20000 SEED=2
	$(BIN)/python -m tests.fuzz --pictures $(PICTURES) --bodies $(BODIES) --forms $(FORMS) --requests $(REQUESTS) --seed $(SEED)

MINUTES ?= 20
soak: $(DEVELOPS)  ## tests that train for long, then the service under work and accidents: make soak MINUTES=20 SEED=2
	$(BIN)/pytest tests/long
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED)

check: $(DEVELOPS)  ## lint, format, types, import walls, file lengths
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --config tests/contracts/imports.toml
	$(BIN)/python tests/contracts/file_lengths.py

format: $(DEVELOPS)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

RECIPE ?= fast
train: $(RUNS)  ## train a version: make train RECIPE=bundled
	$(BIN)/python -m training train $(RECIPE)

bench: $(DEVELOPS)  ## serving beside every peer that is installed; needs wrk
	$(BIN)/python -m benchmarks.serving

bench-peers: $(DEVELOPS)  ## install the peers that `bench` compares with, each in an environment of its own
	$(BIN)/python -m benchmarks.peers.install $(TORCH_INDEX:%=--torch-index '%')

bench-training: $(DEVELOPS)  ## every recipe; the table goes into docs/benchmarks.md
	$(BIN)/python -m benchmarks.training --write docs/benchmarks.md

$(RUNS): requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $(RUNS)

$(DEVELOPS): requirements.lock requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $(RUNS) $(DEVELOPS)

# $(call install,LOCK) says what it will be and how large, then has pip do it. The stamps go first and come back last, so
# that a failure leaves none. An older pip only means that the size can't be said, so that its update may fail.
define install
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14) and "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 ...")'
@test -x $(BIN)/python || $(PYTHON) -m venv .venv
@rm -f $(RUNS) $(DEVELOPS)
-@$(PIP) install --quiet 'pip>=23.3'
-@$(BIN)/python setup/say_size.py $(1) $(REPLACE) $(TORCH_INDEX:%=--torch-index '%')
$(if $(TORCH_INDEX)$(REPLACE),$(PIP) install $(REPLACE) --no-deps --constraint requirements.lock $(TORCH_INDEX:%=--index-url '%') torch torchvision)
@echo '$(TORCH_INDEX)' > .venv/.torch_index
$(PIP) install --requirement $(1) $(TORCH_INDEX:%=--extra-index-url '%')
$(PIP) install --no-build-isolation --no-deps --editable .
endef
