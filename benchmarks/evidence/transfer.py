"""Trained here, used there: the networks of each study on the test scan of each other one.

A network is used as `ptycho-pareto reconstruct` uses it: its input is registered by the probe of
the scan that it is given, and as bright as that of its training.
"""

import logging
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.evidence.studies import FOLDER, Study
from ptychopareto.assessment.comparison import similarity
from ptychopareto.files import Dataset, FileError, read_csv, read_dataset, write_csv
from ptychopareto.models.registry import load_model
from ptychopareto.reconstruction.adaptation import adaptation_to
from ptychopareto.reconstruction.predictor import TorchPredictor
from ptychopareto.reconstruction.stream import ObjectStream
from ptychopareto.study.configurations import names_of
from ptychopareto.study.table import read_table

log = logging.getLogger(__name__)

STORE = FOLDER / "transfer"
OBJECTS = ("lines", "grf", "siemens", "independent", "mixture")
BEAMS = ("lines", "down", "aberrated", "measured_probe")
# What is looked at: every object with one beam, every beam with one object.
PAIRS = [(here, there) for names in (OBJECTS, BEAMS) for here in names for there in names]
MEASURES = ("ssim_phase", "ssim_amp", "mae_phase", "mae_amp", "frc50_phase", "frc50_amp")
COLUMNS = {
    **dict.fromkeys(("trained", "used", "configuration", "architecture"), "string"),
    "seed": "int64",
    **dict.fromkeys(MEASURES, "float64"),
}


def evaluate(studies: Sequence[Study]) -> pd.DataFrame:
    """Score all networks on all scans, a file for each pair, so that a later call goes on.

    A pair is scored again if a network or the scan has changed.
    """
    results = {study.name.removeprefix("transfer_"): study.results for study in studies}
    pairs = [pair for pair in dict.fromkeys(PAIRS) if set(pair) <= results.keys()]
    tables = []
    for number, (here, there) in enumerate(pairs, start=1):
        path = STORE / f"{here}_on_{there}_{_identity(results[here], results[there])}.csv"
        if not path.exists():
            rows = list(_scores(results[here], results[there]))
            write_csv(path, pd.DataFrame(rows).assign(trained=here, used=there)[list(COLUMNS)])
        log.info("%d of %d: trained on %s, used on %s", number, len(pairs), here, there)
        tables.append(read_csv(path, COLUMNS))
    return pd.concat(tables, ignore_index=True)


def networks(results: Path) -> pd.DataFrame:
    """The runs of a study that ended well, each with its `configuration`."""
    runs = read_table(results / "study_results.csv")
    runs = runs.assign(configuration=names_of(runs))
    runs = runs[runs["status"] == "ok"]
    if runs.empty:
        raise FileError(f"{results}: no run has ended well; there is no network to use")
    return runs


def _identity(here: Path, there: Path) -> str:
    """What identifies the networks and the scan of a pair."""
    models = [here / "runs" / run / "model.safetensors" for run in networks(here)["run"]]
    whole = sha256()
    for file in (*models, there / "dataset" / "test.npz"):
        whole.update(sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:16]


def _scores(here: Path, there: Path) -> Iterator[dict[str, Any]]:
    """Score each network of one study on the test scan of another one."""
    scan = read_dataset(there / "dataset" / "test.npz").scored()
    for run in networks(here).to_dict("records"):
        image = reconstructed(here / "runs" / str(run["run"]) / "model.safetensors", scan)
        measures = similarity(image[scan.scored_region()], scan)
        known = {name: measures.get(name, float("nan")) for name in MEASURES}
        about = {name: run[name] for name in ("configuration", "architecture", "seed")}
        yield {**about, **known}


def reconstructed(model: Path, scan: Dataset) -> np.ndarray:
    """Reconstruct the object (rows, columns) of a scan with a network, adapted to the scan."""
    network, config, _ = load_model(model)
    gridsize = round(config.channels**0.5)
    predictor = TorchPredictor(network, config.N, gridsize, torch.device("cpu"))
    adapted = adaptation_to(scan, config, "auto").of(predictor)
    stream = ObjectStream(adapted, scan.modes, scan.object_shape)
    stream.add(scan.diffraction[:], scan.corners, scan.fractions)
    return stream.object()
