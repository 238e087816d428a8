# Needs Python 3.10+ with venv, and make; everything else is installed into environments in here.
#
#   make demo PYTHON=/path/to/python3.12

PYTHON ?= python3
WORKERS ?= 2

DEMO := .venv-demo/bin
TEST := .venv-test/bin
TEMPORAL := .venv-temporal/bin
PROJECT := .demo/my_scheduler

say = @printf '\n== %s\n'

.DEFAULT_GOAL := help
.PHONY: help demo test lint test-fast test-slow test-matrix test-temporal test-postgres test-environments test-hosts hosts-env mutants bench bench-engine bench-temporal bench-validate crash load modes clean demo-env test-env

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r target what; do printf '%-18s %s\n' "$$target" "$$what"; done

demo: demo-env ## write an extension, install, validate and test it
	$(say) "1 of 4: write an extension for a scheduler called my_scheduler"
	rm -rf $(PROJECT)
	$(DEMO)/metaflow-orchestrator-scaffold my_scheduler $(PROJECT)
	$(say) "2 of 4: install it; Metaflow finds it from then on"
	$(DEMO)/pip install --quiet --no-build-isolation --no-deps --editable $(PROJECT)
	$(say) "3 of 4: read its code, and hold it to the contract"
	$(DEMO)/metaflow-orchestrator-validate $(PROJECT)
	$(say) "4 of 4: deploy and run flows on its engine, about three minutes on two cores"
	$(DEMO)/metaflow-orchestrator-test --scheduler-type my_scheduler

test: lint test-fast test-slow ## every check of the kit: style, types, fast and slow tests

