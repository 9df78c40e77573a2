"""Write the recommendation to files: the reason, and the network laid out for use."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pandas import DataFrame

from ptychopareto.files import atomic, read_csv, write_json
from ptychopareto.study import prediction, spending
from ptychopareto.study.certainty import certainty
from ptychopareto.study.purposes import as_records
from ptychopareto.study.recommendation import recommend
from ptychopareto.study.results import Results
from ptychopareto.study.rungs import Decision
from ptychopareto.study.scenario_table import in_words, robustness


def write_recommendation(
    results: Results,
    table: DataFrame,
    front: DataFrame,
    purposes: DataFrame,
    axes: Mapping[str, str],
    folder: Path,
    scenarios: DataFrame | None = None,
    refinement: DataFrame | None = None,
    classical: DataFrame | None = None,
    decisions: Sequence[Decision] = (),
) -> None:
    """Write `recommendation.json` into a folder.

    Parameters
    ----------
    results : Results
        The results of the study, finished or not.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.
    front : DataFrame
        The configurations on the front, as `pareto.pareto_front` returns them.
    purposes : DataFrame
        The configuration for each purpose, as `purposes.purposes` returns them.
    axes : dict of str
        The columns of the front: `cost` and `quality`.
    folder : Path
        Where to write. It exists.
    scenarios : DataFrame, optional
        The scores in the scenarios, as `robustness.scenario_table` returns them. If they are given,
        the recommendation says how its network holds up in them.
    refinement : DataFrame, optional
        RPIE after each network, as `against_time.refinement_table` returns it. If the quality is
        r_free, the recommendation says with how many epochs of rPIE (`refine_epochs`), if any.
    classical : DataFrame, optional
        The classical engines, as `against_time.classical_table` returns them. If the quality is
        r_free, the recommendation says what they reach.
    decisions : sequence of Decision
        Those at the rungs of a search, all of them made. The recommendation then says under
        `search` what the search spent and saved, and how sure its front is, decisions included.
    """
    chosen = recommend(table, front, axes["cost"], axes["quality"])
    if scenarios is not None and chosen["configuration"] is not None:
        quality = axes["quality"]
        records = robustness(scenarios, chosen["configuration"], quality)
        reason = f"{chosen['reason']} {in_words(records, quality)}".strip()
        chosen = {**chosen, "reason": reason, "robustness": records}
    if axes["quality"] == prediction.R_FREE and chosen["configuration"] is not None:
        chosen |= _about_r_free(chosen, table, refinement, classical)
    if decisions:
        chosen = _about_search(chosen, table, axes, results, decisions)
    write_json(folder / "recommendation.json", {**chosen, "purposes": as_records(purposes)})


def _about_search(
    chosen: dict[str, Any],
    table: DataFrame,
    axes: Mapping[str, str],
    results: Results,
    decisions: Sequence[Decision],
) -> dict[str, Any]:
    """Add what the search spent, and how sure its front is."""
    spent = spending.spending(decisions, table)
    ok = set(table["run"][table["status"] == "ok"])
    losses = {
        run: read_csv(file, {"val_loss": "float64"})["val_loss"].tolist()
        for run, file in results.of_runs("history.csv").items()
        if run in ok and file.exists()
    }
    sure = certainty(decisions, losses, table, axes["cost"], axes["quality"])
    words = spending.in_words(spent)
    if own := sure.get(str(chosen["configuration"])):
        words += (
            f" When the seeds are resampled and all is decided again, the recommended one goes on "
            f"at all rungs in {100 * own['p_kept']:.0f} % of the cases, and is on the front in "
            f"{100 * own['p_front']:.0f} %."
        )
    return {
        **chosen,
        "reason": f"{chosen['reason']} {words}",
        "search": {**spent, "certainty": sure},
    }


def _about_r_free(
    chosen: dict[str, Any],
    table: DataFrame,
    refinement: DataFrame | None,
    classical: DataFrame | None,
) -> dict[str, Any]:
    """Add the words and figures that belong to R-free."""
    name = chosen["configuration"]
    words = prediction.in_words(table, name, refinement, classical)
    said: dict[str, Any] = {"reason": f"{chosen['reason']} {words}"}
    if refinement is not None:
        found = prediction.refinements(refinement, name)
        said["refine_epochs"] = prediction.epochs_to_refine(found)
        said["refinement"] = [asdict(one) for one in found]
    if classical is not None:
        said["classical"] = {
            engine: {"epochs": int(row["epochs"]), "r_free": float(row["r_free"])}
            for engine, row in prediction.classical_best(classical).items()
        }
    return said


def lay_out(
    results: Results, run_id: str | None, study: Mapping[str, Any], folder: Path
) -> Path | None:
    """Lay out a run for use: its weights, and `study.yaml`, the study of this one run.

    Parameters
    ----------
    results : Results
        The results of the study, finished or not.
    run_id : str, optional
        The run that is recommended; None if there is none.
    study : dict
        The settings of the study, as its config has them.
    folder : Path
        Where to write. What was there of another recommendation is deleted.

    Returns
    -------
    Path, optional
        The weights; None, and an empty folder, if no run is recommended.
    """
    folder.mkdir(exist_ok=True)
    for left_over in folder.glob("*.*"):
        left_over.unlink()
    run = next((run for run in results.runs if run.id == run_id), None)
    if run is None:
        return None
    weights = folder / "model.safetensors"
    with atomic(weights) as temporary:
        shutil.copyfile(results.of_runs("model.safetensors")[run.id], temporary)
    with atomic(folder / "study.yaml") as temporary:
        own = {**study, "sweep": [run.block], "seeds": [run.seed]}
        temporary.write_text(yaml.safe_dump(own, sort_keys=False))
    return weights
