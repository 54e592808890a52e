# GNU make and a POSIX shell. `make help` lists what there is to make.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: run test lint bench soak man stores clean help

# A virtual environment works only where it was made, so its stamps carry the folder's checksum: in a copied or moved
# folder, and whenever the dependencies change, it is made anew.
here := $(shell pwd | cksum | cut -d ' ' -f 1)
runtime := .venv/.runtime-$(here)
development := .venv/.development-$(here)
stores := .venv-stores/.made-$(here)
install := .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --constraint constraints.txt
workers := $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN)))) # many tests wait: for a pause between two requests, for a tick
# Compiled tests are kept, whatever the environment says: each of the workers would compile all of them, in every run.
pytest := PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest --numprocesses $(workers) --dist worksteal
suited := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

run: $(runtime) ## archive seeds/, build feeds/ and say what to open
	@.venv/bin/feedarchiver run
	@echo
	@echo "Open feeds/all/rss.xml or feeds/all/atom.xml in a feed reader. To subscribe over HTTP, and have"
	@echo "what you put into seeds/ in the feeds within seconds, run"
	@echo "    .venv/bin/feedarchiver daemon"
	@echo "and add http://127.0.0.1:8000/all/rss.xml to the reader."

test: $(development) ## the whole test suite
	@$(pytest)

lint: $(development) ## style, types and import contracts
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: $(development) ## time and memory beside a plain script, printed (minutes)
	@.venv/bin/python -m bench

soak: $(development) ## the test suite with many more and ever new inputs, kills and faults (an hour)
	@FEEDARCHIVER_SOAK=1 $(pytest) --hypothesis-profile=soak

man: $(runtime) ## docs/feedarchiver.1, out of what --help shows
	@.venv/bin/feedarchiver man > docs/feedarchiver.1.new
	@mv docs/feedarchiver.1.new docs/feedarchiver.1

stores: $(stores) ## the S3 servers that tests of object stores run against, in an environment of their own

clean: ## remove the virtual environment and caches; archive/ and feeds/ stay
	@rm -rf .venv .venv-stores .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	@find feedarchiver tests bench -name __pycache__ -prune -exec rm -rf {} +

$(stores): Makefile $(runtime)
	@echo "Installing S3 servers to test with, once ..."
	@.venv/bin/python -m venv --clear .venv-stores
	@.venv-stores/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
	  'moto==5.2.5' 'nanio==0.1.7' flask flask-cors py-partiql-parser pyyaml
	@touch $@

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

$(runtime): pyproject.toml constraints.txt
	@found=; for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$python" -c '$(suited)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "feedarchiver needs Python 3.11 or later with its venv module (on Debian: apt install python3-venv)" >&2; exit 1; \
	fi; \
	echo "Making a virtual environment in .venv, once ..."; \
	"$$found" -m venv --clear .venv
	@$(install) --editable .
	@touch $@

$(development): $(runtime)
	@echo "Installing the development tools, once ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --upgrade 'pip>=23.3' # older ones fail at extras spelled in two ways
	@$(install) --editable '.[dev]'
	@touch $@
