"""A scan that is reconstructed while a process writes it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor

from ptychopareto.config import MeasuredDataset
from ptychopareto.files import FileError
from ptychopareto.following.follow import FIRST_PATTERNS, follow
from ptychopareto.following.live_object import LiveObject
from ptychopareto.following.watch import Look, Watch
from ptychopareto.physics.subpixel import split_positions
from ptychopareto.preparation.whole import prepare_whole
from ptychopareto.readers.frames import patterns_between
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.registry import read_growing_scan, read_scan
from ptychopareto.reconstruction.stream import ObjectStream
from readers.growing import Detector
from readers.writers import Scan, a_scan, write_cxi

N = 32


class Stand:
    """A predictor whose patches depend on the pattern, and a little on the batch's size."""

    N, gridsize, batch, threads, device = N, 1, 8, 1, torch.device("cpu")

    def __call__(self, amplitudes: Tensor) -> Tensor:
        roots = torch.fft.ifft2(torch.fft.ifftshift(amplitudes, dim=(-2, -1)))
        return 1 + 0.1 * roots / roots.abs().amax() * len(amplitudes) ** 0.01


@pytest.fixture(scope="module")
def scan() -> Scan:
    scan = a_scan(N=N, rows=9, columns=13, photons=1e6)
    scan.valid[:] = True
    return scan


def settings(path: Path) -> MeasuredDataset:
    return MeasuredDataset(scan=[path])


def watch(path: Path) -> Watch:
    return Watch(path, read_growing_scan, 30)


def beginning(path: Path) -> Callable[[MeasuredScan], LiveObject]:
    def begin(first: MeasuredScan) -> LiveObject:
        assert first.frames.shape[0] == FIRST_PATTERNS
        return LiveObject(prepare_whole(first, settings(path), 0), settings(path), Stand())

    return begin


def check(live: LiveObject, path: Path) -> None:
    """Compare with what the file gives where it is read as a whole, after its writer has gone.

    The object's grid of pixels may lie off by a fraction: it is where the first patterns want it.
    """
    prepared = prepare_whole(read_scan(path), settings(path), 0)
    np.testing.assert_array_equal(live.frames, prepared.frames)
    offset = live.corners - prepared.surveyed.positions[prepared.frames]
    np.testing.assert_allclose(offset, offset[:1].repeat(len(offset), axis=0), atol=1e-6)
    corners, fractions = split_positions(live.corners)
    assert (corners.min(axis=0) == 0).all()
    stream = ObjectStream(Stand(), prepared.dataset.modes, live.object().shape)
    stream.add(prepared.dataset.diffraction, corners, fractions)
    np.testing.assert_allclose(live.object(), stream.object(), rtol=0, atol=2e-6)


def followed(detector: Detector, bursts: list[int]) -> LiveObject:
    """Follow a scan that comes in bursts, one at each time that something is shown."""
    left = list(bursts)

    def show(live: LiveObject | None, look: Look) -> None:
        if live is not None and look.count < sum(bursts) - sum(left):
            return
        if left:
            detector.write(left.pop(0))
        elif not look.ended:
            detector.close()

    end = follow(watch(detector.file), beginning(detector.file), show)
    assert end.look.complete
    assert end.late == 0
    return end.live


@pytest.mark.parametrize("bursts", [[117], [50, 30, 1, 1, 5, 30], [64, 53]])
def test_it_is_the_reconstruction_of_the_whole_scan(
    scan: Scan, tmp_path: Path, bursts: list[int]
) -> None:
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        live = followed(detector, bursts)
    check(live, detector.file)


def test_when_patterns_come_does_not_matter_to_the_last_bit(scan: Scan, tmp_path: Path) -> None:
    objects = []
    for number, bursts in enumerate([[117], [70, 1, 2, 3, 41]]):
        with Detector(tmp_path / f"{number}.cxi", scan) as detector:
            objects.append(followed(detector, bursts).object())
    np.testing.assert_array_equal(*objects)


def test_a_scan_that_runs_backwards(scan: Scan, tmp_path: Path) -> None:
    """The object grows before its first row and column."""
    order = np.arange(117)[::-1]
    turned = replace(scan, frames=scan.frames[order], positions=scan.positions[order])
    with Detector(tmp_path / "scan.cxi", turned, planned=True, chunk=4) as detector:
        check(followed(detector, [65, 52]), detector.file)


def snapshot(file: Path, count: int, **changes: Any) -> MeasuredScan:
    return patterns_between(replace(read_scan(file), **changes), 0, count)


def test_dark_and_late_frames(scan: Scan, tmp_path: Path) -> None:
    """A dark frame is left out; one that was not written when it was read is not."""
    file = tmp_path / "scan.cxi"
    frames = scan.frames.copy()
    frames[80] = 0  # dark
    write_cxi(file, replace(scan, frames=frames))
    early = frames.copy()
    early[70], early[110:] = 0, 0  # not written yet
    live = beginning(file)(snapshot(file, FIRST_PATTERNS))
    while live.take(snapshot(file, 117, frames=early), ended=False):
        pass
    assert live.done == 104  # whole blocks of what is written
    while live.take(snapshot(file, 117), ended=True):
        pass
    assert live.done == 117
    assert 70 not in live.frames
    assert live.take_late(snapshot(file, 117)) == 1
    assert live.take_late(snapshot(file, 117)) == 0
    assert sorted(live.frames) == [*range(80), *range(81, 117)]
    assert 0 < live.latest_r_factor() < 2


def test_a_position_beyond_all_bounds(scan: Scan, tmp_path: Path) -> None:
    file = tmp_path / "scan.cxi"
    write_cxi(file, scan)
    live = beginning(file)(snapshot(file, FIRST_PATTERNS))
    positions = scan.positions.copy()
    positions[100] *= 1e6
    with pytest.raises(FileError, match="is their unit right"):
        live.take(snapshot(file, 117, positions=positions), ended=True)


def test_a_scan_of_few_patterns(scan: Scan, tmp_path: Path) -> None:
    """When it ends before the first patterns are complete, it is made of those that came."""
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(30)
        detector.close()
        prepared = prepare_whole(read_scan(detector.file), settings(detector.file), 0)
        live = LiveObject(prepared, settings(detector.file), Stand())
        end = follow(watch(detector.file), lambda first: live, lambda live, look: None)
    assert end.live.done == 30


def test_a_writer_that_dies_leaves_what_came(scan: Scan, tmp_path: Path) -> None:
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(100)
        detector.kill()
        end = follow(
            Watch(detector.file, read_growing_scan, 1.0),
            beginning(detector.file),
            lambda live, look: None,
        )
    assert end.look.stopped is not None
    assert not end.look.complete
    check(end.live, detector.file)


def test_the_writer_of_the_page(scan: Scan, tmp_path: Path) -> None:
    """The example of docs/beamline.md writes a scan that can be followed."""
    page = (Path(__file__).parents[2] / "docs" / "beamline.md").read_text()
    code = page.split("```python\nwith h5py.File(")[1].split("```")[0]
    x_y_z = [(column, row, 0.0) for row, column in scan.positions]
    names = {"h5py": h5py, "scan": lambda: zip(scan.frames, x_y_z, strict=True)}
    code = "with h5py.File(" + code.replace("(64, 64)", f"({N}, {N})")
    exec(code.replace("scan.cxi", str(tmp_path / "scan.cxi")), names)
    written = read_scan(tmp_path / "scan.cxi")
    np.testing.assert_array_equal(written.frames[0:117], scan.frames)
    np.testing.assert_array_equal(written.positions, scan.positions)
    assert written.distance == 2.0
    assert written.wavelength == 1.5e-10
