#!/bin/sh
# Does `mkdocs build --strict --quiet` fail where a page links to a page that does not exist?
#
# Guess, written down before the run: yes. `--quiet` says less, and `--strict` still fails.
#
# Seen (MkDocs 1.6.1, Python 3.11): it ends with 0 and writes the site. `--quiet` sets the level of
# the log to ERROR, and strict mode counts the warnings that reach the log: none do. Without
# `--quiet` the same pages end with 1. So a gate that is quiet is none.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line that says
# what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mkdocs==1.6.1
mkdir -p "$folder/project/docs"
cd "$folder/project"
echo 'site_name: two pages' >mkdocs.yml
echo '[the other page](other.md)' >docs/index.md
"$folder/venv/bin/mkdocs" --version

loud=0
quiet=0
"$folder/venv/bin/mkdocs" build --strict --site-dir "$folder/loud" >"$folder/log" 2>&1 || loud=$?
"$folder/venv/bin/mkdocs" build --strict --quiet --site-dir "$folder/quiet" >>"$folder/log" 2>&1 ||
  quiet=$?
grep 'other.md' "$folder/log"
echo "  --strict ends with $loud, --strict --quiet with $quiet"
if [ "$loud $quiet" = "1 0" ]; then
  echo "as recorded"
else
  echo "CHANGED: recorded 1 and 0"
  exit 1
fi
