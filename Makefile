# Everything runs in .venv, which the first target that needs it creates.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help check-python lesson examples lint test test-all oracle everything lowest gallery \
  inventory bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

check-python:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "Python is not installed. Install Python 3.11 or later (Debian: apt-get install"; \
	  echo "python3 python3-venv), or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version), which is too old. Install Python 3.11 or later,"; \
	  echo "or name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. Install that module (Debian:"; \
	  echo "apt-get install python3-venv)."; exit 1; }

# One stamp for each set of extras, so that nothing is installed twice.
$(VENV)/.%: pyproject.toml | check-python
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

lesson: $(VENV)/.render  ## train Lesson 1's network and draw its graph
	$(BIN)/python examples/lesson1.py

# Where the data sets are; the examples without one learn from what needs no download.
MNIST ?=
SPEECH ?=
SENTENCES ?=
TEXT ?=
data = $(if $(1),--data $(1),--quick)

examples: $(VENV)/.render,plot $(VENV)/.examples  ## run all examples (MNIST=, SPEECH=, SENTENCES=, TEXT=folder)
	$(BIN)/python examples/neuron.py
	$(BIN)/python examples/lesson1.py
	$(BIN)/python examples/digits.py
	$(BIN)/python examples/activations.py
	$(BIN)/python examples/diagnose.py
	$(BIN)/python examples/drive.py
	$(BIN)/python examples/images_cnn.py $(call data,$(MNIST))
	$(BIN)/python examples/dbn.py $(call data,$(MNIST))
	$(BIN)/python examples/speech_digits.py $(call data,$(SPEECH))
	$(BIN)/python examples/speech_digits.py --sequence $(call data,$(SPEECH))
	$(BIN)/python examples/text_rnn.py $(call data,$(TEXT))
	$(BIN)/python examples/gpt.py $(call data,$(TEXT))
	$(BIN)/python examples/translate.py $(call data,$(SENTENCES))
	$(BIN)/python examples/translate.py --model transformer $(call data,$(SENTENCES))

lint: $(VENV)/.test,render,plot  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint  ## ruff, mypy and the tests (minutes)
	$(PYTEST) -n auto -m 'not long and not oracle'

test-all: $(VENV)/.test,render,plot $(VENV)/.examples  ## the long tests: proofs, limits, examples
	$(PYTEST) -n auto -m 'long and not oracle' tests

oracle: $(VENV)/.test,render,plot  ## compare with PyTorch, where it is installed
	$(PYTEST) -n auto -m oracle tests

everything: $(VENV)/.test,render,plot $(VENV)/.examples  ## all tests in one run
	$(PYTEST) -n auto

# The oldest releases that pyproject.toml allows, taken from its lower bounds.
$(VENV)-lowest/.installed: pyproject.toml | check-python
	test -x $(VENV)-lowest/bin/python || $(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -c "import tomllib; \
	  p = tomllib.load(open('pyproject.toml', 'rb'))['project']; e = p['optional-dependencies']; \
	  print(*p['dependencies'], *e['render'], *e['plot'], *e['test'], sep='\n')" \
	  | grep -vE 'ruff|mypy' | sed 's/>=/==/' > $(VENV)-lowest/requirements.txt
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r $(VENV)-lowest/requirements.txt --editable .
	@touch $@

# What C and the examples compute, and what is read from sources or planted into rules, is the same
# with all of them: those tests are left out.
lowest: $(VENV)-lowest/.installed  ## run the tests with the oldest dependencies allowed
	$(VENV)-lowest/bin/python -m pytest -n auto -m 'not long and not oracle' \
	  --ignore-glob='*/test_c_*' --ignore-glob='*/test_compile_*' \
	  --ignore-glob='*/test_examples*' --ignore-glob='*/test_gradcheck_proof*' \
	  --ignore-glob='*/test_toolchain*' --ignore-glob='*/test_benchmarks*' \
	  --ignore-glob='*/test_layers*'

gallery: $(VENV)/.render  ## draw the README's pictures again
	$(BIN)/python -m viz.gallery

inventory: $(VENV)/.render  ## print what is in the box, from the registries
	$(BIN)/python -m tinygrad_lesson inventory

bench: $(VENV)/.render  ## measure the overhead of an op and of a training step
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/ops.py

clean:  ## remove the environment and what was written
	rm -rf $(VENV) $(VENV)-lowest out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
