#!/bin/sh
# Does `snakemake --configfile my.yaml TARGET` make the target?
#
# Guess, written down before the run: yes, as `--configfile` names one file. At worst, since the
# help says that there may be several, a word that is no file is taken for a target.
#
# Seen (snakemake 9.27.1): no. All words up to the next option are config files, the target too, and
# the call ends with a FileNotFoundError that names the target, before the Snakefile is read. If a
# file of the target's name exists, it is read as YAML and merged into the config, and the first
# rule is made instead. `TARGET --configfile my.yaml` works, and so does `--` before the target.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line that says
# what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check snakemake==9.27.1
export HOME="$folder" XDG_CACHE_HOME="$folder/cache"
mkdir "$folder/work"
cd "$folder/work"
cat >Snakefile <<'SNAKEFILE'
rule first:
    output: "first.txt"
    shell: "echo {config} >{output}"

rule second:
    output: "second.txt"
    shell: "echo {config[colour]} >{output}"
SNAKEFILE
echo 'colour: red' >my.yaml

changed() {
  echo "CHANGED: $1"
  exit 1
}

snakemake="$folder/venv/bin/snakemake --cores 1"
if $snakemake --configfile my.yaml second.txt >said.txt 2>&1; then
  changed "a target after --configfile is made"
fi
grep -q "FileNotFoundError.*second.txt" said.txt || changed "no FileNotFoundError of the target"

$snakemake second.txt --configfile my.yaml >said.txt 2>&1 || changed "the target first fails"
[ "$(cat second.txt)" = red ] || changed "the target has another content"
rm second.txt
$snakemake --configfile my.yaml -- second.txt >said.txt 2>&1 || changed "-- before it fails"
[ "$(cat second.txt)" = red ] || changed "the target after -- has another content"

echo 'shape: round' >second.txt
$snakemake --configfile my.yaml second.txt >said.txt 2>&1 || changed "an existing target is refused"
grep -q "round" first.txt || changed "an existing target is no config file"
[ "$(cat second.txt)" = 'shape: round' ] || changed "the existing target was made"
echo "as recorded"
