package darray_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// blockRanks are p ranks that the test's end closes; over is nil for ranks of one process.
func blockRanks(t *testing.T, p int, over func(t *testing.T, p int) []link.Transport) []*comm.Comm {
	t.Helper()
	var comms []*comm.Comm
	var err error
	if over == nil {
		comms, err = comm.NewLocal(p)
	} else {
		ts := over(t, p)
		comms = make([]*comm.Comm, p)
		err = errors.Join(onEach(p, func(r int) (err error) {
			comms[r], err = comm.Join(t.Context(), comm.Config{
				Rank: r, Size: p, Transport: ts[r], Root: ts[0].Addr(), Build: "v1", Host: "h", PID: 1 + r, Timeout: 10 * time.Second,
			})
			return err
		})...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(onEach(p, func(r int) error { return comms[r].Close() })...); err != nil {
			t.Error(err)
		}
	})
	return comms
}

func onEach(p int, f func(r int) error) []error {
	errs := make([]error, p)
	var all sync.WaitGroup
	for r := range p {
		all.Go(func() { errs[r] = f(r) })
	}
	all.Wait()
	return errs
}

func quicTransports(t *testing.T, p int) []link.Transport {
	t.Helper()
	ts := make([]link.Transport, p)
	for r := range ts {
		tr, err := quiclink.Listen(quiclink.Config{Rank: r, Size: p, Job: "blocks", Token: make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		ts[r] = tr
	}
	return ts
}

// sampleBlock is a block of numbers that differ by place and salt, each third of it null if nulls; cut: it does not begin
// where its memory does.
func sampleBlock(d array.DType, shape array.Shape, nulls, cut bool, salt int) *array.Block {
	n, skip := shape.Len(), 0
	if cut {
		skip = 3
	}
	b := array.NewBlock(d, array.Shape{n + skip}, nulls)
	values, validity, _ := b.Raw()
	for i := range values {
		values[i] = byte(i*7 + i>>8 + salt*13)
	}
	if d.Float() { // no NaN, whose copies do not compare equal
		for i := d.Size() - 1; i < len(values); i += d.Size() {
			values[i] &= 0x3f
		}
	}
	for i := 0; nulls && i < n+skip; i += 3 {
		validity[i/8] &^= 1 << (i % 8)
	}
	b, err := b.Slice(skip, n+skip).Reshape(shape)
	if err != nil {
		panic(err)
	}
	return b
}

func sameBlock(got, want *array.Block) error {
	if got == nil || want == nil {
		if got == want {
			return nil
		}
		return fmt.Errorf("got %v, want %v", got, want)
	}
	if got.DType() != want.DType() || !got.Shape().Equal(want.Shape()) || got.Len() != want.Len() {
		return fmt.Errorf("got %v%v, want %v%v", got.DType(), got.Shape(), want.DType(), want.Shape())
	}
	for i := range want.Len() {
		a, okA := got.Scalar(i)
		b, okB := want.Scalar(i)
		if okA != okB || okA && a != b {
			return fmt.Errorf("%v%v: element %d is %v (%v), want %v (%v)", got.DType(), got.Shape(), i, a, okA, b, okB)
		}
	}
	return nil
}

// joinedBlocks is the reference of GatherBlock, element by element.
func joinedBlocks(blocks []*array.Block) *array.Block {
	shape, nulls := slices.Clone(blocks[0].Shape()), false
	shape[0] = 0
	for _, b := range blocks {
		shape[0] += b.Shape()[0]
		nulls = nulls || b.HasNulls()
	}
	out := array.NewBlock(blocks[0].DType(), shape, nulls)
	at := 0
	for _, b := range blocks {
		for i := range b.Len() {
			out.Put(at, b.Slice(i, i+1))
			at++
		}
	}
	return out
}

// rowsOf is rows [lo, hi) of b.
func rowsOf(b *array.Block, lo, hi int) *array.Block {
	shape := slices.Clone(b.Shape())
	inner := shape[1:].Len()
	shape[0] = hi - lo
	out, err := b.Slice(lo*inner, hi*inner).Reshape(shape)
	if err != nil {
		panic(err)
	}
	return out
}

// checkBlocks runs every operation on blocks of that kind.
func checkBlocks(ctx context.Context, c *comm.Comm, d array.DType, shape array.Shape, nulls, cut bool) error {
	r, p := c.Rank(), c.Size()
	root := (int(d) + shape.Len()) % p
	of := func(r int) *array.Block {
		if len(shape) == 0 {
			return sampleBlock(d, shape, nulls, cut, r)
		}
		s := slices.Clone(shape)
		s[0] = s[0] * (r + 1) % (s[0] + 2) // of any length
		return sampleBlock(d, s, nulls && r%2 == 0, cut, r)
	}
	// Around a ring: the send goes on while the receive waits.
	sent := make(chan error, 1)
	go func() { sent <- darray.SendBlock(ctx, c, (r+1)%p, 7, of(r)) }()
	got, status, err := darray.RecvBlock(ctx, c, comm.AnySource, comm.AnyTag)
	if err := errors.Join(err, <-sent); err != nil {
		return err
	}
	left := (r + p - 1) % p
	if want := (comm.Status{Source: left, Tag: 7, Count: of(left).Len()}); status != want {
		return fmt.Errorf("got %+v, want %+v", status, want)
	}
	if err := sameBlock(got, of(left)); err != nil {
		return fmt.Errorf("received: %w", err)
	}
	var mine *array.Block
	whole := sampleBlock(d, shape, nulls, cut, 99)
	if r == root {
		mine = whole
	}
	if got, err = darray.BcastBlock(ctx, c, root, mine); err == nil {
		err = sameBlock(got, whole)
	}
	if err != nil || len(shape) == 0 {
		return err
	}
	lo, hi := 0, 0
	for i := range r + 1 { // the first shape[0] mod p ranks have a row more
		lo, hi = hi, hi+shape[0]/p
		if i < shape[0]%p {
			hi++
		}
	}
	if got, err = darray.ScatterBlock(ctx, c, root, mine); err == nil {
		err = sameBlock(got, rowsOf(whole, lo, hi))
	}
	if err != nil {
		return fmt.Errorf("scattered: %w", err)
	}
	var all []*array.Block
	for i := range p {
		all = append(all, of(i))
	}
	joined := joinedBlocks(all)
	if got, err = darray.AllgatherBlock(ctx, c, of(r)); err == nil {
		err = sameBlock(got, joined)
	}
	if err != nil {
		return fmt.Errorf("gathered by all: %w", err)
	}
	if r != root {
		joined = nil
	}
	if got, err = darray.GatherBlock(ctx, c, root, of(r)); err == nil {
		err = sameBlock(got, joined)
	}
	return err
}

func testBlocks(t *testing.T, over func(t *testing.T, p int) []link.Transport, ranks ...int) {
	leak.Check(t)
	shapes := []array.Shape{{}, {0}, {1}, {17}, {5, 3}, {4, 0}, {0, 4}, {2, 3, 5}}
	for _, p := range ranks {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			comms := blockRanks(t, p, over)
			errs := onEach(p, func(r int) error {
				for i, d := range array.DTypes() {
					for j, shape := range shapes {
						nulls, cut := (i+j)%2 == 0, (i+j)%4 < 2
						if err := checkBlocks(t.Context(), comms[r], d, shape, nulls, cut); err != nil {
							err = fmt.Errorf("%v%v, nulls %v, cut %v: %w", d, shape, nulls, cut, err)
							comms[r].Abort(err)
							return err
						}
					}
				}
				for _, d := range []array.DType{array.Bool, array.Int8, array.Float64} {
					// The numbers are more than is sent without waiting.
					if err := checkBlocks(t.Context(), comms[r], d, array.Shape{211, 103}, true, d == array.Bool); err != nil {
						comms[r].Abort(err)
						return fmt.Errorf("large %v: %w", d, err)
					}
				}
				return nil
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBlocksLocal(t *testing.T) { testBlocks(t, nil, 1, 2, 3, 5, 9) }

func TestBlocksQUIC(t *testing.T) { testBlocks(t, quicTransports, 1, 2, 3) }

// A block goes by reference inside a process.
func TestBlocksByReference(t *testing.T) {
	leak.Check(t)
	comms := blockRanks(t, 3, nil)
	b := sampleBlock(array.Int16, array.Shape{6, 2}, true, false, 0)
	at := func(b *array.Block) *byte { values, _, _ := b.Raw(); return &values[0] }
	err := errors.Join(onEach(3, func(r int) error {
		ctx, c, mine := t.Context(), comms[r], b
		if r != 1 {
			mine = nil
		}
		whole, err := darray.BcastBlock(ctx, c, 1, mine)
		if err != nil || whole != b {
			return fmt.Errorf("rank %d got another block: %w", r, err)
		}
		run, err := darray.ScatterBlock(ctx, c, 1, mine)
		if err != nil || at(run) != at(b) {
			return fmt.Errorf("rank %d got a run in other memory: %w", r, err)
		}
		if err := darray.SendBlock(ctx, c, r, 0, run); err != nil {
			return err
		}
		back, _, err := darray.RecvBlock(ctx, c, r, 0)
		if err != nil || back != run {
			return fmt.Errorf("rank %d got another block from itself: %w", r, err)
		}
		return nil
	})...)
	if err != nil {
		t.Error(err)
	}
}
