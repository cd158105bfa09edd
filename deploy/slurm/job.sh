#!/bin/bash
#SBATCH --job-name=darray
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=4
#SBATCH --time=01:00:00
#
# sbatch job.sh ./prog ARGS...     runs PROG as one rank a task.
#
# Ranks find each other by what srun tells them: rank 0 is on the first node, on a UDP port that follows from the job and
# the step. What they do not get from srun is a secret, so this script makes one, in a file on the shared home that only
# its owner can read. Where the cluster's srun has --mpi=pmi2 (srun --mpi=list), the token can be left out: add that flag.
set -euo pipefail
[ $# -gt 0 ] || {
	echo "usage: sbatch $0 PROG [ARGS...]" >&2
	exit 2
}

DARRAY_TOKEN_FILE=$(mktemp "$HOME/.darray-token.XXXXXX") # mode 0600
trap 'rm -f "$DARRAY_TOKEN_FILE"' EXIT
head -c 32 /dev/urandom | base64 >"$DARRAY_TOKEN_FILE"
export DARRAY_TOKEN_FILE

# A Go program takes as many threads as it sees cores, which is the node's number unless Slurm confines the task.
export GOMAXPROCS=${SLURM_CPUS_PER_TASK:-1}

# Without --kill-on-bad-exit the other ranks would run on after one is killed; they notice by themselves, srun at once.
srun --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" --kill-on-bad-exit=1 "$@"
