"""The table of a measured scan: classical engines, networks alone and after rPIE."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptychopareto.files import write_csv
from ptychopareto.study import measured
from ptychopareto.study.against_time import classical_table, refinement_table
from ptychopareto.study.configurations import configurations
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES

TIMING: dict[str, Any] = {"models": {}, "engine": {"setup_s": 1.0, "epoch_s": 0.5}}
STEPS: list[dict[str, Any]] = [
    {"epochs": 1, "r_free": 0.204, "r_work": 0.2},
    {"epochs": 5, "r_free": 0.197, "r_work": 0.19},
    {"epochs": 20, "r_free": 0.195, "r_work": 0.185},
    {"epochs": 60, "r_free": 0.164, "engine": "lsqml", "seconds": 70.0},
    {"epochs": 100, "r_free": 0.162, "engine": "lsqml", "seconds": 115.0, "ssim_phase": 1.0},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows: list[dict[str, Any]] = []
    for width, r_free in ((8, 0.16), (16, 0.15)):
        for seed in range(3):
            run = Run("fno", "sqrt", 16, width, "teacher", seed)
            own = {"status": "ok", "r_free": r_free + 0.001 * seed, "r_free_flat": 0.527}
            rows.append({**vars(run), "run": run.id, **own})
    rows[0]["status"] = "diverged"
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    write_csv(tmp_path / "configurations.csv", configurations(table))
    write_csv(tmp_path / "classical.csv", classical_table(STEPS, TIMING, best_epochs=5))
    name = Run("fno", "sqrt", 16, 16, "teacher", 0).configuration
    refined = [
        {"configuration": name, "seed": seed, "refine_epochs": epochs, "total_s": total}
        | {"r_free": r_free + 0.001 * seed}
        for epochs, total, r_free in ((0, 0.05, 0.15), (1, 1.55, 0.163))
        for seed in range(3)
    ]
    columns = refinement_table([], {}, TIMING).columns
    write_csv(tmp_path / "refinement.csv", pd.DataFrame(refined, columns=columns))
    return tmp_path


def test_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half width of the interval of 0.150, 0.151, 0.152: 4.302653 · 0.001 / √3 = 0.0025."""
    assert measured.main([str(folder)]) is None
    lines = capsys.readouterr().out.splitlines()
    better = "`fno_tsqrt_m16_w16_teacher`"
    assert lines[2:] == [
        "| flat object |  |  |  | 0.5270 |  |  |",
        "| rPIE, 5 passes (early stopping) |  | 3.5 | 0.1900 | 0.1970 | – | – |",
        "| rPIE, 20 passes (least R-free) |  | 11 | 0.1850 | 0.1950 | – | – |",
        "| LSQML, 100 passes (least R-free) |  | 115 | – | 0.1620 | – | 1.0000 |",
        f"| {better} | 3 | 0.05 | – | 0.1510 ± 0.0025 | – | – |",
        f"| {better} + 1 pass of rPIE | 3 | 1.55 | – | 0.1640 ± 0.0025 | – | – |",
        "| `fno_tsqrt_m16_w8_teacher` | 2 of 3 | – | – | 0.1615 ± 0.0064 | – | – |",
    ]


def test_what_is_wrong_is_said_in_one_line(folder: Path) -> None:
    assert measured.main([]) == "the path of the results of a study is wanted, and nothing else"
    (folder / "classical.csv").write_text("epochs,seconds\n1,2\n")
    said = measured.main([str(folder)])
    assert said is not None
    assert said.startswith(f"{folder / 'classical.csv'}: ")
    assert "\n" not in said
