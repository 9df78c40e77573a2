"""A study that was never run: tables, recommendation and reconstructions for the page's tests."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.image import imsave

from ptychopareto.files import write_npz
from ptychopareto.page.columns import AXES
from ptychopareto.study.pareto import CONFIGURATION
from ptychopareto.study.pareto import front as front_of
from ptychopareto.study.runs import Run

COST, QUALITY = "model_params", "ssim_phase"
MEASURES = [*AXES, "ssim_phase_floor"]


def runs(
    transforms: Iterable[str] = ("none", "sqrt"),
    widths: Iterable[int] = (8, 16),
    seeds: Iterable[int] = (0, 1),
    modes: Iterable[int] = (12,),
    supervisions: Iterable[str] = ("teacher",),
) -> list[Run]:
    """The grid, in its order."""
    return [
        Run(a, t, m, w, v, s)
        for a in ("fno", "hybrid")
        for t in transforms
        for m in modes
        for w in widths
        for v in supervisions
        for s in seeds
    ]


def table_of(grid: list[Run], broken: Mapping[int, str] | None = None) -> pd.DataFrame:
    """A row for each run; `broken` gives the status of those that are not ok, by their number."""
    rng = np.random.default_rng(1)
    rows: list[dict[str, Any]] = []
    for number, run in enumerate(grid):
        identity = {"run": run.id, **{key: getattr(run, key) for key in (*CONFIGURATION, "seed")}}
        status = (broken or {}).get(number, "ok")
        reason = "loss is nan, in epoch 2" if status == "diverged" else None
        results = _results(run, rng) if status == "ok" else {}
        rows.append({**identity, "epochs": 3, "status": status, "error": reason, **results})
    table = pd.DataFrame(rows, columns=["run", *CONFIGURATION, "seed", "epochs", "status", "error"])
    for measure in MEASURES:
        kind = "Int64" if measure.startswith("model_") else "float64"
        values = [row.get(measure) for row in rows]
        table[measure] = pd.array(values, dtype="Int64") if kind == "Int64" else values
        table[measure] = table[measure].astype(kind)
    table["device"] = [row.get("device") for row in rows]
    return table.astype({name: "string" for name in ("run", "status", "error", "device")})


def _results(run: Run, rng: np.random.Generator) -> dict[str, Any]:
    size = run.width * (1.6 if run.architecture == "hybrid" else 1) * run.modes / 12
    ssim = 1 - 1.4 / size - 0.05 * (run.input_transform == "none") - 0.01 * rng.random()
    params = round(2000 * size**2)
    return {
        **{"ssim_phase": ssim, "psnr_phase": 18 + 10 * ssim, "mae_phase": 0.3 * (1 - ssim)},
        **{"frc50_phase": 0.4 * ssim, "ssim_amp": 0.9 * ssim, "psnr_amp": 20 + 5 * ssim},
        **{"mae_amp": 0.1 * (1 - ssim), "frc50_amp": 0.5 * ssim, "ssim_phase_floor": 0.41},
        **{"model_params": params, "model_params_real": 2 * params - 512},
        **{"inference_time_s": 0.02 * size + 0.01 * rng.random(), "patterns_per_s": 9000 / size},
        **{"single_pattern_s": 1e-4 * size, "peak_memory_mb": 300 + 8 * size},
        **{"train_time_s": 12 * size, "patterns_trained": 5043.0, "device": "cpu"},
    }


def configurations_of(table: pd.DataFrame) -> pd.DataFrame:
    """Means and intervals, as in ``configurations.csv``."""
    rows: list[dict[str, Any]] = []
    for _, own in table.groupby(CONFIGURATION, sort=False):
        first = own.iloc[0]
        ok = own[own["status"] == "ok"]
        row: dict[str, Any] = {"configuration": first["run"].removesuffix(f"_s{first['seed']}")}
        row |= {axis: first[axis] for axis in CONFIGURATION} | {"n_ok": len(ok)}
        row["n_missing"] = int((own["status"] == "missing").sum())
        row["n_failed"] = len(own) - row["n_ok"] - row["n_missing"]
        for measure in MEASURES:
            values = ok[measure].astype("float64")
            row[measure] = values.mean()
            row[f"{measure}_ci95"] = 2 * values.std() / max(len(ok), 1) ** 0.5
        rows.append(row)
    return pd.DataFrame(rows)


def front_rows(configurations: pd.DataFrame) -> pd.DataFrame:
    """The front, as in ``pareto_front.csv``; its second point is recommended."""
    best = front_of(configurations[COST], configurations[QUALITY])
    front = configurations[best].sort_values(COST, ignore_index=True)
    chosen = min(1, len(front) - 1)
    return front.assign(p_front=0.75, recommended=[i == chosen for i in range(len(front))])


def arguments(table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """What `page.build` wants for a table, with files in `folder`."""
    configurations = configurations_of(table)
    front = front_rows(configurations)
    chosen = front.loc[front["recommended"]] if len(front) else front
    recommendation: dict[str, Any] = {"configuration": None, "run": None, "reason": "all failed"}
    if len(chosen):
        name = chosen["configuration"].iloc[0]
        run = next(r for r in table.loc[table["status"] == "ok", "run"] if r.startswith(f"{name}_s"))
        reason = "knee of the front: 4 times fewer parameters than the best, 0.01 of SSIM below it"
        recommendation = {"configuration": name, "run": run, "reason": reason}
    reconstructions = {run: folder / run / "reconstruction.npz" for run in table["run"]}
    for number, (run, status) in enumerate(zip(table["run"], table["status"], strict=True)):
        if status == "ok":
            write_npz(reconstructions[run], object=made_up_object(number))
    gallery = folder / "gallery.png"
    gallery.parent.mkdir(parents=True, exist_ok=True)
    imsave(gallery, np.angle(made_up_object(0)), cmap="cividis")
    return {
        "table": table,
        "configurations": configurations,
        "front": front,
        "recommendation": recommendation,
        "pictures": {"gallery": gallery},
        "thumbnails": reconstructions,
        "provenance": {"git commit": "0123abcd", "torch": "2.13.0", "device": "cpu, 2 threads"},
        "axes": {"cost": COST, "quality": QUALITY},
    }


def made_up_object(seed: int, side: int = 48) -> np.ndarray:
    """Something smooth with a phase."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    waves = sum(
        np.cos(2 * np.pi * (a * x + b * y) + c)
        for a, b, c in rng.uniform(-3, 3, (6, 3))
    )
    return np.asarray((1 + 0.1 * waves) * np.exp(0.4j * waves), dtype=np.complex64)
