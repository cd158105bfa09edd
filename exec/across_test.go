package exec_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/partition"
)

// ether is what the linked afars of a test move blocks over.
type ether struct {
	mu     sync.Mutex
	groups map[string]*crowd
	named  int
	none   error // why there are no groups
	full   int   // this rank has no room; 0: all have
	dies   int   // this rank's device fails when it is to move something; 0: none does
	moves  int   // that all ranks made
}

// crowd is a group, and who has come to each of its meetings.
type crowd struct {
	*ether
	ranks    int
	meetings map[int]*meeting
}

type meeting struct {
	brought []any
	come    int
	all     chan struct{} // closed when all have come
}

// linked is an afar that is joined to others.
type linked struct {
	*afar
	ether *ether
}

func (l *linked) NewGroup() ([]byte, error) {
	l.ether.mu.Lock()
	defer l.ether.mu.Unlock()
	l.ether.named++
	return fmt.Append(nil, l.ether.named), l.ether.none
}

func (l *linked) Join(ctx context.Context, id []byte, rank, ranks int) (array.Group, error) {
	l.ether.mu.Lock()
	g := l.ether.groups[string(id)]
	if g == nil {
		g = &crowd{ether: l.ether, ranks: ranks, meetings: make(map[int]*meeting)}
		if l.ether.groups == nil {
			l.ether.groups = make(map[string]*crowd)
		}
		l.ether.groups[string(id)] = g
	}
	l.ether.mu.Unlock()
	m := &member{linked: l, crowd: g, rank: rank}
	_, err := m.meet(ctx, nil)
	return m, err
}

// member is a rank of a crowd.
type member struct {
	*linked
	crowd  *crowd
	rank   int
	met    int
	broken bool
}

// meet gives what all ranks bring, when they have.
func (m *member) meet(ctx context.Context, mine any) ([]any, error) {
	if m.broken {
		return nil, errors.New("the group is broken")
	}
	g := m.crowd
	g.mu.Lock()
	at := g.meetings[m.met]
	if at == nil {
		at = &meeting{brought: make([]any, g.ranks), all: make(chan struct{})}
		g.meetings[m.met] = at
	}
	m.met++
	at.brought[m.rank] = mine
	if at.come++; at.come == g.ranks {
		g.moves++
		close(at.all)
	}
	g.mu.Unlock()
	select {
	case <-at.all:
		return at.brought, nil
	case <-ctx.Done():
		m.broken = true
		return nil, context.Cause(ctx)
	}
}

// swap has all ranks show their block and copy what they like of the others'.
func (m *member) swap(ctx context.Context, mine *array.Block, take func(all []any) error) error {
	if m.ether.dies == m.rank && m.rank > 0 {
		return errors.New("the device is lost")
	}
	all, err := m.meet(ctx, mine)
	if err == nil {
		err = take(all)
	}
	if _, end := m.meet(ctx, nil); err == nil {
		err = end
	}
	return err
}

// copyFrom copies elements from one far block to another.
func (m *member) copyFrom(from any, at int, to *array.Block, span partition.Range) error {
	src, offset := from.(*array.Block).Far()
	dst, err := m.near(to)
	if err == nil {
		copyElements(dst.Slice(span.Lo, span.Hi), src.(*remote).block.Slice(offset+at, offset+at+span.Len()))
	}
	return err
}

// copyElements copies as many elements as dst has.
func copyElements(dst, src *array.Block) {
	to, bits, at := dst.Raw()
	from, valid, offset := src.Raw()
	if size := dst.DType().Size(); dst.DType() == array.Bool {
		array.CopyBits(to, at, from, offset, dst.Len())
	} else {
		copy(to[at*size:(at+dst.Len())*size], from[offset*size:])
	}
	switch {
	case bits != nil && valid != nil:
		array.CopyBits(bits, at, valid, offset, dst.Len())
	case bits != nil:
		array.SetBits(bits, at, dst.Len())
	}
}

func (m *member) Hold(_ context.Context, b *array.Block, nulls bool) (*array.Block, error) {
	if at, _ := b.Far(); at != nil && b.HasNulls() == nulls {
		return b, nil
	}
	here, err := m.near(b)
	if err != nil {
		return nil, err
	}
	with := array.NewBlock(here.DType(), array.Shape{here.Len()}, nulls)
	copyElements(with, here)
	return m.put(with), nil
}

func (m *member) Room(d array.DType, n int, nulls bool) (*array.Block, error) {
	if m.ether.full == m.rank && m.rank > 0 {
		return nil, errors.New("the device is full")
	}
	return m.put(array.NewBlock(d, array.Shape{n}, nulls)), nil
}

func (m *member) Bcast(ctx context.Context, b *array.Block, root int) error {
	return m.swap(ctx, b, func(all []any) error {
		if m.rank == root {
			return nil
		}
		return m.copyFrom(all[root], 0, b, partition.Range{Lo: 0, Hi: b.Len()})
	})
}

