# Every developer command; `make` alone prints them. The first one that needs it installs .venv.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

BIN := .venv/bin
INSTALLED := .venv/.installed
PYTEST := $(BIN)/python -m pytest
MIGRATIONS = $$(find services shared -path '*/migrations/*.sql' | sort)

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

# What changes the environment; relative names, so that the path above may hold spaces.
$(INSTALLED): uv.lock pyproject.toml deploy/install.sh
	@PYTHON="$(PYTHON)" sh deploy/install.sh
	@touch $@

.PHONY: install
install: $(INSTALLED) ## make .venv from uv.lock (the others do it when it is needed)

.PHONY: run
run: $(INSTALLED) ## start everything with the demo; ARGS="--no-demo --port-base 8000" are passed on
	@exec $(BIN)/python -m deploy.cli.entry up $(ARGS)

.PHONY: test
test: $(INSTALLED) ## every test but the long ones; ARGS="-k coupon" are passed on
	@$(PYTEST) -n 3 --dist loadfile $(ARGS)

.PHONY: check
check: $(INSTALLED) ## lint, format, types, import rules, migrations, dependencies, generated docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -c 'from importlinter.cli import lint_imports_command as main; main()'
	@$(BIN)/squawk $(MIGRATIONS)
	@$(BIN)/deptry .
	@$(BIN)/python -m deploy.docs --check

.PHONY: unit
unit: $(INSTALLED) ## tests without servers: tables, rules, properties
	@$(PYTEST) tests/unit $(ARGS)

.PHONY: integration
integration: $(INSTALLED) ## one service at a time against real PostgreSQL and NATS
	@$(PYTEST) tests/integration tests/contracts $(ARGS)

.PHONY: system
system: $(INSTALLED) ## all services as processes
	@$(PYTEST) tests/system $(ARGS)

.PHONY: bench
bench: $(INSTALLED) ## figures: deliveries a second, latencies, memory (prints cores, payload, fsync)
	@$(PYTEST) -m soak -s tests/benchmarks $(ARGS)

.PHONY: race
race: $(INSTALLED) ## 64 terminals race for each of 1,000 coupons
	@$(PYTEST) -m soak -s tests/system/test_race.py $(ARGS)

.PHONY: refund-race
refund-race: $(INSTALLED) ## a refund and a redemption fired together at each of 5,000 coupons
	@$(PYTEST) -m soak -s tests/system/test_refund_race.py $(ARGS)

.PHONY: chaos
chaos: $(INSTALLED) ## kill -9 of every service in mid-stream, NATS away for a minute
	@$(PYTEST) -m soak -s tests/system/test_chaos.py $(ARGS)

.PHONY: rehearsal
rehearsal: $(INSTALLED) ## a live show of 20,000 orders with every fault of the platform
	@$(PYTEST) -m soak -s tests/system/test_rehearsal.py $(ARGS)

.PHONY: fuzz
fuzz: $(INSTALLED) ## send every service what its OpenAPI document allows and forbids, for a long time
	@$(PYTEST) -o addopts="--strict-markers -ra -m soak" tests/system/test_fuzz.py $(ARGS)

.PHONY: bench-short race-short refund-race-short chaos-short rehearsal-short fuzz-short
bench-short race-short refund-race-short chaos-short rehearsal-short fuzz-short:
	@QIAO_SHORT=1 $(MAKE) $(@:-short=)

.PHONY: docs
docs: $(INSTALLED) ## write the generated documents anew
	@$(BIN)/python -m deploy.docs

.PHONY: env
env: ## write .env with fresh secrets for docker-compose.yml, unless there is one
	@sh deploy/env.sh

.PHONY: lock
lock: $(INSTALLED) ## bring uv.lock to the newest versions that pyproject.toml allows
	@.venv/.uv/bin/uv lock --upgrade
	@$(MAKE) install

.PHONY: clean
clean: ## remove what tools and tests left; .venv and .qiao (your data) stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
