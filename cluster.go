package darray

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/net/comm"
)

// Cluster is a set of ranks that run plans: in this process (Local) or the processes of a job (Main). It is safe for
// concurrent use; runs are done one after another.
type Cluster struct {
	driver  *exec.Executor
	spmd    bool          // every rank calls Collect
	comms   []*comm.Comm  // the ranks in this process, the driver's first
	devices []*cpu.Device // theirs
	others  []Accelerator // theirs too
	size    int
	served  sync.WaitGroup
	cancel  context.CancelFunc
	memory  *mem.Pool  // of the ranks in this process
	tables  *tables    // that they have open
	ranks   *comm.Comm // where every rank calls Collect
	once    sync.Once
	err     error
}

// Local starts p ranks in this process; blocks go between them by reference. p is 1 to 4096. Close ends them.
func Local(p int) (*Cluster, error) {
	cfg, err := ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	return cfg.Local(p)
}

// Local is the package function with this configuration instead of the environment's.
func (cfg Config) Local(p int) (*Cluster, error) { return cfg.inProcess(p, false) }

// alone is the cluster of a process that no launcher started. Where nobody asked for ranks they are there to read files; what
// lies in memory is rank 0's, with all threads of the process.
func (cfg Config) alone() (*Cluster, error) {
	if cfg.Ranks > 0 {
		return cfg.Local(cfg.Ranks)
	}
	return cfg.inProcess(runtime.GOMAXPROCS(0), true)
}

