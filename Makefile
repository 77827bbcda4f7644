# One vocabulary of commands, for people, README and CI alike. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCK := uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links -q
# The servers that ours is measured beside: versions without hashes, they run on the author's machine alone.
PEERS := $(basename $(wildcard benchmarks/serve_peers/*.in))
LOCK_PEER := uv pip compile --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types unit test-slow test-cluster bench bench-scale bench-serve bench-images picture docs notebooks template-test sbom wheel licences audit bases sign verify images push compile-digests upload schedules rollout compile check-old-backend lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make the virtual environment with the locked dependencies (done by the others as needed)

$(INSTALLED): requirements/development.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Pawline needs Python 3.11 to 3.13. Received: {v[0]}.{v[1]}. Name another: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/development.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## Run the whole pipeline on the packaged sample
	$(BIN)/pawline run --sample

test: lint types unit ## Lint, types and tests

lint: setup ## Check style with ruff and the floors of the packages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache --no-logo

types: setup ## Check types with mypy
	$(BIN)/mypy

unit: setup ## Run the tests
	$(BIN)/python -m pytest -m "not slow and not cluster" -n 2

test-slow: setup ## Run the proofs that take minutes
	$(BIN)/python -m pytest -m slow

test-cluster: setup ## Run the tests on the cluster that KUBECONFIG and PAWLINE_KFP_HOST name (docs/cluster.md)
	$(BIN)/python -m pytest tests/cluster -v -rs

bench: setup ## Measure what docs/performance.md and docs/promotion.md quote
	$(BIN)/python -m benchmarks.extract
	$(BIN)/python -m benchmarks.million
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.read_amplification
	$(BIN)/python -m benchmarks.train
	$(BIN)/python -m benchmarks.evaluate
	$(BIN)/python -m benchmarks.promotion

bench-scale: setup ## Measure 12,500 to 200,000 images end to end (about an hour)
	$(BIN)/python -m benchmarks.scale --update

bench-serve: setup ## Measure serving beside other model servers (needs wrk and hey; about 40 minutes)
	$(BIN)/python -m benchmarks.serve --update

bench-images: setup ## Measure the steps' images on the cluster that KUBECONFIG names
	$(BIN)/python -m benchmarks.images --update

picture: setup ## Draw the README's picture anew (needs Chromium)
	$(BIN)/python -m benchmarks.picture

docs: setup ## Build the documentation as a site, build/docs/index.html
	$(BIN)/python -m sphinx -q -W -n -b html docs build/docs

notebooks: setup ## Run every notebook from its first cell to its last (a few minutes)
	$(BIN)/jupyter-execute $(wildcard notebooks/*.ipynb)

sbom: wheel ## List what is in the images and the wheel, in CycloneDX, in dist/
	$(BIN)/python -m delivery.sbom

wheel: setup ## Build the wheel into dist/, the same bytes each time
	$(BIN)/python -m delivery.wheel

licences: setup ## Check the licence of every package that is delivered
	$(BIN)/python -m delivery.licences

audit: setup ## Check that none is known to be vulnerable (AUDIT=--online: by an advisory service, or fail)
	$(BIN)/python -m delivery.advisories $(AUDIT)

bases: setup ## Renew the digests of the images that ours build on (needs their registry)
	$(BIN)/python -m delivery.bases

sign: setup ## Sign what lies in dist/, by PAWLINE_SIGNING_KEY (docs/security.md)
	$(BIN)/python -m delivery.seal sign

verify: setup ## Verify what lies in dist/, by PAWLINE_TRUSTED_KEY
	$(BIN)/python -m delivery.seal verify

template-test: setup ## Run the tests of a project that `pawline new` writes
	$(BIN)/python -m pytest tests/pipeline/project/test_new_project.py

# What a delivery is made of, in this order; ci/ has it as pipelines of GitHub and of Tekton. REGISTRY=registry.example.org/team
images: setup ## Build the images for REGISTRY (buildah, else docker), the same bytes each time
	PAWLINE_SOURCE_REVISION=$$(git rev-parse HEAD) $(BIN)/python -m delivery.images build $(REGISTRY)

push: setup ## Push the images to REGISTRY, and write down their digests
	$(BIN)/python -m delivery.images push $(REGISTRY)

compile-digests: setup ## Compile the pipeline with the pushed images (PAWLINE_COMPILE_OPTIONS)
	$(BIN)/python -m delivery.deploy compile

upload: setup ## Upload the compiled pipeline as a version (PAWLINE_KFP_HOST)
	$(BIN)/python -m delivery.deploy upload

schedules: setup ## Make the cluster's schedules those of schedules.yaml (PAWLINE_SCHEDULES)
	$(BIN)/python -m delivery.deploy schedules

rollout: setup ## Put the pushed server into service, and wait for it (KUBECONFIG)
	$(BIN)/python -m delivery.deploy rollout

compile: setup ## Write pipeline/pipeline.yaml, which `pawline run` runs
	$(BIN)/python -m pipeline.compilation

check-old-backend: setup ## Parse pipeline.yaml with the protos of KFP backend 2.5.0
	$(BIN)/python -m pytest tests/whole/test_old_backend.py -m slow

lock: ## Resolve requirements/ again (needs uv)
	$(LOCK) --extra train --extra serve --extra ray --extra pipeline --extra notebook --extra docs --extra development -o requirements/development.txt
	$(LOCK) --extra train --extra gpu --constraint requirements/development.txt -o requirements/train.txt
	$(LOCK) --extra step --constraint requirements/development.txt -o requirements/step.txt
	$(LOCK) --extra train --extra ray --constraint requirements/development.txt -o requirements/ray.txt
	$(LOCK) --extra serve --constraint requirements/development.txt -o requirements/serve.txt
	$(LOCK) --extra train --extra serve --extra pipeline --extra sign --constraint requirements/development.txt -o requirements/wheel.txt
	$(subst pyproject.toml,requirements/schemathesis.in,$(LOCK)) -o requirements/schemathesis.txt
	for peer in $(PEERS); do $(LOCK_PEER) $$peer.in -o $$peer.txt || exit 1; done

clean: ## Remove the virtual environment, caches and runs
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis runs *.egg-info
