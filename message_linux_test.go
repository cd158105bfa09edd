package darray_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/shmlink"
)

func TestBlocksShm(t *testing.T) {
	testBlocks(t, func(t *testing.T, p int) []link.Transport {
		ts := quicTransports(t, p)
		for r, inner := range ts {
			over, err := shmlink.Over(inner, shmlink.Config{Arena: 64 << 20, LocalRanks: p})
			if err != nil {
				t.Fatal(err)
			}
			ts[r] = over
		}
		return ts
	}, 2, 3, 4)
}

// Who passes a block on only reads it: it may lie in a file that cannot be written to.
func TestBlocksReadOnly(t *testing.T) {
	leak.Check(t)
	const most = 200_000
	path := filepath.Join(t.TempDir(), "numbers")
	if err := os.WriteFile(path, make([]byte, 8*most), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mapped, err := unix.Mmap(int(f.Fd()), 0, 8*most, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mapped) }()
	const p, root = 5, 3
	comms := blockRanks(t, p, quicTransports)
	for _, n := range []int{10, 5_000, 10_000, 15_000, 30_000, most} { // each way that a broadcast goes
		err := errors.Join(onEach(p, func(r int) error {
			b, err := array.WrapBlock(array.Int64, n, 0, mapped, nil, nil)
			if err != nil {
				return err
			}
			if _, err := darray.AllgatherBlock(t.Context(), comms[r], b); err != nil {
				return err
			}
			if r != root {
				b = nil
			}
			if _, err := darray.BcastBlock(t.Context(), comms[r], root, b); err != nil {
				return err
			}
			_, err = darray.ScatterBlock(t.Context(), comms[r], root, b)
			return err
		})...)
		if err != nil {
			t.Fatal(fmt.Errorf("%d numbers: %w", n, err))
		}
	}
}
