"""The tables that pages show of stored studies, in Markdown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from benchmarks.measuring import table as markdown
from documentation.stored import stored

# The best of the light study, and those that it names for a purpose.
LIGHT = {
    "fno_tnone_m12_w16_teacher": "`fno`, width 16",
    "fno_tnone_m12_w16_b2_teacher": "`fno`, width 16, 2 blocks",
    "ffno_tnone_m12_w16_teacher": "`ffno`, width 16",
    "ffno_tnone_m12_w16_b2_teacher": "`ffno`, width 16, 2 blocks",
    "ffno_tnone_m12_w8_b2_teacher": "`ffno`, width 8, 2 blocks",
    "hybrid_tnone_m12_w4_teacher": "`hybrid`, width 4",
}
SCENARIOS = {
    "as_trained": "as trained",
    "low_dose": "1e5 photons",
    "siemens_star": "Siemens star",
    "coarse_scan": "step 20 px",
    "defocus": "defocus +5 %",
    "positions": "positions, σ = 2 px",
}
PASSES = (1, 5, 20, 50, 100)


@dataclass(frozen=True)
class Block:
    """A table of a page: the stored study that it is of, and what makes it."""

    study: str
    make: Callable[[], str]


def light_networks() -> str:
    """The networks of the light study alone, and after rPIE."""
    refinement = stored("light", "refinement")
    rows = []
    for configuration, name in LIGHT.items():
        own = refinement[refinement["configuration"] == configuration]
        steps = own.set_index("refine_epochs").loc[[0, 1, 5]]
        quality = [f"{value:.3f}" for value in steps["ssim_phase"]]
        seconds = " / ".join(f"{value:.2f}" for value in steps["total_s"])
        rows.append([name, *quality, seconds])
    head = ["", "phase SSIM alone", "+ 1 pass of rPIE", "+ 5 passes", "seconds alone / + 1 / + 5"]
    return markdown(head, rows)


def light_scenarios() -> str:
    """Phase SSIM of networks and of rPIE in the scenarios of the light study."""
    scores = stored("light", "scenarios").set_index(["configuration", "at_best", "scenario"])
    quality = scores["ssim_phase"]
    lines = [(name, words, False) for name, words in LIGHT.items()]
    lines += [("rpie", "rPIE, 100 passes", False), ("rpie", "rPIE at its best", True)]
    lines += [
        (name, f"{words}, and rPIE at its best", True)
        for name, words in LIGHT.items()
        if (name, True, "as_trained") in quality.index
    ]
    rows = [
        [words, *(f"{quality[name, at_best, scenario]:.3f}" for scenario in SCENARIOS)]
        for name, words, at_best in lines
    ]
    return markdown(["", *SCENARIOS.values()], rows)


def light_engine() -> str:
    """What rPIE reaches from a flat start on the test scan of the light study."""
    steps = stored("light", "classical").set_index("epochs").loc[list(PASSES)]
    head = ["rPIE alone, passes", *map(str, PASSES)]
    quality = ["phase SSIM", *(f"{value:.3f}" for value in steps["ssim_phase"])]
    return markdown(head, [quality, ["seconds", *(f"{s:.2f}" for s in steps["seconds"])]])


def star_networks() -> str:
    """R-free of the networks on the Siemens star that are best of their architecture."""
    configurations = stored("siemens_star", "configurations").sort_values("r_free", kind="stable")
    best = configurations.drop_duplicates("architecture")
    refinement = stored("siemens_star", "refinement")
    classical = stored("siemens_star", "classical")
    rows = [["flat object", f"{configurations['r_free_flat'].mean():.3f}", ""]]
    for row in best.to_dict("records"):
        figure = mean_and_interval(row["r_free"], row["r_free_ci95"])
        rows.append([network(row), figure, seconds_after(refinement, row["configuration"], 0)])
    rpie = classical[(classical["engine"] == "rpie") & classical["early_stop"].astype(bool)]
    rows += [
        ["rPIE with the same probe, stopped early", f"{r.r_free:.3f}", f"{r.seconds:.2g}"]
        for r in rpie.itertuples()
    ]
    lsqml = classical[classical["engine"] == "lsqml"].nsmallest(1, "r_free")
    rows += [
        [
            "LSQML on both parts of the scan, without the free patterns; it finds the probe too",
            f"{r.r_free:.3f}",
            f"{r.seconds:.2g}",
        ]
        for r in lsqml.itertuples()
    ]
    first = best.iloc[0]
    after = refined(refinement, first["configuration"], 1)["r_free"].mean()
    rows.append(
        [
            f"{network(first)}, and 1 pass of rPIE",
            f"{after:.3f}",
            seconds_after(refinement, first["configuration"], 1),
        ]
    )
    return markdown(["", "R-free (smaller is better)", "seconds for the scored patterns"], rows)


def star_in_full() -> str:
    """All configurations and engines of the Siemens star."""
    configurations = stored("siemens_star", "configurations").sort_values("r_free", kind="stable")
    refinement = stored("siemens_star", "refinement")
    classical = stored("siemens_star", "classical")
    rows = [["flat object", "", "", "", f"{configurations['r_free_flat'].mean():.3f}", ""]]
    for engine, name in (("rpie", "rPIE"), ("lsqml", "LSQML")):
        rows += engine_rows(name, classical[classical["engine"] == engine])
    for row in configurations.to_dict("records"):
        rows.append(
            [
                network(row),
                f"{row['model_params']:,.0f}",
                seconds_after(refinement, row["configuration"], 0),
                mean_and_interval(row["r_work"], row["r_work_ci95"], 3),
                mean_and_interval(row["r_free"], row["r_free_ci95"]),
                f"{row['frc50_halves']:.2f}",
            ]
        )
    for position in (0, -1):
        row = configurations.iloc[position]
        own = [refined(refinement, row["configuration"], passes) for passes in (1, 5)]
        rows.append(
            [
                f"{network(row)}, + 1 / 5 passes of rPIE",
                "",
                " / ".join(f"{one['total_s'].mean():.2g}" for one in own),
                " / ".join(f"{one['r_work'].mean():.3f}" for one in own),
                " / ".join(f"{one['r_free'].mean():.3f}" for one in own),
                "",
            ]
        )
    head = ["reconstruction", "parameters", "time [s]", "R-work", "R-free", "half-set FRC½"]
    return markdown(head, rows)


def engine_rows(name: str, steps: pd.DataFrame) -> Iterable[Sequence[str]]:
    """An engine at its least R-free, and where early stopping ends it."""
    steps = steps[steps["r_free"].notna()]
    least = steps["r_free"].idxmin() if len(steps) else None
    for index, row in steps.iterrows():
        notes = ["its least R-free"] if index == least else []
        notes += ["where early stopping ends"] if bool(row["early_stop"]) else []
        if notes:
            yield [
                f"{name}, {row['epochs']:.0f} passes: {', '.join(notes)}",
                "",
                f"{row['seconds']:.2g}",
                f"{row['r_work']:.3f}",
                f"{row['r_free']:.3f}",
                "",
            ]


def network(row: "pd.Series[object] | dict[str, object]") -> str:
    """An architecture and its width, and its supervision if it is not the usual one."""
    other = "" if row["supervision"] == "teacher" else f", {row['supervision']}"
    return f"`{row['architecture']}`, width {row['width']}{other}"


def refined(refinement: pd.DataFrame, configuration: str, passes: int) -> pd.DataFrame:
    """The runs of a configuration after so many passes of rPIE."""
    own = refinement["configuration"] == configuration
    return refinement[own & (refinement["refine_epochs"] == passes)]


def seconds_after(refinement: pd.DataFrame, configuration: str, passes: int) -> str:
    """The seconds of a network and so many passes."""
    return f"{refined(refinement, configuration, passes)['total_s'].mean():.2g}"


def mean_and_interval(mean: float, interval: float, decimals: int = 4) -> str:
    """A mean, and half its interval if there is one."""
    words = f"{mean:.{decimals}f}"
    return words if pd.isna(interval) else f"{words} ± {interval:.{decimals}f}"


BLOCKS = {
    "networks of the light study": Block("light", light_networks),
    "rPIE in the light study": Block("light", light_engine),
    "scenarios of the light study": Block("light", light_scenarios),
    "Siemens star": Block("siemens_star", star_networks),
    "Siemens star in full": Block("siemens_star", star_in_full),
}
