"""One given scan, written to the layout of each NPZ format.

The scan is asymmetric in every respect that a reader can get wrong: more rows than columns, a
raster whose rows and columns differ in step, jitter between pixels, an object with a mark off its
axis, a probe off its middle, and a first frame that is not at the first corner.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files import Dataset

PLANCK_C = 1.239841984e-6  # eV m


@dataclass(frozen=True, eq=False)
class Given:
    """What every writer writes: `counts` (B, N, N) have their zero frequency at N // 2."""

    counts: NDArray[np.float32]
    corners: NDArray[np.float64]  # (B, 2) row, column [px] on the object
    probe: NDArray[np.complex64]  # (modes, N, N)
    object: NDArray[np.complex64]
    bad: NDArray[np.bool_]  # (N, N)
    energy: float = 8000.0  # eV
    distance: float = 0.5  # m
    detector_pixel: float = 75e-6  # m

    @property
    def N(self) -> int:
        return self.counts.shape[-1]

    @property
    def wavelength(self) -> float:
        return PLANCK_C / self.energy

    @property
    def object_pixel(self) -> float:
        return self.wavelength * self.distance / (self.N * self.detector_pixel)

    @property
    def centres(self) -> NDArray[np.float64]:
        """Where the middle of each patch lies on the object [px]."""
        return self.corners + (self.N - 1) / 2


def given_scan(n: int = 24, seed: int = 3) -> Given:
    """The scan: some 30 frames of n² px, with two modes of the probe and Poisson counts."""
    rng = np.random.default_rng(seed)
    rows, columns = np.meshgrid(np.arange(0, 29, 6), np.arange(0, 20, 4), indexing="ij")
    corners = np.stack([rows, columns], axis=-1).reshape(-1, 2)[rng.permutation(rows.size)]
    corners = corners + rng.uniform(0.1, 0.9, corners.shape)
    y, x = np.mgrid[: n + 30, : n + 21]
    image = (0.9 - 0.3 * np.exp(-((y - 20) ** 2 + (x - 26) ** 2) / 18)) * np.exp(
        1j * (0.6 * np.sin(y / 5) + 0.4 * np.cos(x / 3))
    )
    v, u = np.mgrid[:n, :n] - n // 2
    beam = np.exp(-((v - 1) ** 2 + (u + 2) ** 2) / (n / 5) ** 2 + 0.02j * (v**2 + u**2))
    probe = 60 * np.stack([beam, 0.3 * beam * (u + 1)])
    counts = np.stack([_pattern(probe, image, corner) for corner in corners])
    bad = np.zeros((n, n), bool)
    bad[2, 5] = bad[n // 2 + 4, 3] = True
    return Given(
        counts=rng.poisson(counts).astype(np.float32),
        corners=corners,
        probe=probe.astype(np.complex64),
        object=image.astype(np.complex64),
        bad=bad,
    )


def _pattern(
    probe: NDArray[np.complex128], image: NDArray[np.complex128], corner: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ|F(P_f·O)|² at a corner between pixels, zero frequency at n // 2."""
    n = probe.shape[-1]
    whole = np.rint(corner).astype(int)
    frequency = np.fft.fftfreq(n)
    ramp = [np.exp(-2j * np.pi * f * frequency) for f in corner - whole]
    moved = np.fft.ifft2(np.fft.fft2(probe) * ramp[0][:, None] * ramp[1])
    patch = image[whole[0] : whole[0] + n, whole[1] : whole[1] + n]
    field = np.fft.fft2(moved * patch, norm="ortho")
    return np.fft.fftshift(np.square(np.abs(field)).sum(axis=0))


def write_tike(path: Path, given: Given) -> dict[str, Any]:
    """As the test data of tike 0.26: counts with the zero frequency at the corner."""
    arrays: dict[str, Any] = {
        "data": np.fft.ifftshift(given.counts, axes=(1, 2))[None],
        "scan": given.corners.astype(np.float32)[None],
        "probe": given.probe[None, None, None],
    }
    np.savez(path, **arrays)
    return arrays


def write_ptychopinn_raw(path: Path, given: Given) -> dict[str, Any]:
    """As ptychodus 1.7.0 writes training data for PtychoPINN."""
    arrays: dict[str, Any] = {
        "xcoords": given.centres[:, 1],
        "ycoords": given.centres[:, 0],
        "xcoords_start": given.centres[:, 1],
        "ycoords_start": given.centres[:, 0],
        "diff3d": given.counts.astype(np.uint16),
        "bad_pixels": given.bad,
        "probeGuess": given.probe,
        "objectGuess": given.object,
        "scan_index": np.zeros(len(given.counts), int),
    }
    np.savez(path, **arrays)
    return arrays


def write_ptychodus(path: Path, given: Given) -> dict[str, Any]:
    """As ptychodus 1.7.0 writes patterns, and their product beside them.

    The patterns are in another order than the positions, and one has no position.
    """
    count = len(given.counts)
    indexes = 10 + np.arange(count)
    order = np.random.default_rng(0).permutation(count)
    arrays: dict[str, Any] = {
        "indexes": np.append(indexes[order], 999),
        "patterns": np.concatenate([given.counts[order], given.counts[:1]]).astype(np.uint16),
        "bad_pixels": given.bad,
    }
    np.savez_compressed(path, **arrays)
    write_ptychodus_product(path.with_name("product.npz"), given, indexes)
    return arrays


def write_ptychodus_product(
    path: Path, given: Given, indexes: NDArray[np.int64] | None = None
) -> dict[str, Any]:
    """As ptychodus 1.7.0 writes a product: metres, about the object's centre at (N - 1) / 2."""
    pixel, middle = given.object_pixel, (np.array(given.object.shape) - 1) / 2
    origin = (3e-6, -2e-6)  # the object's centre (y, x), anywhere
    metres = (given.centres - middle) * pixel + origin
    arrays: dict[str, Any] = {
        "name": "given",
        "comments": "",
        "detector_object_distance_m": given.distance,
        "photon_energy_eV": given.energy,
        "probe_position_indexes": np.arange(len(metres)) if indexes is None else indexes,
        "probe_position_x_m": metres[:, 1],
        "probe_position_y_m": metres[:, 0],
        "probe": given.probe[None],
        "probe_pixel_width_m": pixel,
        "probe_pixel_height_m": pixel,
        "object": given.object[None],
        "object_center_x_m": origin[1],
        "object_center_y_m": origin[0],
        "object_pixel_width_m": pixel,
        "object_pixel_height_m": pixel,
        "object_layer_spacing_m": [],
        "loss_epochs": [0],
        "loss_values": [1.0],
    }
    np.savez(path, **arrays)
    return arrays


def write_grid_lines(path: Path, dataset: Dataset, **changes: Any) -> dict[str, Any]:
    """As PtychoPINN's grid-lines workflow: positions are the centres of patches."""
    assert dataset.objects is not None
    assert dataset.patches is not None
    centres = (dataset.corners + (dataset.N - 1) / 2).astype(np.float32)
    relative = np.zeros((len(centres), 1, 2, 1), np.float32)
    arrays: dict[str, Any] = {
        "diffraction": dataset.diffraction[..., None],
        "Y_I": np.abs(dataset.patches)[..., None],
        "Y_phi": np.angle(dataset.patches)[..., None],
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


WRITERS: dict[str, Callable[[Path, Given], dict[str, Any]]] = {
    "tike": write_tike,
    "ptychopinn_raw": write_ptychopinn_raw,
    "ptychodus_npz": write_ptychodus,
}
