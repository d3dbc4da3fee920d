# Every command a newcomer needs. `make help` lists them.
VENV ?= .venv
PY := $(VENV)/bin/python
.DEFAULT_GOAL := help
.PHONY: help demo test test-postgres check soak fix bench clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/runtime: requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/development: $(VENV)/runtime requirements-dev.txt requirements-train.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/benchmarks: $(VENV)/development requirements-bench.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

demo: $(VENV)/runtime ## Sandbox, site and worker in this terminal; the first import runs by itself
	@$(PY) manage.py demo

test: $(VENV)/development ## The whole test suite
	@$(PY) -m pytest -n 2

test-postgres: $(VENV)/development ## What touches the database, on a throwaway PostgreSQL (Debian: postgresql)
	@pg_virtualenv -t sh -c 'TEST_DATABASE_URL=postgres://$$PGUSER:$$PGPASSWORD@$$PGHOST:$$PGPORT/postgres \
	  $(PY) -m pytest -n 2 -m "not large" tests/contacts tests/matching tests/admin tests/scenarios tests/test_commands.py'

check: $(VENV)/development ## Lint, types, templates, migrations, deployment settings
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	SANDBOX_URL=http://127.0.0.1:9500 $(VENV)/bin/mypy contacts matching xero karbon karbonsync sandbox
	$(VENV)/bin/djlint templates --check --lint --quiet
	SANDBOX_URL=http://127.0.0.1:9500 $(PY) manage.py makemigrations --check --dry-run
	SITE_URL=https://sync.example SECRET_KEY=$$($(PY) -c "import secrets; print(secrets.token_urlsafe(60))") \
	FIELD_ENCRYPTION_KEYS=$$($(PY) -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())") \
	XERO_CLIENT_ID=x XERO_CLIENT_SECRET=x KARBON_BEARER_TOKEN=x KARBON_ACCESS_KEY=x \
	$(PY) manage.py check --deploy --fail-level WARNING

MINUTES ?= 20
soak: $(VENV)/development ## Random histories with faults and deaths, MINUTES=20 by default
	@$(PY) -m tests.proof.soak --minutes $(MINUTES)

fix: $(VENV)/development ## Format and repair what can be repaired
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(VENV)/benchmarks ## Benchmarks: one table, and JSON in bench/results/; MATCH_DATA=FOLDER adds the matching set
	@MATCH_DATA=$(MATCH_DATA) SANDBOX_URL=http://127.0.0.1:9500 $(PY) -m bench

clean: ## Remove what demo and tests left behind
	rm -rf .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
