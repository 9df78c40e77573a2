"""The asymmetric scan of `writers`, written to the layout of each NPZ format.

Finished reconstructions are written too: `Finished` adds an object and a second mode.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files import Dataset
from readers.writers import ELECTRONVOLT, Scan

Arrays = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Finished:
    """A reconstruction: object (rows, columns), probe (modes, N, N), corners (B, 2) [px] on it."""

    object: NDArray[np.complex64]
    probe: NDArray[np.complex64]
    corners: NDArray[np.float64]
    scan: Scan

    @property
    def centres(self) -> NDArray[np.float64]:
        """The point between the middle pixels of each patch, in the object [px]."""
        return self.corners + (np.array(self.probe.shape[1:]) - 1) / 2

    @property
    def energy(self) -> float:
        """In eV."""
        return self.scan.energy / ELECTRONVOLT


def a_reconstruction(scan: Scan) -> Finished:
    """An object with more rows than columns or fewer, and no patch that begins at its edge."""
    corners = scan.positions / scan.object_pixel
    corners = corners - corners.min(axis=0) + (2.25, 5.5)
    N = scan.probe.shape[-1]
    rows, columns = (int(side) for side in np.ceil(corners.max(axis=0)) + N + (4, 7))
    y, x = np.mgrid[:rows, :columns]
    image = (0.8 + 0.1 * np.cos(y / 3)) * np.exp(1j * (np.sin(x / 5) + 0.02 * y))
    second = 0.3 * np.roll(scan.probe, (3, -2), axis=(0, 1))
    probe = np.stack([scan.probe, second]).astype(np.complex64)
    return Finished(image.astype(np.complex64), probe, corners, scan)


def write_tike(path: Path, scan: Scan) -> Arrays:
    """As the test data of tike 0.26: signed positions, zero frequency at the corner."""
    pixels = scan.positions / scan.object_pixel
    arrays: Arrays = {
        "data": np.fft.ifftshift(scan.frames, axes=(1, 2)).astype(np.float32)[None],
        "scan": (pixels - pixels.mean(axis=0)).astype(np.float32)[None],
        "probe": scan.probe[None, None, None, None],
    }
    np.savez(path, **arrays)
    return arrays


def write_ptychopinn_raw(path: Path, scan: Scan) -> Arrays:
    """As ptychodus 1.7.0 writes measured data for PtychoPINN."""
    done = a_reconstruction(scan)
    x, y = done.centres[:, 1], done.centres[:, 0]
    arrays: Arrays = {
        **{"xcoords": x, "ycoords": y, "xcoords_start": x, "ycoords_start": y},
        "diff3d": scan.frames.astype(np.uint16),
        "bad_pixels": ~scan.valid,
        "probeGuess": scan.probe[None],
        "objectGuess": done.object,
        "scan_index": np.zeros(len(scan.frames), int),
    }
    np.savez(path, **arrays)
    return arrays


def write_ptychodus_npz(path: Path, scan: Scan) -> Arrays:
    """As ptychodus 1.7.0 writes patterns, and their product beside them.

    The positions are in another order than the patterns, and there is one more of each.
    """
    arrays = _ptychodus_patterns(scan)
    np.savez_compressed(path, allow_pickle=False, **arrays)
    write_ptychodus_product(path.with_name("product.npz"), a_reconstruction(scan), mixed=True)
    return arrays


def _ptychodus_patterns(scan: Scan) -> Arrays:
    extra = scan.frames[:1]
    return {
        "indexes": np.append(_indexes(scan), 999),
        "patterns": np.concatenate([scan.frames, extra]).astype(np.uint16),
        "bad_pixels": ~scan.valid,
    }


def _indexes(scan: Scan) -> NDArray[np.int64]:
    """Numbers of the patterns, neither from 0 nor in order."""
    return 10 + np.random.default_rng(1).permutation(len(scan.frames))


def product_arrays(done: Finished, *, mixed: bool = False) -> Arrays:
    """A product by the names of the NPZ file."""
    pixel, middle = done.scan.object_pixel, (np.array(done.object.shape) - 1) / 2
    centre = (3e-6, -2e-6)  # (y, x) of the object, anywhere
    metres = (done.centres - middle) * pixel + centre
    indexes = np.arange(len(metres))
    if mixed:
        indexes = np.append(_indexes(done.scan), 7)
        metres = np.append(metres, [[0.0, 0.0]], axis=0)
        order = np.argsort(indexes)
        indexes, metres = indexes[order], metres[order]
    return {
        **{"name": "given", "comments": "", "probe_photon_count": 0.0, "exposure_time_s": 0.0},
        "detector_object_distance_m": done.scan.distance,
        "photon_energy_eV": done.energy,
        "far_field": True,
        "probe_position_indexes": indexes,
        "probe_position_x_m": metres[:, 1],
        "probe_position_y_m": metres[:, 0],
        "probe": done.probe[None],
        **{"probe_pixel_width_m": pixel, "probe_pixel_height_m": pixel},
        "object": done.object[None],
        **{"object_center_x_m": centre[1], "object_center_y_m": centre[0]},
        **{"object_pixel_width_m": pixel, "object_pixel_height_m": pixel},
        "object_layer_spacing_m": np.zeros(0),
        **{"loss_epochs": [0], "loss_values": [1.0]},
    }


def write_ptychodus_product(path: Path, done: Finished, *, mixed: bool = False) -> None:
    """A product of ptychodus 1.7.0 as NPZ."""
    np.savez(path, **product_arrays(done, mixed=mixed))


def write_ptychodus_product_hdf5(path: Path, done: Finished, *, mixed: bool = False) -> None:
    """A product of ptychodus 1.7.0 as HDF5: numbers are attributes of the file or of an array."""
    arrays = product_arrays(done, mixed=mixed)
    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            owner, _, name = key.partition("_")
            if np.ndim(value):
                file[key] = value
            elif owner in ("object", "probe") and name.startswith(("center", "pixel")):
                file[owner].attrs[name] = value
            else:
                file.attrs[key] = value


def write_ptyr(path: Path, done: Finished) -> None:
    """A result of ptypy, of the layout of version 0.8's `.ptyr`."""
    pixel, half = done.scan.object_pixel, np.array(done.probe.shape[1:]) // 2
    positions = (done.corners + half) * pixel - 4e-6
    with h5py.File(path, "w") as file:
        for part, data, origin in (
            ("obj", done.object[None], np.full(2, -4e-6)),
            ("probe", done.probe, -half * pixel),
        ):
            group = file.create_group(f"content/{part}/SMFG00")
            group["data"] = data
            group["_psize"], group["_origin"] = np.full(2, pixel), origin
            group["_energy"] = done.energy / 1e3
        file["content/positions/SMFG00"] = positions


