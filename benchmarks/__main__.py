"""Measure, and write each part into its place in docs/performance.md."""

import argparse
import datetime

import torch

from benchmarks import (
    end_to_end,
    engine,
    follow,
    gpu,
    large_scan,
    measured,
    networks,
    planning,
    reading,
    recipes,
    whole_study,
)
from benchmarks.measuring import ROOT, machine
from benchmarks.page import write

PAGE = ROOT / "docs" / "performance.md"
PARTS = {
    "networks": networks.section,
    "end_to_end": end_to_end.section,
    "engine": engine.section,
    "measured": measured.section,
    "recipes": recipes.section,
    "follow": follow.section,
    "planning": planning.section,
    "reading": reading.section,
    "large_scan": large_scan.section,
    "study": whole_study.section,
    "gpu": gpu.section,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join(PARTS)}; all that this machine can measure if none is named",
    )
    here = [part for part in PARTS if part != "gpu" or torch.cuda.is_available()]
    chosen = parser.parse_args().parts or here
    for part in chosen:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}; allowed are {', '.join(PARTS)}")
        if part not in here:
            parser.error("'gpu' measures a GPU, and torch finds none here")
    for part in chosen:
        print(f"measuring: {part}", flush=True)
        gpu_used = torch.cuda.get_device_name() if part == "gpu" else "no GPU used"
        stamp = f"Measured on {datetime.date.today()}: {machine()}; {gpu_used}."
        write(PAGE, part, "make bench", f"{stamp}\n\n{PARTS[part]()}")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
