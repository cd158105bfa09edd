package detect_test

import (
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/launch/detect"
)

// variables reads "A=1 B=2"; a value may hold _ for a blank.
func variables(text string) func(string) (string, bool) {
	m := make(map[string]string)
	for _, kv := range strings.Fields(text) {
		k, v, _ := strings.Cut(kv, "=")
		m[k] = strings.ReplaceAll(v, "_", " ")
	}
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

const (
	openMPI = "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2 " +
		"PMIX_NAMESPACE=7831 PMIX_RANK=3 OMPI_MCA_orte_hnp_uri=7831.0;tcp://192.0.2.2:53177 "
	hydra = "PMI_RANK=1 PMI_SIZE=2 PMI_FD=8 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2 "
	// A task of srun, and a batch script or shell of an allocation, as Slurm 22.05 sets them.
	task = "SLURM_CLUSTER_NAME=c SLURM_JOB_ID=2 SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=3 SLURM_STEP_NUM_TASKS=3 SLURM_LOCALID=0 " +
		"SLURM_NODEID=1 SLURM_STEP_NODELIST=h[1-2] SLURM_STEP_TASKS_PER_NODE=2,1 SLURM_LAUNCH_NODE_IPADDR=192.0.2.9 "
	script  = "SLURM_JOB_ID=2 SLURM_PROCID=0 SLURM_NTASKS=4 SLURM_LOCALID=0 "
	torch   = "RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=h1 MASTER_PORT=29500 TORCHELASTIC_RUN_ID=none "
	indexed = "JOB_COMPLETION_INDEX=2 HOSTNAME=sum-2 "
)

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		env                             string
		launcher                        string
		rank, size, local, there, pmiFD int
		root, job, host0                string
	}{
		"alone":          {env: "HOME=x RANKING=1", pmiFD: -1},
		"empty is unset": {env: "PMI_RANK= OMPI_COMM_WORLD_SIZE=", pmiFD: -1},
		"darray run": {
			env: "DARRAY_RANK=1 DARRAY_SIZE=4 DARRAY_LOCAL_RANK=1 DARRAY_LOCAL_SIZE=2 DARRAY_JOB=j DARRAY_HOSTS=a:2,b:2", launcher: detect.Darray,
			rank: 1, size: 4, local: 1, there: 2, pmiFD: -1, job: "j", host0: "a",
		},
		"darray run inside srun": {env: task + "DARRAY_RANK=0 DARRAY_SIZE=2", launcher: detect.Darray, size: 2, pmiFD: -1},
		"Open MPI": {
			env: openMPI, launcher: detect.OpenMPI, rank: 3, size: 4, local: 1, there: 2, pmiFD: -1,
			job: "openmpi 7831 7831.0;tcp://192.0.2.2:53177",
		},
		// mpirun starts its daemons by srun: two ranks have SLURM_PROCID 0.
		"mpirun inside salloc": {
			env: openMPI + "SLURM_JOB_ID=2 SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_STEP_NUM_TASKS=2", launcher: detect.OpenMPI,
			rank: 3, size: 4, local: 1, there: 2, pmiFD: -1, job: "openmpi 7831 7831.0;tcp://192.0.2.2:53177",
		},
		"MPICH":              {env: hydra, launcher: detect.PMI, rank: 1, size: 2, local: 1, there: 2, pmiFD: 8},
		"MPICH inside Slurm": {env: hydra + task, launcher: detect.PMI, rank: 1, size: 2, local: 1, there: 2, pmiFD: 8},
		"srun": {
			env: task, launcher: detect.Slurm, rank: 2, size: 3, there: 1, pmiFD: -1, root: "h1:29899", job: "slurm c 2.0", host0: "h1",
		},
		"srun on one host": {
			env: "SLURM_JOB_ID=2 SLURM_STEP_ID=1 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 SLURM_LOCALID=1 SLURM_NODEID=0 SLURM_STEP_NODELIST=h1 " +
				"SLURM_STEP_TASKS_PER_NODE=2", launcher: detect.Slurm, rank: 1, size: 2, local: 1, there: 2, pmiFD: -1, job: "slurm  2.1", host0: "h1",
		},
		// The step's number of tasks counts, not the allocation's.
		"srun -n2 in an allocation of 4": {
			env:      "SLURM_JOB_ID=2 SLURM_STEP_ID=1 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=4",
			launcher: detect.Slurm, rank: 1, size: 2, pmiFD: -1, job: "slurm  2.1",
		},
		"srun, cyclic": {
			env: task + "SLURM_DISTRIBUTION=cyclic", launcher: detect.Slurm, rank: 2, size: 3, there: 1, pmiFD: -1, root: "h1:29899",
			job: "slurm c 2.0",
		},
		"srun with MASTER_ADDR": {
			env: task + "MASTER_ADDR=h9 MASTER_PORT=99", launcher: detect.Slurm, rank: 2, size: 3, there: 1, pmiFD: -1, root: "h9:99",
			job: "slurm c 2.0", host0: "h1",
		},
		"srun --mpi=pmi2": {
			env: task + "PMI_RANK=2 PMI_SIZE=3 PMI_FD=11 PMI_JOBID=2.0", launcher: "srun --mpi=pmi2", rank: 2, size: 3, there: 1, pmiFD: 11,
			job: "pmi 2.0", host0: "h1",
		},
		// A batch script's own variables say rank 0 of 4, and so would the other three processes that it starts without srun.
		"batch script":          {env: script, pmiFD: -1},
		"shell of salloc":       {env: "SLURM_JOB_ID=2 SLURM_NTASKS=4", pmiFD: -1},
		"interactive step":      {env: script + "SLURM_STEP_ID=4294967290", pmiFD: -1},
		"torchrun":              {env: torch, launcher: detect.Torchrun, rank: 1, size: 2, local: 1, there: 2, pmiFD: -1, root: "h1:29500", job: "torchrun none h1:29500"},
		"torchrun inside Slurm": {env: torch + script, launcher: detect.Torchrun, rank: 1, size: 2, local: 1, there: 2, pmiFD: -1, root: "h1:29500", job: "torchrun none h1:29500"},
		"Kubernetes":            {env: indexed + "DARRAY_SIZE=4", launcher: detect.Kubernetes, rank: 2, size: 4, pmiFD: -1},
		"Kubernetes with a Service": {
			env: indexed + "WORLD_SIZE=4 DARRAY_SERVICE=ranks", launcher: detect.Kubernetes, rank: 2, size: 4, pmiFD: -1,
			root: "sum-0.ranks:23817", job: "kubernetes sum.ranks", host0: "sum-0.ranks",
		},
		"none":         {env: openMPI + "DARRAY_LAUNCHER=none", pmiFD: -1},
		"largest size": {env: "PMI_RANK=1048575 PMI_SIZE=1048576", launcher: detect.PMI, rank: 1048575, size: 1048576, pmiFD: -1},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := detect.Find(variables(c.env))
			if err != nil {
				t.Fatal(err)
			}
			if p.Launcher != c.launcher || p.Rank != c.rank || p.Size != c.size || p.LocalRank != c.local || p.LocalSize != c.there ||
				p.PMIFD != c.pmiFD || p.Root != c.root || p.Job != c.job || p.Host(0) != c.host0 {
				t.Errorf("got %+v, host %q", p, p.Host(0))
			}
			if wantHint := strings.HasPrefix(c.env, "SLURM_JOB_ID") && c.launcher == ""; (p.Hint != "") != wantHint {
				t.Errorf("hint %q", p.Hint)
			}
		})
	}
}

