# Two commands do everything:
#   make run    build dist/tmuxpulse.pyz and watch (a demo, if no tmux server runs)
#   make test   every check there is, on a fresh machine too
.PHONY: run test build man release-check check unit format env lock bench bench-full soak pictures docs reference reference-events clean help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE_STAMP := tests/web/node_modules/.installed
DOCS_STAMP := $(VENV)/.docs-installed
MERMAID_STAMP := tools/site/node_modules/.installed
SOURCES := tmuxpulse tests bench tools examples build_zipapp.py hatch_build.py zipapp_build zipapp_start

run: build
	@./dist/tmuxpulse.pyz watch --demo-if-none

build: $(STAMP)
	@tools/system-packages tmux
	@$(BIN)/python build_zipapp.py

# Manual pages, from the parsers: man -l dist/man/man1/tmuxpulse.1
man: $(STAMP)
	@$(BIN)/python tools/man_pages.py dist/man/man1

# What a release consists of, built twice and tried, into dist/: docs/how-to/release.md
release-check: $(STAMP)
	@tools/system-packages tmux
	@$(BIN)/python tools/release_check.py

# The one file is built first: its tests would wait for downloads otherwise.
test: check build unit

# Formatter, lint, types. The architecture test is one of the tests.
check: $(STAMP)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

unit: $(STAMP) $(NODE_STAMP)
	@tools/system-packages tmux chromium slowhttptest asciinema zsh fish curl jq man mandoc systemd-analyze
	@tools/unpacked-programs $(VENV)/programs promtool=prometheus prometheus=prometheus nginx=nginx caddy=caddy tini=tini
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

# Rewrites the locks from pyproject.toml.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --only-binary :all: --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --only-binary :all: --no-header --extra dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --only-binary :all: --no-header --extra dev --extra docs pyproject.toml -o requirements-docs.lock

format: $(STAMP)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# The site of the documentation, in ./site. Warnings, links and anchors that lead nowhere, and
# diagrams that cannot be drawn are errors.
docs: $(DOCS_STAMP) $(MERMAID_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@tools/system-packages chromium
	$(BIN)/python -m tools.site.diagrams

# The pages that follow from the code; reference-events also collects their examples, from a real run.
reference: $(STAMP)
	$(BIN)/python -m tools.reference

reference-events: $(STAMP)
	@tools/system-packages tmux
	$(BIN)/python -m tools.reference events

$(DOCS_STAMP): requirements-docs.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-docs.lock
	@touch $@

$(MERMAID_STAMP): tools/site/package-lock.json
	@tools/system-packages node npm
	cd tools/site && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

# Ten minutes on a machine with nothing else to do, and the first time what it installs;
# bench/README.md has the method.
bench: build
	@$(BIN)/python bench/peers.py
	$(BIN)/python bench/suite.py quick

# Everything, more often: about two hours.
bench-full: build
	@$(BIN)/python bench/peers.py
	$(BIN)/python bench/suite.py full

# Endurance; exit status 0 when nothing was lost and nothing grew. MINUTES=30 by default.
MINUTES ?= 30
soak: $(STAMP)
	@tools/system-packages tmux
	@mkdir -p bench/results
	$(BIN)/python bench/soak.py --minutes $(MINUTES) --output bench/results/soak.json

# The pictures of the documentation, from a real tmux.
pictures: $(STAMP) $(NODE_STAMP)
	TMUXPULSE_PICTURES=1 $(BIN)/python -m pytest -q tests/real/test_full_screen_picture.py tests/real/test_page_looks_real.py

clean:
	rm -rf dist wheelhouse site $(VENV) tests/web/node_modules tools/site/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

help:
	@sed -n '1,3p' Makefile
