#!/usr/bin/env bash
# scripts/bench/c_latency.py with every peer: OpenVINO and LiteRT beside ONNX Runtime and PyTorch. Arguments go to it.
# Once, LiteRT's converter from PyTorch is installed for its files (2 GB, some minutes); remove artifacts/litert to
# convert again.

source "$(dirname "$0")/../environment.sh"

begin "installing the runtimes into .venv-peers"
environment .venv-peers ".[export]" ai-edge-litert==2.3.0 openvino==2026.4.1

files=artifacts/litert
if [ ! -d "$files" ]; then
  begin "installing LiteRT's converter into .venv-litert"
  environment .venv-litert ".[export]" litert-torch==0.10.0
  begin "converting the models to LiteRT"
  if ! .venv-litert/bin/python -m scripts.bench.litert_files "$files" > "$files.log" 2>&1; then
    tail -n 20 "$files.log" >&2
    false
  fi
fi

begin "timing"
.venv-peers/bin/python -m scripts.bench.c_latency --litert "$files" "$@"
