# One word for every chore. `make up` needs python3 (>= 3.11), its venv module and make; the rest it fetches, pinned by hash.
VENV   ?= .venv
PYTHON ?= python3
PIP     = $(VENV)/bin/pip --disable-pip-version-check --quiet
JOBS   ?= 2
# Where it is set, each of some hundred processes of the tests would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up simulate test check lint types bench clean help
help:            ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

up: $(VENV)/run  ## collector, agent and board on this machine; Ctrl-C stops all of it
	@$(VENV)/bin/motcua up

simulate: $(VENV)/run ## a province of 99 centres with faults and the truth about them; nothing is measured
	@$(VENV)/bin/motcua simulate

test: $(VENV)/dev ## everything the tests need, then the tests
	@sh tests/packages.sh
	@$(VENV)/bin/pytest -n $(JOBS) --dist loadgroup

check: lint types test ## what CI runs

lint: $(VENV)/dev ## style, and the shape of the house
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

types: $(VENV)/dev ## mypy --strict
	@$(VENV)/bin/mypy

bench: $(VENV)/dev ## every bar of the design, measured; writes bench/RESULTS.md
	@$(VENV)/bin/python -m bench

clean:           ## the environment; never var/, where the data is
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis build *.egg-info

# --- the environment ---------------------------------------------------------------------------------------------------
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "motcua needs Python 3.11 or newer: sudo apt install python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing: sudo apt install python3-venv"; exit 1; }
	@echo "making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run: locks/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing what motcua runs with (locks/run.txt)"
	@$(PIP) install --require-hashes --only-binary :all: -r locks/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: locks/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing what the tests run with (locks/dev.txt)"
	@$(PIP) install --require-hashes --only-binary :all: -r locks/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/run
