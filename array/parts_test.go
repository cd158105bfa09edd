package array_test

import (
	"runtime"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

type keeper chan uint64

func (k keeper) Forget(id uint64) { k <- id }

// TestPartsAreForgottenOnce: by Release or by the garbage collector, not by both.
func TestPartsAreForgottenOnce(t *testing.T) {
	k := make(keeper, 8)
	keep := func(id uint64) *array.Parts { return array.NewParts(id, partition.Balanced(10, 2), false, k) }
	released := keep(1)
	released.Release()
	released.Release()
	if id := <-k; id != 1 {
		t.Fatalf("%d is forgotten, want 1", id)
	}
	runtime.KeepAlive(released)
	for id := uint64(2); id < 5; id++ { // each round gives what is done of 1 by mistake the time to come
		keep(id)
		for heard := false; !heard; {
			runtime.GC()
			select {
			case got := <-k:
				if heard = true; got != id {
					t.Fatalf("%d is forgotten, want %d", got, id)
				}
			default:
				runtime.Gosched()
			}
		}
	}
}
