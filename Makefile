# Every target does its own set-up: a virtual environment in .venv with the pinned versions of constraints.txt.
#   make reproduce   the DCM paper's synthetic evaluation; narrow with SEEDS=3 SCMS=chain,triangle MODELS=dcm,anm SUITE=paper
#   make smoke       every code path in under three minutes; its scores mean nothing
#   make regress     the gate: have reproduced numbers moved? under ten minutes
#   make test        lint-free unit tests; make check = lint + types + tests
PYTHON ?= python3
VENV ?= .venv
SUITE ?= paper
SEEDS ?=
SCMS ?=
MODELS ?=
ARGS ?=
MINUTES ?= 30

bin := $(VENV)/bin
stamp := $(VENV)/.installed
narrow := $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SCMS),--scms $(SCMS)) $(if $(MODELS),--only $(MODELS)) $(ARGS)

.PHONY: help install reproduce smoke regress test test-slow test-notebooks fuzz lint types links numbers docs check format bench clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

install: $(stamp) ## set up .venv with everything that development needs

$(stamp): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(bin)/pip install -q --constraint constraints.txt torch
	$(bin)/pip install -q --constraint constraints.txt -e '.[cluster,dev,dowhy,parquet,profiler]'
	@touch $@

# A whole `paper` is followed by its experiment on real data, which says what to do where the data are missing.
reproduce: $(stamp) ## run a suite (paper) and show its table with the published numbers and verdicts
	$(bin)/scmbench run $(SUITE) $(narrow)
	$(if $(filter paper,$(SUITE)$(SCMS)$(MODELS)),$(bin)/scmbench run fmri $(narrow))

smoke: $(stamp) ## every code path, fast
	$(bin)/scmbench run smoke $(narrow)

regress: $(stamp) ## the gate: train on small SCMs, stop if a reproduced number moved (under ten minutes)
	$(bin)/scmbench regress $(narrow)

test: $(stamp) ## unit tests and doctests
	$(bin)/pytest

test-slow: $(stamp) ## the tests that take minutes
	$(bin)/pytest -m slow

test-notebooks: $(stamp) ## the documentation's notebooks, each in a kernel
	$(bin)/pip install -q --constraint constraints.txt -e '.[docs]'
	$(bin)/pytest -m notebook tests/test_notebooks.py

fuzz: $(stamp) ## every command on ever new hostile arguments and files, for MINUTES
	end=$$(( $$(date +%s) + 60 * $(MINUTES) )); while [ $$(date +%s) -lt $$end ]; do \
	  timeout $$(( end - $$(date +%s) + 1 )) $(bin)/pytest tests/fuzz --hypothesis-profile=fuzz-long \
	    --hypothesis-seed=$$(date +%s) -x -q; code=$$?; [ $$code = 0 ] || [ $$code = 124 ] || exit $$code; done

lint: $(stamp) ## ruff: rules and formatting
	$(bin)/ruff check .
	$(bin)/ruff format --check .

# Type checkers cannot follow the renaming of folders to scmbench.*; a tree of links shows them the package as installed.
types: $(stamp) links ## pyright
	$(bin)/pyright --pythonpath $(bin)/python

links:
	@mkdir -p build/types/scmbench
	@for room in datasets models metrics benchmarks results; do ln -sfn ../../../$$room build/types/scmbench/$$room; done

numbers: $(stamp) ## every table and figure of the README and of pages on results, from the committed runs, no training
	$(bin)/python docs/tally.py --write
	$(bin)/python docs/arena.py --write
	$(bin)/scmbench community table --out docs/numbers/community.md > /dev/null
	for suite in paper ablation vaca-quirks carefl-quirks fmri causal-nf causal-nf-violations theory confounding inversion image image-proxies arena learning; do \
	  $(bin)/scmbench report $$suite --from committed --out docs/numbers/$$suite > /dev/null || exit 1; done

docs: $(stamp) links numbers ## the documentation as a site in build/site
	$(bin)/pip install -q --constraint constraints.txt -e '.[docs]'
	$(bin)/python docs/catalogue.py
	NO_MKDOCS_2_WARNING=1 $(bin)/mkdocs build --strict --quiet

check: lint types test ## all that a pull request must pass

format: $(stamp) ## let ruff rewrite
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

bench: $(stamp) ## speed benchmarks, each beside its plain counterpart
	$(bin)/pytest benchmarks/speed -m '' --benchmark-json=results/runs/speed.json

clean: ## remove the environment and build products (results stay)
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache
