# Every target makes the environment that it needs, from a bare Python 3.10 or later, inside the
# checkout; a second call finds it ready. Another Python: make clean, make test PYTHON=python3.12

PYTHON ?= python3
DEV := .venv
DEMO := .venv-demo
TRAIN := .venv-train
DOCS := .venv-docs
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo finetune test check docs bench clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target does; \
		do printf 'make %-8s %s\n' "$$target" "$$does"; done

demo: $(DEMO)/.installed ## annotate the example notes with the bundled model and score them
	@$(DEMO)/bin/python examples/demo.py

finetune: $(TRAIN)/.installed ## fine-tune the bundled model on example notes, score it before and after
	@$(TRAIN)/bin/python examples/finetune.py

test: $(DEV)/.installed ## run the whole suite
	@$(DEV)/bin/python -m pytest

check: $(DEV)/.installed ## lint, formatting, types, floors: what can be checked without running
	@$(DEV)/bin/ruff check
	@$(DEV)/bin/ruff format --check
	@$(DEV)/bin/mypy
	@$(DEV)/bin/lint-imports

docs: $(DOCS)/.installed ## build the documentation into site/, to be opened from the disk
	@$(DOCS)/bin/python docs/build.py

bench: $(DEV)/.installed ## run every script in benchmarks/
	@set -e; for script in benchmarks/*.py; do \
		[ -e "$$script" ] || { echo "benchmarks/ holds no script"; break; }; \
		echo "== $$script"; $(DEV)/bin/python "$$script"; \
	done

clean: ## remove environments, builds and the tools' caches
	rm -rf $(DEV) $(DEMO) $(TRAIN) $(DOCS) build dist site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo has an environment of its own: the core package, without torch, as a user installs it.
$(DEMO)/.installed: pyproject.toml constraints.txt
	$(call install,$(DEMO),.,about a quarter of a minute)

# Training has one too, torch in it and nothing that only developers need.
$(TRAIN)/.installed: pyproject.toml constraints.txt
	$(call install,$(TRAIN),.[train],torch among it: about two minutes)

# The documentation reads the code, and needs neither torch nor what developers need.
$(DOCS)/.installed: pyproject.toml constraints.txt
	$(call install,$(DOCS),.[docs],about half a minute; Python 3.11 or later)

$(DEV)/.installed: pyproject.toml constraints.txt
	$(call install,$(DEV),.[train$(comma)serve$(comma)dev],torch among it: about two minutes)

comma := ,

# $(call install,FOLDER,REQUIREMENT,REMARK): a virtual environment with the checkout in it, editable
define install
	@$(PYTHON) -c '' 2>/dev/null || \
		{ echo "farmaner: $(PYTHON) does not run; name a Python: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "farmaner: expected Python 3.10 or later, found $$($(PYTHON) -V 2>&1) as $(PYTHON);" \
		"name another: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "farmaner: $(PYTHON) lacks the module venv; install it (Debian, Ubuntu:" \
		"apt install python3-venv) or name another: make PYTHON=..." >&2; exit 1; }
	@echo "setting up $(1) ($(3))"
	@$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(1)
	@$(1)/bin/python -m pip install --quiet --constraint constraints.txt --editable '$(2)'
	@touch $@
	@echo "$(1) is ready"
endef
