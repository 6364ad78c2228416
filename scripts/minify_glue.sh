#!/usr/bin/env bash
# Make lstm_export/targets/wasm/web/model.min.mjs, which exports hold, of model.mjs beside it. Needs esbuild, which
# scripts/install_web_engines.sh puts into .npm.

set -euo pipefail
cd "$(dirname "$0")/../lstm_export/targets/wasm/web"

node ../../../../.npm/node_modules/esbuild/bin/esbuild --minify model.mjs > model.min.mjs
