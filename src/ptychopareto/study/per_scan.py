"""What each configuration is worth, and the time of a scan: alone, and with rPIE after it."""

import pandas as pd

from ptychopareto.study.configurations import COLLAPSED, configurations, half_width


def networks_alone(table: pd.DataFrame, refinement: pd.DataFrame, quality: str) -> pd.DataFrame:
    """Return the numbers of each configuration without rPIE after it.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    refinement : DataFrame
        RPIE after each network, as `against_time.refinement_table` returns it; it has the times.
    quality : str
        The measure.

    Returns
    -------
    DataFrame
        One row for each configuration that has the measure: `configuration`, `refine_epochs` (0),
        the means `quality`, `seconds` (network and stitching; NaN before they are timed),
        `model_params` and `train_time_s`, half the width of the 95 % interval `quality_ci95`, and
        `sound`, false where a run has collapsed.
    """
    means = configurations(table)
    means = means[means[quality].notna()]
    seconds = refinement.groupby("configuration")["inference_s"].mean()
    columns = {
        "quality": means[quality],
        "quality_ci95": means[f"{quality}_ci95"],
        "seconds": means["configuration"].map(seconds),
        "model_params": means["model_params"],
        "train_time_s": means["train_time_s"],
    }
    numbers = pd.DataFrame(columns).astype("float64")
    names = means[["configuration"]].assign(refine_epochs=0)
    return names.join(numbers).assign(sound=means[COLLAPSED] == 0)


def networks_refined(table: pd.DataFrame, refinement: pd.DataFrame, quality: str) -> pd.DataFrame:
    """Average rPIE after a network over the seeds, and its change from the network alone.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    refinement : DataFrame
        RPIE after each network, as `against_time.refinement_table` returns it.
    quality : str
        The measure.

    Returns
    -------
    DataFrame
        One row per configuration and number of passes above 0: `configuration`, `refine_epochs`,
        the means `quality`, `seconds` (network, stitching and rPIE) and `change`, taken seed by
        seed, and half the widths of the 95 % intervals `quality_ci95` and `change_ci95`, NaN for
        one seed.
    """
    alone = table[table["status"] == "ok"].set_index("run")[quality].astype("float64")
    rows = refinement[(refinement["refine_epochs"] > 0) & refinement[quality].notna()]
    value = rows[quality].astype("float64")
    rows = rows[["configuration", "refine_epochs"]].assign(
        quality=value,
        seconds=rows["total_s"].astype("float64"),
        change=value - rows["run"].map(alone).astype("float64"),
    )
    groups = rows.groupby(["configuration", "refine_epochs"], sort=False)
    columns = ["quality", "change"]
    intervals = half_width(groups[columns].std(), groups[columns].count()).add_suffix("_ci95")
    return groups.mean().join(intervals).reset_index()
