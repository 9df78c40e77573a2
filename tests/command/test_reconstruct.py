"""From the file of a scan to the file of its object, and what ends in one line instead."""

import errno
import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.assessment.comparison import similarity
from ptychopareto.command.main import main
from ptychopareto.files import Dataset, write_dataset
from ptychopareto.models.registry import load_model
from ptychopareto.models.trained_on import TrainedOn
from ptychopareto.readers.finished import read_reconstruction_of
from ptychopareto.reconstruction.reconstruct import reconstruct
from readers import writers
from readers.writers import Scan, a_scan

from .conftest import MakeNetwork

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CXI file of 60 patterns of counts."""
    path = tmp_path_factory.mktemp("measured") / "scan.cxi"
    writers.write_cxi(path, a_scan(rows=6, columns=10))
    return path


def failed(arguments: list[object], captured: Captured) -> str:
    """The one line that a call ends with."""
    assert main([*map(str, arguments)]) == 1
    said = captured.readouterr().err.strip()
    assert "Traceback" not in said
    (line,) = said.splitlines()
    assert line.startswith("ptycho-pareto reconstruct: ")
    return line


def test_a_simulated_scan_scores_as_in_a_study(
    network: Path,
    simulated: Path,
    small_scan: tuple[Dataset, Dataset],
    tmp_path: Path,
    capsys: Captured,
) -> None:
    out = tmp_path / "out"
    assert main(["reconstruct", str(network), str(simulated), "-o", str(out / "object.h5")]) == 0
    scan = small_scan[1]
    image = reconstruct(load_model(network)[0], scan)
    with h5py.File(out / "object.h5") as file:
        process = file["entry_1/image_1/process_1"]
        np.testing.assert_array_equal(file["entry_1/image_1/data"], image)
        for name, value in similarity(image[scan.scored_region()], scan).items():
            assert process[name][()] == pytest.approx(value, abs=1e-5, nan_ok=True)
        assert not process["free"][()].any()
        assert json.loads(process["network"].asstr()[()])["architecture"] == "cnn"
        assert len(process["scan_sha256"].asstr()[()]) == 64
    assert {path.name for path in out.iterdir()} == {"object.h5", "object.png"}
    assert "ssim_phase" in capsys.readouterr().out


def test_a_measured_scan_has_metres_and_free_patterns(
    make_network: MakeNetwork, measured: Path, tmp_path: Path
) -> None:
    arguments = [str(make_network()), str(measured), "-o", str(tmp_path / "a.cxi")]
    assert main(["reconstruct", *arguments, "--no-picture", "--quiet"]) == 0
    scan = a_scan(rows=6, columns=10)
    with h5py.File(tmp_path / "a.cxi") as file:
        image = file["entry_1/image_1"]
        assert image["y_pixel_size"][()] == pytest.approx(scan.object_pixel)
        assert image["source_1/wavelength"][()] == pytest.approx(scan.wavelength)
        assert image["detector_1/distance"][()] == scan.distance
        process = image["process_1"]
        assert process["free"][()].sum() == 3
        assert 0 < process["r_free"][()] < 2
        frames = process["frames"][()]
        places = file["entry_1/sample_1/geometry_1/translation"][()]
    moved = places[:, [1, 0]] - places[0, [1, 0]]
    stated = scan.positions[frames] - scan.positions[frames[0]]
    np.testing.assert_allclose(moved, stated, atol=1e-3 * scan.object_pixel)


def test_a_product_holds_the_same_object(
    make_network: MakeNetwork, measured: Path, tmp_path: Path
) -> None:
    network = str(make_network())
    common = ["reconstruct", network, str(measured), "--no-picture", "-q"]
    assert main([*common, "-o", str(tmp_path / "a.cxi")]) == 0
    assert main([*common, "-o", str(tmp_path / "a.h5"), "--write", "ptychodus"]) == 0
    product = read_reconstruction_of(tmp_path / "a.h5")
    assert product.object is not None
    assert product.corners_on_object is not None
    with h5py.File(tmp_path / "a.cxi") as file:
        np.testing.assert_array_equal(product.object, file["entry_1/image_1/data"])
        corners = file["entry_1/image_1/process_1/corners"][()]
    np.testing.assert_allclose(product.corners_on_object, corners, atol=1e-6)


def test_several_scans_and_one_that_will_not_do(
    make_network: MakeNetwork, measured: Path, tmp_path: Path, capsys: Captured
) -> None:
    bad = tmp_path / "bad.cxi"
    bad.write_bytes(b"no scan")
    folder = tmp_path / "objects"
    scans = [str(bad), str(measured)]
    assert main(["reconstruct", str(make_network()), *scans, "-o", str(folder), "-q"]) == 1
    assert {path.name for path in folder.iterdir()} == {"scan.cxi", "scan.png"}
    errors = capsys.readouterr().err.splitlines()
    assert sum(line.startswith(f"ptycho-pareto reconstruct: {bad}: ") for line in errors) == 1


def test_refining_lowers_the_r_factor(network: Path, simulated: Path, tmp_path: Path) -> None:
    found = []
    for epochs in ("0", "3"):
        out = tmp_path / f"{epochs}.cxi"
        arguments = ["reconstruct", str(network), str(simulated), "-o", str(out), "--no-picture"]
        assert main([*arguments, "--refine", epochs]) == 0
        with h5py.File(out) as file:
            found.append(file["entry_1/image_1/process_1/r_work"][()])
    assert found[1] < 0.5 * found[0]


def test_free_patterns_say_when_to_stop(
    make_network: MakeNetwork, measured: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.cxi"
    arguments = [str(make_network()), str(measured), "-o", str(out), "--refine", "auto"]
    assert main(["reconstruct", *arguments, "--free", "0.1", "--no-picture"]) == 0
    with h5py.File(out) as file:
        process = file["entry_1/image_1/process_1"]
        assert process["free"][()].sum() == 6
        assert 1 <= int(process["refined_epochs"].asstr()[()]) <= 50
        assert process["r_free"][()] < process["r_free_flat"][()]


def test_a_network_of_groups(
    make_network: MakeNetwork, simulated: Path, small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    network = make_network(channels=4, input_scale=0.1)
    out = tmp_path / "out.cxi"
    assert main(["reconstruct", str(network), str(simulated), "-o", str(out), "--no-picture"]) == 0
    with h5py.File(out) as file:
        image = file["entry_1/image_1/data"][()]
    assert image.shape == small_scan[1].object_shape
    assert np.isfinite(image).all()


def test_other_magnification_and_counts_are_said(
    make_network: MakeNetwork, simulated: Path, tmp_path: Path, capsys: Captured
) -> None:
    network = make_network(magnification=-2.0, input_scale=10.0)
    out = tmp_path / "out.cxi"
    assert main(["reconstruct", str(network), str(simulated), "-o", str(out), "--no-picture"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "other magnification: " in lines[0]
    assert "other counts or units: " in lines[1]
    assert "is unknown: the network's file does not say its counts" in lines[1]
    with h5py.File(out) as file:
        assert "other counts" in file["entry_1/image_1/process_1/remarks"].asstr()[()]


def test_counts_are_compared_with_counts(
    make_network: MakeNetwork, measured: Path, tmp_path: Path, capsys: Captured
) -> None:
    """A network of a simulation, in units of its own, says nothing of a scan as bright as that."""
    mean = float(a_scan(rows=6, columns=10).frames.sum((1, 2)).mean())

    def said(counts: float | None) -> str:
        network = make_network(input_scale=1e-3, trained_on=TrainedOn(counts, 1.0))
        arguments = [str(network), str(measured), "-o", str(tmp_path / "o.cxi"), "--no-picture"]
        assert main(["reconstruct", *arguments]) == 0
        return capsys.readouterr().err

    assert "other counts" not in said(mean)
    assert "other counts" not in said(1.8 * mean)
    assert f"other counts: {mean:.3g} in a pattern, {10 * mean:.3g} in those" in said(10 * mean)
    assert "other counts or units: " in said(None)


def test_a_scan_that_does_not_say_its_counts(
    make_network: MakeNetwork,
    small_scan: tuple[Dataset, Dataset],
    tmp_path: Path,
    capsys: Captured,
) -> None:
    path = tmp_path / "scan.npz"
    write_dataset(path, replace(small_scan[1], intensity_scale=None))
    network = make_network(input_scale=10.0, trained_on=TrainedOn(1e5, 1.0))
    arguments = [str(network), str(path), "-o", str(tmp_path / "o.cxi"), "--no-picture"]
    assert main(["reconstruct", *arguments]) == 0
    assert "is unknown: the scan does not say its counts" in capsys.readouterr().err


def test_the_probe_is_found_first(
    make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    """With a bad guess in the file, the probe that is found is the true one, and so is the fit."""
    scan = a_scan(rows=10, columns=10)
    path = tmp_path / "scan.cxi"
    writers.write_cxi(path, replace(scan, probe=np.sqrt(np.abs(scan.probe)).astype(np.complex64)))
    network, r_free, likeness = str(make_network()), {}, {}
    for name, more in {"file": [], "found": ["--find-probe", "2"]}.items():
        out = tmp_path / f"{name}.cxi"
        arguments = [network, str(path), "-o", str(out), "--no-picture", "--refine", "5", *more]
        assert main(["reconstruct", *arguments]) == 0
        with h5py.File(out) as file:
            modes = file["entry_1/instrument_1/source_1/illumination"][()].reshape(-1, 32, 32)
            r_free[name] = float(file["entry_1/image_1/process_1/r_free"][()])
        power = (np.abs(modes) ** 2).sum((1, 2))
        if name == "found":
            assert len(modes) == 2
            assert power[0] > power[1]
        # Wherever it lies: object and probe may move together.
        overlap = np.fft.ifft2(np.fft.fft2(modes[0]) * np.fft.fft2(scan.probe).conj())
        lengths = np.linalg.norm(modes[0]) * np.linalg.norm(scan.probe)
        likeness[name] = float(np.abs(overlap).max() / lengths)
    assert r_free["found"] < 0.7 * r_free["file"]
    assert likeness["found"] > 0.99
    assert likeness["file"] < 0.9


@pytest.mark.long
def test_free_patterns_have_no_say_in_the_probe_that_is_found(
    make_network: MakeNetwork, measured_scan: tuple[Dataset, np.ndarray], tmp_path: Path
) -> None:
    data = measured_scan[0]
    assert data.free is not None
    darker = np.where(data.free[:, None, None], 0.5 * data.diffraction, data.diffraction)
    network, probes = str(make_network(input_scale=0.1)), []
    for name, patterns in {"as_it_is": data.diffraction, "free_ones_darker": darker}.items():
        path, out = tmp_path / f"{name}.npz", tmp_path / f"{name}.cxi"
        write_dataset(path, replace(data, diffraction=patterns.astype(np.float32)))
        arguments = [network, str(path), "-o", str(out), "--no-picture", "--find-probe"]
        assert main(["reconstruct", *arguments]) == 0
        with h5py.File(out) as file:
            probes.append(file["entry_1/instrument_1/source_1/illumination"][()])
    assert not np.array_equal(probes[0].squeeze(), data.probe)
    np.testing.assert_array_equal(*probes)


def test_patterns_of_another_size(
    make_network: MakeNetwork, simulated: Path, tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "out" / "object.cxi"
    line = failed(["reconstruct", make_network(N=16), simulated, "-o", out], capsys)
    assert "has patterns of 32 px, and the network takes 16 px; --N crops them" in line
    assert list(out.parent.iterdir()) == []


def test_a_foreign_network(simulated: Path, tmp_path: Path, capsys: Captured) -> None:
    foreign = tmp_path / "model.safetensors"
    foreign.write_bytes(b"not a network")
    line = failed(["reconstruct", foreign, simulated, "-o", tmp_path / "o.cxi"], capsys)
    assert f"{foreign}: not a complete model file of ptychopareto" in line
    line = failed(["reconstruct", tmp_path / "none", simulated, "-o", tmp_path / "o.cxi"], capsys)
    assert "no such file" in line
    (tmp_path / "empty").mkdir()
    line = failed(["reconstruct", tmp_path / "empty", simulated], capsys)
    assert "is a folder without model.safetensors" in line
    assert not (tmp_path / "o.cxi").exists()


def test_a_scan_without_positions(
    make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    scan = tmp_path / "scan.h5"
    with h5py.File(scan, "w") as file:
        file["entry/data"] = np.ones((20, 32, 32), np.uint16)
    out = tmp_path / "o.cxi"
    key = ["--key", "diffraction=entry/data"]
    line = failed(["reconstruct", make_network(), scan, "-o", out, *key], capsys)
    assert f"{scan}: has no positions" in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "tiff"], "format 'tiff' is not known"),
        (["--device", "mps"], "--device: 'mps' is not available on this machine"),
        (["--energy", "1000"], "the scan: energy: 1000.0 is too large"),
        (["--refine", "auto", "--free", "0"], "no pattern is free to decide"),
        (["--study", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_arguments_that_do_not_fit(
    network: Path,
    simulated: Path,
    tmp_path: Path,
    capsys: Captured,
    arguments: list[str],
    said: str,
) -> None:
    out = tmp_path / "o.cxi"
    assert said in failed(["reconstruct", network, simulated, "-o", out, *arguments], capsys)
    assert not out.exists()


def test_a_folder_that_nothing_can_be_written_to(
    network: Path, simulated: Path, capsys: Captured
) -> None:
    line = failed(["reconstruct", network, simulated, "-o", "/proc/nowhere/object.cxi"], capsys)
    assert "/proc" in line


def test_the_scan_is_not_overwritten(network: Path, simulated: Path, capsys: Captured) -> None:
    before = simulated.read_bytes()
    copy = simulated.with_suffix(".h5")
    copy.write_bytes(before)
    line = failed(["reconstruct", network, copy, "-o", copy], capsys)
    assert "is the scan itself" in line
    assert copy.read_bytes() == before


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB with room for nothing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True
    )
    if made.returncode:
        pytest.skip("this user may not mount a file system")
    with suppress(OSError), (disk / "ballast").open("ab", buffering=0) as stream:
        while True:
            stream.write(bytes(1 << 12))
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk(network: Path, simulated: Path, full_disk: Path, capsys: Captured) -> None:
    line = failed(["reconstruct", network, simulated, "-o", full_disk / "object.cxi"], capsys)
    assert "object.cxi: No space left on device; it was not written" in line
    assert {path.name for path in full_disk.iterdir()} == {"ballast"}


def test_a_disk_that_is_full_before_the_picture(
    network: Path,
    simulated: Path,
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The line says which of the two files is missing."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ptychopareto.command.outputs.draw_picture", full)
    line = failed(["reconstruct", network, simulated, "-o", tmp_path / "object.cxi"], capsys)
    assert line.endswith("object.png: No space left on device; it was not written")
    assert (tmp_path / "object.cxi").is_file()


def test_the_settings_of_a_study(
    make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    """A scan whose file says nothing is read as its study reads it."""
    scan: Scan = a_scan(rows=6, columns=10)
    path, study = tmp_path / "any.h5", tmp_path / "study.yaml"
    with h5py.File(path, "w") as file:
        file["frames"], file["places"] = scan.frames, scan.positions
    keys = "{diffraction: frames, positions: places}"
    study.write_text(f"dataset: {{scan: other.h5, keys: {keys}, distance: 3.0, free: 0.3}}\n")
    out = tmp_path / "o.cxi"
    own = ["--study", str(study), "--distance", "2", "--energy", "8.27", "--pixel-size", "55e-6"]
    common = ["reconstruct", str(make_network()), str(path), "-o", str(out), "--no-picture"]
    assert main([*common, *own]) == 0
    with h5py.File(out) as file:
        assert file["entry_1/image_1/detector_1/distance"][()] == 2.0
        assert file["entry_1/image_1/process_1/free"][()].sum() == 3


def test_free_patterns_of_a_file_are_kept(
    make_network: MakeNetwork, measured_scan: tuple[Dataset, np.ndarray], tmp_path: Path
) -> None:
    data = measured_scan[0]
    assert data.free is not None
    path, out = tmp_path / "test.npz", tmp_path / "o.cxi"
    write_dataset(path, data)
    common = [str(make_network(input_scale=0.1)), str(path), "-o", str(out), "--no-picture"]
    assert main(["reconstruct", *common]) == 0
    with h5py.File(out) as file:
        np.testing.assert_array_equal(file["entry_1/image_1/process_1/free"], data.free)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_an_onnx_file_is_a_network_too(
    runtime: str, network: Path, simulated: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "model.onnx"
    assert main(["export", str(network), str(exported)]) == 0
    images = []
    for one, runs in ((network, "torch"), (exported, runtime)):
        out = tmp_path / f"{one.suffix[1:]}.cxi"
        said = [str(one), str(simulated), "-o", str(out), "--no-picture", "--runtime", runs]
        assert main(["reconstruct", *said]) == 0
        with h5py.File(out) as file:
            images.append(file["entry_1/image_1/data"][()])
            record = file["entry_1/image_1/process_1"]
            texts = [record[name].asstr()[()] for name in ("runtime", "precision", "versions")]
            assert texts[:2] == [runs, "float32"]
            assert runs in json.loads(texts[2])
    np.testing.assert_allclose(images[0], images[1], atol=1e-5)
