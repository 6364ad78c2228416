#!/usr/bin/env bash
# Run the tests of what sees a user's module on other versions of torch, each in a new environment.
#
#   scripts/study/torch_versions.sh               # 2.10.0, the oldest allowed, and the newest
#   scripts/study/torch_versions.sh 2.12.1
#
# Wheels of torch for Linux may bring the libraries of CUDA: some GB a version, removed at the end.

source "$(dirname "$0")/../environment.sh"

export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
versions=("$@")
if [ ${#versions[@]} = 0 ]; then versions=(2.10.0 newest); fi
tests=(tests/chains tests/reading tests/model tests/test_live_modules.py)

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python="$(find_python)"

for version in "${versions[@]}"; do
  begin "torch $version"
  requirement="torch==$version"
  if [ "$version" = newest ]; then requirement=torch; fi
  "$python" -m venv "$folder/venv"
  "$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check "$requirement" --editable ".[dev]"
  "$folder/venv/bin/python" -c "import torch; print('torch', torch.__version__)"
  "$folder/venv/bin/python" -m pytest -q --numprocesses auto --maxprocesses 2 "${tests[@]}"
  rm -rf "$folder/venv"
done
