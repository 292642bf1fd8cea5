# Every command a contributor needs; .ci/run calls the same ones. Works in a fresh clone with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= runs/demo
comma := ,
# Without bytecode every process compiles SymPy, SciPy and JAX anew: 7 s for an import that takes 2.
unexport PYTHONDONTWRITEBYTECODE
# Worker processes of the main test call; 0 runs it in one process.
WORKERS ?= 2

# $(call install,TARGET): uv does in 4 s what takes pip 46 s, but pip alone must do.
define install
	( $(BIN)/python -m pip install --quiet uv -c constraints.txt \
	  && UV_HTTP_TIMEOUT=60 $(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c constraints.txt -e "$(1)" ) \
	|| $(BIN)/python -m pip install --quiet -c constraints.txt -e "$(1)"
	touch $@
endef

.PHONY: demo test test-slow lint format docs bench clean

demo: $(VENV)/.installed
	$(BIN)/limbeck discover spring --out $(OUT) --overwrite

# Workers share the cores already: threads of a BLAS beside them wait for each other, and tests take twice as long.
test test-slow: export OMP_NUM_THREADS = 1
test test-slow: export OPENBLAS_NUM_THREADS = 1

# Files in their own order: by number of tests, those with few and long ones would come last, and a worker would idle.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest -n $(WORKERS) --dist load -o addopts="-ra --durations=5 --strict-markers --strict-config \
	  --import-mode=importlib" -m "user_error and not slow" tests

test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "documentation: docs/_build/html/index.html"

bench: $(VENV)/.installed
	for script in benchmarks/[a-z]*.py; do $(BIN)/python "$$script" || exit 1; done

clean:
	rm -rf docs/_build docs/reference/api docs/reference/_*.md dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "limbeck needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,.)

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,.[dev$(comma)docs])
