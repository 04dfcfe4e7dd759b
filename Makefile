# One front door for every task: `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SAMPLE := data/sample

.DEFAULT_GOAL := help
.PHONY: help venv sample demo test test-slow check format bench docs lock clean table2

help:  ## list the tasks
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

venv: $(STAMP)  ## the locked environment in .venv

$(STAMP): requirements/torch.txt requirements/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]} (make PYTHON=/path/to/python3.11 ...)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements/torch.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

sample: $(SAMPLE)/.complete  ## fetch the 150 crystals of the embedded sample

$(SAMPLE)/.complete: $(STAMP) requirements/sample.txt tools/fetch_sample.py
	$(BIN)/python tools/fetch_sample.py $(SAMPLE)
	@touch $@

demo: $(STAMP) $(SAMPLE)/.complete  ## the whole chain on the sample; prints the path of a report
	$(BIN)/molinteract demo --out out/demo

test: $(STAMP) $(SAMPLE)/.complete  ## the tests, without the slow ones
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadscope

test-slow: $(STAMP) $(SAMPLE)/.complete  ## the slow tests
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n 2 --dist loadscope

check: $(STAMP)  ## lint, format, types, import contracts, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell src tests docs benchmarks tools README.md CONTRIBUTING.md CHANGELOG.md

format: $(STAMP)  ## mend what can be mended by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) $(SAMPLE)/.complete  ## run every benchmark (minutes)
	@for script in build rebuild store_scale model_vs_e3nn; do echo "== $$script"; $(BIN)/python benchmarks/$$script.py || exit 1; done

# make table2 PDBBIND=folder TABLE2="--split 60=LIST --split 30=LIST --model RUN/best --set seeds=3"
table2: $(STAMP)  ## Table 2 on your copy of PDBbind or ATOM3D LBA: PDBBIND=folder TABLE2="options"
	@test -n "$(PDBBIND)" || { echo 'make table2 PDBBIND=folder TABLE2="--split 60=LIST --model RUN/best --set seeds=3"'; exit 2; }
	$(BIN)/python tools/table2.py $(PDBBIND) --out out/table2 $(TABLE2)

docs: $(STAMP)  ## regenerate the generated pages (CLI reference, glossary)
	$(BIN)/python tools/generate_docs.py

lock: $(STAMP)  ## pin every dependency again (needs uv)
	echo "$$(cat requirements/torch.txt)" > $(VENV)/torch-constraint.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --constraint $(VENV)/torch-constraint.txt --quiet \
	  --output-file requirements/lock.txt
	$(BIN)/python tools/drop_from_lock.py requirements/lock.txt torch triton 'nvidia-*' 'cuda-*'

clean:  ## remove the environment, the sample and the demo's output
	rm -rf $(VENV) $(SAMPLE) out
