"""A new measure is a function in metrics.py and a line of the table, for a user of Snakemake."""

import re

import pandas as pd
import pytest

from tiny_study import TINY, Project

pytestmark = pytest.mark.xdist_group("workflow_new_measure")

METRICS = "src/ptychopareto/assessment/metrics.py"
COLUMNS = "src/ptychopareto/config/columns.py"
FUNCTION = '''

_evaluate = evaluate


def evaluate(
    reconstruction: ArrayLike,
    truth: ArrayLike,
    remove_ramp: bool = True,
    region: ArrayLike | None = None,
) -> dict[str, float]:
    """What is scored, and the part of the field that is missed."""
    scored = _evaluate(reconstruction, truth, remove_ramp, region)
    r, t = np.asarray(reconstruction), np.asarray(truth)
    overlap = abs(np.vdot(r, t)) ** 2 / (np.vdot(r, r).real * np.vdot(t, t).real)
    return {**scored, "missed": float(1 - overlap)}
'''
LAST = '    "published_ssim_phase": _measure('
LINE = '    "missed": _measure("missed", "missed part of the field", "other", "less"),\n'


def test_new_measure_is_two_files(project: Project) -> None:
    """In a finished study, of whose two networks all is evaluated again."""
    project.append(METRICS, FUNCTION)
    table = project[COLUMNS].read_text()
    assert LAST in table
    project[COLUMNS].write_text(table.replace(LAST, LINE + LAST))
    scenarios = [{"name": "dim", "photons": 1e5}]
    at_best = {"alphas": [1.0], "most_passes": 3, "most_passes_after_network": 2}
    project.configure(
        sweep=TINY["sweep"][:1],
        pareto={"quality": "missed"},
        scenarios=scenarios,
        at_best=at_best,
    )

    project.build("results/index.html")

    results = pd.read_csv(project["results/study_results.csv"])
    assert results["missed"].between(0, 1).all()
    front = pd.read_csv(project["results/pareto_front.csv"])
    assert front["missed"].is_monotonic_decreasing
    for name in ("classical", "refinement", "scenarios"):
        assert pd.read_csv(project[f"results/{name}.csv"])["missed"].notna().all(), name
    assert "missed part of the field" in project["results/pareto_plot.svg"].read_text()
    page = next(project["results"].glob("*.html")).read_text()
    assert re.search(r'"missed":\{"label":"missed part of the field","better":"less"', page)
