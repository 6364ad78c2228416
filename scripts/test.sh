#!/usr/bin/env bash
# Lint, types, documentation and tests, in .venv with the development packages. Arguments go to pytest.

source "$(dirname "$0")/environment.sh"

# Parallel tests share the cores already.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

tools=""
if [ "${CI:-}" = true ]; then # elsewhere nobody's system is changed
  { scripts/install_emulators.sh && scripts/install_web_engines.sh; } &
  tools=$!
fi

begin "installing into .venv (torch, onnx, onnxruntime and the development tools)"
environment .venv ".[dev]"

begin "lint"
.venv/bin/ruff check .
.venv/bin/ruff format --check .

begin "types"
.venv/bin/mypy

begin "documentation: a broken link is an error"
if [ -x .venv/bin/mkdocs ]; then
  NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict
else
  echo "left out: the site's generator needs Python 3.11, this is $(.venv/bin/python -V)"
fi

begin "tests"
if [ -n "$tools" ]; then wait "$tools"; fi
.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal "$@"

begin "what was not tested, if anything"
scripts/install_emulators.sh --check
scripts/install_web_engines.sh --check
scripts/scale_engines.sh --check
