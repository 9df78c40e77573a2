"""Studies that were never run: their tables, and the files that the page shows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imsave
from numpy.typing import NDArray

from ptychopareto.files import write_npz
from ptychopareto.study.against_time import CLASSICAL, REFINEMENT
from ptychopareto.study.break_even import break_even
from ptychopareto.study.configurations import configurations, names_of
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.purposes import as_records, purposes
from ptychopareto.study.recommendation import recommend
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES

COST, QUALITY = "model_params", "ssim_phase"
Arguments = dict[str, Any]
Broken = Mapping[int, str]
MakeStudy = Callable[..., Arguments]


@pytest.fixture(scope="session")
def make_study(tmp_path_factory: pytest.TempPathFactory) -> MakeStudy:
    """Make what `page.build` wants: `make_study(seeds, widths, broken)`.

    The grid is both architectures, two transforms, the widths and the seeds; `broken` gives the
    status of the runs that are not ok, by their number in the grid.
    """

    def make(
        seeds: Sequence[int] = (0, 1), widths: Sequence[int] = (8, 16), broken: Broken | None = None
    ) -> Arguments:
        grid = [
            Run(architecture, transform, 12, width, "teacher", seed)
            for architecture in ("fno", "hybrid")
            for transform in ("none", "sqrt")
            for width in widths
            for seed in seeds
        ]
        return _arguments(_table(grid, broken or {}), tmp_path_factory.mktemp("study"))

    return make


def _arguments(table: pd.DataFrame, folder: Path) -> Arguments:
    reconstructions = {run: folder / run / "reconstruction.npz" for run in table["run"]}
    for number, (run, status) in enumerate(zip(table["run"], table["status"], strict=True)):
        if status == "ok":
            write_npz(reconstructions[run], object=_object(number))
    gallery = folder / "gallery.png"
    imsave(gallery, np.angle(_object(0)), cmap="cividis")
    front, refinement = pareto_front(table, COST, QUALITY), _refinement(table)
    answers = as_records(purposes(table, front, refinement, COST, QUALITY))
    return {
        "table": table,
        "configurations": configurations(table),
        "front": front,
        "recommendation": {**recommend(table, front, COST, QUALITY), "purposes": answers},
        "break_even": break_even(table, refinement, _classical(), QUALITY, 60.0),
        "pictures": {"gallery": gallery},
        "thumbnails": reconstructions,
        "provenance": {"git commit": "0123abcd", "device": "cpu, 2 threads"},
        "axes": {"cost": COST, "quality": QUALITY},
    }


def _table(grid: Sequence[Run], broken: Broken) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for number, run in enumerate(grid):
        row = {"run": run.id, **vars(run), "status": broken.get(number, "ok")}
        if row["status"] == "ok":
            row |= _results(run, rng)
        elif row["status"] == "diverged":
            row |= {"epochs": 2, "error": "loss is nan, in epoch 2", "model_params": 1000}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def _results(run: Run, rng: np.random.Generator) -> dict[str, Any]:
    size = run.width * (1.6 if run.architecture == "hybrid" else 1)
    ssim = 1 - 1.4 / size - 0.05 * (run.input_transform == "none") - 0.001 * rng.random()
    ssim -= 0.02 * run.seed  # so that in the plot no run lies on the mean
    params = round(2000 * size**2)
    return {
        **{"epochs": 3, "ssim_phase": ssim, "ssim_phase_floor": 0.41, "psnr_phase": 18 + 9 * ssim},
        **{"mae_phase": 0.3 * (1 - ssim), "frc50_phase": 0.4 * ssim, "ssim_amp": 0.9 * ssim},
        **{"psnr_amp": 20 + 5 * ssim, "mae_amp": 0.1 * (1 - ssim), "frc50_amp": 0.5 * ssim},
        **{"published_mae_amp": 0.1 * (1 - ssim), "published_mae_phase": 0.3 * (1 - ssim)},
        **{"published_ssim_amp": 0.9 * ssim, "published_ssim_phase": 0.8 + 0.2 * ssim},
        **{"model_params": params, "model_params_real": 2 * params - 512, "device": "cpu"},
        **{"inference_time_s": 0.02 * size + 0.1 * rng.random(), "patterns_per_s": 9000 / size},
        **{"single_pattern_s": 1e-4 * size, "peak_memory_mb": 300 + 8 * size},
        **{"train_time_s": 12 * size, "patterns_trained": 5043},
    }


def _refinement(table: pd.DataFrame) -> pd.DataFrame:
    """Each network alone, and better after 5 epochs of rPIE, which take 2 s."""
    names = names_of(table)
    rows = [
        {
            **{"run": run, "configuration": name, "seed": seed, "refine_epochs": epochs},
            **{"inference_s": seconds, "refine_s": 0.4 * epochs},
            **{"total_s": seconds + 0.4 * epochs, QUALITY: 1 - (1 - quality) / (1 + epochs)},
        }
        for run, name, seed, seconds, quality in zip(
            *(table["run"], names, table["seed"], table["inference_time_s"], table[QUALITY]),
            strict=True,
        )
        for epochs in (0, 5)
        if quality == quality  # of a run that is ok
    ]
    return pd.DataFrame(rows, columns=list(REFINEMENT)).astype(REFINEMENT)


def _classical() -> pd.DataFrame:
    """RPIE as good as the better networks after 50 s, and never as good as with rPIE after them."""
    rows = [(1, 0.9, 0.5), (50, 50.0, 0.93)]
    table = pd.DataFrame(rows, columns=["epochs", "seconds", QUALITY])
    return table.assign(engine="rpie", early_stop=False).reindex(columns=list(CLASSICAL))


def _object(seed: int, side: int = 48) -> NDArray[np.complex64]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    waves = np.sum(
        [np.cos(2 * np.pi * (a * x + b * y) + c) for a, b, c in rng.uniform(-3, 3, (6, 3))], axis=0
    )
    return ((1 + 0.1 * waves) * np.exp(0.4j * waves)).astype(np.complex64)
