package parquet

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// budget is the memory that one Read may take. It is the allocator of the library, which would follow any claim of the file.
type budget struct{ left atomic.Int64 }

// errBudget is a Read that takes too much; of an allocator it is a panic.
type errBudget struct{ missing int64 }

func (e errBudget) Error() string {
	return fmt.Sprintf("takes %d bytes more than the budget; raise Options.Budget, or read fewer rows or columns at a time", e.missing)
}

func (b *budget) take(n int) error {
	if left := b.left.Add(-int64(n)); left < 0 {
		return errBudget{-left}
	}
	return nil
}

// Allocate panics beyond the budget: the interface has no error.
func (b *budget) Allocate(n int) []byte {
	if err := b.take(n); err != nil {
		panic(err)
	}
	return alloc(n)
}

func (b *budget) Reallocate(n int, old []byte) []byte {
	if n <= cap(old) && n <= len(old) {
		return old[:n]
	}
	fresh := b.Allocate(n)
	copy(fresh, old)
	b.Free(old)
	return fresh
}

// Free gives back what a buffer held.
func (b *budget) Free(old []byte) { b.left.Add(int64(len(old))) }

// catch makes an error of the panic of a budget.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case errBudget:
		*err = r
	default:
		panic(r)
	}
}

// alloc gives aligned and zeroed bytes.
func alloc(n int) []byte { return array.AllocBytes(n) }

var _ memory.Allocator = (*budget)(nil)
