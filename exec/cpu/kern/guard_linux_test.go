package kern_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// guarded is memory between two pages that nobody may touch.
type guarded struct{ whole, inner []byte }

func newGuarded(t *testing.T, size int) guarded {
	page := os.Getpagesize()
	size = (size + page - 1) / page * page
	whole, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for _, guard := range [][]byte{whole[:page], whole[page+size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(whole); err != nil {
			t.Error(err)
		}
	})
	return guarded{whole, whole[page : page+size]}
}

// vector has n elements of type d that touch the page after them, or the one before.
func (g guarded) vector(d array.DType, n int, after bool) vector {
	v := vector{dtype: d, whole: g.inner, n: n}
	if after {
		v.at = len(g.inner) - storage(d, n)
	}
	return v
}

// TestGuarded runs every loop over operands and results that touch pages which may not be read or written, on either side.
func TestGuarded(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var memory [4]guarded
	for i := range memory {
		memory[i] = newGuarded(t, 8*200)
	}
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for _, tests := range [][]loopTest{elementTests(), threeTests(), castTests()} {
			for _, l := range tests {
				if loop := l.of(set); loop != nil {
					if reason := l.guarded(loop, set, memory); reason != "" {
						t.Errorf("%s in %s: %s", l.name, isa, reason)
					}
				}
			}
		}
	}
}

func (l loopTest) guarded(loop kern.Loop, set *kern.Set, memory [4]guarded) (reason string) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := 1; n < 200; n += 1 + n/70*12 {
		if skipped(n) {
			continue
		}
		for _, after := range []bool{false, true} {
			var args [3][]byte
			var operands [3]vector
			for k, d := range l.in {
				length := n
				if l.scalar[k] {
					length = 1
				}
				operands[k] = memory[k].vector(d, length, after)
				for i := range length {
					operands[k].set(i, randomScalar(rng, d))
				}
				args[k] = operands[k].bytes(length)
			}
			if reason := l.fault(loop, memory[3].vector(l.out, n, after), args, n); reason != "" {
				return fmt.Sprintf("n = %d, page after %v: %s", n, after, reason)
			}
			set.Fence()
			dst := memory[3].vector(l.out, n, after)
			for _, i := range []int{0, n / 2, n - 1} {
				if l.cast && misemulated(operands[0].get(i), l.out) {
					continue
				}
				if got, want := dst.get(i), l.want(l.element(operands, i)); !same(got, want) {
					return fmt.Sprintf("n = %d: element %d is %s, want %s", n, i, got, want)
				}
			}
		}
	}
	return ""
}

// fault runs the loop and says where it faults.
func (l loopTest) fault(loop kern.Loop, dst vector, args [3][]byte, n int) (reason string) {
	defer func() {
		if err := recover(); err != nil {
			reason = fmt.Sprint(err)
		}
	}()
	loop(dst.bytes(n), args[0], args[1], args[2], n)
	return ""
}

// TestGuardedCopy is TestGuarded for what is no loop.
func TestGuardedCopy(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	from, to := newGuarded(t, 4096), newGuarded(t, 4096)
	copy(from.inner, poison)
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for n := range 1200 {
			for _, after := range []bool{false, true} {
				x, dst := from.inner[:n], to.inner[:n]
				if after {
					x, dst = from.inner[len(from.inner)-n:], to.inner[len(to.inner)-n:]
				}
				clear(to.inner)
				set.Prefetch(x)
				set.CopyStream(dst, x)
				set.Fence()
				if string(dst) != string(x) {
					t.Fatalf("%s: %d bytes are not copied as they are", isa, n)
				}
				for i, b := range to.inner {
					if b != 0 && (after && i < len(to.inner)-n || !after && i >= n) {
						t.Fatalf("%s: byte %d beside %d copied was written", isa, i, n)
					}
				}
			}
		}
	}
}

// TestGuardedLeaves is TestGuarded for leaves.
func TestGuardedLeaves(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	memory := [3]guarded{newGuarded(t, 8*600), newGuarded(t, 8*600), newGuarded(t, 8*600)}
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for _, f := range foldTests() {
			leaves := set.Leaves(f.op, f.d, f.of)
			if leaves == nil {
				continue
			}
			for _, length := range []int{1, 3, 8, 31, 32, 33, 63, 64, 65} {
				for n := range mostLeaves + 1 {
					for _, after := range []bool{false, true} {
						out := memory[2].vector(array.Uint64, n, after).bytes(n)
						x, y := memory[0].vector(f.d, n*length, after).bytes(n*length), memory[1].vector(f.d, n*length, after).bytes(n*length)
						if reason := faultLeaves(leaves, array.View[uint64](out), x, y, length); reason != "" {
							t.Errorf("%s/%s/%s/%d: %d leaves of %d, page after %v: %s", isa, f.op, f.d, f.of, n, length, after, reason)
						}
					}
				}
			}
		}
	}
}

// faultLeaves folds leaves and says where that faults.
func faultLeaves(leaves kern.Leaves, out []uint64, x, y []byte, length int) (reason string) {
	defer func() {
		if err := recover(); err != nil {
			reason = fmt.Sprint(err)
		}
	}()
	leaves(out, x, y, length)
	return ""
}
