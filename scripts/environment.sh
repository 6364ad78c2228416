# Sourced by demo.sh and test.sh: find Python, make virtual environments, say what fails.
# shellcheck shell=bash

set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step="starting"
trap 'echo "$0 stopped while $step (line $LINENO of the script)." >&2' ERR

# begin TEXT: announce a step; TEXT is named if the step fails.
begin() {
  step="$1"
  printf '\n== %s\n' "$1"
}

# find_python: print the first Python from 3.10 to 3.14, PYTHON first.
find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.10 python; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "no Python from 3.10 to 3.14 was found; install one, or name it: PYTHON=/path/to/python3 $0" >&2
  return 1
}

# environment FOLDER REQUIREMENT [PACKAGE...]: a virtual environment with REQUIREMENT, of this project, and the packages
# installed, reused while nothing changed.
environment() {
  local folder="$1" requirement="$2" python stamp quiet=(-qq)
  shift 2
  if [ -t 1 ]; then quiet=(); fi # someone is watching: let pip show its progress
  python="$(find_python)"
  stamp="$("$python" -V) $requirement${*:+ $*} $(cat pyproject.toml scripts/constraints.txt | cksum)"
  if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install ${quiet[@]+"${quiet[@]}"} --disable-pip-version-check \
      --constraint scripts/constraints.txt --editable "$requirement" "$@"
    echo "$stamp" > "$folder/stamp"
  fi
  echo "$folder: $("$folder/bin/python" -V)"
}
