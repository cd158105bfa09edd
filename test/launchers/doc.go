// Package launchers runs one program under each launcher that the cluster may have: Open MPI's and MPICH's mpirun, a real
// Slurm, Kubernetes' variables, ssh. It has tests only. They install nothing, and say what to install where they skip.
package launchers
