# One folder, .venv, holds everything: it is made on first use and again when pyproject or the pins change.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CORES := -n auto --dist worksteal  # all cores: a module stays on one as long as another has work

.PHONY: demo lecture test suite test-long conformance fuzz check lint types contracts bench clean

demo: $(READY)
	$(BIN)/deltaplan train specs/wave.dl

lecture: $(READY)
	$(BIN)/python -m lecture $(if $(PDF),--pdf)

test: lint  # then the others side by side: mypy works on one core alone
	@$(MAKE) --no-print-directory -j 2 suite types contracts

suite: $(READY)
	$(BIN)/pytest $(CORES) -m "not long"

test-long: $(READY)
	$(BIN)/pytest $(CORES) -m long --hypothesis-profile=long

conformance: $(READY)
	$(BIN)/pytest $(CORES) tests/testing tests/plugins tests/third_party plugins

fuzz: $(READY)
	$(BIN)/pytest $(CORES) -m long --fuzz=100000 tests/test_fuzz.py

check: lint types contracts
	$(BIN)/pytest $(CORES) -m "not long and not slow"

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports --no-logo

$(READY): pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"deltaplan needs Python 3.11 or newer, and $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt setuptools
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e ".[test]"
	$(BIN)/python -m compileall -q deltaplan tests
	@touch $@

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv build dist deltaplan.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
