VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := gateway addons tests

.DEFAULT_GOAL := help
.PHONY: help install test check demo demo-console demo-reports screenshots coverage dashboards bench decisions overview abuse monotone people results fuzz eval train lock format clean faults flips

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Install the locked packages and the project into .venv (PYTHON=... chooses the interpreter)

$(STAMP): requirements-dev.lock pyproject.toml scripts/install
	@scripts/install $(VENV)
	@touch $@

test: check ## Install, check, and run the tests, two at a time (ARGS="-k ledger" is passed to pytest)
	@scripts/test-programs
	$(BIN)/pytest --numprocesses $(or $(JOBS),2) --dist loadfile --no-loadscope-reorder $(ARGS)

check: install ## Lint, formatting, types and Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile

demo: install ## Send sample transfers through a gateway on this machine and show what arrives
	$(BIN)/onward demo

demo-console: install ## Send a quarter of traffic through a gateway on this machine and open the console on it
	$(BIN)/onward demo --console

demo-reports: install ## The same, and a sample of every report in every form, in build/reports
	$(BIN)/onward demo --reports build/reports

dashboards: install ## Write the Grafana dashboards anew from deploy/observability/grafana/dashboards.py
	$(BIN)/python deploy/observability/grafana/dashboards.py

screenshots: install ## Write docs/screenshots anew: every page of the console, on a desk and on a phone
	@scripts/test-programs
	ONWARD_SCREENSHOTS=docs/screenshots $(BIN)/pytest tests/console/test_looks.py

coverage: install ## Write docs/coverage.md anew from the tables of carriers and the corpus
	$(BIN)/python -m tests.carriers.coverage

bench: install ## Measure speed beside that of a plain mitmdump
	$(BIN)/python -m bench

recording: install ## Measure what the ledger costs the gateway, on SQLite and on PostgreSQL (ARGS=--help)
	$(BIN)/python -m bench.recording --postgres $(ARGS)

decisions: install ## Measure decisions with 5,000 agents and 1,000,000 opt-outs, reload (also under requests) and replay (ARGS=--help)
	$(BIN)/python -m bench.decisions $(ARGS)
	$(BIN)/python -m bench.reloading

overview: install ## Measure the console's overview over 10,000,000 decisions (a few minutes; ARGS=--help)
	$(BIN)/python -m bench.console $(ARGS)

results: install ## Run the tests and write build/results.json, which a self-assessment reads (onward assess make --results)
	@mkdir -p build
	ONWARD_RESULTS=build/results.json $(BIN)/pytest --numprocesses $(or $(JOBS),2) --dist worksteal $(ARGS)

people: install ## Measure the search for one person among 10,000,000 records on both databases (about 15 minutes; ARGS=--help)
	$(BIN)/python -m bench.people $(ARGS)

monotone: install ## Try over 50,000 generated cases that weaker assurance is never treated more mildly (about 10 minutes)
	$(BIN)/pytest tests/policy/test_monotony.py --hypothesis-profile=thorough --hypothesis-show-statistics $(ARGS)

abuse: install ## See what the gateway takes from many, slow and hostile clients, bombs and late inspection (about 10 minutes)
	$(BIN)/python -m bench.abuse
	$(BIN)/python -m bench.bombs
	$(BIN)/python -m bench.deadlines

fuzz: install ## Fuzz reading and detection (MINUTES for each target, TARGETS="decode"); goes on where it ended
	$(BIN)/pip install --quiet -r fuzz/requirements.txt
	$(BIN)/python -m fuzz --minutes $(or $(MINUTES),5) $(TARGETS)

eval: install ## Measure detection beside other tools (DATA=folder of labelled texts, ARGS="--report docs")
	$(BIN)/pip install --quiet -r bench/requirements.txt
	$(BIN)/python -m bench.detection --prepare $(if $(DATA),--data $(DATA)) $(ARGS)

WORK ?= build/training
TRAINING = $(WORK)/venv/bin/python -m training

train: install ## Train the model of names (DATA=folder of corpora, REPOSITORIES=..., VERSION=..., MINUTES=..., EAGERNESS=...)
	$(BIN)/python -m venv $(WORK)/venv
	$(WORK)/venv/bin/pip install --quiet -r training/requirements.txt
	$(if $(REPOSITORIES),$(TRAINING).gather --repositories $(REPOSITORIES) --out $(WORK)/gathered)
	test -f $(WORK)/texts.npz || $(TRAINING).prepare --data $(DATA) $(if $(REPOSITORIES),--data $(WORK)/gathered) \
		--out $(WORK)/texts.npz
	$(TRAINING).train $(WORK)/texts.npz --out $(WORK)/checkpoint.pt --minutes $(or $(MINUTES),120)
	$(TRAINING).package $(WORK)/texts.npz $(WORK)/checkpoint.pt --version $(VERSION) --eagerness $(or $(EAGERNESS),0)
	$(TRAINING).evaluate gateway/models/names-xx --data $(DATA)

faults: install ## Kill gateway, recorder and database 500 times under load and see that nothing is lost (over an hour)
	ONWARD_TEST_KILLS=$(or $(KILLS),100) LEDGER_KILLS=$(or $(KILLS),100) LEDGER_SERVER_KILLS=$(or $(KILLS),100) \
		RECORDER_KILLS=$(or $(KILLS),100) $(BIN)/pytest tests/end_to_end/test_kill.py tests/runtime/test_ledger.py \
		tests/runtime/test_ledger_server.py tests/runtime/test_recorder.py tests/runtime/test_ledger_file.py \
		-k "kill or disk or network or several" $(ARGS)

flips: install ## Flip 10,000 bits in a ledger on each database and see that every one is found
	LEDGER_FLIPS=$(or $(FLIPS),10000) $(BIN)/pytest tests/runtime/test_ledger_flips.py

lock: ## Resolve the lock files anew (UPGRADE=1 also moves what need not move)
	@scripts/lock $(if $(UPGRADE),--upgrade)

format: install ## Format the code and mend what can be mended safely
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean: ## Remove caches and built files; the environment stays (rm -r .venv removes it)
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(wildcard $(SOURCES) bench) -name __pycache__ -type d -prune -exec rm -rf {} +
