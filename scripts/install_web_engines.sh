#!/usr/bin/env bash
# Install what else runs models for the web, into .npm of this clone: onnxruntime-web, Deno, Bun, esbuild. Tests and scripts/bench
# use them. Never fails: where it cannot install, it says why, and the tests that need them are skipped.
# With --check nothing is installed: it says what is missing.

set -uo pipefail
cd "$(dirname "$0")/.."

packages=(onnxruntime-web@1.30.0 deno@2.9.6 bun@1.4.5 esbuild@0.28.2 typescript@5.9.3)

if [ "$(cat .npm/installed 2> /dev/null)" = "${packages[*]}" ]; then
  echo "engines for the web: all there"
  exit 0
fi
if [ "${1:-}" = --check ]; then
  echo "skipped, because not installed: ${packages[*]}. To have their tests, too: scripts/install_web_engines.sh"
  exit 0
fi
if ! command -v npm > /dev/null; then
  echo "engines for the web not installed: there is no npm. Tests that need them are skipped."
  exit 0
fi
# Without scripts: the programs lie in packages of their own, ready to run.
if ! said="$(timeout 300 npm install --prefix .npm --ignore-scripts --no-audit --no-fund --no-package-lock "${packages[@]}" 2>&1)"; then
  echo "$said" | tail -n 3
  echo "engines for the web not installed: npm did not bring them. Tests that need them are skipped."
  exit 0
fi
echo "${packages[*]}" > .npm/installed
echo "engines for the web: installed ${packages[*]}"
