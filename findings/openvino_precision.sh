#!/bin/sh
# In which precision does OpenVINO compute a network of float32?
#
# Guess, written down before the run: in float32, as torch and onnxruntime do. Fewer bits are for who
# asks for them, and who asks for float16 gets it or an error.
#
# Seen (openvino 2026.4.1, Python 3.11, a CPU with avx512_bf16): in bfloat16, wherever the CPU
# computes it. The result of one matrix product is wrong in its third digit, and no warning is given.
# Who asks for float16 gets bfloat16 too, on a CPU without float16 arithmetic. The documentation of
# the CPU plugin says the first. `compiled_model.get_property("INFERENCE_PRECISION_HINT")` tells.
#
# Needs Python 3.11 or newer, and to see anything a CPU with avx512_bf16 or amx_bf16. Ends with 0 if
# all is as recorded, else with 1 and a line that says what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat >"$folder/precision.py" <<'PYTHON'
import sys

sys.modules["openvino_telemetry"] = None  # or the import reports to Google Analytics
import numpy as np
import openvino as ov
from openvino import opset13 as ops

core = ov.Core()
able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
print(f"openvino {ov.__version__.split('-')[0]}, numpy {np.__version__}, the CPU computes {able}")
if "BF16" not in able:
    print("this CPU has no bfloat16: nothing to see here")
    sys.exit()
rng = np.random.default_rng(0)
left, right = rng.random((64, 64), np.float32), rng.random((64, 64), np.float32)
given = ops.parameter(left.shape, np.float32)
model = ov.Model([ops.matmul(given, ops.constant(right), False, False)], [given])
for asked in ("nothing", "f32", "f16"):
    settings = {} if asked == "nothing" else {"INFERENCE_PRECISION_HINT": asked}
    compiled = core.compile_model(model, "CPU", settings)
    found = compiled(left)[0]
    wrong = np.abs(found - left @ right).max() / np.abs(found).max()
    kind = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    print(f"{asked} asked for: {kind}, wrong by {'more' if wrong > 1e-5 else 'less'} than 1e-5")
PYTHON
"$folder/venv/bin/python" "$folder/precision.py" | tee "$folder/seen"
if grep -qF "nothing to see" "$folder/seen"; then
  exit 0
fi
f16="f16 asked for: bf16, wrong by more"
grep -qF "'FP16'" "$folder/seen" && f16="f16 asked for: f16, wrong by more"
if grep -qF "nothing asked for: bf16, wrong by more" "$folder/seen" &&
  grep -qF "f32 asked for: f32, wrong by less" "$folder/seen" && grep -qF "$f16" "$folder/seen"; then
  echo "as recorded"
else
  echo "CHANGED: recorded bfloat16 where nothing was asked for, float32 where that was"
  exit 1
fi
