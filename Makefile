.DEFAULT_GOAL := help
SHELL := /usr/bin/env bash
PYTHON_BIN := .venv/bin

# To use other ports: `make demo AIRFLOW_PORT=8090 LOCAL_AWS_PORT=4577`.
export AIRFLOW_PORT ?= 8080
export LOCAL_AWS_PORT ?= 4566
export PYTHONPATH := $(CURDIR)/plugins:$(CURDIR)/include

.PHONY: help setup lock demo local-aws up loop down check check-js format test test-slow test-all coverage parameters screenshots vendor package deploy destroy chaos bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## create .venv with everything the project needs
.venv/.ready: requirements-dev.txt requirements.txt scripts/setup
	@echo "Setting up .venv (about a minute, once)"
	@scripts/setup

lock: .venv/.ready ## resolve requirements-dev.in again, under MWAA's constraints
	.tools/bin/uv pip compile --quiet --upgrade --only-binary :all: --python $(PYTHON_BIN)/python --no-emit-index-url --no-header \
		--no-annotate requirements-dev.in --output-file requirements-dev.txt

demo: .venv/.ready ## run the whole loop on this machine with a real model that improves; takes about six minutes
	@$(PYTHON_BIN)/python -m demo

local-aws: .venv/.ready ## run only the local AWS endpoint, in the foreground
	@exec $(PYTHON_BIN)/python -m local_aws

up: .venv/.ready ## start the local AWS endpoint and Airflow in the background
	@$(PYTHON_BIN)/python -m local_stack up

loop: .venv/.ready ## add a loop to the running stack: make loop LOOP=logos LABELS=cat,dog
	@$(PYTHON_BIN)/python -m local_stack loop "$(LOOP)" --labels "$(LABELS)"

down: .venv/.ready ## stop the local AWS endpoint and Airflow
	@$(PYTHON_BIN)/python -m local_stack down

check: .venv/.ready ## run the linter and check formatting, types and import rules, as CI does
	$(PYTHON_BIN)/ruff check .
	$(PYTHON_BIN)/ruff format --check .
	$(PYTHON_BIN)/mypy
	$(PYTHON_BIN)/lint-imports

check-js: node_modules/.ready ## lint, type-check and unit-test the console's scripts; needs Node 20 and npm
	node_modules/.bin/eslint --max-warnings 0 eslint.config.js plugins/label_loop/console/static tests/javascript
	node_modules/.bin/tsc
	node --test tests/javascript/*.test.js
node_modules/.ready: package.json package-lock.json .npmrc
	npm ci --loglevel=error
	@touch $@

format: .venv/.ready ## format the code and fix what the linter can
	$(PYTHON_BIN)/ruff check --fix .
	$(PYTHON_BIN)/ruff format .

test: .venv/.ready ## test the main cases of each part in about six minutes; needs only this checkout
	$(PYTHON_BIN)/python -m pytest --numprocesses 3 -m "not real and not slow" $(PYTEST)

test-slow: .venv/.ready ## run the slow tests, with a real Airflow, a browser and a cluster; needs Chromium, PostgreSQL and Redis
	$(PYTHON_BIN)/python -m pytest --numprocesses 3 -m "real or slow" $(PYTEST)

test-all: test test-slow ## run all tests, in about 22 minutes on two cores

coverage: .venv/.ready ## measure the branch coverage of the tests that start no real process
	$(PYTHON_BIN)/python -m pytest --numprocesses 2 -m "not real" --cov=label_loop --cov-branch --cov-report=term $(PYTEST)

chaos: .venv/.ready ## run the fault-injection tests in full; takes hours
	CHAOS=whole $(PYTHON_BIN)/python -m pytest tests/chaos tests/simulation tests/airflow/test_restarts.py tests/cluster

bench: .venv/.ready ## measure calls, throughput and memory, compared with the AWS sample; takes half an hour
	@$(PYTHON_BIN)/python -m bench

parameters: .venv/.ready ## generate the parameter tables in the documentation
	@$(PYTHON_BIN)/python scripts/write_parameters.py

screenshots: .venv/.ready ## take screenshots of the console in the running stack; needs Chromium
	@$(PYTHON_BIN)/python scripts/screenshots.py

vendor: ## copy the console's browser libraries, in the versions of package-lock.json; needs npm
	@scripts/vendor

package: ## build the package for Amazon MWAA in build/: plugins.zip, requirements.txt, dags/
	@python3 scripts/package.py

deploy: .venv/.ready ## deploy to Amazon MWAA: make deploy STACK=name LOOPS=a,b EMAIL=…; with DRY_RUN=1, only show what would be done
	@$(PYTHON_BIN)/python -m deployment deploy "$(STACK)" --loops "$(LOOPS)" --email "$(EMAIL)" --labels "$(LABELS)" \
		--policies "$(POLICIES)" --region "$(REGION)" $(foreach setting,$(SET),--set "$(setting)") $(OPTIONS)

destroy: .venv/.ready ## remove what is billed by the hour: make destroy STACK=name; with DRY_RUN=1, only show what would be done
	@$(PYTHON_BIN)/python -m deployment destroy "$(STACK)" --region "$(REGION)"
