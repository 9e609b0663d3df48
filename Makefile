.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes
# A file stays on one worker. Those of the whole mostly wait, so they run beside the others.
TOGETHER := -n $(shell nproc) --dist loadfile
WHOLE := tests/contract tests/chaos tests/browser
AGAIN := --last-failed --last-failed-no-failures none

help: ## What there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.run: requirements.lock
	@test -x $(PY) || python3 -m venv $(VENV)
	$(INSTALL) -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock
	@test -x $(PY) || python3 -m venv $(VENV)
	$(INSTALL) -r $<
	@touch $(VENV)/.run $@

run: $(VENV)/.run ## Start the console and the sample estate (ESTATE=none for without)
	@exec $(PY) manage.py up

test: $(VENV)/.dev ## Run every test
	$(PY) -m pytest

types: $(VENV)/.dev
	$(VENV)/bin/mypy aiops_site telemetry incidents automation

style: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/djlint templates --lint --quiet
	$(PY) -m benchmarks.vendored
	$(PY) manage.py check --fail-level WARNING
	AIOPS_PUBLIC_URL=https://console.example $(PY) manage.py check --deploy --fail-level WARNING
	$(PY) manage.py makemigrations --check --dry-run

measured: $(VENV)/.dev
	$(PY) -m coverage run -m pytest $(TOGETHER) -o cache_dir=.cache/measured -m "not whole" || test $$? = 1

whole: $(VENV)/.dev
	$(PY) -m pytest $(TOGETHER) -o cache_dir=.cache/whole --no-loadscope-reorder $(WHOLE) || test $$? = 1

# Tests of real processes race with whatever else the machine does: what failed is tried once more, alone.
# (pytest ends with 1 when a test failed, and with 5 when there is nothing to try again.)
check: $(VENV)/.dev ## Everything that has to be clean before a change lands
	rm -rf .cache
	$(MAKE) --jobs=2 --output-sync types style
	$(PY) -m coverage erase
	$(MAKE) --jobs=2 --output-sync measured whole
	$(PY) -m pytest -o cache_dir=.cache/measured $(AGAIN) || test $$? = 5
	$(PY) -m pytest -o cache_dir=.cache/whole $(AGAIN) || test $$? = 5
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

format: $(VENV)/.dev ## Put the code in its form
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format .

lock: $(VENV)/.dev ## Renew the locks from pyproject.toml
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml --extra dev -o requirements-dev.lock
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml -c requirements-dev.lock -o requirements.lock

bench: $(VENV)/.dev ## The figures of README, with the machine
	$(PY) -m benchmarks

.PHONY: help run test types style measured whole check format lock bench