func (m *member) Allgather(ctx context.Context, part, to *array.Block, spans []partition.Range) error {
	return m.swap(ctx, part, func(all []any) (err error) {
		for r, span := range spans {
			err = errors.Join(err, m.copyFrom(all[r], 0, to, span))
		}
		return err
	})
}

func (m *member) Alltoall(ctx context.Context, part *array.Block, send []partition.Range, to *array.Block, receive []partition.Range) error {
	sends, err := m.meet(ctx, send)
	if err != nil {
		return err
	}
	return m.swap(ctx, part, func(all []any) (err error) {
		for r, span := range receive {
			err = errors.Join(err, m.copyFrom(all[r], sends[r].([]partition.Range)[m.rank].Lo, to, span))
		}
		return err
	})
}

func (m *member) Close() error { m.broken = true; return nil }

// linkedCluster is p ranks with devices that are linked; apart, in processes of their own.
func linkedCluster(t *testing.T, p int, e *ether) *cluster {
	return local(t, p, func(_ int, c *exec.Config) { c.Accelerator, c.Accelerate = &linked{newAfar(t), e}, true })
}

// TestLinked: what the device suite has for several ranks, with moves from device to device.
func TestLinked(t *testing.T) {
	e := &ether{}
	suite := devicetest.Suite{Open: func(t testing.TB) exec.Accelerator { return &linked{newAfar(t), e} }, Apart: true, Graphs: 8}
	t.Run("random graphs", suite.TestRandomGraphs)
	t.Run("parts", suite.TestParts)
}

// TestLinkedBreaks: where devices cannot move blocks the hosts do, and where one fails in the middle the task fails, and the next one has a
// group again.
func TestLinkedBreaks(t *testing.T) {
	leak.Check(t)
	const p = 3
	for _, tt := range []struct {
		name string
		e    *ether
		says string // in the plan or in a step's note
		err  string
	}{
		{"no groups", &ether{none: errors.New("no such library")}, "no such library", ""},
		{"a device is full", &ether{full: 2}, "went through the hosts", ""},
		{"a device is lost", &ether{dies: 1}, "", "the device is lost"},
		{"all goes well", &ether{}, "from device to device", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.e
			cl := linkedCluster(t, p, e)
			square := persist(t, cl, data(t, floats(900), 30, 30))[0]
			roots := []*array.Node{apply(array.Sum, matmul(square, matmul(square, square)))}
			plan, err := cl.Explain(t.Context(), roots)
			if err != nil {
				t.Fatal(err)
			}
			_, stats, err := cl.Collect(t.Context(), roots)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "rank 1") {
					t.Errorf("%v, want %q of rank 1", err, tt.err)
				}
				e.mu.Lock()
				e.dies = 0
				e.mu.Unlock()
				groups := e.named
				got, _, err := cl.Collect(t.Context(), roots)
				if err != nil || e.named != groups+1 {
					t.Fatalf("%d groups after %d: %v", e.named, groups, err)
				}
				same(t, got[0], apply(array.Sum, matmul(plain(t), matmul(plain(t), plain(t)))))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text := plan.String()
			for _, s := range stats.Steps {
				text += s.Note + "\n"
			}
			if !strings.Contains(text, tt.says) {
				t.Errorf("nothing says %q:\n%s", tt.says, text)
			}
			crossed := 0
			if tt.name == "all goes well" { // of either product's right operand, what rank 0 has not
				crossed = 2 * 8 * (900 - square.Parts().Layout.Range(0).Len())
			}
			if stats.Moved["devices"] != crossed {
				t.Errorf("moved %v, want %d bytes", stats.Moved, crossed)
			}
		})
	}
}

func plain(t *testing.T) *array.Node { return data(t, floats(900), 30, 30) }

// TestAgreed: ranks use their accelerators alike, or none.
func TestAgreed(t *testing.T) {
	leak.Check(t)
	for _, always := range []bool{false, true} {
		cl := local(t, 3, func(rank int, c *exec.Config) {
			if c.Accelerate = always; rank == 2 {
				c.Accelerator = absent{newAfar(t)}
			} else {
				c.Accelerator = newAfar(t)
			}
		})
		root := apply(array.Square, data(t, floats(1<<17)))
		got, stats, err := cl.Collect(t.Context(), []*array.Node{root})
		switch {
		case always:
			if err == nil || !strings.Contains(err.Error(), "rank 2: no driver") {
				t.Errorf("one rank has no accelerator: %v", err)
			}
		case err != nil || stats.NoAccelerator != "rank 2: no driver":
			t.Errorf("%q: %v", stats.NoAccelerator, err)
		default:
			same(t, got[0], root)
			if slices.ContainsFunc(stats.Steps, func(s exec.StepTime) bool { return s.Step.Device == "afar" }) {
				t.Error("some ranks use an accelerator")
			}
		}
		cl.stop()
	}
}
