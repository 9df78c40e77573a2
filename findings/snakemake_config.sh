#!/bin/sh
# Does `snakemake --config key=value` read a value as a config file would?
#
# Guess, written down before the run: yes, as YAML. `--config flag=true` gives True, and
# `--config 'training={"epochs": 2, "rate": 1e-3}'` gives the numbers 2 and 0.001.
#
# Seen (Snakemake 9.27.1, Python 3.11): a whole value that is a number, or `True` or `False` as
# Python writes them, has its type. `true`, `yes` and `null` are texts, and so is everything inside
# of a section or a list: {"epochs": "2", "rate": "1e-3"}. The same in a config file has its types.
# In Python `if config["flag"]` holds for the text "false".
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check snakemake==9.27.1
cat >"$folder/Snakefile" <<'SNAKEFILE'
import json

with open("read.json", "w") as stream:
    json.dump(config, stream)


rule all:
SNAKEFILE
cat >"$folder/check.py" <<'PYTHON'
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

folder = Path(sys.argv[1])
print(f"snakemake {version('snakemake')}, Python {sys.version.split()[0]}")
snakemake = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all"]
changed = []


def read(*arguments):
    subprocess.run([*snakemake, *arguments], cwd=folder, check=True, capture_output=True)
    return json.loads((folder / "read.json").read_text())["key"]


def record(text, of_command_line, of_file):
    (folder / "config.json").write_text(f'{{"key": {text}}}')
    for where, value, recorded in (
        ("--config", read("--config", f"key={text}"), of_command_line),
        ("a file", read("--configfile", "config.json"), of_file),
    ):
        print(f"  {text} by {where}: {value!r}")
        if repr(value) != repr(recorded):
            changed.append(f"CHANGED: {text} by {where}: recorded {recorded!r}, now {value!r}")


record("2", 2, 2)
record("true", "true", True)
record("null", "null", None)
record("[0, 1]", ["0", "1"], [0, 1])
record('{"epochs": 2, "rate": 1e-3}', {"epochs": "2", "rate": "1e-3"}, {"epochs": 2, "rate": 1e-3})

print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
"$folder/venv/bin/python" "$folder/check.py" "$folder"
