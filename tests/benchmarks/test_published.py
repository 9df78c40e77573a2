"""The published figures beside those of a study that was never run."""

from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from benchmarks.published import OURS, PUBLISHED, THEIRS, TYPES, comparison

from benchmarks import published
from ptychopareto.config import Supervision
from ptychopareto.files import write_csv
from ptychopareto.study.configurations import configurations
from ptychopareto.study.table import COLUMNS
from ptychopareto.study.table import TYPES as TYPES_OF_RUNS


def a_study(*rows: tuple[str, str, int, int], blocks: int | None = 4) -> pd.DataFrame:
    """Configurations by (architecture, supervision, runs that are ok, runs that failed).

    The figures in the published convention are 0.1 to 0.4, those in ours 0.5 to 0.8.
    """
    means = {name: 0.1 * number for number, name in enumerate((*THEIRS, *OURS), start=1)}
    table = [
        {
            "configuration": f"{architecture}_w32_{supervision}",
            "architecture": architecture,
            "supervision": supervision,
            "blocks": None if architecture == "cnn" else blocks,
            "n_ok": n_ok,
            "n_failed": n_failed,
            "n_missing": 0,
            **({} if n_ok == 0 else means),
            **({} if n_ok < 2 else {f"{name}_ci95": 0.01 for name in means}),
        }
        for architecture, supervision, n_ok, n_failed in rows
    ]
    return pd.DataFrame(table, columns=list(TYPES)).astype(TYPES)


def cells(table: str) -> list[list[str]]:
    return [line[2:-2].split(" | ") for line in table.splitlines()]


def test_each_configuration_stands_below_the_row_that_it_is_built_like() -> None:
    study = a_study(
        ("fno", "physics", 3, 0),
        ("cnn", "physics", 3, 0),
        ("cnn", "teacher", 3, 0),
        ("ffno", "physics", 3, 0),
        ("cnn", "truth", 3, 0),
    )
    names = [row[0] for row in cells(comparison(study))[2:]]
    assert names == [
        *("**CNN, supervised**", "`cnn_w32_truth`"),
        *("**CNN, physics-informed**", "`cnn_w32_physics`"),
        *("**FNO, constant resolution, no refiner**", "**U-NO**"),
        *("**FFNO, 4 blocks**", "`ffno_w32_physics`", "**FFNO, 24 blocks**"),
        "**Hybrid ResNet**",
        *("**not published**", "`fno_w32_physics`", "`cnn_w32_teacher`"),
    ]


@pytest.mark.parametrize(
    ("blocks", "row"), [(4, "FFNO, 4 blocks"), (24, "FFNO, 24 blocks"), (8, "not published")]
)
def test_depth_decides_which_row_it_is(blocks: int, row: str) -> None:
    names = [
        line[0] for line in cells(comparison(a_study(("ffno", "physics", 1, 0), blocks=blocks)))
    ]
    assert names[names.index("`ffno_w32_physics`") - 1] == f"**{row}**"


def test_both_measures_stand_in_their_columns() -> None:
    lines = cells(comparison(a_study(("cnn", "truth", 3, 0))))
    assert [heading.split(", ")[-1] for heading in lines[0][2:]] == [
        *["published convention"] * 4,
        *["ours"] * 4,
    ]
    assert lines[2][1:] == [
        *("published", "0.4027", "0.7862", "0.2772", "0.4964"),
        *["–"] * 4,
    ]
    assert lines[3][1:] == ["3", *(f"0.{number}00 ± 0.010" for number in range(1, 9))]
    assert {len(line) for line in lines} == {len(lines[0])}


def test_one_seed_has_no_interval_and_a_failed_configuration_no_figures() -> None:
    lines = cells(comparison(a_study(("cnn", "truth", 1, 2), ("cnn", "physics", 0, 3))))
    assert lines[3][1:4] == ["1 of 3", "0.100", "0.200"]
    assert lines[5] == ["`cnn_w32_physics`", "0 of 3", *["–"] * 8]


def test_rows_and_columns_are_those_of_a_study() -> None:
    empty = configurations(pd.DataFrame(columns=list(COLUMNS)).astype(TYPES_OF_RUNS))
    assert set(TYPES) <= set(empty.columns)
    assert {row.supervision for row in PUBLISHED} <= set(get_args(Supervision))


def test_is_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = a_study(("cnn", "truth", 3, 0))
    path = tmp_path / "configurations.csv"
    write_csv(path, study)
    assert published.main([str(path)]) is None
    assert capsys.readouterr().out == comparison(study) + "\n"


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "configurations.csv"
    assert "wanted" in str(published.main([]))
    assert str(published.main([str(path)])).startswith(f"{path}: cannot be read")
    path.write_text("configuration,n_ok\na,1\n")
    message = str(published.main([str(path)]))
    assert "columns architecture" in message
    assert message.isprintable()
