#!/bin/sh
# Does onnxruntime keep, or send, anything about who uses it?
#
# Guess, written down before the run: not on Linux. Its documentation has long spoken of telemetry
# in builds for Windows only.
#
# Seen (onnxruntime 1.32.0, Python 3.11, Linux): `import onnxruntime` alone makes the folder
# ~/.cache/Microsoft/DeveloperTools/.onnxruntime with a number of the device (`deviceid`) and a
# database of events that wait to be sent (`onnxruntime.db`, table `events`). The host of Microsoft's
# events is named in the library. Nobody is asked. With ORT_DISABLE_TELEMETRY=1 in the environment
# before the import nothing is kept.
#
# Here the proxy of the environment leads nowhere, so that nothing is sent, and the home directory is
# a temporary one. Needs Python 3.11 or newer on Linux. Ends with 0 if all is as recorded, else with
# 1 and a line that says what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 numpy==2.4.6
cat >"$folder/report.py" <<'PYTHON'
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

NOWHERE = "http://127.0.0.1:9"


def kept(**more: str) -> tuple[set[str], int]:
    """Import it with a new home: the names of the files that it leaves there, and its events."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, **more}
        environment |= {"HTTPS_PROXY": NOWHERE, "https_proxy": NOWHERE}
        subprocess.run(
            [sys.executable, "-c", "import onnxruntime"],
            env=environment,
            check=True,
            capture_output=True,
            timeout=120,
        )
        files = {path.name: path for path in Path(home).rglob("*") if path.is_file()}
        events = 0
        if "onnxruntime.db" in files:
            with closing(sqlite3.connect(files["onnxruntime.db"])) as database:
                [(events,)] = database.execute("select count(*) from events").fetchall()
        return {name for name in files if "." not in name or name.endswith(".db")}, events


print(f"onnxruntime {version('onnxruntime')}")
files, events = kept()
print(f"after its import the home directory holds {sorted(files)}, with {events} events")
quiet, _ = kept(ORT_DISABLE_TELEMETRY="1")
print(f"with ORT_DISABLE_TELEMETRY=1 it holds {sorted(quiet)}")
if not {"deviceid", "onnxruntime.db"} <= files or events < 1:
    sys.exit("CHANGED: the import keeps nothing")
if quiet:
    sys.exit("CHANGED: ORT_DISABLE_TELEMETRY=1 does not keep it from that")
print("as recorded")
PYTHON
"$folder/venv/bin/python" "$folder/report.py"
