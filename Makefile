# The template's own commands. A fresh machine needs Python 3.11 or newer, and make.

PYTHON ?= python3
PORT ?= 8000

PAYLOAD := {{cookiecutter.project_slug}}
BIN := .venv/bin
DEMO := build/wine-cultivars
SOURCES := cookiecutter.json $(shell find hooks templates '$(PAYLOAD)' -type f)

# cookiecutter copies whatever is in the project's folder, so caches must be elsewhere.
export RUFF_CACHE_DIR := $(CURDIR)/.cache/ruff
# If it were set, pandas and scikit-learn would be compiled at every start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo project test test-all tests tests-all test-image test-examples test-mlflow conformance fuzz soak soak-tasks soak-rollouts rollout-pictures hostile decoding lint types lock reference grpc fidelity \
	bench bench-quick bench-codecs bench-models bench-startup bench-instructions bench-flame bench-worker bench-metrics bench-tasks bench-batch bench-grpc \
	bench-alternatives bench-load clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 20

demo: project  ## make a project, train its model, serve it on PORT (8000) and get predictions
	@$(DEMO)/.venv/bin/python tools/demo.py $(DEMO) --port $(PORT)

test: lint  ## lint, types, and every test that is not long: a quarter of an hour on two cores
	@$(MAKE) --no-print-directory --jobs=2 types tests

test-all: lint  ## every test: nightly, and before a release
	@$(MAKE) --no-print-directory --jobs=2 types tests-all

tests: .venv/.complete
	@echo "== tests"
	@$(BIN)/pytest -m "not long"

tests-all: .venv/.complete
	@echo "== all tests"
	@$(BIN)/pytest --hypothesis-profile=thorough --cov --cov-report=term-missing:skip-covered

test-image: .venv/.complete  ## build the image and run it, alone and from its Kubernetes manifest; needs buildah and podman
	@$(BIN)/pytest tests/live_image.py --numprocesses=0 --capture=no

fuzz: .venv/.complete  ## an hour of damaged bodies for every decoder; the corpus stays in .cache/fuzz; MINUTES=5, ONLY="xls v2"
	@MINUTES='$(MINUTES)' PYTHONPATH='$(PAYLOAD):tests:tests/fuzz' PYTHONPYCACHEPREFIX=.cache/pycache \
		$(BIN)/python tests/fuzz/fuzz_run.py $(ONLY)

test-examples: .venv/.complete  ## the examples with the real tools, each in an environment of its own, and what they measure
	@$(BIN)/pytest tests/examples tests/rollouts/test_example_rollouts.py

test-mlflow: .venv/.complete  ## the tests about MLflow and the Open Inference Protocol
	@$(BIN)/pytest $(wildcard tests/test_*mlflow*.py tests/*/test_*mlflow*.py \
		tests/test_*v2*.py tests/*/test_*v2*.py)

conformance: .venv/.complete  ## compare the responses of MLflow's server and this one, request by request
	@mkdir -p .cache
	@PYTHONPYCACHEPREFIX='$(CURDIR)/.cache/pycache' $(BIN)/python tests/conformance.py 2>.cache/conformance.log \
		|| { code=$$?; tail -n 20 .cache/conformance.log; exit $$code; }

lint: .venv/.complete  ## ruff: errors and format
	@echo "== ruff"
	@$(BIN)/ruff check --config pyproject.toml .
	@$(BIN)/ruff format --config pyproject.toml --check .

types: .venv/.complete  ## mypy --strict
	@echo "== mypy"
	@$(BIN)/mypy

lock: .venv/.cookiecutter  ## upgrade every pinned version, here and in the project, together
	@$(BIN)/python tools/lock.py

reference: .venv/.complete  ## write docs/descriptors.md from the docstrings
	@PYTHONPYCACHEPREFIX=.cache/pycache $(BIN)/python tools/reference.py

grpc: .venv/.complete  ## compile the messages of gRPC: mmf_core/grpc/descriptors.binpb
	@$(BIN)/python tools/grpc_descriptors.py

fidelity: .venv/.complete  ## measure what survives each format, for docs/fidelity.md
	@PYTHONPATH='$(PAYLOAD)' PYTHONPYCACHEPREFIX=.cache/pycache $(BIN)/python tests/core/fidelity_page.py

soak: .venv/.complete  ## twenty minutes of load with faults, for docs/reliability.md; ONLY="kills soak"
	@PYTHONPATH='$(PAYLOAD):tests:tests/faults' PYTHONPYCACHEPREFIX=.cache/pycache $(BIN)/python tests/faults/faults_page.py $(ONLY)

soak-tasks: .venv/.complete  ## five minutes of tasks with faults, for docs/reliability.md; MINUTES=60, ONLY="stops reloads"
	@MINUTES='$(MINUTES)' PYTHONPATH='$(PAYLOAD):tests:tests/faults' PYTHONPYCACHEPREFIX=.cache/pycache \
		$(BIN)/python tests/faults/task_faults_page.py $(ONLY)

soak-rollouts: .venv/.complete  ## half an hour of rollouts under load, for docs/reliability.md; TIMES=5, ONLY="sticky steps"
	@TIMES='$(TIMES)' PYTHONPATH='$(PAYLOAD):tests:tests/faults:tests/rollouts' PYTHONPYCACHEPREFIX=.cache/pycache \
		$(BIN)/python tests/rollouts/rollout_faults_page.py $(ONLY)

