# Targets for people; `make help` lists them. Needs Python 3.11 or newer and nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset run test test-long e2e lint types bench bench-cycles bench-models lock clean runtime dev chromium

PY := .venv/bin/python
PORT ?= 8000
export PORT
export PYTHONDONTWRITEBYTECODE :=

LOCK = .venv/locker/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate pyproject.toml

# PyTorch has a lock of its own (the build for CPUs); what only its build for GPUs needs is left out.
GPU = $(foreach name,torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti nvidia-cuda-nvrtc \
	nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse \
	nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx,--no-emit-package $(name))

# The demo, the tests and `make run` keep their data apart, so that resetting one cannot delete another's.
DEMO_VAR = $(or $(EVALPLATFORM_VAR),$(CURDIR)/var/demo)
TEST_VAR = $(or $(EVALPLATFORM_VAR),$(CURDIR)/var/test)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: runtime ## an example study with 60 simulated raters, then the site (PORT=8000)
	@EVALPLATFORM_VAR="$(DEMO_VAR)" MAKE_TARGET=demo $(PY) -m evalplatform.demo

demo-reset: runtime ## delete the example study and start over with the next `make demo`
	@EVALPLATFORM_VAR="$(DEMO_VAR)" $(PY) -m evalplatform.demo --reset

run: runtime ## the site with your own data in var/ (PORT=8000)
	@MAKE_TARGET=run $(PY) -m evalplatform.serve

# Three processes for two cores: a test waits a third of its time for a browser, a database, a process of its own.
test: dev chromium ## the whole test suite, browser tests included
	@EVALPLATFORM_VAR="$(TEST_VAR)" $(PY) -m pytest -n 3 --dist worksteal $(ARGS)

test-long: dev chromium ## what takes minutes: 720 people on Prolific, a million judgements exported
	@EVALPLATFORM_VAR="$(TEST_VAR)" $(PY) -m pytest -m long $(ARGS)

e2e: dev chromium ## the browser tests only
	@EVALPLATFORM_VAR="$(TEST_VAR)" $(PY) -m pytest -m e2e $(ARGS)

lint: dev ## ruff and the law of imports
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports --verbose

types: dev ## mypy
	@$(PY) -m mypy

bench: override ARGS =
bench: bench-cycles bench-models ## both benchmarks, one after the other

bench-cycles: dev ## what a rater's cycle costs at 1,000 and 100,000 trials, beside a bare Django view
	@EVALPLATFORM_VAR="$(TEST_VAR)" $(PY) -m tests.benchmarks.cycles $(ARGS)

bench-models: dev ## what a fit costs at 72, 720 and 7,200 raters, beside R when it is installed
	@$(PY) -m tests.benchmarks.models $(ARGS)

lock: dev ## bring the two lock files in line with pyproject.toml (UPGRADE=--upgrade for newer versions)
	@test -x .venv/locker/bin/uv || { $(PY) -m venv .venv/locker && .venv/locker/bin/pip install --quiet uv; }
	@echo torch==2.13.0 >.venv/locker/torch.txt # as in requirements-torch.lock, which is kept by hand
	@$(LOCK) $(UPGRADE) --extra dev --constraints .venv/locker/torch.txt $(GPU) --output-file requirements-dev.lock
	@$(LOCK) $(UPGRADE) --constraints requirements-dev.lock --output-file requirements.lock

clean: ## delete caches and the virtual environment (never data)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache report test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first of these that is there and new enough.
PYTHON = $(shell for each in python3 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
INSTALL = $(or $(PYTHON),$(error Python 3.11 or newer was not found. Debian 12: sudo apt install python3 python3-venv)) \
	deploy/install.py

runtime:
	@$(INSTALL) runtime

dev:
	@$(INSTALL) dev

chromium: dev
	@$(INSTALL) chromium
