package vmath_test

import (
	"math/rand/v2"
	"os"
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/vmath"
	"github.com/darray-go/darray/internal/ref/judge"
)

// guarded is a page between two that nobody may touch.
func guarded(t *testing.T) []byte {
	t.Helper()
	page := os.Getpagesize()
	whole, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(whole); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{whole[:page], whole[2*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return whole[page : 2*page]
}

// TestGuarded runs every routine over operands and results that touch pages which may not be read or written, on either side.
func TestGuarded(t *testing.T) {
	memory := [3][]byte{guarded(t), guarded(t), guarded(t)}
	for _, f := range functions(t) {
		for _, isa := range isas() {
			if r := routine[float64](t, f, isa); !inside[float64](f, r, memory) {
				t.Errorf("float64 %s in %s touches memory that is not its own", f.Name, isa)
			}
			if r := routine[float32](t, f, isa); !inside[float32](f, r, memory) {
				t.Errorf("float32 %s in %s touches memory that is not its own", f.Name, isa)
			}
		}
	}
}

// inside is false if the routine met a guard.
func inside[T judge.Float](f function, r vmath.Routine, memory [3][]byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	rng := rand.New(rand.NewPCG(7, 8))
	for n := 1; n <= 40; n++ {
		for _, after := range []bool{false, true} {
			var v [3][]T
			for k, m := range memory {
				v[k] = array.View[T](m)[:n]
				if after {
					all := array.View[T](m)
					v[k] = all[len(all)-n:]
				}
			}
			for range 4 {
				judge.Fill(f.Spec, judge.Kind(rng.IntN(int(judge.Hard))), rng, v[1], v[2])
				mix(rng, v[1])
				call(r, v[0], v[1], v[2], false)
			}
		}
	}
	return true
}
