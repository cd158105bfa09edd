package sim

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
)

// Errors of Memory.
var (
	ErrOutOfMemory = errors.New("ptx: out of device memory")
	ErrNotOwned    = errors.New("ptx: not an allocation")
)

// Memory is the memory of a device, at invented addresses that are never used twice. Its methods may be called by several
// goroutines; launches run one at a time. Contents are only as safe as their users: Bytes is a view.
type Memory struct {
	mu      sync.Mutex
	running chan struct{} // holds a token while a kernel runs
	limit   int
	used    int
	next    uint64
	list    []*allocation // by address; freed ones stay for messages
	freed   int
}

// allocation is one piece of memory.
type allocation struct {
	addr   uint64
	size   uint64
	data   []byte // nil once freed
	name   string // of a module's variable
	space  space
	shadow *shadow // of global races, while a launch looks for them
}

const (
	firstAddress = 0x7000_0000_0000
	addressGap   = 1 << 16 // at least, between allocations
	allocAlign   = 512
	maxFreed     = 1 << 12 // remembered
)

// poison fills fresh memory: as a float64 or float32 it is NaN, as an address it leads nowhere.
var poison = [8]byte{0xad, 0xde, 0xf7, 0x7f, 0xad, 0xde, 0xf7, 0x7f}

func fill(b []byte) {
	n := copy(b, poison[:])
	for n < len(b) {
		n += copy(b[n:], b[:n])
	}
}

// NewMemory returns a device memory of which at most limit bytes can be allocated at a time.
func NewMemory(limit int) *Memory {
	return &Memory{limit: limit, next: firstAddress, running: make(chan struct{}, 1)}
}

// Alloc returns the address of n fresh bytes, a multiple of 512. It fails with ErrOutOfMemory where the limit would be passed.
func (m *Memory) Alloc(n int) (uint64, error) { return m.alloc(n, allocAlign, global, "") }

func (m *Memory) alloc(n, align int, in space, name string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n <= 0 {
		return 0, fmt.Errorf("%w: %d bytes asked for", ErrNotOwned, n)
	}
	if n > m.limit-m.used {
		return 0, fmt.Errorf("%w: %d bytes asked for, %d of %d in use", ErrOutOfMemory, n, m.used, m.limit)
	}
	a := &allocation{addr: m.next, size: uint64(n), data: make([]byte, n), name: name, space: in}
	fill(a.data)
	m.used += n
	m.list = append(m.list, a)
	m.next = (m.next + uint64(n) + 2*addressGap) &^ (addressGap - 1)
	return a.addr, nil
}

// Free gives back what Alloc returned; anything else is an error. It waits for the end of a launch that runs, as a driver does.
func (m *Memory) Free(addr uint64) error {
	m.running <- struct{}{}
	defer func() { <-m.running }()
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.at(addr)
	switch {
	case a == nil || a.addr != addr || a.name != "":
		return fmt.Errorf("%w: free of %#x: %s", ErrNotOwned, addr, m.about(addr, 1))
	case a.data == nil:
		return fmt.Errorf("%w: %#x is free already", ErrFreed, addr)
	}
	m.release(a)
	return nil
}

// release forgets the bytes of an allocation, and the oldest freed ones where there are many.
func (m *Memory) release(a *allocation) {
	m.used -= int(a.size)
	a.data, a.shadow = nil, nil
	if m.freed++; m.freed > 2*maxFreed {
		drop := m.freed - maxFreed
		m.list = slices.DeleteFunc(m.list, func(a *allocation) bool {
			if drop > 0 && a.data == nil {
				drop--
				return true
			}
			return false
		})
		m.freed = maxFreed
	}
}

// Bytes returns a view of n bytes at addr for copies, which stays valid until they are freed. It must lie within one allocation.
func (m *Memory) Bytes(addr uint64, n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n < 0 {
		return nil, fmt.Errorf("%w: %d bytes asked for", ErrAddress, n)
	}
	a := m.at(addr)
	if a == nil || addr-a.addr > a.size || uint64(n) > a.size-(addr-a.addr) {
		return nil, fmt.Errorf("%w: %d bytes at %#x: %s", ErrAddress, n, addr, m.about(addr, uint64(n)))
	}
	if a.data == nil {
		return nil, fmt.Errorf("%w: %d bytes at %#x", ErrFreed, n, addr)
	}
	return a.data[addr-a.addr:][:n:n], nil
}

// InUse returns the bytes that are allocated now.
func (m *Memory) InUse() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// Leaks returns the addresses that Alloc returned and nobody freed, in the order of their allocation.
func (m *Memory) Leaks() []uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []uint64
	for _, a := range m.list {
		if a.data != nil && a.name == "" {
			list = append(list, a.addr)
		}
	}
	return list
}

// at returns the allocation at or before an address, nil for none.
func (m *Memory) at(addr uint64) *allocation {
	i := sort.Search(len(m.list), func(i int) bool { return m.list[i].addr > addr })
	if i == 0 {
		return nil
	}
	return m.list[i-1]
}

// find is at for a running kernel.
func (m *Memory) find(addr uint64) *allocation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at(addr)
}

func (a *allocation) String() string {
	s := fmt.Sprintf("the allocation of %d bytes at %#x", a.size, a.addr)
	if a.name != "" {
		s = fmt.Sprintf("variable %s of %d bytes at %#x", a.name, a.size, a.addr)
	}
	if a.data == nil {
		s += ", which was freed"
	}
	return s
}

// about says where n bytes at an address lie as seen from the nearest allocation.
func (m *Memory) about(addr, n uint64) string {
	i := sort.Search(len(m.list), func(i int) bool { return m.list[i].addr > addr })
	var before, behind *allocation
	if i > 0 {
		before = m.list[i-1]
	}
	if i < len(m.list) {
		behind = m.list[i]
	}
	switch {
	case before == nil && behind == nil:
		return "nothing is allocated"
	case before != nil && addr-before.addr < before.size:
		return fmt.Sprintf("%d of them behind the end of %s", addr-before.addr+n-before.size, before)
	case before != nil && (behind == nil || addr-(before.addr+before.size) <= behind.addr-addr):
		return fmt.Sprintf("%d bytes behind the end of %s", addr-(before.addr+before.size), before)
	}
	return fmt.Sprintf("%d bytes before %s", behind.addr-addr, behind)
}
