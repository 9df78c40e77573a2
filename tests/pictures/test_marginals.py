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


def table_of(*runs: Run) -> pd.DataFrame:
    """Each run is better than the one before it by 0.05, and costs twice as much."""
    rows = [
        {**vars(run), "run": run.id, "status": "ok", "ssim_phase": 0.5 + 0.05 * i}
        | {"model_params": 1000 * 2**i}
        for i, run in enumerate(runs)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def test_a_key_that_an_architecture_does_not_have_counts_as_its_default(tmp_path: Path) -> None:
    fno = Run("fno", "sqrt", 12, 8, "teacher", 0)
    hybrid = [
        Run("hybrid", "sqrt", 12, 8, "teacher", 0, max_channels=cap, skips=True)
        for cap in (None, 64)
    ]
    svg = drawn(tmp_path, table_of(fno, *hybrid))
    assert "3 configurations, all with input transform sqrt, modes 12, width 8, super" in svg
    assert ">max channels<" in svg
    assert ">skips<" not in svg
    for words in ("64", "none", "+0.05", "−0.05", "1 of 1", "0 of 1"):
        assert f">{words}<" in svg, words
    assert ">no pair<" not in svg


def test_what_has_no_modes_has_no_place_among_modes(tmp_path: Path) -> None:
    runs = [Run("fno", "sqrt", modes, 8, "teacher", 0) for modes in (8, 12)]
    svg = drawn(tmp_path, table_of(*runs, Run("hybrid", "sqrt", None, 8, "teacher", 0)))
    assert svg.count(">no pair<") == 2  # fno and hybrid
    assert ">modes<" in svg
    assert svg.count(">+0.05<") == 1


def test_shows_heads_and_skips(tmp_path: Path) -> None:
    runs = [
        Run("hybrid", "sqrt", 12, width, "teacher", 0, skips=skips, head=head)
        for skips, head, width in product((False, True), ("real_imag", "amp_phase"), (8, 16))
    ]
    svg = drawn(tmp_path, table_of(*runs))
    for words in ("skips", "head", "false", "true", "real", "imag", "amp", "phase", "+0.2"):
        assert f">{words}<" in svg, words
    assert svg.count(">4 of 4<") == 3
    only = drawn(tmp_path, table_of(*runs[2:4]))
    assert (
        "all with architecture hybrid, input transform sqrt, modes 12, skips false, head amp"
        in only
    )


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
