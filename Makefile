# ptycho-pareto: `make` alone lists what can be done.
# Needs python3 (3.11 or newer) and make; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_LOG := $(VENV)/pip.log
# what pip says goes into its log; the end of it to the screen if it fails
pip_install = $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off $(1) >$(PIP_LOG) 2>&1 || { tail -n 8 $(PIP_LOG) >&2; exit 1; }
SNAKEMAKE_FLAGS ?=
# make study PROFILE=slurm STUDY=studies/full.yaml
PROFILE ?=
STUDY ?=
# where there is a GPU, one job at a time has it; elsewhere a job is a core
GPU_LIMIT := $(shell command -v nvidia-smi >/dev/null 2>&1 && echo "--resources gpu=1")
WHERE = $(if $(PROFILE),--profile $(PROFILE),--cores all $(GPU_LIMIT) --rerun-incomplete)
# one study through the real Snakemake, which takes longest, and a taste of each room of the library
QUICK_TESTS := tests/workflow/test_tiny_study.py tests/test_config.py tests/test_files.py \
	tests/readers tests/preparation/test_pieces.py tests/physics tests/models/test_layers.py \
	tests/preparation/test_formats.py::test_each_format_gives_the_same_parts \
	tests/learning/test_losses.py tests/assessment \
	$(filter-out %_recovery.py %_openvino_predictor.py,$(wildcard tests/reconstruction/test_*.py)) \
	tests/study tests/page/test_page.py tests/pictures/test_robustness.py
# Tests start some hundred processes of the same sources: each would compile them anew without bytecode.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest
# One process more than there are cores: tests also wait, for Slurm or for a job that they stop.
PYTEST_FLAGS ?= -n $(shell expr `getconf _NPROCESSORS_ONLN` + 1) --maxprocesses 8 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help study quick test test-long bench lint docs pages clean distclean

help: ## list what can be done
	@echo "ptycho-pareto: usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

# a measured scan that is fetched once, for the study that names it
SIEMENS_STAR := scans/siemens_star.npz

study: $(VENV)/.installed $(if $(findstring siemens_star,$(STUDY)),$(SIEMENS_STAR)) ## run the study of config.yaml, or STUDY=studies/…, with PROFILE=slurm on a cluster
	@$(BIN)/python workflow/unlock.py
	@$(BIN)/snakemake $(WHERE) $(if $(STUDY),--configfile $(STUDY)) $(SNAKEMAKE_FLAGS)
	@echo
	@echo "Done. Open results/index.html, or look at results/pareto_plot.png; the table behind them is"
	@echo "results/study_results.csv, the recommended network results/recommended/model.safetensors."

$(SIEMENS_STAR): | $(VENV)/.installed
	@$(BIN)/python workflow/fetch_siemens_star.py $@

quick: $(VENV)/.installed-dev ## run some tests of each layer, a tiny study among them, in a minute
	@$(PYTEST) $(PYTEST_FLAGS) $(QUICK_TESTS)

test: $(VENV)/.installed-dev ## run the tests
	@$(PYTEST) $(PYTEST_FLAGS)

test-long: $(VENV)/.installed-dev ## run all tests, also the long ones: before a release
	@TEST_LONG=1 $(PYTEST) $(PYTEST_FLAGS) -m "long or not long"

bench: $(VENV)/.installed-dev ## measure speeds into docs/performance.md (long; with nothing else running)
	@$(BIN)/python -m benchmarks $(PARTS)

lint: $(VENV)/.installed-dev ## check style, types and the workflow
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/mypy
	@$(BIN)/snakemake --lint

docs: $(VENV)/.installed-docs ## build the pages and the library's reference into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "Open build/site/index.html"

# what README and docs show of the study of config.yaml, or of STUDY, after `make study` of the same
pages: $(VENV)/.installed-dev ## renew the pictures and tables of README and docs from results/ (RESULTS=…)
	@$(BIN)/python -m documentation $(or $(STUDY),config.yaml) --results $(or $(RESULTS),results)

clean: ## delete all results and caches; keeps .venv
	@find results -mindepth 1 ! -name .gitkeep -delete
	@rm -rf .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis build
	@find src tests workflow benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## clean, and delete .venv too
	@rm -rf $(VENV) src/*.egg-info

# A stamp in .venv tells what is installed, so that the next call has nothing to do.
$(VENV)/.installed: requirements.lock pyproject.toml
	@! printf %s "$$PWD" | grep -q "[][:space:]'\"&(){}$$;<>|*?#\`\\[]" || { printf '%s\n' "The project lies in $$PWD: shells and Snakemake stumble over spaces, quotes, brackets and braces, and over & \$$ ; < > | * ? # in its path. Move it to a folder without them."; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "ptycho-pareto needs Python 3.11 or newer, and '$(PYTHON)' is not there. Install it, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ptycho-pareto needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) -m venv failed; on Debian and Ubuntu install python3-venv"; exit 1; }; }
	@echo "Installing what requirements.lock lists into $(VENV): a few minutes the first time (progress: $(PIP_LOG))"
	@$(call pip_install,--requirement requirements.lock)
	@$(call pip_install,--no-deps --no-build-isolation --editable .)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what requirements-dev.lock lists into $(VENV)"
	@$(call pip_install,--requirement requirements-dev.lock)
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev requirements-docs.lock
	@echo "Installing what requirements-docs.lock lists into $(VENV)"
	@$(call pip_install,--requirement requirements-docs.lock)
	@touch $@
