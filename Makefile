# Short names for scripts/environment.py, which does the work on every system (without make: python scripts/environment.py TASK).
#   make demo PYTHON=python3.12      another Python
#   make test ARGS="-k mulaw"        arguments for the task
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu     the small CPU build of PyTorch

PYTHON ?= python3
ARGS ?=
export TORCH_INDEX

TASKS := help demo test test-all check bench figures docs setup clean
.PHONY: $(TASKS)
.NOTPARALLEL:

$(TASKS):
	@command -v $(firstword $(PYTHON)) >/dev/null 2>&1 || { echo "Python 3.11 or newer is needed and there is no command $(firstword $(PYTHON)): install it from https://www.python.org/downloads/, or name yours: make $@ PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) scripts/environment.py $@ $(ARGS)
