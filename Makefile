# Everything a developer runs. `make test` in a fresh clone builds its own environment first.
# Plain POSIX make: `make test VENV=/some/dir/venv PYTHON=python3.12` overrides the variables below.

PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
PYTENSOR ?= .venv-pytensor
OLDEST ?= .venv-oldest
JOBS ?= 2
# The CPU build by its local version, so that no machine downloads CUDA; elsewhere: TORCH=torch.
TORCH ?= torch==2.13.0+cpu

PYTEST = $(VENV)/bin/pytest -n $(JOBS) --dist loadfile
READY = $(VENV)/.ready
PEERS_READY = $(PEERS)/.ready
PYTENSOR_READY = $(PYTENSOR)/.ready
LINK_TREE = $(VENV)/link-tree

.PHONY: help venv test test-all test-oldest demo bench bench-programs bench-memory bench-updates bench-compile bench-math bench-calls bench-scaling lint format types clean

help:
	@echo 'make test      the tests that are not marked slow, with the doctests'
	@echo 'make test-all  all tests'
	@echo 'make test-oldest  as make test, with the oldest versions of what tapejit needs'
	@echo 'make lint      ruff: rules and formatting'
	@echo 'make format    ruff: format and fix what can be fixed'
	@echo 'make types     mypy: strict on ir, codegen and runtime'
	@echo 'make demo      train on handwritten digits; results in demo-output/'
	@echo 'make bench     measure against JAX, PyTorch, autograd, PyTensor, Dr.Jit, CasADi (ARGS=... is handed on)'
	@echo 'make bench-programs  measure the programs of examples/programs against JAX and autograd'
	@echo 'make bench-compile  measure first calls against JAX'
	@echo 'make bench-memory  measure the peak memory of a step against hand-written kernels and PyTorch'
	@echo 'make bench-scaling  measure gradients against values, one thread against two'
	@echo 'make bench-math  time elementary functions beside NumPy, SciPy, JAX and PyTorch'
	@echo 'make bench-updates  time optimisers that update parameters in place'
	@echo 'make bench-calls  count the instructions of calls on tiny arrays (valgrind)'
	@echo 'make clean     remove what the targets above made'

venv: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "tapejit needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv '$(VENV)'
	'$(VENV)/bin/pip' install --quiet --editable '.[dev]'
	@touch '$@'

test: $(READY)
	$(PYTEST) -m 'not slow'

test-all: $(READY)
	$(PYTEST)

test-oldest:
	$(PYTHON) -m venv '$(OLDEST)'
	'$(OLDEST)/bin/pip' install --quiet --constraint tests/oldest.txt --editable '.[dev]'
	'$(OLDEST)/bin/pytest' -n $(JOBS) --dist loadfile -m 'not slow'

demo: $(READY)
	@mkdir -p demo-output
	'$(VENV)/bin/python' examples/digits.py demo-output

lint: $(READY)
	'$(VENV)/bin/ruff' check .
	'$(VENV)/bin/ruff' format --check .

format: $(READY)
	'$(VENV)/bin/ruff' check --fix .
	'$(VENV)/bin/ruff' format .

# The folders are packages only under their installed names, and mypy does not follow an editable
# install's import hook. A tree of links, made anew each time, shows it the working tree under those names.
types: $(READY)
	@rm -rf '$(LINK_TREE)'
	@mkdir -p '$(LINK_TREE)/tapejit'
	@ln -s "$$PWD"/api/* "$$PWD"/ir "$$PWD"/tracer "$$PWD"/codegen "$$PWD"/runtime '$(LINK_TREE)/tapejit/'
	MYPYPATH='$(LINK_TREE)' '$(VENV)/bin/mypy' --package tapejit

$(PEERS_READY): pyproject.toml
	$(PYTHON) -m venv '$(PEERS)'
	'$(PEERS)/bin/pip' install --quiet --editable '.[bench]' '$(TORCH)'
	-'$(PEERS)/bin/pip' install --quiet drjit casadi
	@touch '$@'

# PyTensor asks for an older Numba than tapejit is raced with.
$(PYTENSOR_READY): pyproject.toml
	$(PYTHON) -m venv '$(PYTENSOR)'
	-'$(PYTENSOR)/bin/pip' install --quiet --editable . pytensor
	@touch '$@'

bench: $(PEERS_READY) $(PYTENSOR_READY)
	PYTENSOR_PYTHON='$(PYTENSOR)/bin/python' '$(PEERS)/bin/python' benchmarks/run.py $(ARGS)

bench-programs: $(PEERS_READY)
	'$(PEERS)/bin/python' benchmarks/programs.py $(ARGS)

bench-compile: $(PEERS_READY)
	'$(PEERS)/bin/python' benchmarks/compile_time.py $(ARGS)

bench-math: $(PEERS_READY)
	'$(PEERS)/bin/python' benchmarks/vector_math.py $(ARGS)

bench-calls: $(PEERS_READY)
	'$(PEERS)/bin/python' benchmarks/call_path.py $(ARGS)

bench-updates: $(PEERS_READY)
	'$(PEERS)/bin/python' benchmarks/updates.py $(ARGS)

bench-memory: $(PEERS_READY)
	'$(PEERS)/bin/python' benchmarks/memory.py $(ARGS)

bench-scaling: $(PEERS_READY)
	'$(PEERS)/bin/python' benchmarks/scaling.py $(ARGS)

clean:
	rm -rf .venv .venv-peers .venv-pytensor .venv-oldest demo-output bench-output build dist *.egg-info
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
