"""Files that are damaged or lie: each reader gives finite values of the right shape, or one line.

Prints how many mutations each reader met; to see it: pytest -n 0 -s tests/hostile/test_readers.py
"""

import pickle
import signal
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from counts import MUTATIONS
from ptychopareto.config import SimulatedDataset
from ptychopareto.files import (
    Dataset,
    FileError,
    read_dataset,
    read_given_objects,
    read_objects,
    read_probe,
    read_reconstruction,
    write_csv,
    write_dataset,
    write_json,
    write_npz,
)
from ptychopareto.files.npz import largest_content
from ptychopareto.models.registry import NetworkConfig, build, load_model, save_model
from ptychopareto.physics.simulation import simulate
from ptychopareto.study.against_time import classical_table, refinement_table, with_latencies
from ptychopareto.study.results import Results
from ptychopareto.study.runs import Run
from ptychopareto.study.scenario_table import scenario_table
from ptychopareto.study.table import STATUSES, TYPES, gather, read_table

from .mutations import BYTES, CSV, JSON, NPZ, SAFETENSORS, Mutation, packed, unpacked

SECONDS = 5  # no mutation may take longer; most take a few milliseconds
SPARE = 8_000_000  # bytes that a reader may take however small the file

RUNS = (Run("fno", "none", 4, 4, "teacher", 0), Run("hybrid", "sqrt", 4, 4, "physics", 1))
QUALITY = {"ssim_phase": 0.8, "psnr_phase": 21.5, "mae_amp": None, "frc50_phase": 0.3}
LATENCIES = {"inference_time_s": 0.25, "inference_iqr_s": 1e-3, "patterns_per_s": 400.0}
METRICS = {
    **{"status": "ok", "error": "", "settings": "abc", "epochs": 3, "device": "CPU"},
    **{"model_params": 12_345, "train_time_s": 9.5, "patterns_trained": 600, **QUALITY},
}
TIMING = {
    "machine": {"device": "CPU", "torch": "2.6"},
    "rounds": 5,
    "engine": {"scored_fraction": 1.0, "stitch_s": 0.1, "setup_s": 0.2, "epoch_s": 0.3},
    "models": {run.id: LATENCIES for run in RUNS},
}
SCORES = {
    "networks": {run.id: {"status": "ok", "error": "", **QUALITY} for run in RUNS},
    "classical": {"epochs": 5, **QUALITY},
}
STEPS = {"steps": [{"epochs": epochs, **QUALITY} for epochs in (0, 1, 5)]}


class Hang(BaseException):
    """A reader took too long."""


@contextmanager
def time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def memory_limit(content: bytes) -> Iterator[None]:
    """Of what Python and NumPy take; `test_memory.py` measures whole processes."""
    tracemalloc.start()
    try:
        yield
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= 4 * vouched(content) + SPARE, peak


def no_pickle(*_: object, **__: object) -> None:
    raise AssertionError("a pickle was loaded")


