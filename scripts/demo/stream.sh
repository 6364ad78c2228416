#!/usr/bin/env bash
# Play the test weeks of the built-in traffic counter through a bundle, sample by sample, on a device without torch.
# On a terminal it is a live picture. Uses what demo.sh left in artifacts/, else trains first. Options: see demo_stream.py.

source "$(dirname "$0")/../environment.sh"

data=lstm_export/data/i94_traffic.csv.gz
out=artifacts

if [ ! -f "$out/i94_stream.bundle" ] || [ "$out/i94.pt" -nt "$out/i94_stream.bundle" ]; then
  begin "1/3 installing into .venv (torch, onnx, onnxruntime; the first time this downloads them)"
  environment .venv ".[all]"
  if [ ! -f "$out/i94.pt" ]; then
    begin "1/3 training on two years of hourly traffic: 48 hours in, the next 6 hours out"
    .venv/bin/lstm-export train "$data" --target volume --features volume,temp_c,clouds_pct --window 48 --horizon 6 \
      --time hour --calendar hour,weekday --units volume=vehicles/h,temp_c=C,clouds_pct=% --predict level -o "$out/i94.pt"
  fi
  begin "1/3 packaging the model twice: on windows, and with a state that is carried on"
  .venv/bin/lstm-export package "$out/i94.pt" -t onnx -t onnx-stream -o "$out/i94_stream.bundle"
else
  begin "1/3 the bundle of an earlier run: $out/i94_stream.bundle"
fi

begin "2/3 a device: installing only the base packages into .venv-device"
environment .venv-device "."
.venv-device/bin/python scripts/demo/on_device.py "$data" "$out/i94_test.csv"

begin "3/3 the test weeks, hour by hour"
step="playing the test weeks"
.venv-device/bin/python scripts/demo/play.py "$out/i94_stream.bundle" "$out/i94_test.csv" "$@"
