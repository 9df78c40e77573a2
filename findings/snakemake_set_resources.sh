#!/bin/sh
# Does `--set-resources` on the command line add to the `set-resources` of a profile?
#
# Guess, written down before the run: yes, rule by rule. A profile that says something of rule b and
# a command line that says something of rule a together say both.
#
# Seen (Snakemake 9.27.1, Python 3.11): no. The command line replaces the whole section of the
# profile, also for rules that it does not name, and no message says so. A profile that gives a job
# a node of its own (`slurm_extra: --exclusive`) loses that as soon as the time of another job is
# set on the command line.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check snakemake==9.27.1
mkdir "$folder/project" "$folder/project/profile"
cd "$folder/project"
cat >Snakefile <<'SNAKEFILE'
rule all:
    input:
        "a.txt",
        "b.txt",


rule a:
    output:
        "a.txt",
    resources:
        runtime=1,
    shell:
        "echo {resources.runtime} > {output}"


rule b:
    output:
        "b.txt",
    resources:
        runtime=1,
    shell:
        "echo {resources.runtime} > {output}"
SNAKEFILE
cat >profile/config.yaml <<'PROFILE'
set-resources:
  b:
    runtime: 20
PROFILE

seen() {
  rm -f a.txt b.txt
  "$folder/venv/bin/snakemake" --cores 1 --quiet all --profile profile "$@" >"$folder/log" 2>&1
  echo "a $(cat a.txt), b $(cat b.txt)"
}

"$folder/venv/bin/snakemake" --version
profile=$(seen)
both=$(seen --set-resources a:runtime=10)
echo "  profile alone: $profile"
echo "  profile and --set-resources a:runtime=10: $both"
if [ "$profile; $both" = "a 1, b 20; a 10, b 1" ]; then
  echo "as recorded"
else
  echo "CHANGED: recorded a 1, b 20; a 10, b 1"
  exit 1
fi