def vouched(content: bytes) -> int:
    """The bytes a reader may count with: those of the file, or those it is allowed to unpack to."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            claimed = sum(info.file_size for info in archive.infolist())
    except Exception:  # whatever zipfile thinks of a damaged file
        return len(content)
    return max(len(content), claimed if claimed <= largest_content() else 0)


def fuzz(
    name: str,
    path: Path,
    contents: Sequence[bytes],
    mutations: Sequence[Mutation],
    read: Callable[[Path], Any],
    monkeypatch: pytest.MonkeyPatch,
    count: int = MUTATIONS,
    refused_share: float = 0.5,
) -> None:
    """Read each mutation of good contents; half of them are changes of bytes, half lies.

    `read` reads the path and fails if what it got is not what was promised.
    """
    path.write_bytes(contents[0])
    read(path)  # good, and imports what it needs
    for function in ("load", "loads"):
        monkeypatch.setattr(pickle, function, no_pickle)
    accepted, refused, archive = 0, 0, path.suffix == ".npz"
    for number in range(count):
        rng = np.random.default_rng([len(name), number])
        kinds = (BYTES, mutations)[number % 2]
        mutation = kinds[(number // 2) % len(kinds)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy and zipfile wonder about what we write
            content = mutation(contents[(number // 4) % len(contents)], rng)
            path.write_bytes(content)
            try:
                with time_limit(), memory_limit(content) if archive else nullcontext():
                    read(path)
                accepted += 1
            except FileError as error:
                line = str(error)
                assert line.isprintable(), (number, mutation.__name__)
                assert line.startswith(f"{path}: "), line
                assert len(line) < len(str(path)) + 400
                refused += 1
            except BaseException as error:
                said = f"mutation {number}, {mutation.__name__}: {error!r}"
                raise AssertionError(said) from error
    print(f"\n{name}: {count} mutations, {accepted} accepted, {refused} refused")
    assert refused > refused_share * count
    assert accepted


@pytest.fixture(scope="module")
def scan() -> Dataset:
    """25 patterns of 16² pixels."""
    settings = {"N": 16, "size": 48, "scan_step_train": 8, "scan_step_test": 8}
    return simulate(SimulatedDataset.model_validate(settings))[1]


def check_dataset(path: Path) -> None:
    dataset = read_dataset(path, patches=True)
    count, n = len(dataset.diffraction), dataset.N
    arrays = {
        "diffraction": (dataset.diffraction, np.float32, (count, n, n)),
        "probe": (dataset.probe, np.complex64, (n, n)),
        "patches": (dataset.patches, np.complex64, (count, n, n)),
        "corners": (dataset.corners, np.int64, (count, 2)),
        "index": (dataset.object_index, np.int32, (count,)),
    }
    for array, dtype, shape in arrays.values():
        assert array is None or (array.dtype == dtype and array.shape == shape)
        assert array is None or np.isfinite(array).all()
    rows, columns = dataset.scored_region()
    truth = dataset.truth
    assert truth is None or np.isfinite(truth).all()
    assert truth is None or truth.shape == (rows.stop - rows.start, columns.stop - columns.start)
    assert dataset.objects is None or np.isfinite(dataset.objects).all()
    assert (dataset.corners >= 0).all()
    assert (dataset.corners + n <= dataset.object_shape).all()
    for name in ("versions", "sha256"):
        named = dataset.metadata.get(name, {})
        assert all(isinstance(text, str) for item in named.items() for text in item)


def test_scans(scan: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "test.npz"
    write_dataset(path, scan)
    plain = path.read_bytes()
    contents = [plain, packed(unpacked(plain), compress=True)]
    fuzz("scan (NPZ)", path, contents, NPZ, check_dataset, monkeypatch)


def check_images(image: Any, ndim: int, *, may_be_void: bool = False) -> None:
    assert image.dtype == np.complex64
    assert image.ndim == ndim
    assert image.size
    assert np.isfinite(image).all() or (may_be_void and np.isnan(image).all())


def test_probes(scan: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "probe.npz"
    write_npz(path, probeGuess=scan.probe)
    fuzz(
        *("probe (NPZ)", path, [path.read_bytes()], NPZ),
        lambda path: check_images(read_probe(path), 2),
        monkeypatch,
    )


def test_teachers(scan: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "teacher.npz"
    assert scan.objects is not None
    write_npz(path, objects=scan.objects)
    fuzz(
        *("teacher (NPZ)", path, [path.read_bytes()], NPZ),
        lambda path: check_images(read_objects(path, (48, 48)), 3),
        monkeypatch,
    )


def test_given_objects(scan: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "objects.npz"
    assert scan.objects is not None
    write_npz(path, object=scan.objects)

    def read(path: Path) -> None:
        objects = read_given_objects(path, 1, 40)
        check_images(objects, 3)
        assert objects.shape == (1, 40, 40)

    fuzz("given objects (NPZ)", path, [path.read_bytes()], NPZ, read, monkeypatch)


def test_reconstructions(scan: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "reconstruction.npz"
    assert scan.truth is not None
    write_npz(path, object=scan.truth)
    fuzz(
        *("reconstruction (NPZ)", path, [path.read_bytes()], NPZ),
        lambda path: check_images(read_reconstruction(path), 2, may_be_void=True),
        monkeypatch,
    )


def check_model(path: Path) -> None:
    network, config, training = load_model(path)
    with torch.random.fork_rng():
        expected = {name: tensor.shape for name, tensor in build(config).state_dict().items()}
    found = network.state_dict()
    assert {name: tensor.shape for name, tensor in found.items()} == expected
    for tensor in found.values():
        assert tensor.dtype == torch.float32
        assert tensor.isfinite().all()
    assert training["status"] in STATUSES


def test_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    contents = []
    for architecture in ("fno", "hybrid"):
        config = NetworkConfig(architecture, "none", modes=2, width=2, N=16)
        save_model(path, build(config), config, {"status": "ok", "epochs": 1, "error": ""})
        contents.append(path.read_bytes())
    fuzz("model (safetensors)", path, contents, SAFETENSORS, check_model, monkeypatch)


def check_table(table: pd.DataFrame) -> None:
    numbers = table.select_dtypes("number").to_numpy("float64", na_value=np.nan)
    assert not np.isinf(numbers).any()


def table_of(path: Path) -> pd.DataFrame:
    return gather(RUNS, {RUNS[0].id: path})


def check_metrics(path: Path) -> None:
    table = table_of(path)
    assert {name: str(kind) for name, kind in table.dtypes.items()} == TYPES
    assert table["run"].tolist() == [run.id for run in RUNS]
    assert table["status"].isin(STATUSES).all()
    check_table(table)


def check_timing(path: Path) -> None:
    timing = Results(path.parent, RUNS).timing()
    check_table(with_latencies(gather(RUNS, {}), timing))
    check_table(classical_table(STEPS["steps"], timing))


def check_classical(path: Path) -> None:
    steps = Results(path.parent, RUNS).classical_steps()
    table = classical_table(steps, TIMING)
    assert len(table) == len(steps)
    check_table(table)


def check_refinement(path: Path) -> None:
    check_table(refinement_table(RUNS, {RUNS[0].id: path}, TIMING))


def check_scores(path: Path) -> None:
    table = scenario_table(RUNS, gather(RUNS, {}), [], {"dim": path})
    assert table["status"].isin(STATUSES).all()
    check_table(table)


@pytest.mark.parametrize(
    ("name", "good", "read"),
    [
        ("metrics", METRICS, check_metrics),
        ("timing", TIMING, check_timing),
        ("classical", STEPS, check_classical),
        ("refinement", STEPS, check_refinement),
        ("scores", SCORES, check_scores),
    ],
)
def test_records(
    name: str,
    good: dict[str, Any],
    read: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / f"{name}.json"
    write_json(path, good)
    fuzz(f"{name} (JSON)", path, [path.read_bytes()], JSON, read, monkeypatch)


def check_read_table(path: Path) -> None:
    table = read_table(path)
    assert {name: str(kind) for name, kind in table.dtypes.items()} == TYPES
    assert not table["run"].duplicated().any()
    check_table(table)


def test_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, path = tmp_path / "metrics.json", tmp_path / "study_results.csv"
    write_json(metrics, METRICS)
    write_csv(path, table_of(metrics))
    fuzz("table (CSV)", path, [path.read_bytes()], CSV, check_read_table, monkeypatch)
