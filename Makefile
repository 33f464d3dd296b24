# `make demo` and `make test` need only Python 3.10+ and make; `make check` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGE := $(wildcard *.py) py.typed commands core curate evaluate examples reports train

.PHONY: demo test check lint types tree format clean

$(VENV)/installed: pyproject.toml constraints.txt
	@echo "== creating $(VENV) and installing tunegate (a few minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## clean, tune and gate the embedded example
	$(BIN)/tunegate demo

test: check  ## lint, types and tests, as CI runs them

check: lint types
	@echo "== tests, a process on each core"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto

lint: $(VENV)/installed
	@echo "== lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	@echo "== types"
	@mkdir -p build/types/tunegate && ln -sfn $(addprefix ../../../,$(PACKAGE)) build/types/tunegate/
	MYPYPATH=build/types $(BIN)/mypy -p tunegate

tree:  ## write the README's tree anew, from the files' docstrings
	$(PYTHON) docs/make_tree.py

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist runs *.egg-info .mypy_cache .ruff_cache .pytest_cache
