#!/usr/bin/env bash
# Lint, types and tests, in .venv with the development packages. Arguments go to pytest.

source "$(dirname "$0")/environment.sh"

begin "installing into .venv (torch, onnx, onnxruntime and the development tools)"
environment .venv ".[dev]"

begin "lint"
.venv/bin/ruff check .
.venv/bin/ruff format --check .

begin "types"
.venv/bin/mypy

begin "tests"
.venv/bin/python -m pytest "$@"
