package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"net"
	"strconv"
	"strings"
)

// DefaultPort is rank 0's where the host is known and nothing says which port. It is below the range that systems give
// out by themselves.
const DefaultPort = 23817

func ofDarray(v *vars) (Place, bool) {
	_, indexed := v.text("JOB_COMPLETION_INDEX")
	if _, hasRank := v.text("DARRAY_RANK"); !hasRank && indexed {
		return Place{}, false // the manifest of a Kubernetes Job passes the size alone
	}
	p := Place{Launcher: Darray, PMIFD: -1}
	var found bool
	if p.Rank, p.Size, found = v.pair("DARRAY_RANK", "DARRAY_SIZE"); !found {
		return Place{}, false
	}
	p.LocalRank, _ = v.number("DARRAY_LOCAL_RANK", 0, MaxRanks-1)
	p.LocalSize, _ = v.number("DARRAY_LOCAL_SIZE", 1, MaxRanks)
	p.Job = v.first("DARRAY_JOB")
	if list, ok := v.text("DARRAY_HOSTS"); ok {
		hosts, err := ParseHosts(list)
		if err != nil {
			v.fail("DARRAY_HOSTS: %w", err)
		}
		p.hosts = ranksOf(hosts, p.Size)
	}
	return p, true
}

// ranksOf lays ranks out over hosts in order.
func ranksOf(hosts []Host, size int) []string {
	var names []string
	for _, h := range hosts {
		for range min(h.Ranks, size-len(names)) {
			names = append(names, h.Name)
		}
	}
	return names
}

func ofOpenMPI(v *vars) (Place, bool) {
	p := Place{Launcher: OpenMPI, PMIFD: -1}
	var found bool
	if p.Rank, p.Size, found = v.pair("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"); !found {
		return Place{}, false
	}
	p.LocalRank, _ = v.number("OMPI_COMM_WORLD_LOCAL_RANK", 0, MaxRanks-1)
	p.LocalSize, _ = v.number("OMPI_COMM_WORLD_LOCAL_SIZE", 1, MaxRanks)
	if space := v.first("PMIX_NAMESPACE"); space != "" {
		// A namespace is made of mpirun's pid and host; its address sets apart two runs that had the same pid.
		p.Job = "openmpi " + space + " " + v.first("OMPI_MCA_orte_hnp_uri")
	}
	master(v, &p)
	return p, true
}

func ofPMI(v *vars) (Place, bool) {
	p := Place{Launcher: PMI, PMIFD: -1}
	var found bool
	if p.Rank, p.Size, found = v.pair("PMI_RANK", "PMI_SIZE"); !found {
		return Place{}, false
	}
	if fd, ok := v.number("PMI_FD", 0, 1<<20); ok {
		p.PMIFD = fd
	}
	local, isHydra := v.number("MPI_LOCALRANKID", 0, MaxRanks-1)
	step, inStep := slurmStep(v)
	switch {
	case isHydra:
		p.LocalRank = local
		p.LocalSize, _ = v.number("MPI_LOCALNRANKS", 1, MaxRanks)
	case inStep:
		p.Launcher, p.LocalRank, p.LocalSize, p.hosts = "srun --mpi=pmi2", step.localRank, step.localSize, step.hosts
	}
	if job := v.first("PMI_JOBID"); job != "" {
		p.Job = "pmi " + job
	}
	master(v, &p)
	return p, true
}

// step is what Slurm says of the task's step.
type step struct {
	job                  string
	localRank, localSize int
	nodes                []string
	hosts                []string // by rank
}

// firstReservedStep is the least of Slurm's step numbers that name no srun: the batch script, the shell of an interactive
// allocation, and the like. Programs there are one process, whatever the allocation's variables say.
const firstReservedStep = 0xfffffff0

// slurmStep reads the variables of a task that srun started. Without a step, SLURM_PROCID and SLURM_NTASKS belong to a
// batch script or a shell and say nothing of this process.
func slurmStep(v *vars) (step, bool) {
	id, ok := v.number("SLURM_STEP_ID", 0, 1<<32-1)
	if !ok || id >= firstReservedStep {
		return step{}, false
	}
	s := step{job: "slurm " + v.first("SLURM_CLUSTER_NAME") + " " + v.first("SLURM_JOB_ID") + "." + strconv.Itoa(id)}
	s.localRank, _ = v.number("SLURM_LOCALID", 0, MaxRanks-1)
	if list := v.first("SLURM_STEP_NODELIST"); list != "" {
		nodes, err := ExpandNodes(list)
		if err != nil {
			v.fail("SLURM_STEP_NODELIST: %w", err)
			return s, true
		}
		s.nodes = nodes
	}
	tasks, err := expandCounts(v.first("SLURM_STEP_TASKS_PER_NODE"))
	node, hasNode := v.number("SLURM_NODEID", 0, MaxRanks-1)
	switch {
	case err != nil:
		v.fail("SLURM_STEP_TASKS_PER_NODE: %w", err)
	case hasNode && node < len(tasks):
		s.localSize = tasks[node]
	}
	// Where each rank is follows from the counts only if they were dealt out node by node.
	if way := v.first("SLURM_DISTRIBUTION"); len(tasks) == len(s.nodes) && (way == "" || strings.HasPrefix(way, "block")) {
		var hosts []Host
		for i, n := range s.nodes {
			hosts = append(hosts, Host{n, tasks[i]})
		}
		s.hosts = ranksOf(hosts, MaxRanks)
	}
	return s, true
}

