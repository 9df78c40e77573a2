"""Find the front, recommend one configuration, and lay out its network for use."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblog import run_job

if TYPE_CHECKING:
    from pandas import DataFrame

    from ptychopareto.study.results import Results


def write_recommendation(
    results: "Results",
    table: "DataFrame",
    axes: Mapping[str, str],
    study: Mapping[str, Any],
    folder: Path,
    scenarios: "DataFrame | None" = None,
) -> None:
    """Write `pareto_front.csv`, `recommendation.json` and `recommended/` into a folder.

    If there are scenarios, what is recommended says how it holds up.

    In `recommended/` are the weights of the recommended run and `study.yaml`, the study of this
    one run. If there is nothing to recommend it stays empty.
    """
    from ptychopareto.files import write_csv, write_json
    from ptychopareto.study.pareto import pareto_front
    from ptychopareto.study.recommendation import recommend
    from ptychopareto.study.robustness import in_words, robustness

    write_csv(folder / "pareto_front.csv", pareto_front(table, axes["cost"], axes["quality"]))
    chosen = recommend(table, axes["cost"], axes["quality"])
    if scenarios is not None and chosen["configuration"] is not None:
        quality = axes["quality"]
        records = robustness(scenarios, chosen["configuration"], quality)
        reason = f"{chosen['reason']} {in_words(records, quality)}".strip()
        chosen = {**chosen, "reason": reason, "robustness": records}
    write_json(folder / "recommendation.json", chosen)
    own = folder / "recommended"
    own.mkdir(exist_ok=True)
    for left_over in own.glob("*.*"):
        left_over.unlink()
    for run in results.runs:
        if run.id == chosen["run"]:
            _lay_out(run, results.of_runs("model.safetensors")[run.id], study, own)


def _lay_out(run: Any, model: Path, study: Mapping[str, Any], folder: Path) -> None:
    import shutil

    import yaml

    from ptychopareto.files import atomic

    with atomic(folder / "model.safetensors") as temporary:
        shutil.copyfile(model, temporary)
    with atomic(folder / "study.yaml") as temporary:
        own = {**study, "sweep": [run.block], "seeds": [run.seed]}
        temporary.write_text(yaml.safe_dump(own, sort_keys=False))


def main(job: Any) -> None:
    from ptychopareto.study.results import Results
    from ptychopareto.study.robustness import read_scenarios
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    table = read_table(Path(job.input.table))
    folder = Path(job.output.front).parent
    scenarios = next((read_scenarios(Path(file)) for file in job.input.scenarios), None)
    write_recommendation(results, table, job.params.axes, job.params.study, folder, scenarios)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
