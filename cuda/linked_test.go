package cuda_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/partition"
)

var _ devicetest.Linked = (*cuda.Runner)(nil)

// team is a group of runners of one process, each with a device of its own.
type team struct {
	v       *cuda.Driver
	devices []*cuda.Device
	runners []*cuda.Runner
	groups  []array.Group
	far     []array.Far // to be released
}

// newTeam opens runners, which are in no group yet.
func newTeam(t testing.TB, ranks int, o fake.Options) *team {
	t.Helper()
	o.Devices = ranks
	m := &team{v: must[*cuda.Driver](t)(cuda.Simulated(o)), groups: make([]array.Group, ranks)}
	t.Cleanup(func() {
		for _, err := range []error{m.leave(), m.close(), m.v.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	for i := range ranks {
		m.devices = append(m.devices, must[*cuda.Device](t)(m.v.Open(i, cuda.Options{Stage: 64 << 10})))
		m.runners = append(m.runners, must[*cuda.Runner](t)(cuda.NewRunner(m.devices[i])))
	}
	return m
}

// join makes them a group.
func (m *team) join(ctx context.Context) error {
	id, err := m.runners[0].NewGroup()
	if err != nil {
		return err
	}
	return m.each(ctx, func(ctx context.Context, rank int) (err error) {
		g, err := m.runners[rank].Join(ctx, id, rank, len(m.runners))
		if err == nil {
			m.groups[rank] = g
		}
		return err
	})
}

// joined is a team whose runners are a group.
func joined(t testing.TB, ranks int, o fake.Options) *team {
	t.Helper()
	m := newTeam(t, ranks, o)
	check(t, m.join(t.Context()))
	return m
}

// each runs all ranks at a time, until one fails.
func (m *team) each(ctx context.Context, f func(ctx context.Context, rank int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	errs := make([]error, len(m.runners))
	var ranks sync.WaitGroup
	for rank := range m.runners {
		ranks.Go(func() {
			if errs[rank] = f(ctx, rank); errs[rank] != nil {
				stop(fmt.Errorf("rank %d failed", rank))
			}
		})
	}
	ranks.Wait()
	return errors.Join(errs...)
}

// leave gives everything back but the devices, and says what went wrong with that.
func (m *team) leave() error {
	var errs []error
	for _, at := range m.far {
		at.Release()
	}
	for _, g := range m.groups {
		if g != nil {
			errs = append(errs, g.Close(), g.Close())
		}
	}
	for _, r := range m.runners {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// close closes the devices.
func (m *team) close() error {
	var errs []error
	for _, d := range m.devices {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// hold brings a block to a rank's device.
func (m *team) hold(t testing.TB, rank int, b *array.Block, nulls bool) *array.Block {
	t.Helper()
	held := must[*array.Block](t)(m.groups[rank].Hold(t.Context(), b, nulls))
	at, _ := held.Far()
	m.far = append(m.far, at)
	return held
}

// cell is one element bit for bit, also where it is null.
type cell struct {
	value string
	valid bool
}

// cells are the elements of a block, fetched where it is far.
func cells(t testing.TB, b *array.Block) []cell {
	t.Helper()
	if far, lo := b.Far(); far != nil {
		here := array.NewBlock(b.DType(), array.Shape{b.Len()}, b.HasNulls())
		check(t, far.Fetch(t.Context(), here, lo))
		b = here
	}
	values, _, offset := b.Raw()
	out := make([]cell, b.Len())
	for i := range out {
		at := offset + i
		if out[i].valid = !b.IsNull(i); b.DType() == array.Bool {
			out[i].value = fmt.Sprint(values[at/8] >> (at % 8) & 1)
		} else {
			out[i].value = string(values[at*b.DType().Size() : (at+1)*b.DType().Size()])
		}
	}
	return out
}

// bits reports whether runs of a block begin at multiples of 8 elements.
func bits(d array.DType, nulls bool) bool { return d == array.Bool || nulls }

// held is a random block on a rank's device, at some offset of its memory.
func (m *team) held(t testing.TB, rng *rand.Rand, rank int, d array.DType, n int, nulls bool) *array.Block {
	t.Helper()
	before := rng.IntN(20)
	if bits(d, nulls) {
		before *= 8
	}
	p := 0.0
	if nulls {
		p = 0.3
	}
	b := ref.Random(rng, d, array.Shape{before + n + rng.IntN(9)}, p)
	if !nulls {
		b = b.DropValidity()
	}
	return m.hold(t, rank, b, nulls).Slice(before, before+n)
}

// spread is runs of so many elements each, in a random order and with gaps.
func spread(rng *rand.Rand, lens []int, bits bool) []partition.Range {
	n, runs := 0, make([]partition.Range, len(lens))
	for _, k := range rng.Perm(len(lens)) {
		n += rng.IntN(5)
		if bits {
			n = (n + 7) / 8 * 8
		}
		runs[k] = partition.Range{Lo: n, Hi: n + lens[k]}
		n += lens[k]
	}
	return runs
}

// end is how many elements a block has that ends with the last of runs.
func end(runs []partition.Range) (n int) {
	for _, r := range runs {
		n = max(n, r.Hi)
	}
	return n
}

// like fails the test where a block is not what is wanted. Elements in free may be anything.
func like(t testing.TB, b *array.Block, want []cell, free map[int]bool, format string, args ...any) {
	t.Helper()
	for i, got := range cells(t, b) {
		if got != want[i] && !free[i] {
			t.Fatalf("%s: element %d is %x (%t), want %x (%t)", fmt.Sprintf(format, args...), i, got.value, got.valid, want[i].value, want[i].valid)
		}
	}
}

// rest is the elements behind runs of bits in the bytes where those end.
func rest(runs []partition.Range) map[int]bool {
	free := make(map[int]bool)
	for _, r := range runs {
		for i := r.Hi; i%8 != 0 && !r.Empty(); i++ {
			free[i] = true
		}
	}
	return free
}

// TestLinked moves blocks of all types between four ranks, and holds what comes against elements moved by hand.
func TestLinked(t *testing.T) {
	const ranks = 4
	seeds(t, 2, func(t *testing.T, seed uint64) {
		ctx := t.Context()
		m := joined(t, ranks, fake.Options{Seed: seed})
		rng := rand.New(rand.NewPCG(seed, 17))
		for d := array.Bool; d.Valid(); d++ {
			for _, nulls := range []bool{false, true} {
				m.bcast(ctx, t, rng, d, nulls)
				n := rng.IntN(40)
				m.allgather(ctx, t, rng, d, nulls, []partition.Range{{Lo: 0, Hi: 8 * n}, {Lo: 8 * n, Hi: 16 * n}, {Lo: 16 * n, Hi: 24 * n}, {Lo: 24 * n, Hi: 32 * n}})
				m.allgather(ctx, t, rng, d, nulls, []partition.Range{{Lo: 8, Hi: 16}, {Lo: 16, Hi: 24}, {Lo: 24, Hi: 32}, {Lo: 32, Hi: 33 + rng.IntN(8)}})
				m.allgather(ctx, t, rng, d, nulls, []partition.Range{{Lo: 0, Hi: 1}, {Lo: 8, Hi: 16}, {Lo: 16, Hi: 24}, {Lo: 24, Hi: 32}})
				m.allgather(ctx, t, rng, d, nulls, spread(rng, []int{rng.IntN(90), 0, rng.IntN(90), rng.IntN(90)}, bits(d, nulls)))
				m.alltoall(ctx, t, rng, d, nulls)
			}
		}
		if n := count(m.v, "ncclAllGather"); n == 0 {
			t.Error("parts that are equally long came each by a broadcast")
		}
	})
}

func (m *team) bcast(ctx context.Context, t *testing.T, rng *rand.Rand, d array.DType, nulls bool) {
	n, root := rng.IntN(300), rng.IntN(len(m.runners))
	blocks := make([]*array.Block, len(m.runners))
	for rank := range blocks {
		blocks[rank] = m.held(t, rng, rank, d, n, nulls)
	}
	want := cells(t, blocks[root])
	check(t, m.each(ctx, func(ctx context.Context, rank int) error { return m.groups[rank].Bcast(ctx, blocks[rank], root) }))
	for rank, b := range blocks {
		like(t, b, want, nil, "bcast %s from %d to %d", d, root, rank)
	}
}

func (m *team) allgather(ctx context.Context, t *testing.T, rng *rand.Rand, d array.DType, nulls bool, spans []partition.Range) {
	ranks := len(spans)
	parts, results, wants := make([]*array.Block, ranks), make([]*array.Block, ranks), make([][]cell, ranks)
	for rank, own := range spans {
		parts[rank], results[rank] = m.held(t, rng, rank, d, own.Len(), nulls), m.held(t, rng, rank, d, end(spans), nulls)
		wants[rank] = cells(t, results[rank])
	}
	for from, part := range parts {
		moved := cells(t, part)
		for _, want := range wants {
			copy(want[spans[from].Lo:spans[from].Hi], moved)
		}
	}
	check(t, m.each(ctx, func(ctx context.Context, rank int) error {
		return m.groups[rank].Allgather(ctx, parts[rank], results[rank], spans)
	}))
	for rank, b := range results {
		like(t, b, wants[rank], rest(spans), "allgather %s to %v on %d", d, spans, rank)
	}
}

func (m *team) alltoall(ctx context.Context, t *testing.T, rng *rand.Rand, d array.DType, nulls bool) {
	ranks := len(m.runners)
	lens := make([][]int, ranks) // from, to
	for from := range lens {
		lens[from] = make([]int, ranks)
		for to := range lens[from] {
			lens[from][to] = max(rng.IntN(60)-15, 0)
		}
	}
	parts, results := make([]*array.Block, ranks), make([]*array.Block, ranks)
	send, receive := make([][]partition.Range, ranks), make([][]partition.Range, ranks)
	wants := make([][]cell, ranks)
	for rank := range ranks {
		send[rank] = spread(rng, lens[rank], bits(d, nulls))
		parts[rank] = m.held(t, rng, rank, d, end(send[rank]), nulls)
		var come []int
		for from := range ranks {
			come = append(come, lens[from][rank])
		}
		receive[rank] = spread(rng, come, bits(d, nulls))
		results[rank] = m.held(t, rng, rank, d, end(receive[rank]), nulls)
		wants[rank] = cells(t, results[rank])
	}
	for from, part := range parts {
		moved := cells(t, part)
		for to, want := range wants {
			at := send[from][to]
			copy(want[receive[to][from].Lo:], moved[at.Lo:at.Hi])
		}
	}
	check(t, m.each(ctx, func(ctx context.Context, rank int) error {
		return m.groups[rank].Alltoall(ctx, parts[rank], send[rank], results[rank], receive[rank])
	}))
	for rank, b := range results {
		like(t, b, wants[rank], rest(receive[rank]), "alltoall %s, %v to %v on %d", d, send, receive[rank], rank)
	}
}

// TestHold brings blocks of every kind to the device.
func TestHold(t *testing.T) {
	leak.Check(t)
	ctx := t.Context()
	m := joined(t, 2, fake.Options{})
	rng := rand.New(rand.NewPCG(5, 6))
	for d := array.Bool; d.Valid(); d++ {
		for range 4 {
			n := rng.IntN(100)
			b := ref.Random(rng, d, array.Shape{n}, 0.2)
			held := m.hold(t, 0, b, true)
			like(t, held, cells(t, b), nil, "hold %s", d)
			if again := m.hold(t, 0, held, true); again != held {
				t.Errorf("%s was held already", d)
			}
			if _, err := m.groups[0].Hold(ctx, held, false); !errors.Is(err, array.ErrNull) {
				t.Errorf("a block with validity among ones without: %v", err)
			}
			if _, err := m.groups[1].Hold(ctx, held, true); !errors.Is(err, array.ErrGraph) || !strings.Contains(err.Error(), "cuda:0") {
				t.Errorf("a block of another device: %v", err)
			}
			full := array.NewBlock(d, array.Shape{n}, false)
			like(t, m.hold(t, 0, full, true), cells(t, full), nil, "hold %s that is full", d)
			bare := m.hold(t, 0, full, false)
			if bare.HasNulls() {
				t.Errorf("%s got validity that nobody asked for", d)
			}
			lo := rng.IntN(n + 1)
			some := bare.Slice(lo, n)
			with := m.hold(t, 0, some, true)
			if !with.HasNulls() || some.HasNulls() {
				t.Errorf("validity of %s: %t, and %t before", d, with.HasNulls(), some.HasNulls())
			}
			like(t, with, cells(t, some), nil, "hold %s from %d on with validity", d, lo)
		}
	}
	gone := must[*array.Block](t)(m.groups[0].Room(array.Int16, 5, true))
	at, _ := gone.Far()
	at.Release()
	if _, err := m.groups[0].Hold(ctx, gone, true); err == nil || !strings.Contains(err.Error(), "was released") {
		t.Errorf("a block that was released: %v", err)
	}
	if gone.DType() != array.Int16 || gone.Len() != 5 || !gone.HasNulls() {
		t.Errorf("room: %s %d %t", gone.DType(), gone.Len(), gone.HasNulls())
	}
}

// TestHoldSpilled: a result that the device had no room for lies with the host, and goes up again.
func TestHoldSpilled(t *testing.T) {
	leak.Check(t)
	ctx := t.Context()
	m := joined(t, 1, fake.Options{Memory: 1 << 20})
	const n = 3 << 15 // three quarters of that
	x := numbers(rand.New(rand.NewPCG(2, 2)), n)
	l := devicetest.Launch(t, apply(array.Negative, array.Data(x, 0)), x)
	l.Results[0], l.Stay = nil, []bool{true}
	blocker := must[*array.Block](t)(m.groups[0].Room(array.Float64, 5<<13, false))
	_, err := m.groups[0].Room(array.Float64, n, false)
	var full *cuda.MemoryError
	if !errors.As(err, &full) || !errors.Is(err, cuda.ErrOutOfMemory) || full.Asked < 8*n || !strings.Contains(err.Error(), "cuda:0: room for 98304 float64: ") {
		t.Errorf("room that is not there: %v", err)
	}
	if _, err := m.runners[0].Run(ctx, l); err != nil {
		t.Fatal(err)
	}
	at, _ := blocker.Far()
	at.Release()
	far, _ := l.Results[0].Far()
	m.far = append(m.far, far)
	want := cells(t, l.Results[0])
	check(t, m.devices[0].Trim())
	held := m.hold(t, 0, l.Results[0], true)
	if held == l.Results[0] {
		t.Fatal("it lies on the device already")
	}
	like(t, held, want, nil, "a block that lay with the host")
}
