"""The scans until training pays: numbers, never, and void, each in its row."""

from pathlib import Path

import numpy as np
import pandas as pd

from ptychopareto.config import Training
from ptychopareto.pictures import break_even
from ptychopareto.study.runs import Run

RUNS = [Run("fno", "sqrt", 12, width, "teacher", 0) for width in (8, 16)]
SETTINGS = {run.configuration: run.settings(Training()) for run in RUNS}
SMALL, LARGE = SETTINGS


def table() -> pd.DataFrame:
    rows = [(SMALL, 0, 14.2), (SMALL, 1, np.inf), (LARGE, 0, 1234.0), (LARGE, 5, np.nan)]
    columns = ["configuration", "refine_epochs", "break_even_scans"]
    return pd.DataFrame([*rows, ("other", 0, 3.0)], columns=columns).assign(scan_s=1.0)


def drawn(folder: Path, rows: pd.DataFrame) -> str:
    path = folder / "picture.svg"
    break_even.draw(rows, SETTINGS, {LARGE: "alone, fastest"}, "ssim_phase", path)
    return path.read_text()


def test_each_row_says_what_it_is(tmp_path: Path) -> None:
    svg = drawn(tmp_path, table())
    for words in (
        *("fno w8", "+ 1 pass of rPIE", "fno w16 (alone, fastest)", "+ 5 passes of rPIE"),
        *("15 scans", "never", "1,234 scans", "rPIE is never as good"),
        "scans after which training has paid",
    ):
        assert f">{words}<" in svg, words
    assert "to the same phase SSIM; squares: a network alone" in svg
    assert "3 scans" not in svg


def test_none_pays(tmp_path: Path) -> None:
    svg = drawn(tmp_path, table().assign(break_even_scans=np.inf))
    assert svg.count(">never<") == 4


def test_squares_are_named_where_there_are_any(tmp_path: Path) -> None:
    after_passes = table().assign(refine_epochs=1)
    assert "squares" not in drawn(tmp_path, after_passes)
    none_pays_alone = table().assign(break_even_scans=[np.inf, 3.0, np.nan, 5.0, 3.0])
    assert "squares" not in drawn(tmp_path, none_pays_alone)


def test_of_nothing_says_so(tmp_path: Path) -> None:
    assert "no network has a result yet" in drawn(tmp_path, table()[:0])


def test_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        break_even.draw(table(), SETTINGS, {}, "r_free", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
