# make reproduce   set everything up and reproduce the bundled example on the CPU
# make test        all tests; those that need a container engine are skipped where there is none, but not in CI

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENGINE := $(BIN)/python -c 'import sys; from kit.containers.client import available; sys.exit(available() is not None)'

.PHONY: help models reports reproduce test lint format types bench faults base images screenshots recording clean

help:
	@sed -n 's/^# //p' Makefile
	@echo "make lint types  ruff, mypy --strict"
	@echo "make bench       measure kit against its peers: benchmarks/RESULTS.md"
	@echo "make faults      the long form of the fault tests: docs/reliability.md"
	@echo "make images      build the images"
	@echo "make screenshots recording  the pictures of the README, from the committed reports and a real run"
	@echo "make clean       remove the virtual environment and the store"

$(VENV)/kit: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("kit needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/test: $(VENV)/kit
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

# PyTorch, for the tests of export and parity outside their image; CI has it.
$(VENV)/exporter: $(VENV)/kit
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[exporter,openvino]'
	@touch $@

# Coverage-guided fuzzing, which is a minute of the tests where it is there; CI has it.
$(VENV)/fuzz: $(VENV)/kit
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	@touch $@

# Ray, for the tests of a cluster; CI has it.
$(VENV)/fleet: $(VENV)/kit
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fleet]'
	@touch $@

# The validator of an archive's crate, in an environment of its own: it wants an older rich than kit takes. CI has it.
$(VENV)/validator: pyproject.toml
	$(PYTHON) -m venv $(VENV)/validator
	$(VENV)/validator/bin/pip install --quiet --disable-pip-version-check 'roc-validator>=0.13' 'rocrate>=0.14'
	@touch $@

# Without an engine the steps run in this environment, which then needs what the images hold.
base: $(VENV)/kit
	@if $(ENGINE); then images/base/ensure.sh; \
	elif [ ! -e $(VENV)/exporter ]; then \
		echo "no container engine answers: the steps will run locally, and the report will say so" >&2; \
		$(MAKE) --no-print-directory $(VENV)/exporter; \
	fi

# What kit renders from stored results and published numbers.
reports: $(VENV)/kit
	$(BIN)/kit report
	$(BIN)/kit report --recipe examples/digits

reproduce: base
	$(BIN)/kit reproduce --recipe examples/digits

test: $(VENV)/test base
	$(BIN)/pytest --numprocesses auto -m "not docker and not slow"
	$(BIN)/pytest -m "docker or slow"

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/test
	$(BIN)/mypy

images: base
	$(BIN)/kit build

bench: $(VENV)/test base
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/run.py --date "$$(date +%F)"

models: $(VENV)/exporter
	$(BIN)/python benchmarks/models.py

faults: $(VENV)/test base
	$(BIN)/python tests/faults/run.py

screenshots: $(VENV)/kit
	PYTHONPATH=. $(BIN)/python tools/screenshots.py docs/pictures

recording: base
	$(BIN)/python tools/recording.py docs/pictures/first-minutes.svg

clean:
	rm -rf $(VENV) .kit
