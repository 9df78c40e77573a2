"""One asymmetric scan, and functions that write it in each HDF5 format as its makers do.

The scan hides no mistake of order or sign: rows and columns differ in number and step, positions
lie between pixels, the object has a mark off its centre, and the probe is curved and off-axis.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

ELECTRONVOLT = 1.602176634e-19  # J
PLANCK_LIGHT = 1.98644586e-25  # J m


@dataclass(frozen=True, eq=False)
class Scan:
    """What is written: counts (B, N, N), positions (row, column) [m], good pixels, probe."""

    frames: NDArray[Any]
    positions: NDArray[np.float64]
    valid: NDArray[np.bool_]
    probe: NDArray[np.complex64]
    wavelength: float = 1.5e-10
    distance: float = 2.0
    pixel: float = 55e-6

    @property
    def energy(self) -> float:
        """In joules."""
        return PLANCK_LIGHT / self.wavelength

    @property
    def object_pixel(self) -> float:
        """In metres."""
        return self.wavelength * self.distance / (self.frames.shape[1] * self.pixel)


def a_scan(
    N: int = 32, rows: int = 5, columns: int = 7, photons: float = 1e5, seed: int = 3
) -> Scan:
    """Simulate `rows` × `columns` patterns of N² counts, two of whose pixels are bad."""
    rng = np.random.default_rng(seed)
    steps = np.array([0.16, 0.11]) * N
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1)
    corners = grid.reshape(-1, 2) * steps + rng.uniform(0, 0.06 * N, (rows * columns, 2))
    size = np.ceil(corners.max(axis=0)).astype(int) + N + 2
    image = _an_object(rng, (int(size[0]), int(size[1])), N)
    probe = _a_probe(N)
    whole = np.rint(corners).astype(int)
    frames = np.empty((len(corners), N, N), np.int32)
    for frame, corner, shift in zip(frames, whole, corners - whole, strict=True):
        patch = image[corner[0] : corner[0] + N, corner[1] : corner[1] + N]
        wave = np.fft.fftshift(np.fft.fft2(_shifted(probe, shift) * patch, norm="ortho"))
        intensity = np.abs(wave) ** 2
        frame[...] = rng.poisson(intensity * photons / intensity.sum())
    valid = np.ones((N, N), np.bool_)
    valid[N // 2 + 3, 4] = valid[2, N // 2] = False
    scan = Scan(frames, corners, valid, probe.astype(np.complex64))
    return Scan(frames, corners * scan.object_pixel, valid, scan.probe)


def _an_object(rng: np.random.Generator, shape: tuple[int, int], N: int) -> NDArray[np.complex128]:
    """A smooth random phase with a square mark near the first corner."""
    noise = np.fft.fft2(rng.normal(size=shape))
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij"))
    phase = np.fft.ifft2(noise * np.exp(-((frequency / 0.12) ** 2))).real
    phase *= 0.8 / phase.std()
    phase[N // 3 : N // 2, N // 2 : N // 2 + 3] += 1.5
    return np.exp(1j * phase) * (0.9 + 0.1 * np.cos(phase))


def _a_probe(N: int) -> NDArray[np.complex128]:
    rows, columns = np.meshgrid(np.arange(N) - N // 2, np.arange(N) - N // 2, indexing="ij")
    beam = np.exp(-((rows / (0.16 * N)) ** 2) - ((columns - 1) / (0.2 * N)) ** 2)
    return beam * np.exp(1j * (rows**2 + 1.3 * columns**2) * 6 / N**2 * np.pi)


def _shifted(probe: NDArray[np.complex128], shift: NDArray[np.float64]) -> NDArray[np.complex128]:
    rows, columns = (np.fft.fftfreq(side) * -2j * np.pi for side in probe.shape)
    ramp = np.exp(rows[:, None] * shift[0]) * np.exp(columns[None] * shift[1])
    return np.fft.ifft2(np.fft.fft2(probe) * ramp)


def write_cxi(path: Path, scan: Scan) -> None:
    """CXI 1.6 as cdtools writes it: basis vectors, a mask of bits, soft links."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        file["number_of_entries"] = 1
        entry = file.create_group("entry_1")
        source = entry.create_group("instrument_1/source_1")
        source["wavelength"] = np.float32(scan.wavelength)
        source["energy"] = np.float32(scan.energy)
        source["illumination"] = scan.probe
        detector = entry.create_group("instrument_1/detector_1")
        detector["data"] = scan.frames
        detector["distance"] = np.float32(scan.distance)
        detector["x_pixel_size"] = detector["y_pixel_size"] = np.float32(scan.pixel)
        detector["basis_vectors"] = np.array([[0, -1], [-1, 0], [0, 0]]) * scan.pixel
        detector["mask"] = np.where(scan.valid, 0, 1).astype(np.uint32)
        geometry = entry.create_group("sample_1/geometry_1")
        geometry["translation"] = _xyz(scan)
        data = entry.create_group("data_1")
        data["data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
        for group in (data, detector):
            group["translation"] = h5py.SoftLink("/entry_1/sample_1/geometry_1/translation")


def write_nxcxi_ptycho(path: Path, scan: Scan, raster: tuple[int, int] = (5, 7)) -> None:
    """NXcxi_ptycho by its definition: a raster of four axes, the beam's energy in keV."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        entry = file.create_group("entry_1")
        entry["definition"] = "NXcxi_ptycho"
        source = entry.create_group("instrument_1/source_1")
        source["energy"] = 3.0  # GeV, of the electrons in the ring
        source["illumination"] = scan.probe
        beam = entry.create_group("instrument_1/beam_1")
        beam["energy"] = scan.energy / ELECTRONVOLT / 1e3
        beam["energy"].attrs["units"] = "keV"
        detector = entry.create_group("instrument_1/detector_1")
        detector["data"] = scan.frames.reshape(*raster, *scan.frames.shape[1:])
        detector["translation"] = _xyz(scan) * 1e6
        detector["translation"].attrs["units"] = "um"
        for name in ("x_pixel_size", "y_pixel_size"):
            detector[name] = scan.pixel
            detector[name].attrs["units"] = "m"
        detector["distance"] = scan.distance * 1e3
        detector["distance"].attrs["units"] = "mm"
        detector["pixel_mask"] = np.where(scan.valid, 1 << 20, 1 << 3).astype(np.uint32)
        layout = h5py.VirtualLayout(scan.frames.shape, scan.frames.dtype)
        source_of = h5py.VirtualSource(detector["data"])
        for row in range(raster[0]):
            layout[row * raster[1] : (row + 1) * raster[1]] = source_of[row]
        data = entry.create_group("data_1")
        data.create_virtual_dataset("data", layout)
        data["translation"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/translation")


def write_ptyd(path: Path, scan: Scan, chunk: int = 3) -> None:
    """Data of ptypy in chunks, more than ten, whose names sort as text; None as [0.]."""
    N = scan.frames.shape[1]
    with h5py.File(path, "w") as file:
        file.attrs["h5rw_version"] = "0.1"
        meta, info = file.create_group("meta"), file.create_group("info")
        for group in (file.create_group("chunks"), meta, info):
            group.attrs["type"] = "dict"
        values: dict[str, Any] = {
            "shape": np.array([N, N]),
            "psize": np.array([scan.pixel, scan.pixel]),
            "energy": scan.energy / ELECTRONVOLT / 1e3,
            "center": np.array([N / 2, N / 2]),
            "distance": scan.distance,
            "num_frames": len(scan.frames),
        }
        for name, value in values.items():
            meta[name] = value
            meta[name].attrs["type"] = "array" if np.ndim(value) else "scalar"
        for name in ("label", "version"):
            meta[name] = np.zeros(1)
            meta[name].attrs["type"] = "None"
        for number, start in enumerate(range(0, len(scan.frames), chunk)):
            frames = scan.frames[start : start + chunk]
            group = file.create_group(f"chunks/{number}")
            group.create_dataset("data", data=frames, compression="gzip")
            group["indices"] = np.arange(start, start + len(frames))
            group["positions"] = scan.positions[start : start + chunk]
            group["weights"] = np.broadcast_to(scan.valid, frames.shape).astype(np.float32)


def write_ptylab(path: Path, scan: Scan) -> None:
    """PtyLab's file, its encoder moved to another origin as encoders are."""
    with h5py.File(path, "w") as file:
        file["ptychogram"] = scan.frames.astype(np.float32)
        file["encoder"] = scan.positions + np.array([1e-4, -2e-4])
        file["wavelength"] = np.array([[scan.wavelength]])
        file["dxd"], file["zo"] = scan.pixel, scan.distance
        file["orientation"] = 0.0
        file["probe"] = scan.probe[None, None, None, None]


def write_matlab(path: Path, scan: Scan) -> None:
    """A file of MATLAB 7.3: a preamble, reversed axes, complex numbers as compounds, (1, 1)."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["diffraction"] = scan.frames.astype(np.float64).transpose(0, 2, 1)
        file["positions"] = scan.positions.T
        probe = np.empty(scan.probe.shape, [("real", "<f8"), ("imag", "<f8")])
        probe["real"], probe["imag"] = scan.probe.real, scan.probe.imag
        file["probe"] = probe.T
        file["mask"] = scan.valid.astype(np.uint8).T
        for name, value in (
            ("wavelength", scan.wavelength),
            ("distance", scan.distance),
            ("pixel_size", scan.pixel),
        ):
            file[name] = np.array([[value]])
        file["energy"] = np.array([0, 0], np.uint64)  # an empty variable holds its shape
        file["energy"].attrs["MATLAB_empty"] = np.uint8(1)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


KEYS = {
    "diffraction": "/measurement/images",
    "positions": "measurement/where",
    "mask": "detector/good",
    "probe": "beam/guess",
    "wavelength": "beam/lambda",
    "distance": "detector/z",
    "pixel_size": "detector/pitch",
}


def write_keyed(path: Path, scan: Scan) -> None:
    """An HDF5 file of a layout of its own, which `KEYS` describes."""
    with h5py.File(path, "w") as file:
        file["measurement/images"] = scan.frames.astype(np.uint32)
        file["measurement/where"] = scan.positions * 1e9
        file["measurement/where"].attrs["units"] = "nm"
        file["detector/good"] = scan.valid
        file["beam/guess"] = scan.probe
        file["beam/lambda"] = np.array([scan.wavelength * 1e10])
        file["beam/lambda"].attrs["units"] = "angstrom"
        file["detector/z"] = scan.distance
        file["detector/pitch"] = [scan.pixel, scan.pixel]


def write_ptychodus_hdf5(path: Path, scan: Scan) -> None:
    """Patterns, and beside them `product.h5` with positions in another order, by index."""
    order = np.random.default_rng(5).permutation(len(scan.frames))
    indexes = 10 + np.arange(len(scan.frames))
    with h5py.File(path, "w") as file:
        file.create_dataset("indexes", data=indexes, compression="lzf")
        patterns = file.create_dataset("patterns", data=scan.frames, compression="lzf")
        patterns.attrs["detector_pixel_height_m"] = scan.pixel
        patterns.attrs["detector_pixel_width_m"] = scan.pixel
        file.create_dataset("bad_pixels", data=~scan.valid, compression="lzf")
    with h5py.File(path.with_name("product.h5"), "w") as file:
        file.attrs["detector_object_distance_m"] = scan.distance
        file.attrs["photon_energy_eV"] = scan.energy / ELECTRONVOLT
        file["probe_position_indexes"] = indexes[order]
        file["probe_position_y_m"], file["probe_position_x_m"] = scan.positions[order].T
        file["probe"] = np.atleast_3d(scan.probe.T).T[None]
        for side in ("pixel_width_m", "pixel_height_m"):
            file["probe"].attrs[side] = scan.object_pixel


def write_dectris(path: Path, scan: Scan, per_file: int = 12) -> None:
    """A master file and its files of frames beside it, packed by bitshuffle and LZ4."""
    import hdf5plugin

    bad = np.iinfo(np.uint32).max
    frames = np.where(scan.valid, scan.frames, bad).astype(np.uint32)
    with h5py.File(path, "w") as file:
        for number, start in enumerate(range(0, len(frames), per_file), start=1):
            other = path.with_name(f"{path.stem.removesuffix('_master')}_data_{number:06d}.h5")
            with h5py.File(other, "w") as data:
                data.create_dataset(
                    "entry/data/data",
                    data=frames[start : start + per_file],
                    chunks=(1, *frames.shape[1:]),
                    **hdf5plugin.Bitshuffle(cname="lz4"),
                )
            link = h5py.ExternalLink(other.name, "entry/data/data")
            file[f"entry/data/data_{number:06d}"] = link
        detector = file.create_group("entry/instrument/detector")
        detector["detectorSpecific/photon_energy"] = scan.energy / ELECTRONVOLT
        detector["detectorSpecific/photon_energy"].attrs["units"] = "eV"
        detector["detectorSpecific/countrate_correction_count_cutoff"] = 1_000_000
        detector["detector_distance"] = scan.distance
        detector["x_pixel_size"] = detector["y_pixel_size"] = scan.pixel


def _xyz(scan: Scan) -> NDArray[np.float64]:
    rows, columns = scan.positions.T
    return np.stack([columns, rows, np.zeros_like(rows)], axis=1)


# Each format that holds a whole scan.
WRITERS: dict[str, Callable[[Path, Scan], None]] = {
    "cxi": write_cxi,
    "nxcxi_ptycho": write_nxcxi_ptycho,
    "ptyd": write_ptyd,
    "ptylab": write_ptylab,
    "ptychodus_hdf5": write_ptychodus_hdf5,
    "matlab": write_matlab,
    "keys": write_keyed,
}
