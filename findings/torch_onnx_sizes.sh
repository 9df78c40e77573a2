#!/bin/sh
# Does an exported ONNX file state the sizes of its output that `dynamic_axes` does not name?
#
# Guess, written down before the run: yes. With `dynamic_axes` naming the batch alone, every other
# size is a number, in the output as in the input.
#
# Seen (torch 2.13.0, onnx 1.22.0, trace exporter): not if the network cuts its image to the size of
# its input. The size is then computed in the graph, and the output's rows and columns get names
# such as `Slicey_dim_2`, though they can only be those of the input. Without the cut they are
# numbers. Whoever compares the output's shape with what is expected refuses the first file and
# takes the second.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line that says
# what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 numpy==2.4.6 onnx==1.22.0
cat >"$folder/export.py" <<'PYTHON'
import io
import warnings

import onnx
import torch

warnings.simplefilter("ignore")


class Levels(torch.nn.Module):
    """To half the size and back, and if asked cut to the size of the input, which it has."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.down = torch.nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.up = torch.nn.ConvTranspose2d(2, 1, 2, stride=2)
        self.cut = cut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.up(self.down(x))
        return y[..., : x.shape[-2], : x.shape[-1]] if self.cut else y


batch = {"x": {0: "batch"}, "y": {0: "batch"}}
for cut in (True, False):
    file = io.BytesIO()
    torch.onnx.export(
        *(Levels(cut).eval(), (torch.rand(2, 1, 24, 24),), file),
        **{"dynamo": False, "opset_version": 17, "dynamic_axes": batch},
        **{"input_names": ["x"], "output_names": ["y"]},
    )
    value = onnx.load_from_string(file.getvalue()).graph.output[0]
    sizes = [one.dim_value or one.dim_param for one in value.type.tensor_type.shape.dim]
    print(f"cut {cut}: {sizes}")
PYTHON
seen=$("$folder/venv/bin/python" "$folder/export.py" 2>/dev/null)
echo "$seen" | sed 's/^/  /'
recorded="cut True: ['batch', 1, 'Slicey_dim_2', 'Slicey_dim_3']
cut False: ['batch', 1, 24, 24]"
if [ "$seen" = "$recorded" ]; then
  echo "as recorded: a size that is not dynamic may still have a name instead of a number"
else
  echo "changed: recorded was"
  echo "$recorded"
  exit 1
fi
