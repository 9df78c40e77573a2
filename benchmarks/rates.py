"""Which learning rate suits each architecture: the lowest loss on the patterns that are held out.

python -m benchmarks.rates results    # of studies/lines128_rates.yaml
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.measuring import table as markdown
from ptychopareto.files import FileError, read_csv
from ptychopareto.study.table import read_table

NETWORK = ["architecture", "blocks", "supervision"]


def losses(results: Path) -> pd.DataFrame:
    """The lowest validation loss of each run, beside its network and its rate."""
    runs = read_table(results / "study_results.csv")
    runs = runs[runs["status"] == "ok"]
    found = [
        read_csv(results / "runs" / run / "history.csv", {"val_loss": "float64"})["val_loss"].min()
        for run in runs["run"]
    ]
    return runs[[*NETWORK, "learning_rate", "seed"]].assign(val_loss=found)


def comparison(found: pd.DataFrame) -> str:
    """Rows of networks, columns of rates: the mean over seeds of the loss, the lowest one bold."""
    rates = sorted(found["learning_rate"].unique())
    rows = []
    for network, own in found.groupby(NETWORK, sort=False, dropna=False):
        architecture, blocks, supervision = network
        means = own.groupby("learning_rate")["val_loss"].mean()
        name = f"`{architecture}`" + ("" if blocks is pd.NA else f", {blocks} blocks")
        cells = [f"{means[rate]:.5f}" if rate in means else "–" for rate in rates]
        best = rates.index(means.idxmin())
        cells[best] = f"**{cells[best]}**"
        rows.append([f"{name}, {supervision}", *cells])
    return markdown(["loss on held-out patterns", *(f"{rate:g}" for rate in rates)], rows)


def main(arguments: Sequence[str]) -> str | None:
    """Print the table of the folder that is named; return what is wrong with it, in one line."""
    if len(arguments) != 1:
        return "the results folder of a study is wanted, and nothing else"
    try:
        print(comparison(losses(Path(arguments[0]))))
    except FileError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