// TestContradictions: an error names the variables that were read.
func TestContradictions(t *testing.T) {
	for name, c := range map[string]struct{ env, want string }{
		"rank without size":       {"PMI_RANK=1", "PMI_RANK is set and PMI_SIZE is not"},
		"size without rank":       {"OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_SIZE is set and OMPI_COMM_WORLD_RANK is not"},
		"own rank without size":   {"DARRAY_RANK=1", "DARRAY_RANK is set and DARRAY_SIZE is not"},
		"own size without rank":   {"DARRAY_SIZE=1", "DARRAY_SIZE is set and DARRAY_RANK is not"},
		"RANK alone":              {"RANK=0", "WORLD_SIZE is not"},
		"WORLD_SIZE alone":        {"WORLD_SIZE=2", "RANK is not"},
		"rank not below size":     {"PMI_RANK=2 PMI_SIZE=2", "rank 2 is not below the size 2; ranks count from 0 (read PMI_RANK=2, PMI_SIZE=2)"},
		"local rank too large":    {"OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=5 OMPI_COMM_WORLD_LOCAL_SIZE=2", "LOCAL_RANK=5"},
		"more here than in all":   {"RANK=0 WORLD_SIZE=2 LOCAL_WORLD_SIZE=3", "LOCAL_WORLD_SIZE=3"},
		"not a number":            {"PMI_RANK=one PMI_SIZE=2", `PMI_RANK="one"`},
		"negative":                {"PMI_RANK=-1 PMI_SIZE=2", `PMI_RANK="-1"`},
		"too large":               {"PMI_RANK=1 PMI_SIZE=99999999999999999999", `PMI_SIZE=`},
		"step without rank":       {"SLURM_STEP_ID=0 SLURM_JOB_ID=1", "SLURM_PROCID"},
		"step without size":       {"SLURM_STEP_ID=0 SLURM_JOB_ID=1 SLURM_PROCID=0", "SLURM_NTASKS is not"},
		"rank 0 elsewhere":        {strings.ReplaceAll(task, "PROCID=2", "PROCID=0"), "SLURM_NODEID=1"},
		"bad node list":           {task + "SLURM_STEP_NODELIST=h[1", "SLURM_STEP_NODELIST"},
		"bad counts":              {task + "SLURM_STEP_TASKS_PER_NODE=x", "SLURM_STEP_TASKS_PER_NODE"},
		"no port":                 {"RANK=0 WORLD_SIZE=2 MASTER_ADDR=h", "MASTER_PORT"},
		"Kubernetes without size": {indexed, "DARRAY_SIZE"},
		"index not below size":    {indexed + "DARRAY_SIZE=2", "JOB_COMPLETION_INDEX=2"},
		"PMIx only":               {"PMIX_RANK=0 PMIX_NAMESPACE=x", "PMIX_RANK=0"},
		"unknown choice":          {"DARRAY_LAUNCHER=mpi", "DARRAY_LAUNCHER"},
		"bad hosts":               {"DARRAY_RANK=0 DARRAY_SIZE=1 DARRAY_HOSTS=a:x", "DARRAY_HOSTS"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := detect.Find(variables(c.env))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, error %v does not say %q", p, err, c.want)
			}
		})
	}
}
