"""The marginals: only configurations that differ in nothing else are compared."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from ptychopareto.pictures import marginals
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES


@pytest.fixture
def table() -> pd.DataFrame:
    """Two seeds each; hybrid is worse by 0.1 and costs 3 times as much, width is +0.02 and ×4."""
    rows = []
    for values in product(["fno", "hybrid"], ["sqrt"], [12], [8, 16, 32], ["teacher"], [0, 1]):
        run = Run(*values)
        hybrid, doublings = run.architecture == "hybrid", {8: 0, 16: 1, 32: 2}[run.width]
        quality = 0.8 - 0.1 * hybrid + 0.02 * doublings + 0.01 * (-1) ** run.seed
        cost = 1000 * 3**hybrid * 4**doublings
        row = {**vars(run), "run": run.id, "status": "ok", "ssim_phase": quality}
        rows.append({**row, "model_params": cost})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def drawn(folder: Path, table: pd.DataFrame, cost: str = "model_params") -> str:
    marginals.draw(table, "ssim_phase", cost, folder / "picture.svg")
    return (folder / "picture.svg").read_text()


def test_effects(tmp_path: Path, table: pd.DataFrame) -> None:
    svg = drawn(tmp_path, table)
    assert "6 configurations, all with input transform sqrt, modes 12, supervision teacher" in svg
    assert all(svg.count(f">{words}<") == 1 for words in ("−0.1", "0 of 3", "×3"))  # architecture
    assert all(svg.count(f">{words}<") == 2 for words in ("+0.02", "2 of 2", "×4"))  # width


def test_compares_pairs_only(tmp_path: Path, table: pd.DataFrame) -> None:
    failed = (table["architecture"] == "hybrid") & (table["width"] > 8)
    table.loc[failed, "status"] = "diverged"
    svg = drawn(tmp_path, table)
    assert all(svg.count(f">{words}<") == 1 for words in ("−0.1", "0 of 1", "×3"))
    assert svg.count(">1 of 1<") == 2


def test_says_where_there_is_no_pair(tmp_path: Path, table: pd.DataFrame) -> None:
    apart = (table["architecture"] == "hybrid") == (table["width"] == 8)
    assert drawn(tmp_path, table[apart]).count(">no pair<") == 4  # architecture, and 8 to 16


def test_of_a_cost_that_is_not_known(tmp_path: Path, table: pd.DataFrame) -> None:
    svg = drawn(tmp_path, table, cost="inference_time_s")
    assert ">+0.02<" in svg
    assert svg.count(">no pair<") == 3


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_of_one_configuration_or_none(tmp_path: Path, table: pd.DataFrame, rows: int) -> None:
    words = f"{min(rows, 1)} configuration{'' if rows else 's'} with a result: nothing to compare"
    assert words in drawn(tmp_path, table[:rows])


def test_is_the_same_each_time(tmp_path: Path, table: pd.DataFrame) -> None:
    for name in ("a.png", "b.png"):
        marginals.draw(table, "ssim_phase", "model_params", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
