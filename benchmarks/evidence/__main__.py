"""Run the two-core studies of docs/evidence.md, and write what they say into the page.

    python -m benchmarks.evidence run                # all, or go on: 90 minutes on two quiet cores
    python -m benchmarks.evidence run data_amount    # one question
    python -m benchmarks.evidence tables             # what has finished goes into docs/evidence.md

A finished job is never repeated, and a killed training goes on from its checkpoint.
"""

import argparse
import datetime
import logging
import sys
from collections.abc import Callable, Sequence

from documentation.pictures import write_small

from benchmarks.evidence import break_even, data_amount, transfer, transfer_matrix, wrong_knowledge
from benchmarks.evidence.studies import QUESTIONS, Study, run
from benchmarks.measuring import ROOT, machine
from benchmarks.page import write
from benchmarks.published import TYPES as PUBLISHED_TYPES
from benchmarks.published import comparison
from ptychopareto.files import FileError, read_csv

DOCS = ROOT / "docs"
MADE_BY = "python -m benchmarks.evidence tables"


def of_wrong_knowledge(study: Study) -> str:
    write_small(study.results / "robustness.png", DOCS / "evidence_wrong_knowledge.png")
    return wrong_knowledge.table(study.results)


def of_data_amount(study: Study) -> str:
    panels = {"simulated, 64²": (study.results, "ssim_phase")}
    data_amount.draw(panels, DOCS / "evidence_data_amount.png")
    return data_amount.table(study.results, "ssim_phase")


def of_star(study: Study) -> str:
    panels = {"measured Siemens star, 128²": (study.results, "r_free")}
    data_amount.draw(panels, DOCS / "evidence_data_amount_star.png")
    return data_amount.table(study.results, "r_free")


def of_break_even(simulated: Study, star: Study) -> str:
    return break_even.table({"simulated": simulated.results, "measured": star.results})


def of_transfer(*studies: Study) -> str:
    scores = transfer.evaluate(studies)
    results = {study.name.removeprefix("transfer_"): study.results for study in studies}
    picture = DOCS / "evidence_transfer.png"
    transfer_matrix.draw(scores, results, picture)
    write_small(picture, picture)
    parts = []
    for architecture in scores["architecture"].unique():
        for title, names in transfer_matrix.AXES.items():
            matrix = transfer_matrix.table(scores, results, architecture, names)
            parts.append(f"`{architecture}`, {title}:\n\n{matrix}")
    return "\n".join(parts)


def of_lines64(study: Study) -> str:
    return comparison(read_csv(study.results / "configurations.csv", PUBLISHED_TYPES))


TABLES: dict[str, Callable[..., str]] = {
    "wrong_knowledge": of_wrong_knowledge,
    "data_amount": of_data_amount,
    "siemens_star_data_amount": of_star,
    "break_even": of_break_even,
    "transfer": of_transfer,
    "lines64_seeds": of_lines64,
}


def tables(questions: Sequence[str]) -> str | None:
    """Write the tables of the questions whose studies have finished; say which have not."""
    waiting = []
    for question in questions:
        studies = QUESTIONS[question]
        # A study of one kind of object or beam more is a column more: what is there is used.
        finished = [study for study in studies if (study.results / "study_results.csv").is_file()]
        if not finished or (question != "transfer" and len(finished) < len(studies)):
            waiting.append(question)
            continue
        try:
            text = TABLES[question](*finished)
        except FileError as error:
            return str(error)
        stamp = f"Made on {datetime.date.today()}: {machine()}."
        write(DOCS / "evidence.md", question, MADE_BY, f"{stamp}\n\n{text}")
        print(f"written into docs/evidence.md: {question}", flush=True)
    return f"not run yet: {', '.join(waiting)}" if waiting else None


def main(arguments: Sequence[str] | None = None) -> str | None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evidence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["run", "tables"])
    parser.add_argument(
        *("questions",), nargs="*", metavar="QUESTION", help=f"of {', '.join(QUESTIONS)}; else all"
    )
    parser.add_argument("--cores", default="all", help="for Snakemake; all by default")
    given = parser.parse_args(arguments)
    for question in given.questions:
        if question not in QUESTIONS:
            parser.error(f"there is no {question!r}; allowed are {', '.join(QUESTIONS)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    questions = given.questions or list(QUESTIONS)
    return run(questions, given.cores) if given.what == "run" else tables(questions)


if __name__ == "__main__":
    sys.exit(main())
