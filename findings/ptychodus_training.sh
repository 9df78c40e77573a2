#!/bin/sh
# From where are the positions [px] of ptychodus' training data counted?
#
# Guess, written down before the run, from the documentation: `save_training_data` says that
# "probe positions are written in object pixels about the object array's own center", and its reader
# says the same. So a patch in the middle of a 29 × 34 px object is at (0, 0).
#
# Seen (ptychodus 1.7.0): it is at ((29 - 1)/2, (34 - 1)/2) = (14, 16.5): positions are counted from
# the first pixel of the object, in the HDF5 file as in the NPZ file for PtychoPINN. A reader that
# believes the documentation puts every patch half an object away.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    h5py==3.16.0 numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0 pydantic==2.12.5
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ptychodus==1.7.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
from ptychodus.api.geometry import PixelGeometry
from ptychodus.api.io import save_ptychopinn_training_data, save_training_data
from ptychodus.api.object import Object, ObjectCenter
from ptychodus.api.probe import ProbeSequence
from ptychodus.api.probe_positions import ProbePosition, ProbePositionSequence
from ptychodus.api.product import Product, ProductMetadata
from ptychodus.api.reconstruct import ReconstructInput

folder = Path(sys.argv[1])
print(f"ptychodus {version('ptychodus')}, h5py {h5py.__version__}, numpy {np.__version__}")
changed = []


def record(what, seen, recorded):
    print(f"  {what}: {seen}")
    if seen != recorded:
        changed.append(f"CHANGED: {what}: recorded {recorded}, now {seen}")


# The object's centre lies at (y, x) = (-3, 1) µm, and so does the only position.
pixel = PixelGeometry(width_m=2e-8, height_m=2e-8)
sample = Object(
    array=np.ones((1, 29, 34), np.complex64),
    pixel_geometry=pixel,
    center=ObjectCenter(x_m=1e-6, y_m=-3e-6),
    layer_spacing_m=[],
)
probe = ProbeSequence(
    array=np.ones((1, 1, 16, 16), np.complex64), opr_weights=None, pixel_geometry=pixel
)
numbers = {"probe_photon_count": 0.0, "exposure_time_s": 0.0, "mass_attenuation_m2_per_kg": 0.0}
metadata = ProductMetadata(
    name="a scan",
    comments="",
    detector_distance_m=1.5,
    photon_energy_eV=9000.0,
    tomography_angle_deg=0.0,
    **numbers,
)
product = Product(
    metadata=metadata,
    probe_positions=ProbePositionSequence([ProbePosition(0, 1e-6, -3e-6)]),
    probes=probe,
    object_=sample,
    losses=[],
)
scan = ReconstructInput(np.ones((1, 16, 16), np.uint16), np.zeros((16, 16), bool), product)
save_training_data(folder / "training.h5", scan)
save_ptychopinn_training_data(folder / "training.npz", scan)
with h5py.File(folder / "training.h5") as file:
    place = [float(file[f"probe_position_{axis}_px"][0].round(6)) for axis in "yx"]
record("a patch in the middle of the object, HDF5", place, [14.0, 16.5])
with np.load(folder / "training.npz") as file:
    place = [float(file[f"{axis}coords"][0].round(6)) for axis in "yx"]
record("a patch in the middle of the object, NPZ for PtychoPINN", place, [14.0, 16.5])

print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