def write_cdtools(path: Path, done: Finished) -> None:
    """A result of cdtools 0.3.2's FancyPtycho: `basis` points down y and x."""
    pixel = done.scan.object_pixel
    basis = np.array([[0, -pixel], [-pixel, 0], [0, 0]])
    least = np.array([-11.5, 4.25])
    steps = (done.corners + least) @ basis.T
    with h5py.File(path, "w") as file:
        file["probe"], file["obj"] = done.probe, done.object
        file["probe_basis"] = file["obj_basis"] = basis.astype(np.float32)
        file["translations"] = steps
        file["oversampling"], file["wavelength"] = 1, np.float32(done.scan.wavelength)
        file["state_dict/min_translation"] = least.astype(np.float32)
        file["state_dict/fourier_probe"] = file["state_dict/exponentiate_obj"] = False


def write_ptychi(path: Path, done: Finished) -> None:
    """A result of pty-chi's script `pear`: centres about the object's middle pixel's edge."""
    middle = np.rint(np.array(done.object.shape) / 2) - 0.5
    with h5py.File(path, "w") as file:
        file["probe"], file["object"] = done.probe[None], done.object[None]
        file["positions_px"] = done.centres - middle
        file["obj_pixel_size_m"] = done.scan.object_pixel


def write_ptychi_npz(path: Path, done: Finished) -> None:
    """The arrays of pty-chi's `task.get_data_to_cpu` under their names."""
    middle = np.rint(np.array(done.object.shape) / 2) - 0.5
    np.savez(
        path,
        object=done.object[None],
        probe=done.probe[None],
        probe_positions=done.centres - middle,
    )


def write_grid_lines(path: Path, dataset: Dataset, **changes: Any) -> Arrays:
    """As PtychoPINN's grid-lines workflow: positions are the centres of patches."""
    assert dataset.objects is not None
    n = dataset.N
    cut = np.stack(
        [
            dataset.objects[index, row : row + n, column : column + n]
            for index, (row, column) in zip(dataset.object_index, dataset.corners, strict=True)
        ]
    )
    centres = (dataset.corners + (dataset.N - 1) / 2).astype(np.float32)
    relative = np.zeros((len(centres), 1, 2, 1), np.float32)
    arrays: Arrays = {
        "diffraction": dataset.diffraction[..., None],
        "Y_I": np.abs(cut)[..., None],
        "Y_phi": np.angle(cut)[..., None],
        "coords_nominal": relative,
        "coords_true": relative,
        "coords_offsets": centres[:, None, :, None],
        "YY_full": dataset.objects[..., None],
        "probeGuess": dataset.probe,
        "YY_ground_truth": np.ones((20, 20, 1), np.complex64),  # another region
        "norm_Y_I": np.array(dataset.norm_Y_I),
        "_metadata": np.array('{"schema_version": "1.0", "creation_info": {}}'),
    }
    np.savez(path, **(arrays | changes))
    return arrays | changes


WRITERS: dict[str, Callable[[Path, Scan], Arrays]] = {
    "tike": write_tike,
    "ptychopinn_raw": write_ptychopinn_raw,
    "ptychodus_npz": write_ptychodus_npz,
}
FINISHED: dict[str, tuple[str, Callable[[Path, Finished], Any]]] = {
    "ptypy": ("ptypy", write_ptyr),
    "ptychodus_npz": ("ptychodus", write_ptychodus_product),
    "ptychodus_hdf5": ("ptychodus", write_ptychodus_product_hdf5),
    "cdtools": ("cdtools", write_cdtools),
    "ptychi": ("ptychi", write_ptychi),
    "ptychi_npz": ("ptychi", write_ptychi_npz),
}