rollout-pictures: .venv/.complete  ## draw the course of a rollout by each strategy: docs/images/rollout-NAME.svg; ONLY="canary"
	@PYTHONPATH='$(PAYLOAD):tests:tests/faults:tests/rollouts' PYTHONPYCACHEPREFIX=.cache/pycache \
		$(BIN)/python tests/rollouts/rollout_pictures.py $(ONLY)

decoding: .venv/.complete  ## how long each format takes for what is slow to decode, for docs/reliability.md
	@PYTHONPATH='$(PAYLOAD):tests:tests/hostile' PYTHONPYCACHEPREFIX=.cache/pycache \
		$(BIN)/python tests/hostile/decoding_times.py

hostile: .venv/.complete  ## the worst inputs against a live service, for docs/reliability.md; MINUTES=60, ONLY="npy YAML"
	@MINUTES='$(MINUTES)' PYTHONPATH='$(PAYLOAD):tests:tests/hostile' PYTHONPYCACHEPREFIX=.cache/pycache \
		$(BIN)/python tests/hostile/hostile_run.py $(ONLY)

bench-startup: project  ## time from start to first response, beside a bare Flask app
	@$(DEMO)/.venv/bin/python benchmarks/startup.py $(DEMO)

bench-codecs: .venv/.complete  ## every table format beside other libraries, from one row to 100,000
	@$(BIN)/python benchmarks/codecs.py

bench-models: .venv/.complete  ## every model format: size, load time, one row
	@$(BIN)/python benchmarks/models.py

bench-instructions: .venv/.complete  ## count the instructions of a one-row request, by part; AGAINST=commit KEEP=1, or what a capability costs: WITH=token WITHOUT=rollouts; needs valgrind
	@$(BIN)/python benchmarks/instructions.py $(if $(AGAINST),--against $(AGAINST)) $(if $(KEEP),--keep) $(if $(WITH),--with $(WITH)) $(if $(WITHOUT),--without $(WITHOUT))

bench-flame: .venv/.complete  ## draw where the time of a one-row request goes: docs/images/flame-NAME.svg
	@$(BIN)/python benchmarks/flame.py $(or $(NAME),after)

bench-alternatives: .venv/.complete  ## parts of the service beside libraries for the same, for docs/decisions.md
	@$(BIN)/python benchmarks/alternatives.py

bench-worker: .venv/.complete  ## what gunicorn's own gthread does not keep, beside our worker
	@$(BIN)/python benchmarks/promises.py

bench-tasks: .venv/.complete  ## what a task costs beside a call, and how many a machine runs, beside huey; needs valgrind
	@PYTHONPATH='$(PAYLOAD)' PYTHONPYCACHEPREFIX=.cache/pycache $(BIN)/python benchmarks/tasks.py

bench-grpc: .venv/.complete  ## gRPC beside our REST and MLServer's gRPC: one row and 1,000; KEEP=1 writes docs/grpc.md; needs wrk
	@KEEP='$(KEEP)' $(BIN)/python benchmarks/grpc_calls.py

bench-batch: .venv/.complete  ## files of a million rows by `mmfmeta predict`, beside pandas by hand, polars and MLflow
	@$(BIN)/python benchmarks/batch_prediction.py

bench-metrics: .venv/.complete  ## what counting costs a request and `/metrics`
	@MMF_LOG_LEVEL=error PYTHONPATH='$(PAYLOAD)' PYTHONPYCACHEPREFIX=.cache/pycache \
		$(BIN)/python benchmarks/metrics.py

bench-load: project  ## ab and locust on the same service, for docs/load.md; needs ab
	@$(DEMO)/.venv/bin/python tools/ab_and_locust.py $(DEMO)

bench: .venv/.complete  ## every server beside ours, under an hour, for benchmarks/RESULTS.md; needs wrk and valgrind
	@$(BIN)/python benchmarks/instructions.py --against
	@$(BIN)/python benchmarks/codecs.py --rows 100000
	@$(BIN)/python benchmarks/memory.py
	@$(BIN)/python benchmarks/excel.py
	@$(BIN)/python benchmarks/run.py
	-@KEEP=1 $(BIN)/python benchmarks/grpc_calls.py

bench-quick: .venv/.complete  ## a part of it in five minutes, printed only; needs wrk
	@$(BIN)/python benchmarks/run.py --quick

clean:  ## remove what the other commands have made
	rm -rf .venv build .cache .hypothesis

.venv/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed. Try: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	@echo "== making .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements-dev.txt)"
	@touch $@

# The only one of the tests' tools that the demo needs.
.venv/.cookiecutter: requirements-dev.txt | .venv/.uv
	@echo "== installing cookiecutter"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements-dev.txt cookiecutter
	@touch $@

.venv/.complete: requirements-dev.txt | .venv/.uv
	@echo "== installing what the tests need"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements-dev.txt
	@touch $@ .venv/.cookiecutter

project: $(DEMO)/.baked
	@echo "== installing the project (an existing environment is kept)"
	@$(MAKE) --silent --no-print-directory -C $(DEMO) install model

# Baked over an existing project: .venv and the trained model stay, and mmf_core is replaced as a whole.
$(DEMO)/.baked: $(SOURCES) | .venv/.cookiecutter
	@echo "== making the project in $(DEMO)"
	@rm -rf $(DEMO)/mmf_core
	@$(BIN)/cookiecutter . --no-input --overwrite-if-exists --default-config --output-dir build >/dev/null
	@touch $@
