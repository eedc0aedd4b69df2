# Two commands do everything:
#   make run    build dist/tmuxpulse.pyz and watch (a demo, if no tmux server runs)
#   make test   every check there is, on a fresh machine too
.PHONY: run test build check unit format env lock bench clean help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE_STAMP := tests/web/node_modules/.installed
SOURCES := tmuxpulse tests bench tools build_zipapp.py zipapp_build zipapp_start

run: build
	@./dist/tmuxpulse.pyz watch --demo-if-none

build: $(STAMP)
	@tools/system-packages tmux
	@$(BIN)/python build_zipapp.py

# The one file is built first: its tests would wait for downloads otherwise.
test: check build unit

# Formatter, lint, types. The architecture test is one of the tests.
check: $(STAMP)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

unit: $(STAMP) $(NODE_STAMP)
	@tools/system-packages tmux chromium slowhttptest asciinema zsh fish
	$(BIN)/python -m pytest --cov --cov-report=term
	$(BIN)/python tools/coverage_floor.py

env: $(STAMP) $(NODE_STAMP)

$(STAMP): requirements-dev.lock pyproject.toml
	@tools/system-packages venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "tmuxpulse needs Python 3.10 or newer: make PYTHON=/path/to/python3 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(NODE_STAMP): tests/web/package-lock.json
	@tools/system-packages node npm
	cd tests/web && npm ci --silent --no-audit --no-fund
	@touch $@

# Rewrites both locks from pyproject.toml.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --only-binary :all: --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --only-binary :all: --no-header --extra dev pyproject.toml -o requirements-dev.lock

format: $(STAMP)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(STAMP)
	$(BIN)/python bench/bench_text.py
	$(BIN)/python bench/bench_latency.py
	$(BIN)/python bench/bench_footprint.py

clean:
	rm -rf dist wheelhouse $(VENV) tests/web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

help:
	@sed -n '1,3p' Makefile
