# `make demo` and `make test` are all a newcomer needs; both set up .venv first and are quick the second time.

PYTHON ?= python3
# More options for pip, for instance `--extra-index-url` with PyTorch's CPU index where the default build brings CUDA.
PIP_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test coverage lint docs slow clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## make .venv with the package and pinned versions

$(READY): pyproject.toml constraints.txt
	@echo "== Setting up $(VENV) (a few minutes the first time: PyTorch and ONNX Runtime are large)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with: make PYTHON=python3.11") if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) --constraint constraints.txt --editable '.[dev,docs]'
# Workers that audit a file may write nothing, byte code neither: without it each of them would compile the package anew.
	@$(BIN)/python -m compileall -q onnxaudit
	@touch $@

demo: $(READY) ## find a backdoor in a real model, show its trigger, take it out
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash tools/demo.sh

# One thread a worker: two workers on two cores are faster than one worker on two threads.
test: $(READY) ## run the tests (minutes)
	@echo "== Running the tests"
	@OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow" -n auto --dist loadgroup -q

# Tests that start commands of their own add nothing that is counted, and are left out.
coverage: $(READY) ## share of lines and branches that the unit tests reach; fails below the floor
	@OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow" -n auto --dist loadgroup -q --cov tests/unit tests/hostile

lint: $(READY) ## style and types
	@echo "== Checking style and types"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

docs: $(READY) ## build the documentation into build/site
	@echo "== Building the documentation"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

slow: $(READY) ## the long tests as well
	@OMP_NUM_THREADS=1 $(BIN)/pytest -m slow -q

clean: ## remove .venv and what was built
	rm -rf $(VENV) build dist demo-output *.egg-info
