package darray

import (
	"cmp"
	"math"
	"runtime/debug"

	"github.com/darray-go/darray/exec/cpu/mem"
)

// MemoryStats counts the memory of results and temporaries in one process.
type MemoryStats = mem.Stats

// Memory says what the memory of results and temporaries in this process is: in use, at hand for the next run, and how
// often it was made anew. A result's memory is used again once nothing reaches the result, its slices or its Arrow arrays.
func (c *Cluster) Memory() MemoryStats { return c.memory.Stats() }

// Trim gives the memory that is at hand back to the system; without it that happens after ten seconds of rest.
func (c *Cluster) Trim() { c.memory.Trim() }

// pool is the memory of so many ranks in this process: each may have its limit; without one, all together what the
// machine has, or GOMEMLIMIT says.
func (cfg Config) pool(ranks int) *mem.Pool {
	limit := cfg.MemoryLimit
	switch {
	case limit <= 0:
		limit = machineMemory()
		if gos := debug.SetMemoryLimit(-1); gos < math.MaxInt64 { // what is free in the pool is in use for the runtime
			limit = min(int(gos), cmp.Or(limit, math.MaxInt))
		}
	case limit > math.MaxInt/max(ranks, 1):
		limit = math.MaxInt
	default:
		limit *= ranks
	}
	return mem.New(mem.Config{Limit: limit})
}
