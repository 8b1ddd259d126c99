# The words of this house. `make` alone prints them. Another Python: `make setup PYTHON=python3.12`.

PYTHON ?= python3
# Tests in this process; on a machine with free cores: make test WORKERS=8.
WORKERS ?= 0
BIN := .venv/bin

.PHONY: help setup test check demo init results ladder bench docs clean

help:
	@echo "make setup   .venv with glad and its tools, in the versions of constraints.txt"
	@echo "make check   format, lint, types and the fast tests: before every commit"
	@echo "make test    all tests"
	@echo "make demo    GLAD and source only on the embedded benchmark, on a CPU"
	@echo "make init    the weights that the miniature starts from, made anew"
	@echo "make results the miniature's tables in README.md and docs/results, made anew (about an hour)"
	@echo "make ladder  the miniature's methods and controls over five more seeds (about half an hour)"
	@echo "make bench   the speed of every path beside its peer, and docs/performance.md of it (half an hour, on a quiet machine)"
	@echo "make docs    the site of the documentation, in build/site"
	@echo "make clean   removes what these words made (.venv and caches; never data/ or runs/)"

setup: .venv/.stamp

# A torch that is already in .venv stays, for it may be a build chosen on purpose: then its pin is left out.
.venv/.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "glad needs Python 3.11 or newer; try: make setup PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if $(BIN)/python -c 'import importlib.metadata as m; m.version("torch")' 2>/dev/null; \
	  then grep -v '^torch==' constraints.txt; else cat constraints.txt; fi > .venv/constraints.txt
	$(BIN)/python -m pip install --quiet -c .venv/constraints.txt -e '.[dev]'
	@touch $@

test check: export OMP_NUM_THREADS := 1

test: setup
	$(BIN)/python -m pytest -n $(WORKERS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

demo: setup
	$(BIN)/glad demo

init: setup
	$(BIN)/glad train mini-init --out runs/mini-init
	$(BIN)/glad evaluate runs/mini-init
	$(BIN)/python -m glad.mini.fold runs/mini-init glad/mini/init.safetensors

SEEDS := 0 1 2
LADDER := source-only dann gla mix dann-mix gla-mix glad-random-order glad mix-all glad-mix-all supervised-target

results: setup
	mkdir -p docs/results
	for table in 3 2a 2b 2c 2d; do \
	  $(BIN)/glad table $$table --seeds $(SEEDS) --results docs/results/mini-table-$$table.md || exit 1; done
	$(BIN)/glad table 3 --seeds $(SEEDS) --results README.md

ladder: setup
	$(BIN)/glad table $(LADDER:%=mini-%) --seeds 20 21 22 23 24 --results docs/results/mini-ladder.md

BENCHMARKS := sample loader pack clips backgrounds predict step mini startup memory growth

bench: setup
	$(BIN)/python -m pip install --quiet -c .venv/constraints.txt -e '.[bench]'
	for script in $(BENCHMARKS); do $(BIN)/python benchmarks/$$script.py || exit 1; done
	$(BIN)/python benchmarks/table.py

docs: setup
	$(BIN)/python -m pip install --quiet -c .venv/constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find glad tests -name __pycache__ -type d -prune -exec rm -rf {} +
