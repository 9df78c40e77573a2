#!/bin/sh
# Does the trace exporter of torch write an ONNX file without the package onnx?
#
# Guess, written down before the run: yes. `torch.onnx.export(..., dynamo=False)` makes the whole file
# in C++, and only the newer exporter (`dynamo=True`) needs onnx and onnxscript.
#
# Seen (torch 2.13.0, Python 3.11): it traces the whole network, makes the file's bytes in C++, and
# then imports onnx to look for functions of onnxscript in them. Without the package it ends with an
# error, after all the work is done. With it the same call writes the file.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line that says
# what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat >"$folder/export.py" <<'PYTHON'
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch

warnings.simplefilter("ignore")
path = Path(sys.argv[1])
try:
    torch.onnx.export(
        torch.nn.Conv2d(1, 2, 3), (torch.rand(1, 1, 8, 8),), path, dynamo=False, opset_version=17
    )
    outcome = f"a file: {path.stat().st_size > 0}"
except Exception as error:
    outcome = type(error).__name__
print(f"torch {torch.__version__}, onnx there: {find_spec('onnx') is not None}, {outcome}")
PYTHON
without=$("$folder/venv/bin/python" "$folder/export.py" "$folder/a.onnx" 2>&1 | tail -n 1)
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.22.0
with=$("$folder/venv/bin/python" "$folder/export.py" "$folder/b.onnx" 2>&1 | tail -n 1)
echo "  $without"
echo "  $with"
case "$without; $with" in
*"onnx there: False, OnnxExporterError; "*"onnx there: True, a file: True"*) echo "as recorded" ;;
*)
  echo "CHANGED: recorded OnnxExporterError without onnx, and a file with it"
  exit 1
  ;;
esac
