#!/usr/bin/env bash
# Lint, types and tests, in .venv with the development packages. Arguments go to pytest.

source "$(dirname "$0")/environment.sh"

emulators=""
if [ "${CI:-}" = true ]; then # elsewhere nobody's system is changed: run scripts/install_emulators.sh yourself
  scripts/install_emulators.sh &
  emulators=$!
fi

begin "installing into .venv (torch, onnx, onnxruntime and the development tools)"
environment .venv ".[dev]"

begin "lint"
.venv/bin/ruff check .
.venv/bin/ruff format --check .

begin "types"
.venv/bin/mypy

begin "tests"
if [ -n "$emulators" ]; then wait "$emulators"; fi
.venv/bin/python -m pytest "$@"
