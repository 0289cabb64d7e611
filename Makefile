# make demo: everything from nothing to recommendations, on the built-in sample, without network data.
# make serve: the same sample as pages in a browser, on this machine alone.
# make test: lint, types and all tests. All create .venv and install matinee into it first; the second time that is free.

PYTHON ?= python3
BIN := .venv/bin
DATA := $(if $(MATINEE_DATA),$(MATINEE_DATA),$(wildcard ../shared/data))

.PHONY: demo serve test lint bench docs clean

demo: .venv/installed
	@echo "matinee demo: the whole story on the built-in sample"
	@$(BIN)/matinee demo --out demo.matinee

serve: .venv/installed
	@echo "The pages on the built-in sample; the first time it trains for some seconds"
	@$(BIN)/matinee demo --serve

test: .venv/installed lint
	@echo "All tests; those that need real ratings read $(if $(DATA),$(DATA),MATINEE_DATA, which is not set)"
	@MATINEE_DATA="$(DATA)" $(BIN)/python -m pytest -n auto

lint: .venv/installed
	@echo "Lint and types"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

bench: .venv/installed
	@echo "Rating prediction against its peers; the first time this builds an environment for them"
	@$(BIN)/python benchmarks/rating_prediction.py --setup
	@MATINEE_DATA="$(DATA)" $(BIN)/python benchmarks/rating_prediction.py

docs: .venv/installed
	@echo "The pages of docs/ that are made by scripts"
	@$(BIN)/python docs/make_cli_page.py
	@$(BIN)/python docs/make_figures.py
	@$(BIN)/python docs/make_gallery.py

.venv/installed: pyproject.toml constraints.txt
	@echo "Creating .venv and installing matinee: a minute or two the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
