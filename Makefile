# make demo: train and recommend on the built-in sample; no ratings are downloaded.
# make serve: the sample as web pages, for this machine only.
# make test: lint, types and all tests. Each target first installs what it needs into .venv, once.
# make docs: the pages that are made by scripts, and the docs site in site/; make site: the site alone.
# make wheel: a release in dist/, with the list of what it was tested with (an SBOM).

PYTHON ?= python3
BIN := .venv/bin
# pip leaves compiling to the first import, which compiles only what is used.
INSTALL = (test -x $(BIN)/python || $(PYTHON) -m venv .venv) && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e
# With HASHES=1, as in .ci/run, the files that pip installs must have the hashes of constraints-hashed.txt.
CHECKED = $(if $(HASHES),(test -x $(BIN)/python || $(PYTHON) -m venv .venv) && .ci/install_hashed $(BIN)/python)
DATA := $(if $(MATINEE_DATA),$(MATINEE_DATA),$(wildcard ../shared/data))

# The tests start many processes: modules are compiled once, even where the environment asks for no bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo serve test lint fuzz bench docs site wheel wheel-test hashes clean

demo: .venv/core
	@echo "matinee demo: from ratings to recommendations, on the built-in sample"
	@$(BIN)/matinee demo --out demo.matinee

serve: .venv/serve
	@echo "matinee demo --serve: the sample as web pages; the first time, a model is trained in a few seconds"
	@$(BIN)/matinee demo --serve

test: .venv/dev lint
	@echo "All tests; those that need real ratings read $(if $(DATA),$(DATA),MATINEE_DATA, which is not set)"
	@MATINEE_DATA="$(DATA)" $(BIN)/python -m pytest -n auto

lint: .venv/dev
	@echo "Lint and types"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python .ci/audit.py .venv/audited

# FUZZ: options, such as FUZZ="--kind models --cases 2000 --seed 7".
fuzz: .venv/dev
	@echo "Damaged model files, tables, personal files and requests: most of an hour on two cores"
	@$(BIN)/python -m tests.fuzz --workers 2 $(FUZZ)

bench: .venv/dev
	@echo "Rating prediction against its peers; the first time this builds an environment for them"
	@$(BIN)/python benchmarks/rating_prediction.py --setup
	@MATINEE_DATA="$(DATA)" $(BIN)/python benchmarks/rating_prediction.py

docs: .venv/docs
	@echo "The pages of docs/ that are made by scripts, then the site, as site/index.html"
	@$(BIN)/python docs/make_cli_page.py
	@$(BIN)/python docs/make_api_page.py
	@$(BIN)/python docs/make_figures.py
	@$(BIN)/python docs/make_gallery.py
	@$(BIN)/python docs/make_course.py
	@$(BIN)/python docs/make_site.py

site: .venv/docs
	@echo "The docs site from the pages of docs/; a broken link is an error"
	@$(BIN)/python docs/make_site.py

wheel: .venv/release
	@echo "A release in dist/: wheel, sources, and an SBOM in CycloneDX's format"
	@$(BIN)/python -m build --outdir dist .
	@$(BIN)/cyclonedx-py requirements constraints.txt --pyproject pyproject.toml --output-reproducible \
		--output-file dist/matinee-$$($(BIN)/python -c 'from matinee._version import __version__ as v; print(v)').cdx.json

# PYTHON: the version to try, such as python3.13.
wheel-test: .venv/release
	@echo "The wheel and the sources: contents, then the wheel in a new environment"
	@$(BIN)/python .ci/wheel_test.py --python $(PYTHON)

hashes: .venv/release
	@echo "constraints-hashed.txt, after a change of constraints.txt"
	@grep -v -e '^#' -e '^torch==' constraints.txt | $(BIN)/uv pip compile - --quiet --no-deps --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 -o constraints-hashed.txt
	@sed -i '1i # The hashes of constraints.txt without torch, whose build differs from machine to machine: make hashes' \
		constraints-hashed.txt

# Five stamps: the package alone, the package with its server, all that tests and benchmarks need, the tools
# of the docs site, and those of a release.
.venv/core: pyproject.toml constraints.txt
	@echo "Installing matinee into .venv: half a minute the first time"
	@$(INSTALL) .
	@touch $@

.venv/serve: pyproject.toml constraints.txt
	@echo "Installing matinee and its server into .venv: half a minute the first time"
	@$(INSTALL) ".[serve]"
	@touch .venv/core $@

.venv/dev: pyproject.toml constraints.txt
	@echo "Installing matinee and the tools of its tests into .venv: a minute or two the first time"
	@$(CHECKED)
	@$(INSTALL) ".[dev]"
	@# Compiled here, because the tests turn the warnings of a compiler into errors; -j 0 uses all cores.
	@$(BIN)/python -W ignore -m compileall -qq -j 0 .venv/lib || true
	@touch .venv/core .venv/serve $@

.venv/docs: .venv/dev
	@echo "Installing the tools of the docs site: some seconds"
	@$(INSTALL) ".[docs]"
	@touch $@

.venv/release: .venv/dev
	@echo "Installing the tools of a release: some seconds"
	@$(INSTALL) ".[release]"
	@touch $@

clean:
	rm -rf .venv build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache
