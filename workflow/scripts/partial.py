"""The tables, pictures and page of whatever has finished so far."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import read_json, write_csv
    from ptychopareto.page.study import write_page
    from ptychopareto.pictures import (
        break_even,
        gallery,
        marginals,
        pareto,
        quality_vs_time,
        rungs,
        training_curves,
    )
    from ptychopareto.pictures.names import settings_of
    from ptychopareto.study.against_time import classical_table
    from ptychopareto.study.break_even import break_even as break_even_of
    from ptychopareto.study.break_even import teacher_seconds
    from ptychopareto.study.configurations import configurations
    from ptychopareto.study.pareto import pareto_front
    from ptychopareto.study.purposes import as_records, named, purposes
    from ptychopareto.study.recommended import lay_out, write_recommendation
    from ptychopareto.study.results import Results
    from ptychopareto.study.rungs import decisions_so_far, read_untrained
    from ptychopareto.study.runs import Run
    from ptychopareto.study.tables import table_of_refinement, table_of_runs

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    folder, axes = Path(job.output.page).parent, job.params.axes
    settings, files = job.params.settings, [Path(file) for file in job.params.decisions]
    asked = (results.runs, settings, job.params.keep, axes["cost"])
    decisions = decisions_so_far(files, *asked) if files else None
    timed = next((Path(file) for file in job.params.untrained if Path(file).exists()), None)
    untrained = None if timed is None else read_untrained(timed)
    table = table_of_runs(results, settings, decisions, untrained)
    done = set(table["run"][table["status"] != "missing"])
    results = Results(results.folder, tuple(run for run in results.runs if run.id in done))
    steps, best = results.classical_steps(), results.best_epochs()
    means, front = configurations(table), pareto_front(table, axes["cost"], axes["quality"])
    classical = classical_table(steps, results.timing(), best)
    refinement = table_of_refinement(results)
    write_csv(folder / "study_results.csv", table)
    write_csv(folder / "configurations.csv", means)
    write_csv(folder / "pareto_front.csv", front)
    write_csv(folder / "classical.csv", classical)
    write_csv(folder / "refinement.csv", refinement)
    answers = purposes(table, front, refinement, **axes)
    having = named(as_records(answers))
    write_csv(folder / "purposes.csv", answers)
    scans, epochs = (results.training_scan(), results.test_scan()), job.params.teacher_epochs
    teacher_s = teacher_seconds(epochs, *scans, results.timing())
    paid = break_even_of(table, refinement, classical, axes["quality"], teacher_s)
    write_csv(folder / "break_even.csv", paid)
    write_recommendation(results, table, front, answers, axes, folder, None, refinement, classical)
    chosen = folder / "recommendation.json"
    lay_out(results, read_json(chosen)["run"], job.params.study, folder / "recommended")

    quality = axes["quality"]
    pictures = {name: folder / f"{name}.png" for name in job.params.pictures}
    svg = folder / "pareto_plot.svg"
    pareto.draw(table, means, front, having, axes, pictures["pareto_plot"], svg)
    for name, other in job.params.other_axes.items():
        png, svg = folder / f"pareto_{name}.png", folder / f"pareto_{name}.svg"
        of_others = pareto_front(table, other["cost"], other["quality"])
        pareto.draw(table, means, of_others, having, other, png, svg)
    gallery.draw_study(results, table, front, classical, quality, pictures["gallery"])
    shown = means["configuration"].isin({*front["configuration"], *having})
    names, picture = settings_of(means[shown]), pictures["quality_vs_time"]
    quality_vs_time.draw(classical, refinement, names, answers, quality, picture)
    break_even.draw(paid, names, having, quality, pictures["break_even_plot"])
    marginals.draw(table, quality, axes["cost"], pictures["marginals"])
    training_curves.draw_study(results, table, pictures["training_curves"])
    if decisions:
        pictures["rungs"] = folder / "rungs.png"
        rungs.draw(decisions, table, axes, pictures["rungs"])
    page = Path(job.output.page)
    write_page(results, table, means, front, axes, chosen, paid, pictures.values(), page)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
