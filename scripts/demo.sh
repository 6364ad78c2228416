#!/usr/bin/env bash
# Train on the built-in traffic counter, export, verify, package, and check the bundle on a device without torch.
# Makes .venv, .venv-device and files in artifacts/. The first run downloads PyTorch; later runs take two minutes.

source "$(dirname "$0")/environment.sh"

data=lstm_export/data/i94_traffic.csv.gz
out=artifacts
rm -rf "$out"/i94* "$out"/*.png # what an earlier run left must not be taken for this one's

begin "1/8 installing into .venv (torch, onnx, onnxruntime; the first time this downloads them)"
environment .venv ".[all]"
lstm_export=.venv/bin/lstm-export

begin "2/8 training on two years of hourly traffic: 48 hours in, the next 6 hours out"
"$lstm_export" train "$data" --target volume --features volume,temp_c,clouds_pct --window 48 --horizon 6 \
  --time hour --calendar hour,weekday --units volume=vehicles/h,temp_c=C,clouds_pct=% -o "$out/i94.pt"

begin "3/8 exporting to TorchScript and verifying it"
if .venv/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 14))'; then
  "$lstm_export" torchscript "$out/i94.pt"
else
  echo "left out: torch has no TorchScript on this Python, $(.venv/bin/python -V)"
fi

begin "4/8 exporting to ONNX and verifying it"
"$lstm_export" onnx "$out/i94.pt"

begin "5/8 packaging what a device needs into one file"
"$lstm_export" package "$out/i94.pt" -t onnx -o "$out/i94.bundle"

begin "6/8 a device: installing only numpy, typer and onnxruntime into .venv-device, then checking the bundle there"
environment .venv-device ".[onnxruntime]"
.venv-device/bin/python scripts/demo/on_device.py "$data" "$out/i94_test.csv"
.venv-device/bin/lstm-export verify "$out/i94.bundle"
.venv-device/bin/lstm-export run "$out/i94.bundle" "$out/i94_test.csv" -o "$out/i94_predictions.csv"

begin "7/8 the web: a page that streams a test week through the model, compiled to WebAssembly"
missing="$(.venv/bin/python -c 'from lstm_export.targets import wasm; print(wasm.cannot_export())')"
page=""
if [ -z "$missing" ]; then
  "$lstm_export" wasm "$out/i94.pt"
  .venv/bin/python scripts/demo/web_week.py "$out/i94.pt" "$out/i94_test.csv" "$out/i94_week.csv"
  page="; python3 -m http.server -d $out shows http://localhost:8000/i94_wasm/?csv=../i94_week.csv"
else
  echo "left out: $missing"
fi

begin "8/8 drawing"
.venv/bin/python scripts/demo/pictures.py "$out"

printf '\ndone: %s\n' "$out/i94.bundle holds the model, $out/training_curve.png and $out/test_week.png show it$page"
