# Needs Python 3.11 to 3.13 with its venv module, and make. Everything is installed into $(VENV).
#   make demo   runs a real program
#   make test   linters, types and all tests
#   make PYTHON=python3.13 VENV=/tmp/venv test
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto
DEMO := examples/lamport_mutex.da

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types tools clean

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Quorate needs Python 3.11 to 3.13; say which: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps make an unchanged pyproject.toml cost nothing the second time.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $(VENV)/.installed $@

install: $(VENV)/.installed

demo: install
	@echo "Processes that compete for one resource, by Lamport's algorithm of 1978 ($(DEMO)):"
	@echo "each enters its critical section alone, in the order of the time stamps of the requests."
	@echo
	$(BIN)/quorate run $(DEMO)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

tools:
	@.ci/tools

test: lint types tools
	$(BIN)/python -m pytest -q -n $(WORKERS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
