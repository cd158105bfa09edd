package shmlink_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/shmlink"
)

func newArena(t *testing.T, n uint64) shmlink.Arena {
	t.Helper()
	a, err := shmlink.NewArena(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// TestArena holds random blocks against each other: none overlaps another, all are aligned, and what is freed comes again.
func TestArena(t *testing.T) {
	leak.Check(t)
	const size = 8 << 20
	a := newArena(t, size)
	r := rand.New(rand.NewPCG(1, 2))
	var blocks [][]byte
	fill := func(b []byte, v byte) {
		for i := range b {
			b[i] = v
		}
	}
	drop := func(i int) {
		b := blocks[i]
		for j, v := range b {
			if v != byte(len(b)) {
				t.Fatalf("byte %d of a block of %d is another's", j, len(b))
			}
		}
		a.Free(b)
		blocks[i] = blocks[len(blocks)-1]
		blocks = blocks[:len(blocks)-1]
	}
	refused := 0
	for range 3000 {
		n := 1 + r.IntN(1<<(1+r.IntN(17)))
		b := a.Alloc(n)
		if b == nil {
			refused++
			for len(blocks) > 0 {
				drop(0)
			}
			continue
		}
		if len(b) != n || cap(b) != n || uintptr(unsafe.Pointer(&b[0]))%64 != 0 {
			t.Fatalf("block of %d bytes has %d, capacity %d, at %p", n, len(b), cap(b), b)
		}
		fill(b, byte(n))
		blocks = append(blocks, b)
		if r.IntN(3) == 0 {
			drop(r.IntN(len(blocks)))
		}
	}
	for len(blocks) > 0 {
		drop(0)
	}
	if refused == 0 {
		t.Error("the arena was never full: the test shows nothing of that")
	}
	if a.Alloc(size+1) != nil {
		t.Error("more than the arena was handed out")
	}
}

// TestSealed: who is given the memory cannot write to it, and cannot make it shorter under those who read it.
func TestSealed(t *testing.T) {
	leak.Check(t)
	a := newArena(t, 1<<20)
	block := a.Alloc(10)
	defer a.Free(block)
	block[3] = 7
	if _, err := unix.Mmap(a.Fd(), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); !errors.Is(err, unix.EPERM) {
		t.Errorf("map it writable: got %v, want EPERM", err)
	}
	if err := unix.Ftruncate(a.Fd(), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("truncate: got %v, want EPERM", err)
	}
	if _, err := unix.Write(a.Fd(), []byte{1}); !errors.Is(err, unix.EPERM) {
		t.Errorf("write: got %v, want EPERM", err)
	}
	open := func(want, limit int) error {
		fd, err := unix.Dup(a.Fd())
		if err != nil {
			t.Fatal(err)
		}
		unmap, b, err := shmlink.OpenMemory(fd, want, limit)
		if err != nil {
			return err
		}
		defer unmap()
		if b[3] != 7 {
			t.Error("the reader does not see what the owner wrote")
		}
		if err := unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE); !errors.Is(err, unix.EACCES) {
			t.Errorf("make it writable: got %v, want EACCES", err)
		}
		return nil
	}
	if err := errors.Join(open(1<<20, 1<<20), open(0, 1<<30)); err != nil {
		t.Error(err)
	}
	if open(4096, 1<<20) == nil || open(0, 4096) == nil {
		t.Error("memory of a wrong size was mapped")
	}
	fd, err := unix.MemfdCreate("unsealed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err == nil {
		err = unix.Ftruncate(fd, 4096)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := shmlink.OpenMemory(fd, 0, 1<<20); err == nil {
		t.Error("memory that its owner can shorten was mapped")
	}
}
