"""After how many scans a training has paid, of networks that saw the whole training scan."""

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measuring import table as markdown
from ptychopareto.study.break_even import SCANS, read_break_even
from ptychopareto.study.configurations import configurations
from ptychopareto.study.table import read_table

MOST_PASSES = 1  # of rPIE after a network; break_even.csv of a study has more
NEVER, UNREACHED = "∞", "rPIE does not reach it"


def table(studies: Mapping[str, Path]) -> str:
    """Rows of networks and passes of rPIE after them; the results of each study by its title."""
    rows = []
    for title, results in studies.items():
        means = configurations(read_table(results / "study_results.csv"))
        whole = means[means["train_patterns"].isna()].set_index("configuration")
        for row in read_break_even(results / "break_even.csv").to_dict("records"):
            if row["configuration"] in whole.index and row["refine_epochs"] <= MOST_PASSES:
                own = whole.loc[row["configuration"]]
                network = f"`{own['architecture']}`, width {own['width']}, {own['supervision']}"
                rows.append([title, network, *_figures(row)])
    head = ["scan", "network", "passes", "quality", "a scan takes [s]", "rPIE to it [s]"]
    return markdown([*head, "training and teacher [s]", "has paid after scans"], rows)


def _figures(row: Mapping[Hashable, Any]) -> list[str]:
    scans, rpie_s = row[SCANS], row["rpie_s"]
    paid = UNREACHED if math.isnan(scans) else NEVER
    if math.isfinite(scans):
        paid = f"{math.ceil(scans):,}"
    return [
        f"{row['refine_epochs']:.0f}",
        f"{row['quality']:.3f}",
        f"{row['scan_s']:.2f}",
        "–" if math.isnan(rpie_s) else f"{rpie_s:.2f}",
        f"{row['train_time_s'] + row['teacher_s']:.0f}",
        paid,
    ]
