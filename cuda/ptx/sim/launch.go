package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Instance is a module in a memory: its variables have addresses and contents.
type Instance struct {
	m         *Module
	mem       *Memory
	addresses map[*variable]uint64
}

// maxConst is the room of constant memory.
const maxConst = 64 << 10

// Load gives the module's variables memory and their initial values (zero where none is written).
func (m *Module) Load(mem *Memory) (*Instance, error) {
	i := &Instance{m: m, mem: mem, addresses: map[*variable]uint64{}}
	constants := 0
	for _, v := range m.vars {
		if v.space != global && v.space != constant || v.size == 0 {
			continue
		}
		if v.space == constant {
			if constants = alignUp(constants, v.align) + v.size; constants > maxConst {
				return nil, errors.Join(fmt.Errorf("%w: more than %d bytes of constant memory", ErrOutOfMemory, maxConst), i.Unload())
			}
		}
		addr, err := mem.alloc(v.size, v.align, v.space, v.name)
		if err != nil {
			return nil, errors.Join(err, i.Unload())
		}
		i.addresses[v] = addr
	}
	for v, addr := range i.addresses {
		data, err := mem.Bytes(addr, v.size)
		if err != nil {
			return nil, errors.Join(err, i.Unload())
		}
		clear(data)
		for _, e := range v.init {
			value := e.value
			if e.symbol != "" {
				value += i.addresses[m.names[e.symbol]]
			}
			put(data[e.at:], e.size, value)
		}
	}
	return i, nil
}

// Unload frees the variables, once no launch runs. The instance must not be used any more.
func (i *Instance) Unload() error {
	i.mem.running <- struct{}{}
	defer func() { <-i.mem.running }()
	i.mem.mu.Lock()
	defer i.mem.mu.Unlock()
	for _, addr := range i.addresses {
		if a := i.mem.at(addr); a != nil && a.data != nil {
			i.mem.release(a)
		}
	}
	i.addresses = nil
	return nil
}

// Global returns the address and size of a variable of the module.
func (i *Instance) Global(name string) (addr uint64, size int, err error) {
	v := i.m.names[name]
	if addr, ok := i.addresses[v]; ok {
		return addr, v.size, nil
	}
	return 0, 0, fmt.Errorf("%w: module has no variable %q", ErrNotOwned, name)
}

// Launch says how a kernel runs.
type Launch struct {
	Grid, Block [3]uint32 // blocks, and threads of a block; a zero counts as 1
	Shared      int       // bytes of dynamic shared memory
	Params      []byte    // laid out as Kernel.Params says
	Races       bool      // look for races in global memory too: slow, and 32 bytes for each byte that is touched
	Unwritten   bool      // reads of shared memory that no thread of the block wrote are faults
	Seed        uint64    // not 0: blocks run in another order than their numbers'
	Budget      uint64    // instructions of threads after which the launch fails; 0 for 1 << 32
}

// Stats counts what a launch did, for all threads together.
type Stats struct {
	Blocks       uint64
	Instructions uint64 // of threads
	Loads        uint64
	Stores       uint64
	Atomics      uint64
	Barriers     uint64 // of blocks
}

// Limits of a launch, those of every card since sm_30.
const (
	maxThreads = 1024
	maxShared  = 48 << 10
	maxGridX   = 1<<31 - 1
	maxGridYZ  = 1<<16 - 1
	maxBlockZ  = 64
)

// Launch runs a kernel to its end. Its errors are a *Fault, or ctx's, which is asked about each millisecond; what was written until
// then stays. One launch runs at a time in a Memory; a second waits for it.
func (i *Instance) Launch(ctx context.Context, k *Kernel, l Launch) (Stats, error) {
	for d := range 3 {
		l.Grid[d], l.Block[d] = max(l.Grid[d], 1), max(l.Block[d], 1)
	}
	if i.addresses == nil {
		return Stats{}, &Fault{Kind: ErrLaunch, Kernel: k.name, Reason: "the module is unloaded"}
	}
	if k.m != i.m {
		return Stats{}, &Fault{Kind: ErrLaunch, Kernel: k.name, Reason: "the kernel is of another module"}
	}
	if why := k.refuse(&l); why != "" {
		return Stats{}, &Fault{Kind: ErrLaunch, Kernel: k.name, Reason: why}
	}
	select {
	case i.mem.running <- struct{}{}:
		defer func() { <-i.mem.running }()
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	}
	b := newBlock(ctx, i, k, &l)
	defer b.forget()
	b.fillRows(true)
	total := uint64(l.Grid[0]) * uint64(l.Grid[1]) * uint64(l.Grid[2])
	start, step := order64(total, l.Seed)
	at := start
	for range total {
		if err := ctx.Err(); err != nil {
			return b.stats, err
		}
		b.serial = uint32(at) + 1
		b.id = b.blockAt(b.serial)
		b.run()
		b.stats.Blocks++
		if b.fault != nil {
			return b.stats, b.fault
		}
		if b.err != nil {
			return b.stats, b.err
		}
		at = (at + step) % total
	}
	return b.stats, nil
}

