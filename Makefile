# `make` alone lists what there is. Everything else happens inside .venv, which the first target makes.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help demo demo-reset test test-system check bench bench-nlu bench-dialogues nlu screenshots lock translations deploy-staging clean program tools

# The first Python that is new enough; `make demo PYTHON=…` names another. Not looked for until it is needed.
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done), too-old)
BIN := .venv/bin

help:
	@echo 'make demo         everything on this machine: servers, the demo hotels, web, workers; Ctrl-C ends it'
	@echo 'make demo-reset   delete the data of the demo'
	@echo 'make test         the whole suite that needs nothing but Python packages'
	@echo 'make test-system  the tests that need Chromium and other programs; fails when one is missing'
	@echo 'make check        lint, types, import rules; migrations in step with models, the engine with its sentences'
	@echo 'make bench        the measurements; results in var/bench'
	@echo 'make nlu          train the engine on hotel_agent/nlu/sentences; needed when they or the word lists change'
	@echo 'make bench-nlu    how well guests are understood; FOLDS=folder for other folds, PARTS="a b" for parts'
	@echo 'make bench-dialogues  how often told stories hold; RUNS=4, STORIES=folder for other stories, ONLY=words'
	@echo 'make screenshots  the pictures in README and docs, taken anew of a demo of its own; needs Chromium'
	@echo 'make lock         requirements*.in -> requirements*.txt'
	@echo 'make translations gather the words of pages, bring the catalogs in step, compile them'
	@echo 'make deploy-staging  this commit to the machine that DEPLOY_TARGET describes (docs/deploying.md)'
	@echo 'make clean        delete .venv and caches; the data in var stays'
	@echo
	@echo 'PORT (8000), DATA_DIR (var/demo) and the other settings come from the environment or .env.'

demo: program
	@exec $(BIN)/python -m ops.demo

demo-reset: program
	@exec $(BIN)/python -m ops.demo reset

# Many tests wait for a time limit or another process, so that a few more of them than processors are at work.
test: PROCESSES := $(shell echo $$(( ($$(nproc 2>/dev/null || echo 2) * 3 + 1) / 2 )))
test: tools
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| echo 'not run: browser (apt install chromium)'
	@echo 'not run: system, chaos (make test-system)'

test-system: tools
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| { echo 'error: Chromium is missing: apt install chromium' >&2; exit 1; }
	@command -v promtool >/dev/null && command -v amtool >/dev/null \
		|| { echo 'error: Prometheus is missing: apt install prometheus prometheus-alertmanager' >&2; exit 1; }
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] \
		|| { echo 'error: nginx is missing: apt install nginx' >&2; exit 1; }
	@$(BIN)/python -m pytest -m 'system or browser or chaos' --timeout 900

check: tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_migrations.py
	$(BIN)/python -m hotel_agent.nlu.training --check
	@SECRET_KEY=x POSTGRES_PASSWORD=x VALKEY_PASSWORD=x PUBLIC_URL=x $(BIN)/docker-compose --profile '*' config -q
	@echo 'docker-compose.yml is well formed'

bench: tools
	@exec $(BIN)/python -m tests.load.bench

nlu: tools
	@exec $(BIN)/python -m hotel_agent.nlu.training

bench-nlu: tools
	@exec $(BIN)/python -m tests.nlu.bench $(PARTS) $(if $(FOLDS),--folds '$(FOLDS)')

bench-dialogues: tools
	@exec $(BIN)/python -m tests.dialogues.run $(if $(RUNS),--runs '$(RUNS)') \
		$(if $(STORIES),--stories '$(STORIES)') $(if $(ONLY),--only '$(ONLY)')

screenshots: tools
	@exec $(BIN)/python -m ops.screenshots

lock: tools
	$(BIN)/uv pip compile --universal --generate-hashes -p 3.11 --no-emit-index-url --no-emit-find-links \
		--no-header --quiet requirements.in -o requirements.txt
	$(BIN)/uv pip compile --universal --generate-hashes -p 3.11 --no-emit-index-url --no-emit-find-links \
		--no-header --quiet requirements-dev.in -o requirements-dev.txt

translations: WORDS := hotel_agent/translations
translations: tools
	@mkdir -p var
	$(BIN)/pybabel --quiet extract -F babel.cfg --no-location --sort-output --omit-header -o var/messages.pot .
	$(BIN)/pybabel --quiet update -i var/messages.pot -d $(WORDS) --no-fuzzy-matching --ignore-obsolete --no-wrap \
		--ignore-pot-creation-date
	$(BIN)/pybabel --quiet compile -d $(WORDS)

deploy-staging: program
	@exec $(BIN)/python -m ops.deploy staging

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis var/coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

program: PACKAGES := requirements.txt
tools: PACKAGES := requirements.txt requirements-dev.txt
program tools:
	@case '$(PYTHON)' in too-old) \
		echo 'error: Python 3.11 or newer is needed and none was found. Debian 12, Ubuntu 24.04: apt install' \
			'python3. Elsewhere: make demo PYTHON=/path/to/python3.12' >&2; exit 1;; esac
	@'$(PYTHON)' ops/bootstrap.py $(PACKAGES)
