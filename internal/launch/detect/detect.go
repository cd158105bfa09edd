// Package detect finds out from the environment which launcher started this process and what place it was given in the
// job. It is a function of the variables alone, so that each launcher's traps are lines of a table test.
package detect

import (
	"fmt"
	"slices"
	"strings"
)

// The launchers that are known, in the order in which they are asked: a launcher that is itself started by another (mpirun
// starts its daemons by srun inside an allocation) must win over the one that started it.
const (
	Darray     = "darray"     // `darray run`, or DARRAY_RANK and DARRAY_SIZE set by hand
	OpenMPI    = "Open MPI"   // mpirun and prterun
	PMI        = "PMI"        // MPICH's and Intel's mpirun (hydra), srun --mpi=pmi2, Flux, PALS
	Slurm      = "srun"       // without --mpi
	Torchrun   = "torchrun"   // RANK and WORLD_SIZE, which other launchers set too
	Kubernetes = "Kubernetes" // Indexed Job
)

// MaxRanks is the largest size of a job that is believed.
const MaxRanks = 1 << 20

// Place is this process's place in its job, and what the launcher says of where rank 0 is.
type Place struct {
	Launcher string // one of the constants; empty: this process was started alone
	Rank     int
	Size     int // 0 where Launcher is empty
	// LocalRank counts the ranks of this host; LocalSize is their number, 0 where the launcher does not tell.
	LocalRank, LocalSize int

	// Job is the launcher's name for this job, the same on all its ranks and on no other running job's; empty: unknown.
	// It is no secret.
	Job string
	// Root is host:port where rank 0 is to listen, as the launcher says or as it follows from what it says; empty: unknown.
	Root string
	// RootFrom says where Root comes from and what replaces it, for messages.
	RootFrom string
	// PMIFD is the descriptor of the launcher's key-value store, inherited from it; -1: there is none.
	PMIFD int
	// Hint is a remark for the user; empty: none.
	Hint string

	hosts []string // by rank, as far as the launcher tells
}

// Host names the host that rank is expected on; empty: the launcher does not tell.
func (p Place) Host(rank int) string {
	if rank < 0 || rank >= len(p.hosts) {
		return ""
	}
	return p.hosts[rank]
}

// OneHost reports whether all ranks are known to be on this host.
func (p Place) OneHost() bool { return p.Size > 0 && p.LocalSize == p.Size }

// Find reads the variables by lookup, which is os.LookupEnv or a test's table. Nothing found is no error: Launcher is
// empty. Variables that contradict each other, or of which one is missing, are an error that names them: a process that
// knows half of its place must not guess the rest.
func Find(lookup func(name string) (string, bool)) (Place, error) {
	v := &vars{lookup: lookup}
	if choice, ok := v.text("DARRAY_LAUNCHER"); ok {
		if choice != "none" {
			return Place{}, fmt.Errorf(`DARRAY_LAUNCHER=%q: the one value is "none": run alone, whatever started this process`, choice)
		}
		return Place{PMIFD: -1}, nil
	}
	for _, launcher := range []func(*vars) (Place, bool){ofDarray, ofOpenMPI, ofPMI, ofSlurm, ofTorchrun, ofKubernetes, ofPMIx} {
		p, found := launcher(v)
		if v.err != nil {
			return Place{}, v.err
		}
		if found {
			return p.checked(v)
		}
	}
	return Place{PMIFD: -1, Hint: allocationHint(v)}, nil
}

// checked is p if its numbers fit together.
func (p Place) checked(v *vars) (Place, error) {
	switch {
	case p.Rank >= p.Size:
		return Place{}, fmt.Errorf("%s: rank %d is not below the size %d; ranks count from 0 (read %s)",
			p.Launcher, p.Rank, p.Size, v.read())
	case p.LocalSize > p.Size || p.LocalSize > 0 && p.LocalRank >= p.LocalSize:
		return Place{}, fmt.Errorf("%s: rank %d on its host, of %d there and %d in all (read %s)",
			p.Launcher, p.LocalRank, p.LocalSize, p.Size, v.read())
	}
	return p, nil
}

// allocationHint is for those who start a program in a batch script or a shell of an allocation and expect many ranks.
func allocationHint(v *vars) string {
	if _, inside := v.text("SLURM_JOB_ID"); !inside {
		return ""
	}
	if tasks, ok := v.text("SLURM_NTASKS"); ok && tasks == "1" {
		return ""
	}
	return "inside a Slurm allocation: start with srun to have a rank per task; this is one process"
}

// vars reads variables, remembers which, and keeps the first error.
type vars struct {
	lookup func(name string) (string, bool)
	seen   []string
	err    error
}

// text takes an empty variable for one that is not set, as shells and manifests make them.
func (v *vars) text(name string) (string, bool) {
	s, ok := v.lookup(name)
	if !ok || s == "" {
		return "", false
	}
	v.seen = append(v.seen, name+"="+s)
	return s, true
}

// first is the value of the first variable that is set.
func (v *vars) first(names ...string) string {
	for _, name := range names {
		if s, ok := v.text(name); ok {
			return s
		}
	}
	return ""
}

func (v *vars) read() string {
	var unique []string
	for _, s := range v.seen {
		if !slices.Contains(unique, s) {
			unique = append(unique, s)
		}
	}
	return strings.Join(unique, ", ")
}

// number reads one from lo to hi.
func (v *vars) number(name string, lo, hi int) (int, bool) {
	s, ok := v.text(name)
	if !ok {
		return 0, false
	}
	n, digits := 0, 0
	for ; digits < len(s) && s[digits] >= '0' && s[digits] <= '9' && n <= hi; digits++ {
		n = 10*n + int(s[digits]-'0')
	}
	if digits < len(s) || n < lo || n > hi {
		v.fail("%s=%q: want a number from %d to %d", name, s, lo, hi)
		return 0, false
	}
	return n, true
}

func (v *vars) fail(format string, args ...any) {
	if v.err == nil {
		v.err = fmt.Errorf(format, args...)
	}
}

// pair reads rank and size, of which neither may be there without the other.
func (v *vars) pair(rank, size string) (r, n int, found bool) {
	r, hasRank := v.number(rank, 0, MaxRanks-1)
	n, hasSize := v.number(size, 1, MaxRanks)
	if hasRank != hasSize && v.err == nil {
		have, lack := rank, size
		if hasSize {
			have, lack = size, rank
		}
		v.fail("%s is set and %s is not: a process that knows only one of them must not guess the other (read %s); "+
			"DARRAY_LAUNCHER=none runs it alone", have, lack, v.read())
	}
	return r, n, hasRank && hasSize
}
