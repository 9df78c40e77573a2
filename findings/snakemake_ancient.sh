#!/bin/sh
# Does an `ancient()` input only take the time of that input out of the decision what to repeat?
#
# Guess, written down before the run: yes. A job whose parameter changed is repeated, with ancient()
# inputs as without: only the times of these inputs are left out.
#
# Seen (Snakemake 9.27.1, Python 3.11): if something changed for the job that makes the ancient()
# input too, the parameters of the jobs behind it are not looked at. The job with the changed
# parameter is left out, what comes after it is made from its old result, and the call ends with
# exit code 0. The next call then repeats it: the same command has to be given twice.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check snakemake==9.27.1
cat >"$folder/Snakefile" <<'SNAKEFILE'
rule all:
    input:
        "report.txt",


rule data:
    output:
        first="first.txt",
        second="second.txt",
    params:
        seed=config["seed"],
    shell:
        "echo {params.seed} > {output.first}; echo {params.seed} > {output.second}"


rule result:
    input:
        ancient("first.txt"),
    output:
        "result.txt",
    params:
        factor=config["factor"],
    shell:
        "echo {params.factor} > {output}"


rule report:
    input:
        "result.txt",
        "second.txt",
    output:
        "report.txt",
    shell:
        "cat {input} > {output}"
SNAKEFILE
cat >"$folder/check.py" <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

folder = Path(sys.argv[1])
print(f"snakemake {version('snakemake')}, Python {sys.version.split()[0]}")
changed = []


def call(seed, factor, *arguments):
    settings = [f"seed={seed}", f"factor={factor}"]
    command = [sys.executable, "-m", "snakemake", *arguments, "--config", *settings]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def planned(seed, factor):
    rows = [line.split("\t") for line in call(seed, factor, "--summary").splitlines()]
    plan = rows[0].index("plan")
    return sorted(row[0] for row in rows[1:] if row[plan] != "no update")


def record(what, seen, recorded):
    print(f"  {what}: {seen!r}")
    if seen != recorded:
        changed.append(f"CHANGED: {what}: recorded {recorded!r}, now {seen!r}")


call(1, 1, "--cores", "1")
record("another factor repeats", planned(1, 2), ["report.txt", "result.txt"])
left = ["first.txt", "report.txt", "second.txt"]
record("another factor and another seed repeat", planned(2, 2), left)
call(2, 2, "--cores", "1")
record("the report after that call", (folder / "report.txt").read_text(), "1\n2\n")
record("the next call repeats", planned(2, 2), ["report.txt", "result.txt"])
print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
"$folder/venv/bin/python" "$folder/check.py" "$folder"