// refuse returns why a launch is out of limits.
func (k *Kernel) refuse(l *Launch) string {
	threads := uint64(l.Block[0]) * uint64(l.Block[1]) * uint64(l.Block[2])
	blocks := float64(l.Grid[0]) * float64(l.Grid[1]) * float64(l.Grid[2])
	limit := k.fn.maxntid
	most := uint64(limit[0]) * uint64(limit[1]) * uint64(limit[2])
	dynamic := l.Shared
	if k.dynamic > 0 {
		dynamic += alignUp(k.shared, k.dynamic) - k.shared
	}
	switch {
	case l.Block[0] > maxThreads || l.Block[1] > maxThreads || threads > maxThreads:
		return fmt.Sprintf("block %s has more than %d threads", triple(l.Block), maxThreads)
	case l.Block[2] > maxBlockZ:
		return fmt.Sprintf("block %s is deeper than %d", triple(l.Block), maxBlockZ)
	case l.Grid[0] > maxGridX || l.Grid[1] > maxGridYZ || l.Grid[2] > maxGridYZ || blocks > math.MaxUint32-1:
		return fmt.Sprintf("grid %s; the limits are %d, %d and %d", triple(l.Grid), maxGridX, maxGridYZ, maxGridYZ)
	case most > 0 && threads > most:
		return fmt.Sprintf("%d threads of a block; the kernel is for %d at most", threads, most)
	case k.fn.reqntid && l.Block != [3]uint32{uint32(limit[0]), uint32(limit[1]), uint32(limit[2])}:
		return fmt.Sprintf("block %s; the kernel is for %v", triple(l.Block), limit)
	case l.Shared < 0 || l.Shared > maxShared || k.shared+dynamic > maxShared:
		return fmt.Sprintf("%d bytes of shared memory, %d of them dynamic; %d are the limit", k.shared+dynamic, l.Shared, maxShared)
	case len(l.Params) != k.params:
		return fmt.Sprintf("%d bytes of parameters; the kernel takes %d", len(l.Params), k.params)
	case uint64(len(k.rows))*threads > maxRegisterFile || uint64(max(0, k.locals-localBase))*threads > maxLocal:
		return fmt.Sprintf("%d registers and %d bytes of local memory for each of %d threads are more than the simulator has", len(k.rows), k.locals, threads)
	}
	return ""
}

// What the simulator takes for a block at most: values in registers, bytes of local memory.
const (
	maxRegisterFile = 1 << 24
	maxLocal        = 1 << 27
)

func newBlock(ctx context.Context, i *Instance, k *Kernel, l *Launch) *block {
	n := int(l.Block[0] * l.Block[1] * l.Block[2])
	warps := (n + warpSize - 1) / warpSize
	b := &block{
		k: k, mem: i.mem, addresses: i.addresses, ctx: ctx, n: n, dims: l.Block, grid: l.Grid, params: l.Params,
		races: l.Races, unwritten: l.Unwritten, left: 1 << 32, breath: breath,
		regs: make([][]uint64, len(k.rows)), written: make([][]bool, len(k.rows)), segs: make([]*allocation, k.caches),
		exited: make([]uint32, warps), warpFull: make([]uint32, warps),
	}
	if l.Budget > 0 {
		b.left = int64(min(l.Budget, math.MaxInt64))
	}
	file := make([]uint64, n*len(k.rows))
	for r := range b.regs {
		b.regs[r] = file[r*n:][:n:n]
	}
	for _, r := range k.checked {
		b.written[r] = make([]bool, n)
	}
	size := k.shared
	if k.dynamic > 0 {
		size = alignUp(size, k.dynamic)
	}
	b.shared = make([]byte, size+l.Shared)
	b.sharedShadow.words = make([]touch, (len(b.shared)+3)/4)
	if k.locals > 0 {
		b.localSize = k.locals - localBase
		b.local = make([]byte, b.localSize*n)
		fill(b.local)
	}
	b.all = make([]uint16, n)
	for l := range b.all {
		b.all[l] = uint16(l)
	}
	b.scratch[0], b.scratch[1] = make([]uint16, 0, n), make([]uint16, 0, n)
	return b
}

// forget drops the shadows of global memory that the launch made.
func (b *block) forget() {
	for _, a := range b.shadowed {
		a.shadow = nil
	}
}

// blockAt returns the coordinates of a block of the grid.
func (b *block) blockAt(serial uint32) [3]uint32 {
	i, g := serial-1, b.grid
	return [3]uint32{i % g[0], i / g[0] % g[1], i / g[0] / g[1]}
}

// order64 returns where to begin among n blocks and by what to go on so that each comes once.
func order64(n, seed uint64) (start, step uint64) {
	if seed == 0 || n == 1 {
		return 0, 1
	}
	start = seed % n
	step = seed*0x9e3779b97f4a7c15>>33%n | 1
	for gcd(step, n) != 1 {
		step++
	}
	return start, step % n
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Pack lays out values as Launch.Params: each of Params' size, low bytes of its value.
func (k *Kernel) Pack(values ...uint64) ([]byte, error) {
	params := k.Params()
	if len(values) != len(params) {
		return nil, fmt.Errorf("%w: %d values for the %d parameters of %s", ErrLaunch, len(values), len(params), k.name)
	}
	out := make([]byte, k.params)
	var word [8]byte
	for i, p := range params {
		if p.Size > 8 {
			return nil, fmt.Errorf("%w: parameter %s has %d bytes; lay it out by hand", ErrLaunch, p.Name, p.Size)
		}
		binary.LittleEndian.PutUint64(word[:], values[i])
		copy(out[p.Offset:p.Offset+p.Size], word[:])
	}
	return out, nil
}