lint: test-env ## style and types
	$(say) "Style and types"
	$(TEST)/ruff check .
	$(TEST)/ruff format --check .
	$(TEST)/mypy
	MYPYPATH=tools $(TEST)/mypy --strict tools/*.py action/*.py

test-fast: test-env ## the tests that start no flow
	$(say) "Fast tests"
	$(TEST)/python -m pytest -q -n $(WORKERS) -m "not slow"

test-slow: test-env ## the tests that start flows
	$(say) "Slow tests: real flows, $(WORKERS) at a time, some minutes"
	$(TEST)/python -m pytest -q -n $(WORKERS) -m slow

test-matrix: ## the fast tests on the oldest and newest Python and Metaflow
	$(say) "Fast tests on both ends of what is supported"
	@tools/check-python.sh "$(PYTHON)"
	$(PYTHON) tools/matrix.py -n $(WORKERS)

test-temporal: test-env hosts-env ## the Temporal engine: contract, faults, replays, cases
	$(say) "Contract, faults and replays, on a server of their own"
	$(TEST)/python -m pytest -v -m "slow or temporal or not temporal" tests/kit_modules/test_temporal_*.py
	$(say) "The compliance suite, with one worker and with three"
	for workers in 1 3; do \
		METAFLOW_USER=$${METAFLOW_USER:-tester} $(TEMPORAL)/python \
			-m metaflow_extensions.my_temporal.plugins.my_temporal.temporal_dev --workers $$workers \
			$(TEMPORAL)/metaflow-orchestrator-test --scheduler-type my_temporal || exit 1; \
	done

test-postgres: test-env ## the embedded engine on PostgreSQL: store, machines
	$(say) "Statements, machines and hosts that die, are paused or cut off, on a server of their own"
	$(TEST)/python -m pytest -v -m "slow or postgres or not postgres" tests/kit_modules/test_embedded_store.py tests/kit_modules/test_embedded_lease.py tests/kit_modules/test_embedded_machines.py tests/kit_modules/test_embedded_hosts.py

test-environments: test-env ## steps under @pypi and uv, from the package index
	$(say) "Interpreters of their own: some minutes, most of them pip's"
	$(TEST)/python -m pytest -v -m "slow or environments" tests/kit_modules/test_interpreters.py

test-hosts: hosts-env ## Temporal workers that share no file: cases, faults; root
	$(say) "The code package, on two hosts without a file of the deployer"
	METAFLOW_USER=$${METAFLOW_USER:-tester} $(TEMPORAL)/python \
		-m metaflow_extensions.my_temporal.plugins.my_temporal.temporal_dev --hosts 2 \
		$(TEMPORAL)/metaflow-orchestrator-test --scheduler-type my_temporal --timeout 900 \
		--select CODE_PACKAGE
	$(say) "Faults: the network cut, errors of the store, a host killed"
	$(TEMPORAL)/python tests/kit_modules/distributed.py

hosts-env:
	$(say) "An extension with the engine, installed apart"
	@$(PYTHON) tools/environment.py .venv-temporal '.[dev]' boto3 'moto[s3,server]'
	rm -rf .temporal/my_temporal
	$(TEMPORAL)/metaflow-orchestrator-scaffold my_temporal .temporal/my_temporal --engine temporal
	$(TEMPORAL)/pip install --quiet --no-build-isolation --no-deps --editable .temporal/my_temporal
	$(TEMPORAL)/metaflow-orchestrator-validate .temporal/my_temporal

mutants: test-env ## try every broken extension; MUTANTS="--resume" or names
	$(say) "Every mutant: a quarter of an hour on two cores"
	$(TEST)/python tests/mutants $(MUTANTS) $(if $(MUTANTS),,--write docs/mutants.md)

bench: demo-env ## measure the suite against its flows in turn; BENCH=--all
	$(say) "An extension to measure"
	rm -rf $(PROJECT)
	$(DEMO)/metaflow-orchestrator-scaffold my_scheduler $(PROJECT) >/dev/null
	$(DEMO)/pip install --quiet --no-build-isolation --no-deps --editable $(PROJECT)
	$(say) "The suite, against running its flows in turn"
	$(DEMO)/python benchmarks/suite_vs_local_run.py --scheduler-type my_scheduler $(BENCH)

bench-engine: test-env ## measure the embedded engine; at most 15 minutes
	$(TEST)/python benchmarks/engine_speed.py

bench-temporal: test-env ## measure the Temporal engine; a few minutes
	$(TEST)/python benchmarks/temporal_speed.py

bench-validate: test-env ## measure the validator; at most 20 minutes
	$(TEST)/python benchmarks/validate_speed.py --extremes || [ $$? = 1 ]

crash: test-env ## kill processes of runs 200 times; compare the runs
	$(TEST)/python tests/kit_modules/crashing.py --kills 200

load: test-env ## start 100 runs of 10 flows at once
	$(TEST)/python tests/kit_modules/loading.py

modes: demo-env test-env ## the suite with forked and with fresh steps, compared
	$(say) "An extension to try in both modes"
	rm -rf $(PROJECT)
	$(DEMO)/metaflow-orchestrator-scaffold my_scheduler $(PROJECT) >/dev/null
	$(DEMO)/pip install --quiet --no-build-isolation --no-deps --editable $(PROJECT)
	$(say) "The compliance suite: steps forked, then each in a fresh interpreter"
	METAFLOW_MY_SCHEDULER_WARM=1 $(DEMO)/metaflow-orchestrator-test --scheduler-type my_scheduler
	METAFLOW_MY_SCHEDULER_WARM=0 $(DEMO)/metaflow-orchestrator-test --scheduler-type my_scheduler
	$(say) "What the tasks of the same flows leave, in both modes"
	$(TEST)/python tests/kit_modules/comparing_modes.py

clean: ## remove the environments, the demo and all caches
	rm -rf .venv-demo .venv-test .venv-matrix .venv-temporal .demo .temporal dist build
	rm -rf .mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# setuptools and cronsim: what the generated project is built with and needs, so that the demo needs
# no network once this is installed.
demo-env:
	@tools/check-python.sh "$(PYTHON)"
	$(say) "Environment of the demo"
	@$(PYTHON) tools/environment.py .venv-demo '.[test]' 'setuptools>=70.1' 'cronsim>=2.6'

test-env:
	@tools/check-python.sh "$(PYTHON)"
	$(say) "Environment of the tests"
	@$(PYTHON) tools/environment.py .venv-test '.[dev]'
