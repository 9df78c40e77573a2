#!/usr/bin/env bash
# Install the Slurm that the tests of the cluster profile run, if it is missing. For Debian; needs root.
set -euo pipefail
if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
  echo "Installing slurm-wlm and munge for the tests of the cluster profile"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi
