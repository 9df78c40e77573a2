#!/usr/bin/env bash
# Start a real Slurm on this machine, for the tests: one node, one partition, made-up GPUs, no accounting.
#
#   bash tests/cluster/start.sh FOLDER     its state, logs, sockets and keys, all in FOLDER
#   bash tests/cluster/stop.sh FOLDER      ends what was started
#
# Needs root, and Debian's packages slurm-wlm and munge, which install.sh brings. The one file outside FOLDER is
# /etc/slurm/slurm.conf (and gres.conf): jobs find their cluster there. Those of a real cluster are left alone.
# CLUSTER_CPUS and CLUSTER_GPUS may claim more than the machine has.
set -euo pipefail
folder=$(realpath -m "${1:?name an empty folder}")
cpus=${CLUSTER_CPUS:-8}
gpus=${CLUSTER_GPUS:-1}
host=$(hostname -s)
mark="# A cluster for the tests of ptycho-pareto"

if [ -e /etc/slurm/slurm.conf ] && ! grep -q "^$mark" /etc/slurm/slurm.conf; then
  echo "/etc/slurm/slurm.conf is that of another cluster; a machine without one is wanted" >&2
  exit 1
fi
before=$(sed -n "s/^$mark, in //p" /etc/slurm/slurm.conf 2>/dev/null || true)
if [ -n "$before" ] && [ "$before" != "$folder" ]; then # left behind by tests that were killed
  bash "$(dirname "${BASH_SOURCE[0]}")/stop.sh" "$before"
fi
mkdir -p "$folder"/{state,spool,log,munge} /etc/slurm
chmod 711 "$folder/munge"
[ -s "$folder/munge/key" ] || (umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
for number in $(seq 0 $((gpus - 1))); do # a GPU needs a device file; any will do
  [ -c "$folder/gpu$number" ] || mknod "$folder/gpu$number" c 1 3
done

cat >/etc/slurm/slurm.conf <<CONF
$mark, in $folder
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=30
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=5
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
MinJobAge=300
SlurmctldTimeout=30
SlurmdTimeout=30
KillWait=10
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=64000 Gres=gpu:fake:$gpus State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE PriorityTier=1 State=UP
PartitionName=urgent Nodes=$host MaxTime=INFINITE PriorityTier=2 State=UP
CONF
devices="$folder/gpu[0-$((gpus - 1))]"
[ "$gpus" -gt 1 ] || devices="$folder/gpu0"
echo "NodeName=$host Name=gpu Type=fake File=$devices" >/etc/slurm/gres.conf

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
until_true() { for _ in $(seq 300); do "$@" && return; sleep 0.1; done; return 1; }
controller_answers() { scontrol ping 2>/dev/null | grep "is UP" >/dev/null; } # -q would break the pipe
# A daemon that was killed comes back to jobs that Slurm could not end meanwhile: completing.
node_is_up() { sinfo --noheader --format %T 2>/dev/null | grep -E "^(idle|mixed|allocated|completing)$" >/dev/null; }

alive "$folder/munge/pid" || /usr/sbin/munged --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
  --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" --force 2>/dev/null
for daemon in slurmctld slurmd; do
  if ! alive "$folder/$daemon.pid" && pgrep -x "$daemon" >/dev/null; then
    echo "another $daemon runs on this machine; end it first" >&2
    exit 1
  fi
done
alive "$folder/slurmctld.pid" || slurmctld
until_true controller_answers || { echo "slurmctld does not answer; see $folder/log" >&2; exit 1; }
alive "$folder/slurmd.pid" || slurmd
until_true node_is_up || {
  echo "the node is not up, but $(sinfo --noheader --format %T | sort -u); see $folder/log" >&2
  exit 1
}
sinfo --Node --format "%N %T: %c CPUs, %m MB, %G"
