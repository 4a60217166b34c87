# The two commands: `make course` builds everything and grades the examples; `make test` checks all of it.
# Both start from a fresh clone with Python 3.11 or newer and make. README names the Debian packages.

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# One thread per process: two workers on two cores do not fight over them, and sums are added in one order everywhere.
TEST_WORKERS ?= 2

.PHONY: course test check verify site exercises examples reference machine serve clean

course: exercises site examples
	@echo
	@echo "The site         _build/html/index.html   (or: make serve, then http://127.0.0.1:8000)"
	@echo "The exercises    exercises/*.ipynb"
	@if ! grep -q '^✗' _build/doctor.txt; then \
		echo "The grading      _build/graded/SLUG/grades.csv and a feedback.html for each example submission"; \
	else \
		echo "The grading      skipped, because the sandbox cannot enforce every limit here:"; grep '^✗' _build/doctor.txt; \
	fi

test: .venv/installed exercises site
	python -m pytest tests convcourse autograder -n $(TEST_WORKERS) --dist loadgroup

check: .venv/installed
	ruff check .
	ruff format --check .
	bash tools/widgets.sh
	mypy
	OMP_NUM_THREADS=1 python -m pytest tests/unit -m "not slow" -n $(TEST_WORKERS)

verify: exercises
	autograder verify --workers 2

exercises: .venv/installed
	autograder build

site: .venv/installed
	jupyter-book build . -W -n --keep-going -q

# Strangers' code runs in a whole sandbox or not at all, so without one there is nothing to grade with.
examples: exercises
	@mkdir -p _build; if ! autograder doctor > _build/doctor.txt; then \
		echo "The example submissions are not graded: autograder doctor says what the sandbox lacks."; exit 0; \
	fi; \
	for slug in $$(cd exercises && ls *.ipynb | sed 's/\.ipynb//'); do \
		autograder grade $$slug solutions/$$slug/submissions --out _build/graded/$$slug --workers 2 || exit 1; \
	done

reference: .venv/installed
	python tools/reference.py

serve:
	python -m http.server --bind 127.0.0.1 --directory _build/html 8000

# In the first second, whatever is made: what is missing on this machine. PyTorch and the site take minutes.
machine:
	@PYTHON="$(PYTHON)" bash tools/machine.sh $(if $(filter test,$(MAKECMDGOALS)),test,course)

.venv/installed: pyproject.toml constraints.txt | machine
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[book,grader,training,dev]'
	touch $@

clean:
	rm -rf _build
