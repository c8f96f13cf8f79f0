# Every target sets itself up: `tools/setup` makes .venv when it is missing or pyproject.toml has changed.
.DEFAULT_GOAL := help
.SUFFIXES:
BIN := .venv/bin
export PYTHON

.PHONY: help setup run test check lint schema docs site bench reliability clean

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\): *[a-z ]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

setup:
	@tools/setup

run: setup ## Walk a runbook against a small broken service on this machine
	@$(BIN)/python examples/demo/run.py $(RUNBOOK)

test: setup ## Run all tests
	@tools/test_needs
	@tools/run_tests

check: lint ## Lint, types, imports, schema and docs up to date, tests
	@tools/test_needs
	@tools/run_tests --ignore tests/house/test_lint.py

lint: setup ## Lint, types, imports alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

schema: setup ## Write schemas/ anew from the kinds
	$(BIN)/python tools/schema.py

docs: setup ## Write what is generated in docs/ and the index of runbooks/ anew
	$(BIN)/python tools/states.py
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/runbook_index.py

site: setup ## Build the documentation as a site into build/site
	rm -rf build/site
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky -c tools/site -d build/site-cache . build/site
	@echo 'open build/site/index.html'

bench: setup ## Measure against the bars, with peers
	-@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python tools/bench.py

reliability: setup ## Perform every row of the reliability bar in full and print each
	@tools/test_needs
	$(BIN)/python tools/reliability.py

clean: ## Remove what was built, .venv included
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
