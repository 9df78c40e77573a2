"""The report that one sends to a colleague."""

import pytest

from tiny_study import FNO, Project

pytestmark = pytest.mark.xdist_group("workflow_report")


def test_report_holds_pictures_and_tables(project: Project) -> None:
    made = project.snakemake("--report", "results/report.html")
    assert made.returncode == 0, made.stderr
    report = project["results/report.html"].read_text()
    for category in ("Pareto front", "Reconstructions", "Tables", "Training", "Data"):
        assert f'"{category}"' in report
    for name in ("pareto_plot.png", "gallery.png", "study_results.csv", "training_curves.png"):
        assert name in report
    assert f"{FNO}/reconstruction.png" in report
    assert "no configuration beats" in report  # a caption