// inProcess starts p ranks, which share the threads of the process or one device with all of them.
func (cfg Config) inProcess(p int, oneDevice bool) (*Cluster, error) {
	if p < 1 || p > maxRanks {
		return nil, fmt.Errorf("local: %d ranks; there can be 1 to %d in one process", p, maxRanks)
	}
	comms, err := cfg.local(p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Cluster{comms: comms, size: p, cancel: cancel, memory: cfg.pool(p), tables: &tables{}}
	threads := max(1, runtime.GOMAXPROCS(0)/p)
	if oneDevice {
		threads = runtime.GOMAXPROCS(0)
	}
	for r, cm := range comms {
		if r == 0 || !oneDevice {
			d, err := cfg.device(threads)
			if err != nil {
				return nil, errors.Join(err, c.Close())
			}
			c.devices = append(c.devices, d)
		}
		ex, err := c.executor(cfg, cm, exec.Options{OneDevice: oneDevice})
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		if r == 0 {
			c.driver = ex
			continue
		}
		c.served.Go(func() {
			_ = ex.Serve(ctx) // what goes wrong there reaches the driver's Collect
			_ = ex.Close()
		})
	}
	return c, nil
}

// Over is a cluster over the ranks of c, for arrays in SPMD code. Every rank calls it once, and then makes the same
// Collect calls in the same order with equal arrays (ErrDiverged where they differ): rank 0, whose slices count, gets the
// blocks, the others nil. Messages over c may go on beside it. Close it before c; it leaves c open.
func Over(c *comm.Comm) (*Cluster, error) {
	cfg, err := ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	threads := runtime.GOMAXPROCS(0)
	if c.Size() > 1 && c.InProcess((c.Rank()+1)%c.Size()) {
		threads = max(1, threads/c.Size())
	}
	ranks := 0 // of this process; each has its own pool, and rank 0 answers for all
	for r := range c.Size() {
		if r == c.Rank() || c.InProcess(r) {
			ranks++
		}
	}
	device, err := cfg.device(threads)
	if err != nil {
		return nil, err
	}
	cl := &Cluster{devices: []*cpu.Device{device}, spmd: true, size: c.Size(), cancel: func() {}, memory: cfg.pool(ranks), tables: &tables{}, ranks: c}
	if cl.driver, err = cl.executor(cfg, c, exec.Options{}); err != nil {
		return nil, errors.Join(err, cl.Close())
	}
	return cl, nil
}

// device makes a device of so many threads, which is to be closed after the executors that use it.
func (cfg Config) device(threads int) (*cpu.Device, error) {
	c := cpu.Config{Threads: threads}
	if cfg.CPU != "" {
		isa, err := kern.Parse(cfg.CPU)
		if err != nil {
			return nil, fmt.Errorf("DARRAY_CPU: %w", err)
		}
		c.ISA = &isa
	}
	return cpu.New(c), nil
}

// executor makes the executor of one rank, with the processor that the cluster got last, and an accelerator where there is
// one: of its own, but ranks that share the processor share it too.
func (c *Cluster) executor(cfg Config, cm *comm.Comm, options exec.Options) (*exec.Executor, error) {
	if cfg.MemoryLimit == 0 && cm.Rank() == 0 { // one rank's machine decides, that all decide alike
		cfg.MemoryLimit = machineMemory()
	}
	options.MemoryLimit = cfg.MemoryLimit
	config := exec.Config{
		Comm:     cm,
		Device:   c.devices[len(c.devices)-1],
		Open:     c.tables.openSource,
		Call:     c.tables.writePart,
		Progress: cfg.Progress,
		Memory:   c.memory,
		Options:  options,
	}
	if options.OneDevice && cm.Rank() > 0 {
		if len(c.others) > 0 {
			config.Accelerator, config.Accelerate = c.others[0], cfg.Device != "" && cfg.Device != deviceAuto
		}
		return exec.New(config)
	}
	local := cfg.LocalRank
	if cfg.Size == 0 {
		local = cm.Rank()
	}
	other, err := cfg.accelerate(local, &config)
	if err != nil {
		return nil, err
	}
	if other != nil {
		c.others = append(c.others, other)
	}
	return exec.New(config)
}

// Collect runs several arrays as one plan, shared parts once, and returns their blocks in order. It blocks until all are
// there or ctx ends (within 100 ms, the cluster stays usable). A failed or lost rank is a *RankError.
func (c *Cluster) Collect(ctx context.Context, arrays ...Array) ([]*Block, error) {
	if len(arrays) != 1 {
		blocks, _, err := c.CollectStats(ctx, arrays...)
		return blocks, err
	}
	b, err := c.collectOne(ctx, arrays[0])
	if b == nil { // an error, or another rank gets the block
		return nil, err
	}
	return []*Block{b}, nil
}

// CollectStats is Collect with what the run moved and how long it took.
func (c *Cluster) CollectStats(ctx context.Context, arrays ...Array) ([]*Block, Stats, error) {
	var blocks []*Block
	var stats Stats
	err := c.resolved(ctx, nodes(arrays), func(roots []*array.Node) (err error) {
		if c.spmd {
			blocks, stats, err = c.driver.CollectSPMD(ctx, roots)
		} else {
			blocks, stats, err = c.driver.Collect(ctx, roots)
		}
		return err
	})
	return blocks, stats, err
}

// collectOne is Collect of one array.
func (c *Cluster) collectOne(ctx context.Context, a Array) (*Block, error) {
	if !c.spmd {
		b, err := c.driver.CollectOne(ctx, a.n())
		if !errors.Is(err, array.ErrPending) {
			return b, err
		}
	}
	blocks, _, err := c.CollectStats(ctx, a)
	if err != nil || blocks == nil { // nil on ranks other than 0
		return nil, err
	}
	return blocks[0], nil
}

// Explain says what Collect would do, without doing it. Where the ranks are processes it asks them which files they reach; but not
// where every rank runs the program, as the others may not call it: then files that were not collected yet count as reached by all.
// Filters are run, since what comes after them depends on how many rows they leave; then all ranks have to call it.
func (c *Cluster) Explain(ctx context.Context, arrays ...Array) (*Plan, error) {
	var plan *Plan
	err := c.resolved(ctx, nodes(arrays), func(roots []*array.Node) (err error) {
		if c.spmd {
			plan, err = c.driver.ExplainSPMD(ctx, roots)
		} else {
			plan, err = c.driver.Explain(ctx, roots)
		}
		return err
	})
	return plan, err
}

func nodes(arrays []Array) []*array.Node {
	roots := make([]*array.Node, len(arrays))
	for i, a := range arrays {
		roots[i] = a.n()
	}
	return roots
}

// Size is the number of ranks.
func (c *Cluster) Size() int { return c.size }

// Close ends the cluster: workers return, connections say goodbye. It blocks for that; it is safe to call twice.
func (c *Cluster) Close() error {
	c.once.Do(func() {
		if c.driver != nil {
			c.err = c.driver.Close()
		}
		c.cancel()
		c.served.Wait()
		for _, d := range c.devices {
			c.err = errors.Join(c.err, d.Close())
		}
		for _, d := range c.others {
			c.err = errors.Join(c.err, d.Close())
		}
		for _, cm := range c.comms {
			c.err = errors.Join(c.err, cm.Close())
		}
		c.tables.close()
		c.memory.Close()
	})
	return c.err
}

// What a program sets for all of it is the one package variable that changes: the default cluster, which Collect and its kin use.
var defaults struct {
	sync.Mutex
	cluster *Cluster
	kind    atomic.Pointer[kind]            // see Use
	formats atomic.Pointer[[]format.Format] // see UseFormat
	stores  atomic.Pointer[[]format.Store]  // see UseStore
}

// Default is the cluster that Array's methods use: inside Main, the job's; else one in this process, started on first use and
// never closed, of DARRAY_RANKS ranks. Without that it has GOMAXPROCS ranks that share one device: they read files together, and
// what lies in memory is computed by rank 0 alone with all threads.
func Default() (*Cluster, error) {
	defaults.Lock()
	defer defaults.Unlock()
	if defaults.cluster != nil {
		return defaults.cluster, nil
	}
	cfg, err := ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	defaults.cluster, err = cfg.alone()
	return defaults.cluster, err
}

// setDefault puts c in place and returns the function that restores what was there.
func setDefault(c *Cluster) (restore func()) {
	defaults.Lock()
	defer defaults.Unlock()
	old := defaults.cluster
	defaults.cluster = c
	return func() {
		defaults.Lock()
		defer defaults.Unlock()
		defaults.cluster = old
	}
}
