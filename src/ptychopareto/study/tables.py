"""Gather the tables of a study from the files that its runs left."""

from collections.abc import Mapping, Sequence
from math import nan

from pandas import DataFrame, Series

from ptychopareto.study.against_time import refinement_table, with_latencies
from ptychopareto.study.collapse import with_warnings
from ptychopareto.study.configurations import names_of
from ptychopareto.study.listing import listed
from ptychopareto.study.results import Results
from ptychopareto.study.rungs import Decision
from ptychopareto.study.stopped_runs import stopped_rows
from ptychopareto.study.table import gather


def table_of_runs(
    results: Results,
    settings: Mapping[str, str] | None = None,
    decisions: Sequence[Decision] | None = None,
    untrained: Mapping[str, float] | None = None,
) -> DataFrame:
    """Gather the metrics of all runs, with the latencies that the timing job measured.

    Parameters
    ----------
    results : Results
        The results of the study, finished or not.
    settings : dict of str, optional
        The fingerprint of the settings of each run by its id. Results of other settings count as
        missing. None: every result counts.
    decisions : sequence of Decision, optional
        What was decided at the rungs of a search so far; None where there is no search.
    untrained : dict of float, optional
        The inference time [s] that a search measured of each configuration before its training, by
        its name. The timing job knows none of a configuration that was stopped.

    Returns
    -------
    DataFrame
        One row per run, as `table.gather` returns it.

    Raises
    ------
    FileError
        A file is damaged.
    """
    stopped = None if decisions is None else stopped_rows(decisions, results.runs, settings)
    table = gather(results.runs, results.of_runs("metrics.json"), settings, stopped)
    timed = _with_untrained(with_latencies(table, results.timing()), untrained or {})
    return with_warnings(timed)


def _with_untrained(table: DataFrame, times: Mapping[str, float]) -> DataFrame:
    """Give stopped runs the inference time of their networks before training."""
    known, stopped = table["inference_time_s"], table["status"] == "stopped"
    untrained = Series([times.get(name, nan) for name in names_of(table)], table.index)
    return table.assign(inference_time_s=known.where(~stopped, untrained))


def table_of_refinement(results: Results) -> DataFrame:
    """Gather the scores of rPIE after the network of each run, against time.

    Parameters
    ----------
    results : Results
        The results of the study, finished or not.

    Returns
    -------
    DataFrame
        One row per run and number of epochs, as `against_time.refinement_table` returns it.

    Raises
    ------
    FileError
        A file is damaged.
    """
    return refinement_table(results.runs, results.of_runs("refinement.json"), results.timing())


def failures(table: DataFrame) -> str:
    """Count the runs that failed and name some, in one line.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table_of_runs` returns them.

    Returns
    -------
    str
        The line; empty if no run failed.
    """
    counts = table["status"].value_counts(sort=False)
    named = [
        f"{counts[status]} {status}: {listed(table['run'][table['status'] == status].tolist())}"
        for status in counts.index
        if status not in ("ok", "stopped")
    ]
    stopped = f", {counts['stopped']} were stopped" if "stopped" in counts else ""
    ok = f"{counts.get('ok', 0)} of {len(table)} runs are ok{stopped}"
    return "; ".join([ok, *named] if named else [])
