"""The subcommand `inspect`: the look before the flight, at a scan that nothing was made of yet."""

import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychopareto.command.scan_options import add_scan_options, settings_of
from ptychopareto.command.subcommand import Subcommand

if TYPE_CHECKING:
    from ptychopareto.config import MeasuredDataset

DESCRIPTION = """\
Read scans and check them, as a study does before anything is trained: what was taken for what and
where it came from, then zero frequency, orientation of the positions, far field, overlap, counts,
bad pixels. The exit status is 0 if all checks passed, 1 if a file will not do, and 3 if a check
failed."""
EXAMPLES = """\
  ptycho-pareto inspect scan.cxi
  ptycho-pareto inspect scan.cxi --picture scan.png     # and as a picture
  ptycho-pareto inspect raw/*.h5 --energy 8.8 --distance 2.3 --pixel-size 75e-6
"""
FAILED_CHECK = 3
_MARKS = {True: "pass", False: "FAIL", None: "  ? "}
_WIDEST = 60  # characters of a value


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `inspect`."""
    parser.add_argument("scan", type=Path, nargs="+", metavar="SCAN", help="file or folder")
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="OUT",
        help="write a picture of the scan: a .png or .svg file for one scan, or a folder",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="OUT",
        help="write assumptions and checks, as scan.json of a study: a .json file, or a folder",
    )
    add_scan_options(parser)


def run(options: Namespace) -> int:
    """Inspect the scans one after the other; the worst one gives the status."""
    from ptychopareto.command.main import in_one_line

    statuses = []
    for scan in options.scan:
        try:
            statuses.append(_inspect(options, scan, settings_of(options, scan)))
        except ValueError as error:
            reason = in_one_line(error)
            if reason is None:
                raise
            print(f"ptycho-pareto inspect: {reason}", file=sys.stderr)
            statuses.append(1)
    return 1 if 1 in statuses else max(statuses)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Let the log keep what is a line of the table here: a check that failed."""
    log = logging.getLogger("ptychopareto.preparation")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _inspect(options: Namespace, path: Path, settings: "MeasuredDataset") -> int:
    """Prepare a scan, print what was found, and return 3 if a check failed."""
    from ptychopareto.command.outputs import check_folder, naming
    from ptychopareto.files import write_json
    from ptychopareto.pictures.scan import draw
    from ptychopareto.preparation.whole import prepare_whole
    from ptychopareto.readers import read_scan

    scan = read_scan(path, settings.format, settings.keys)
    picture, record = options.picture, options.json
    picture = None if picture is None else _output(picture, path, (".png", ".svg"))
    record = None if record is None else _output(record, path, (".json",))
    # Where something is to be written there is a disk; the system's own folder may be memory.
    outputs = [one for one in (picture, record) if one is not None]
    for one in outputs:
        check_folder(one)
    folder = outputs[0].parent if outputs else None
    with _without_warnings():
        whole = prepare_whole(scan, settings, 0, folder)
    print(f"{path}: {scan.format}, {len(whole.frames)} patterns of {whole.dataset.N} px")
    for remark in scan.remarks:
        print(f"  {remark}")
    for entry in whole.record["assumptions"]:
        print(f"  {entry['what']}: {_shown(entry['value'])} ({entry['from']})")
    for check in whole.record["checks"]:
        print(f"  {_MARKS[check['passed']]}  {check['name']}: {check['said']}")
    if picture is not None:
        with naming(picture):
            draw(whole.as_prepared(), picture)
    if record is not None:
        with naming(record):
            write_json(record, whole.record)
    failed = any(check["passed"] is False for check in whole.record["checks"])
    return FAILED_CHECK if failed else 0


def _output(output: Path, scan: Path, suffixes: tuple[str, ...]) -> Path:
    """Return a file, or in a folder one that is named as the scan."""
    return output if output.suffix in suffixes else output / f"{scan.stem}{suffixes[0]}"


def _shown(value: Any) -> str:
    """Say a value in few words."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items())
    text = str(value)
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


SUBCOMMAND = Subcommand(
    "check scans before anything is made of them", DESCRIPTION, EXAMPLES, add_arguments, run
)
