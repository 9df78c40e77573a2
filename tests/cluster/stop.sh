#!/usr/bin/env bash
# End the daemons that start.sh started in FOLDER, by their pids, and take their configuration away.
set -euo pipefail
folder=$(realpath -m "${1:?name the folder of the cluster}")
for file in "$folder/slurmd.pid" "$folder/slurmctld.pid" "$folder/munge/pid"; do
  pid=$(cat "$file" 2>/dev/null) || continue
  kill "$pid" 2>/dev/null || continue
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || continue 2; sleep 0.1; done
  echo "process $pid ($file) does not end" >&2
  exit 1
done
if grep -qsF "in $folder" /etc/slurm/slurm.conf; then rm /etc/slurm/slurm.conf /etc/slurm/gres.conf; fi
