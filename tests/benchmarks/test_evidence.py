"""Tables and pictures of docs/evidence.md, of studies that were never run, and what runs them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from benchmarks.evidence import __main__ as program
from benchmarks.evidence import (
    break_even,
    data_amount,
    mixture,
    transfer,
    transfer_matrix,
    wrong_knowledge,
)
from benchmarks.evidence.means import in_words, over_seeds
from benchmarks.evidence.studies import MEASURED, QUESTIONS, command
from benchmarks.measuring import ROOT
from benchmarks.page import write

from benchmarks import rates
from ptychopareto.config import parse_study
from ptychopareto.files import Dataset, FileError, write_csv, write_dataset
from ptychopareto.models.registry import NetworkConfig, build, load_model, save_model
from ptychopareto.reconstruction.reconstruct import reconstruct
from ptychopareto.study.against_time import CLASSICAL
from ptychopareto.study.break_even import SCANS
from ptychopareto.study.break_even import TYPES as BREAK_EVEN_TYPES
from ptychopareto.study.runs import Run
from ptychopareto.study.scenario_table import COLUMNS as SCENARIO_COLUMNS
from ptychopareto.study.table import COLUMNS, TYPES


def a_table(results: Path, runs: dict[Run, dict[str, Any]]) -> None:
    """The table of a study whose runs have these values."""
    rows = []
    for run, values in runs.items():
        settings = {name: getattr(run, name) for name in run.__dataclass_fields__}
        training = {"epochs": 3, "batch_size": 4, "learning_rate": 1e-3}
        own = {name: value for name, value in settings.items() if value is not None}
        rows.append({**training, **own, "run": run.id, "status": "ok", **values})
    results.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    write_csv(results / "study_results.csv", table)


def a_classical(results: Path, **values: float) -> None:
    steps = [
        {"epochs": 1, "engine": "rpie", "early_stop": False, **dict.fromkeys(values, 0.1)},
        {"epochs": 5, "engine": "rpie", "early_stop": True, **values},
    ]
    write_csv(results / "classical.csv", pd.DataFrame(steps, columns=list(CLASSICAL)))


def cells(table: str) -> list[list[str]]:
    return [line[2:-2].split(" | ") for line in table.splitlines() if line.startswith("|")]


def of(n: int | None, seed: int, supervision: str = "teacher") -> Run:
    return Run("fno", "none", 12, 8, supervision, seed, train_patterns=n)


@pytest.fixture
def amounts(tmp_path: Path, small_scan: tuple[Dataset, Dataset]) -> Path:
    results = tmp_path / "amounts" / "results"
    (results / "dataset").mkdir(parents=True)
    write_dataset(results / "dataset" / "train.npz", small_scan[0])  # 81 patterns
    better = {None: 0.8, 25: 0.6}
    runs = {
        of(n, seed, supervision): {
            "ssim_phase": value + 0.01 * seed - 0.1 * (supervision == "physics")
        }
        for supervision in ("teacher", "physics")
        for n, value in better.items()
        for seed in range(3)
    }
    a_table(results, runs)
    a_classical(results, ssim_phase=0.95)
    return results


def test_few_patterns_come_first_and_all_are_counted(amounts: Path) -> None:
    head, _, *rows = cells(data_amount.table(amounts, "ssim_phase"))
    assert head == ["", "seeds", "25 patterns", "81 patterns"]
    assert [row[0] for row in rows] == ["`fno`, width 8, physics", "`fno`, width 8, teacher"]
    half = 4.303 * 0.01 / 3**0.5  # Student's t of two degrees of freedom
    assert rows[1][1:] == ["3", f"0.610 ± {half:.3f}", f"0.810 ± {half:.3f}"]
    assert "best pass: 0.950" in data_amount.table(amounts, "ssim_phase")


def test_amounts_are_drawn(amounts: Path, tmp_path: Path) -> None:
    path = tmp_path / "amounts.svg"
    data_amount.draw({"simulated": (amounts, "ssim_phase")}, path)
    drawn = path.read_text()
    for words in ("simulated", "training patterns", "fno, physics", "rPIE, its best pass", ">25<"):
        assert words in drawn


def test_a_study_whose_runs_all_failed_says_nothing(amounts: Path) -> None:
    a_table(amounts, {of(None, 0): {"status": "diverged"}})
    with pytest.raises(FileError, match="no run has ended well"):
        data_amount.summary(amounts, "ssim_phase")


def test_what_a_training_has_to_save_stands_beside_what_it_took(amounts: Path) -> None:
    whole, part = of(None, 0).configuration, of(25, 0).configuration
    row = {"quality": 0.8, "scan_s": 0.5, "train_time_s": 30.0, "teacher_s": 3.0}
    rows = [
        row | {"configuration": whole, "refine_epochs": 0, "rpie_s": 2.0, SCANS: 21.2},
        row | {"configuration": whole, "refine_epochs": 1, "rpie_s": 0.4, SCANS: np.inf},
        row | {"configuration": whole, "refine_epochs": 5, "rpie_s": 0.9, SCANS: 82.5},
        row | {"configuration": part, "refine_epochs": 0, "rpie_s": 2.0, SCANS: 1.0},
    ]
    write_csv(amounts / "break_even.csv", pd.DataFrame(rows, columns=list(BREAK_EVEN_TYPES)))
    _, _, *lines = cells(break_even.table({"simulated": amounts}))
    network = "`fno`, width 8, teacher"
    assert lines == [
        ["simulated", network, "0", "0.800", "0.50", "2.00", "33", "22"],
        ["simulated", network, "1", "0.800", "0.50", "0.40", "33", "∞"],
    ]
    rows[0] |= {"rpie_s": np.nan, SCANS: np.nan}
    write_csv(amounts / "break_even.csv", pd.DataFrame(rows, columns=list(BREAK_EVEN_TYPES)))
    _, _, line, _ = cells(break_even.table({"simulated": amounts}))
    assert line[-3:] == ["–", "33", "rPIE does not reach it"]


def test_what_is_lost_stands_beside_what_is_reached(tmp_path: Path) -> None:
    rows = [
        {"scenario": scenario, "run": f"{name}_s{seed}", "configuration": name, "status": "ok"}
        | {"ssim_phase": value + 0.01 * at_best, "seed": seed, "at_best": at_best}
        for scenario, values in {"as_trained": (0.9, 0.98), "assumed_blur": (0.89, 0.5)}.items()
        for name, value in zip(("fno", "rpie"), values, strict=True)
        for seed in ((0, 1) if name == "fno" else (0,))
        for at_best in (False, True)
    ]
    write_csv(tmp_path / "scenarios.csv", pd.DataFrame(rows, columns=list(SCENARIO_COLUMNS)))
    head, _, *lines = cells(wrong_knowledge.table(tmp_path))
    networks = ["`fno`", "`fno`, then rPIE at its best"]
    assert head == ["", *networks, "rPIE, all passes", "rPIE at its best"]
    assert lines == [
        ["as trained", "0.900 ± 0.000", "0.910 ± 0.000", "0.980", "0.990"],
        [
            *("assumed blur", "0.890 ± 0.000 (−0.010)", "0.900 ± 0.000 (−0.010)"),
            *("0.500 (−0.480)", "0.510 (−0.480)"),
        ],
    ]


@pytest.fixture
def two_studies(
    tmp_path: Path, small_scan: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """Two studies with networks that nobody has trained, on the two splits of one simulation."""
    monkeypatch.setattr(transfer, "STORE", tmp_path / "store")
    train, test = small_scan
    light = np.square(train.diffraction, dtype=np.float64)
    power = np.square(np.abs(train.probe), dtype=np.float64).sum()
    transmission = float(np.sqrt(light.sum((1, 2)).mean() / power))
    found = {}
    for name, scan in (("lines", test), ("grf", train)):
        results = tmp_path / f"transfer_{name}" / "results"
        runs = [Run("fno", "none", 4, 4, "teacher", seed) for seed in range(2)]
        for run in runs:
            torch.manual_seed(run.seed)
            scales = {"input_scale": float(np.sqrt(light.mean())), "transmission": transmission}
            config = NetworkConfig("fno", "none", modes=4, width=4, N=32, **scales)
            folder = results / "runs" / run.id
            folder.mkdir(parents=True)
            record = {"status": "ok", "error": ""}
            save_model(folder / "model.safetensors", build(config), config, record)
        a_table(results, {run: {"ssim_phase": 0.5} for run in runs})
        a_classical(results, ssim_phase=0.9)
        (results / "dataset").mkdir()
        write_dataset(results / "dataset" / "test.npz", scan)
        found[name] = results
    return found


def studies(results: dict[str, Path]) -> list[Any]:
    """Stand-ins for `Study`: a name and a folder of results."""
    made = []
    for name, folder in results.items():
        made.append(type("Study", (), {"name": f"transfer_{name}", "results": folder})())
    return made


def test_a_network_is_used_as_the_command_uses_it(
    two_studies: dict[str, Path], small_scan: tuple[Dataset, Dataset]
) -> None:
    """At home nothing is adapted: it is `reconstruct` of the library."""
    [model, _] = sorted((two_studies["lines"] / "runs").glob("*/model.safetensors"))
    found = transfer.reconstructed(model, small_scan[1])
    network, _, _ = load_model(model)
    np.testing.assert_allclose(found, reconstruct(network, small_scan[1]), atol=1e-5)


def test_each_network_is_scored_on_each_scan_once(
    two_studies: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = transfer.evaluate(studies(two_studies))
    pairs = scores[["trained", "used"]].drop_duplicates().to_numpy().tolist()
    assert sorted(pairs) == [[a, b] for a in ("grf", "lines") for b in ("grf", "lines")]
    assert len(scores) == 8
    assert scores["ssim_phase"].notna().all()
    calls: list[Path] = []
    monkeypatch.setattr(transfer, "_scores", lambda here, there: calls.append(here) or [])
    pd.testing.assert_frame_equal(transfer.evaluate(studies(two_studies)), scores)
    assert calls == []


def test_a_changed_network_is_scored_again(two_studies: dict[str, Path]) -> None:
    before = transfer.evaluate(studies(two_studies))
    [model, other] = sorted((two_studies["grf"] / "runs").glob("*/model.safetensors"))
    model.write_bytes(other.read_bytes())
    after = transfer.evaluate(studies(two_studies))
    at_home = (after["trained"] == "grf") & (after["used"] == "lines")
    assert after.loc[at_home, "ssim_phase"].nunique() == 1
    assert not before.equals(after)


def test_matrix_has_home_in_bold_and_rpie_last(
    two_studies: dict[str, Path], tmp_path: Path
) -> None:
    scores = transfer.evaluate(studies(two_studies))
    table = transfer_matrix.table(scores, two_studies, "fno", transfer.OBJECTS)
    head, _, *rows = cells(table)
    assert head == ["used on ↓, trained on →", "lines", "random field", "rPIE"]
    assert [row[0] for row in rows] == ["lines", "random field"]
    assert [[cell.startswith("**") for cell in row[1:]] for row in rows] == [
        [True, False, False],
        [False, True, False],
    ]
    assert [row[-1] for row in rows] == ["0.900", "0.900"]
    own = scores[(scores["trained"] == "grf") & (scores["used"] == "lines")]["ssim_phase"]
    assert rows[0][2].startswith(f"{own.mean():.3f} ± ")
    path = tmp_path / "matrix.svg"
    transfer_matrix.draw(scores, two_studies, path)
    assert all(words in path.read_text() for words in ("fno: objects", "fno: beams", "rPIE"))


def test_lines_are_an_object_and_not_a_beam(two_studies: dict[str, Path], tmp_path: Path) -> None:
    scores = transfer.evaluate(studies(two_studies))
    head, _, [name, *_] = cells(transfer_matrix.table(scores, two_studies, "fno", transfer.BEAMS))
    assert head[1:] == ["beam of the light study", "rPIE"]
    assert name == "beam of the light study"
    transfer_matrix.draw(scores, two_studies, tmp_path / "matrix.svg")
    drawn = (tmp_path / "matrix.svg").read_text()
    assert drawn.count(">beam of the light study<") == drawn.count(">random field<") == 2


def test_the_mixture_has_each_kind_equally_bright(tmp_path: Path) -> None:
    mixture.write_mixture(tmp_path)
    train, test = (
        np.load(tmp_path / f"mixture_{name}.npz")["object"] for name in ("train", "test")
    )
    corners = mixture.grid(mixture.SIZE, mixture.N, mixture.STEP)
    for image in (*train, *test):
        cut = mixture.patches(np.abs(image), corners, mixture.N)
        assert cut.max(axis=(1, 2)).mean() == pytest.approx(1, rel=1e-5)
    assert train.shape == test.shape == (3, 392, 392)
    assert np.abs(train - test).mean(axis=(1, 2)).min() > 0.05
    assert set(np.round(np.abs(train[2]) / np.abs(train[2]).max(), 3).ravel()) >= {0.5, 1.0}
    written = (tmp_path / "mixture_train.npz").stat().st_mtime_ns
    mixture.write_mixture(tmp_path)
    assert (tmp_path / "mixture_train.npz").stat().st_mtime_ns == written


def test_mixture_and_its_study_agree() -> None:
    study = yaml.safe_load((ROOT / "studies/transfer_mixture.yaml").read_text())
    data = parse_study(study).dataset
    assert (data.size, data.N, data.scan_step_train) == (mixture.SIZE, mixture.N, mixture.STEP)
    assert data.images_train == data.images_test == len(mixture.KINDS)


def test_every_training_of_the_data_amount_takes_as_many_steps() -> None:
    """Within 5 %: the columns differ in the data alone."""
    study = parse_study(yaml.safe_load((ROOT / "studies/data_amount.yaml").read_text()))
    patterns = study.dataset.patterns("train")
    seen = [
        (block.train_patterns or (patterns,))[0] * (block.epochs or (study.training.epochs,))[0]
        for block in study.sweep
    ]
    assert len(seen) == 10
    assert max(seen) / min(seen) < 1.05


def test_every_study_has_three_seeds_and_a_place_on_the_page() -> None:
    page = (ROOT / "docs/evidence.md").read_text()
    for question, own in QUESTIONS.items():
        assert f"<!-- {question}: made by `{program.MADE_BY}` -->" in page
        for study in own:
            file = ROOT / "studies" / f"{study.name}.yaml"
            assert parse_study(yaml.safe_load(file.read_text())).seeds == (0, 1, 2)
            assert str(file) in command(study, "2")
    studies = {study for own in QUESTIONS.values() for study in own} - {MEASURED}
    assert sum(study.minutes for study in studies) <= 90


def test_a_part_of_a_page_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marks = "before\n<!-- part: made by `it` -->\nold\n<!-- end of part -->\nafter\n"
    page.write_text(marks)
    write(page, "part", "it", "new")
    assert page.read_text() == marks.replace("old\n", "\nnew\n")
    with pytest.raises(SystemExit, match="marks of 'other' are missing"):
        write(page, "other", "it", "new")


def test_questions_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["run", "weather"])
    assert "there is no 'weather'; allowed are wrong_knowledge, " in capsys.readouterr().err


def test_what_is_missing_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.evidence import studies as module

    [study] = module.QUESTIONS["lines64_seeds"]
    missing = module.Study(study.name, study.minutes, tmp_path / "no.npz")
    monkeypatch.setitem(module.QUESTIONS, "lines64_seeds", (missing,))
    said = module.run(["lines64_seeds"], "2")
    assert re.fullmatch(r".*/no\.npz: missing; studies/lines64_seeds\.yaml says .*", str(said))


def test_means_of_one_seed_have_no_interval() -> None:
    rows = pd.DataFrame({"name": ["a", "a", "b"], "value": [1.0, 2.0, 3.0]})
    means = over_seeds(rows, ["name"], "value")
    assert means["mean"].tolist() == [1.5, 3.0]
    assert in_words(*means.loc[1, ["mean", "ci95"]]) == "3.000"
    assert in_words(float("nan"), 0.1) == "–"


def test_the_rate_of_the_lowest_validation_loss_is_bold(tmp_path: Path) -> None:
    runs = {}
    for rate, loss in ((5e-4, 0.3), (1e-3, 0.1), (2e-3, 0.2)):
        run = Run("cnn", "none", None, 8, "physics", 0, learning_rate=rate)
        runs[run] = {}
        folder = tmp_path / "runs" / run.id
        folder.mkdir(parents=True)
        write_csv(folder / "history.csv", pd.DataFrame({"val_loss": [1.0, loss, loss + 0.5]}))
    a_table(tmp_path, runs)
    head, _, row = cells(rates.comparison(rates.losses(tmp_path)))
    assert head[1:] == ["0.0005", "0.001", "0.002"]
    assert row == ["`cnn`, physics", "0.30000", "**0.10000**", "0.20000"]
    assert rates.main([]) == "the results folder of a study is wanted, and nothing else"
