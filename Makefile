# `make lab` and `make test` do everything on a fresh machine with Python >= 3.11, Node >= 20 and make.
# uv is used where it is there, venv and pip where it is not. Nothing is installed outside this folder,
# but for a browser, or Debian's venv module, where there is none.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv
LAB_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
SOAK_ARGS ?=
FUZZ_ARGS ?=
# What `make test-diffusers` installs as torch, for instance torch==2.13.0.
TORCH ?= torch

BIN := $(VENV)/bin
# An install copies the extension of JupyterLab once. This is the copy, which make renews after each build: a link
# would do for JupyterLab, but Voilà serves no file that a link leads to.
EXTENSION := $(VENV)/share/jupyter/labextensions/imgplay-widget
# An old uv does not know dependency groups; then pip does the work.
UV := $(shell uv pip install --help 2>/dev/null | grep -q -- '--group' && command -v uv)
PAGE := src/imgplay_widget/static/index.js
PAGE_SOURCES := $(shell find js/src -type f 2>/dev/null) $(wildcard js/*.mjs js/*.json)
NODE_MODULES := js/node_modules/.package-lock.json
# What the tests of VS Code need: its widget manager, and the pages around it.
VSCODE := .vscode-host
VSCODE_SOURCES := $(wildcard js/vscode/*.ts js/vscode/*.html)
SITE := docs/_build/.built
SITE_SOURCES := $(shell find docs src/imgplay_widget -name _build -prune -o -name static -prune -o -type f \( -path 'docs/*' -o -name '*.py' \) -print)
PYTEST := $(BIN)/python -m pytest
# As many workers as there are cores, each with its own JupyterLab and browser where it needs them.
ON_ALL_CORES := -n auto --maxprocesses 4 --dist worksteal

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

# ------------------------------------------------------------------ for users

.PHONY: lab
lab: $(VENV)/.lab-installed $(EXTENSION)/package.json ## install everything and open the studio in JupyterLab
	$(BIN)/jupyter-lab $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS) notebooks/quickstart.ipynb

.PHONY: test
test: test-python test-page types test-notebooks test-browser ## run every test, the quick ones first

.PHONY: check
check: lint types protocol-check openapi-check providers-check columns-check failures-check docs ## run every check that runs no test

# ------------------------------------------------------------------ parts of test

.PHONY: test-python
test-python: $(VENV)/.dev-installed $(PAGE) ## pytest, without a browser
	$(PYTEST) $(ON_ALL_CORES) $(PYTEST_ARGS) -m "not browser and not diffusers"

.PHONY: test-page
test-page: $(NODE_MODULES) ## vitest
	npm --prefix js run --silent test

.PHONY: test-notebooks
test-notebooks: $(VENV)/.dev-installed $(PAGE) ## the notebooks, on a store of their own
	data=$$(mktemp -d); trap 'rm -rf "$$data"' EXIT; \
	XDG_DATA_HOME="$$data" IPYTHONDIR="$$data/ipython" \
	$(PYTEST) $(PYTEST_ARGS) --nbval-lax --nbval-current-env --nbval-cell-timeout=120 notebooks

.PHONY: test-browser
test-browser: $(VENV)/.dev-installed $(VENV)/.browser-found $(EXTENSION)/package.json vscode-host ## JupyterLab in a browser
	$(PYTEST) $(ON_ALL_CORES) $(PYTEST_ARGS) -m browser

# Not part of `make test`: what it installs is large.
.PHONY: test-diffusers
test-diffusers: $(PAGE) ## local pipelines with real torch, in an environment of their own
	$(MAKE) --no-print-directory VENV=.venv-diffusers .venv-diffusers/.diffusers-installed
	.venv-diffusers/bin/python -m pytest $(PYTEST_ARGS) -m diffusers tests/providers/test_diffusers_real.py

# ------------------------------------------------------------------ parts of check

.PHONY: lint
lint: $(VENV)/.dev-installed $(NODE_MODULES) ## style, import direction, tree
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	npm --prefix js run --silent lint
	$(BIN)/python scripts/check_tree.py

.PHONY: types
types: $(VENV)/.dev-installed $(NODE_MODULES) ## pyright and tsc
	$(BIN)/pyright --pythonpath $(BIN)/python
	npm --prefix js run --silent check

.PHONY: protocol-check
protocol-check: $(VENV)/.dev-installed $(NODE_MODULES)
	$(BIN)/python scripts/protocol_types.py --check

.PHONY: openapi-check
openapi-check: $(VENV)/.dev-installed $(PAGE)
	$(BIN)/python scripts/openapi.py --check

.PHONY: providers-check
providers-check: $(VENV)/.dev-installed $(PAGE)
	$(BIN)/python scripts/providers_table.py --check

.PHONY: docs
docs: $(SITE) ## build the site of the documentation into docs/_build/html

# Each page is read anew (-E), because Sphinx does not repeat the warnings of a page that it read before.
$(SITE): $(SITE_SOURCES) $(VENV)/.dev-installed | $(PAGE)
	$(BIN)/python -m sphinx -q -E -W -j auto -b html -d docs/_build/doctrees docs docs/_build/html
	@touch $@

.PHONY: columns-check
columns-check: $(VENV)/.dev-installed
	$(BIN)/python scripts/columns_table.py --check

.PHONY: failures-check
failures-check: $(VENV)/.dev-installed $(PAGE)
	$(BIN)/python scripts/failures_table.py --check

# ------------------------------------------------------------------ for those who change it

.PHONY: page
page: $(PAGE) ## build the page

.PHONY: protocol
protocol: $(VENV)/.dev-installed $(NODE_MODULES) ## write js/src/protocol.gen.ts anew
	$(BIN)/python scripts/protocol_types.py

.PHONY: openapi
openapi: $(VENV)/.dev-installed $(PAGE) ## write docs/openapi.json anew
	$(BIN)/python scripts/openapi.py

.PHONY: providers
providers: $(VENV)/.dev-installed $(PAGE) ## write docs/providers.md anew
	$(BIN)/python scripts/providers_table.py

.PHONY: wire
wire: $(VENV)/.dev-installed ## record anew what each provider sends, into tests/providers/wire
	IMGPLAY_RECORD=1 $(PYTEST) -q $(PYTEST_ARGS) tests/providers/test_wire.py

.PHONY: columns
columns: $(VENV)/.dev-installed ## write docs/sql.md anew
	$(BIN)/python scripts/columns_table.py

.PHONY: failures
failures: $(VENV)/.dev-installed $(PAGE) ## write docs/failures.md anew
	$(BIN)/python scripts/failures_table.py

.PHONY: fix
fix: $(VENV)/.dev-installed $(NODE_MODULES) ## let ruff and biome mend what they can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	cd js && npx --no-install biome check --write .

.PHONY: bench
bench: $(VENV)/.dev-installed $(PAGE) ## measure ours and the peers
	$(BIN)/python -m bench.run $(BENCH_ARGS)

# Not part of `make test`: half an hour of broken answers, and half an hour of kills.
.PHONY: soak
soak: soak-answers soak-kills ## break ten thousand answers of each provider; kill three kernels on one store, some hundred times

.PHONY: soak-answers
soak-answers: $(VENV)/.dev-installed $(PAGE)
	$(BIN)/python -m tests.providers.fuzz $(FUZZ_ARGS)

.PHONY: soak-kills
soak-kills: $(VENV)/.dev-installed $(PAGE)
	$(BIN)/python -m tests.faults.soak $(SOAK_ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.dev-installed $(VENV)/.browser-found $(PAGE) ## take docs/images/studio.png and screenshots/
	$(BIN)/python -m scripts.screenshot

# Beside pip, a release needs only what builds and checks it: the package itself is not installed.
.PHONY: dist
dist: $(VENV)/.dist-installed $(PAGE) ## build the sdist and the wheel of a release into dist/, and check them
	$(BIN)/python scripts/dist.py

.PHONY: clean
clean: ## remove what was built and written; the environments stay
	rm -rf dist src/imgplay_widget/static jupyter/labextension docs/_build .lab screenshots test-results bench/results
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------ environments

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python >= 3.11 is needed; name one with: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
ifneq ($(UV),)
	$(UV) venv --quiet --python $(PYTHON) $(VENV)
else
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || bash scripts/apt_install.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
endif

# The page comes first, so that the build hook of an editable install finds it done.
$(VENV)/.lab-installed: pyproject.toml hatch_build.py | $(BIN)/python $(PAGE)
	@echo "Installing the package and JupyterLab into $(VENV) …"
	$(call install,lab)
	@touch $@

$(VENV)/.dev-installed: pyproject.toml hatch_build.py | $(BIN)/python $(PAGE)
	@echo "Installing the package, JupyterLab and what tests and checks need into $(VENV) …"
	$(call install,dev)
	@touch $@ $(VENV)/.lab-installed $(VENV)/.dist-installed

$(VENV)/.diffusers-installed: pyproject.toml hatch_build.py | $(BIN)/python $(PAGE)
	@echo "Installing the package, $(TORCH) and diffusers into $(VENV) …"
	$(call install,test,.[diffusers] $(TORCH))
	@touch $@

$(VENV)/.dist-installed: pyproject.toml | $(BIN)/python
	$(call pip_install) --group dist
	@touch $@

define pip_install
$(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
endef

define install
@rm -rf $(EXTENSION)
$(call pip_install) --editable $(or $(2),.) --group $(1)
endef

$(EXTENSION)/package.json: $(PAGE) | $(VENV)/.lab-installed
	rm -rf $(EXTENSION)
	cp -r jupyter/labextension $(EXTENSION)

$(VENV)/.browser-found: scripts/find_browser.sh | $(VENV)/.dev-installed
	bash scripts/find_browser.sh $(BIN)/python
	@touch $@

$(NODE_MODULES): js/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node, 10) < 20 ? 1 : 0)' 2>/dev/null \
		|| { echo "Node >= 20 is needed on the PATH." >&2; exit 1; }
	npm --prefix js ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): $(PAGE_SOURCES) $(NODE_MODULES)
	cd js && node build.mjs
	@touch $@

.PHONY: vscode-host
vscode-host: $(VSCODE)/ipywidgets.js $(VSCODE)/outputs.js ## fetch VS Code's widget manager for the browser tests

# Where npm cannot be reached, this writes a note instead, and the next make tries again.
$(VSCODE)/ipywidgets.js: js/vscode/fetch.mjs
	node js/vscode/fetch.mjs $@

$(VSCODE)/outputs.js: $(VSCODE_SOURCES) $(NODE_MODULES)
	mkdir -p $(VSCODE)
	cp js/vscode/*.html js/node_modules/requirejs/require.js $(VSCODE)
	cd js && npx --no-install esbuild vscode/editor.ts vscode/outputs.ts --bundle --outdir=../$(VSCODE) \
		--log-level=warning --define:global=window '--define:process.env={}'
	@touch $@
