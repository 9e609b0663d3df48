.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
PIP_FLAGS := --quiet --disable-pip-version-check --require-hashes

help: ## What there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.run: requirements.lock
	@test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install $(PIP_FLAGS) -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(PY) -m pip install $(PIP_FLAGS) -r requirements-dev.lock
	@touch $@

run: $(VENV)/.run ## Start the console and the sample estate (ESTATE=none for without)
	@exec $(PY) manage.py up

test: $(VENV)/.dev ## Run every test
	$(PY) -m pytest

# Tests of real processes race with whatever else the machine does: what failed is tried once more, alone.
check: $(VENV)/.dev ## Everything that has to be clean before a change lands
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy aiops_site telemetry incidents automation
	$(VENV)/bin/lint-imports
	$(VENV)/bin/djlint templates --lint --quiet
	$(PY) -m benchmarks.vendored
	$(PY) manage.py check --fail-level WARNING
	AIOPS_PUBLIC_URL=https://console.example $(PY) manage.py check --deploy --fail-level WARNING
	$(PY) manage.py makemigrations --check --dry-run
	$(VENV)/bin/coverage run -m pytest || $(VENV)/bin/coverage run -m pytest --last-failed --last-failed-no-failures none
	$(VENV)/bin/coverage combine --quiet; $(VENV)/bin/coverage report

format: $(VENV)/.dev ## Put the code in its form
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format .

lock: $(VENV)/.dev ## Renew the locks from pyproject.toml
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml --extra dev -o requirements-dev.lock
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml -c requirements-dev.lock -o requirements.lock

bench: $(VENV)/.dev ## The figures of README, with the machine
	$(PY) -m benchmarks

.PHONY: help run test check format lock bench