func ofSlurm(v *vars) (Place, bool) {
	s, inStep := slurmStep(v)
	if !inStep {
		return Place{}, false
	}
	p := Place{Launcher: Slurm, PMIFD: -1, Job: s.job, LocalRank: s.localRank, LocalSize: s.localSize, hosts: s.hosts}
	size := "SLURM_STEP_NUM_TASKS" // SLURM_NTASKS may be that of the allocation
	if _, ok := v.text(size); !ok {
		size = "SLURM_NTASKS"
	}
	var found bool
	if p.Rank, p.Size, found = v.pair("SLURM_PROCID", size); !found {
		v.fail("SLURM_STEP_ID is set, SLURM_PROCID and %s are not; start with srun, or run alone by DARRAY_LAUNCHER=none", size)
		return Place{}, false
	}
	if master(v, &p); p.Root == "" && len(s.nodes) > 0 && !p.OneHost() {
		if node := v.first("SLURM_NODEID"); p.Rank == 0 && node != "" && node != "0" {
			v.fail("SLURM_NODEID=%s: rank 0 is not on the first node of SLURM_STEP_NODELIST=%s; set DARRAY_ADDR=HOST:PORT to where it is",
				node, v.first("SLURM_STEP_NODELIST"))
		}
		p.Root = net.JoinHostPort(s.nodes[0], strconv.Itoa(hashedPort(s.job)))
		p.RootFrom = "the port follows from " + s.job + "; DARRAY_ADDR=" + s.nodes[0] + ":PORT chooses another"
	}
	return p, true
}

// The ports that hashedPort gives: below those that Linux gives out by itself (32768 on).
const (
	hashedPorts    = 20000
	hashedPortsLen = 10000
)

func hashedPort(job string) int {
	sum := sha256.Sum256([]byte(job))
	return hashedPorts + int(binary.LittleEndian.Uint64(sum[:])%hashedPortsLen)
}

// master reads the address that torchrun made customary; it is believed under the other launchers too.
func master(v *vars, p *Place) {
	host, hasHost := v.text("MASTER_ADDR")
	port, hasPort := v.number("MASTER_PORT", 1, 65535)
	switch {
	case hasHost && hasPort:
		p.Root, p.RootFrom = net.JoinHostPort(host, strconv.Itoa(port)), "from MASTER_ADDR and MASTER_PORT; DARRAY_ADDR=HOST:PORT chooses another"
	case hasHost && p.Launcher == Torchrun:
		v.fail("MASTER_ADDR=%s without MASTER_PORT; set both, or DARRAY_ADDR=%s:PORT", host, host)
	}
}

func ofTorchrun(v *vars) (Place, bool) {
	if _, hasRank := v.text("RANK"); !hasRank {
		if _, indexed := v.text("JOB_COMPLETION_INDEX"); indexed {
			return Place{}, false // WORLD_SIZE is the Kubernetes Job's
		}
	}
	p := Place{Launcher: Torchrun, PMIFD: -1}
	var found bool
	if p.Rank, p.Size, found = v.pair("RANK", "WORLD_SIZE"); !found {
		return Place{}, false
	}
	p.LocalRank, _ = v.number("LOCAL_RANK", 0, MaxRanks-1)
	p.LocalSize, _ = v.number("LOCAL_WORLD_SIZE", 1, MaxRanks)
	master(v, &p)
	if p.Root != "" {
		p.Job = "torchrun " + v.first("TORCHELASTIC_RUN_ID") + " " + p.Root
	}
	return p, true
}

// ofKubernetes knows an Indexed Job with a headless Service: the pods are JOB-INDEX.SERVICE.
func ofKubernetes(v *vars) (Place, bool) {
	index, found := v.number("JOB_COMPLETION_INDEX", 0, MaxRanks-1)
	if !found {
		return Place{}, false
	}
	p := Place{Launcher: Kubernetes, PMIFD: -1, Rank: index}
	for _, name := range []string{"DARRAY_SIZE", "WORLD_SIZE"} {
		if p.Size == 0 {
			p.Size, _ = v.number(name, 1, MaxRanks)
		}
	}
	if p.Size == 0 {
		v.fail("JOB_COMPLETION_INDEX=%d without a size: have the manifest pass the Job's completions as DARRAY_SIZE; "+
			"DARRAY_LAUNCHER=none runs each pod alone", index)
		return p, false
	}
	master(v, &p)
	service, pod := v.first("DARRAY_SERVICE"), v.first("HOSTNAME")
	job, isPod := strings.CutSuffix(pod, "-"+strconv.Itoa(index))
	if service == "" || !isPod {
		return p, true
	}
	if p.Root == "" {
		p.Root = net.JoinHostPort(job+"-0."+service, strconv.Itoa(DefaultPort))
		p.RootFrom = "from HOSTNAME and DARRAY_SERVICE; DARRAY_ADDR=HOST:PORT chooses another"
	}
	p.Job = "kubernetes " + job + "." + service
	if p.Size <= 4096 { // more would be much memory for one word of a message
		for r := range p.Size {
			p.hosts = append(p.hosts, job+"-"+strconv.Itoa(r)+"."+service)
		}
	}
	return p, true
}

// ofPMIx refuses a launcher that is none of the known ones and speaks PMIx only: such a process is not alone.
func ofPMIx(v *vars) (Place, bool) {
	if rank, ok := v.text("PMIX_RANK"); ok {
		v.fail("PMIX_RANK=%s is set, and no variable that tells the size; pass DARRAY_RANK and DARRAY_SIZE, or run alone by "+
			"DARRAY_LAUNCHER=none", rank)
	}
	return Place{}, false
}
