# Every target makes what it needs: `make demo` works in a clean clone.
# Set-up talks on stderr, so that `make demo ARGS=--json | jq` gets nothing but JSON.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

# Which Python (3.11 or later) makes the virtual environment; empty: look for one.
PYTHON ?=
# What to pass on, e.g. make demo ARGS="--contacts 60 --exit --json"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -q
# Tests that need real Asterisk, a real Chromium or real processes to kill.
HEAVY := asterisk or browser or faults
# Python keeps what it compiled, also where the environment says otherwise: each of the many
# processes of a test run would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test coverage check bench lint unit docs lock audit lab lab-up lab-down browser streets clean

help:  ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

demo: $(STAMP) $(if $(findstring --simulated,$(ARGS)),,lab)  ## place calls to pretend people over a real Asterisk, watch in the browser
	@exec $(BIN)/callcamp demo $(ARGS)

check: lint unit  ## quick: linters, types, architecture, unit tests (under a minute)

test: lint lab browser streets  ## everything: linters and the whole test suite, real Asterisk included
	@$(PYTEST) -n 2 -m "not ($(HEAVY))" $(COVERAGE)
	# These mostly wait: three at once, each file's with labs, ports and a browser of its own.
	$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -m "$(HEAVY)" $(COVERAGE) \
	  -o cache_dir=.pytest_cache/heavy --cache-clear \
	  || .ci/again $$? $(PYTEST) -m "$(HEAVY)" $(COVERAGE)

coverage:  ## the same, and which lines and branches no test ran: half as long again
	@rm -f .coverage .coverage.*
	$(MAKE) test COVERAGE="--cov=callcamp --cov-append --cov-report="
	$(BIN)/coverage report

bench: $(STAMP) lab  ## measure: calls a second, latency, import; ARGS=--json for programs
	@exec $(BIN)/python -m benchmarks $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate -c pyproject.toml callcamp

unit: $(STAMP)
	@$(PYTEST) -n 2 tests/unit

docs: $(STAMP)  ## draw again what docs/ shows of the code's own tables
	@$(BIN)/python -m callcamp.cli.draw docs

lab-up: $(STAMP) lab  ## start a real Asterisk and its pretend callees
	@$(BIN)/callcamp lab up

lab-down: $(STAMP)  ## stop them, and those that a demo left running
	@$(BIN)/callcamp lab down
	$(BIN)/callcamp lab down --name demo

# The lab's root filesystem: kept in ~/.cache/callcamp, a moment once it is there.
lab: $(STAMP)
	@.ci/packages mmdebstrap=mmdebstrap
	$(BIN)/callcamp lab build >&2

browser:
	@.ci/packages 'chromium|chromium-browser|google-chrome=chromium'

# What the test of the containers builds its hosts, certificates, proxy and relay with.
streets:
	@.ci/packages socat=socat nft=nftables ip=iproute2 openssl=openssl caddy=caddy turnserver=coturn

lock: $(STAMP)  ## write down the versions of all libraries; ARGS=--upgrade takes newer ones
	@compile() { $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --extra postgresql -q --custom-compile-command "make lock" "$$@" pyproject.toml; }
	compile $(ARGS) --group dev -o requirements-dev.lock
	compile $(ARGS) -c requirements-dev.lock -o requirements.lock

audit: $(STAMP)  ## ask the public advisories about every locked library (needs the network)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements-dev.lock $(ARGS)

$(STAMP): requirements-dev.lock pyproject.toml .ci/venv
	@.ci/venv $(VENV) "$(PYTHON)"
	touch $@

clean: ## delete everything that make made (not the lab's files in ~/.cache)
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* *.egg-info \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
