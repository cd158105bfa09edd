package comm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// seq returns lo, lo+1, ...
func seq(lo, n int) []int {
	xs := make([]int, n)
	for i := range xs {
		xs[i] = lo + i
	}
	return xs
}

// expect receives into a buffer with room to spare and compares with want.
func expect(ctx context.Context, c *comm.Comm, src, tag int, want []int) error {
	got := make([]int, len(want)+3)
	st, err := comm.Recv(ctx, c, src, tag, got)
	if err != nil {
		return err
	}
	if st.Count != len(want) || !slices.Equal(got[:st.Count], want) {
		return fmt.Errorf("from %d with tag %d: got %d elements %v..., want %d", st.Source, st.Tag, st.Count, got[:min(4, st.Count)], len(want))
	}
	if src != comm.AnySource && st.Source != src || tag != comm.AnyTag && st.Tag != tag {
		return fmt.Errorf("asked for %d/%d, got %+v", src, tag, st)
	}
	return nil
}

func TestSendRecv(t *testing.T) {
	leak.Check(t)
	for name, comms := range map[string]func(t testing.TB, p int) []*comm.Comm{"mem": local, "quic": overQUIC} {
		t.Run(name, func(t *testing.T) {
			// Everybody sends to everybody, itself included: sizes below, at and above the eager limit, taken by tag
			// in the opposite order of sending.
			sizes := []int{0, 1, link.EagerLimit / 8, link.EagerLimit/8 + 1, 100_000}
			spmd(t, comms(t, 3), func(c *comm.Comm) error {
				ctx := t.Context()
				sent := make(chan error, 1)
				go func() {
					var errs []error
					for dst := range c.Size() {
						sends := make(chan error)
						for tag, n := range sizes {
							go func() { sends <- comm.Send(ctx, c, dst, tag, seq(c.Rank()*1000+tag, n)) }()
						}
						for range sizes {
							errs = append(errs, <-sends)
						}
					}
					sent <- errors.Join(errs...)
				}()
				for src := range c.Size() {
					for tag := len(sizes) - 1; tag >= 0; tag-- {
						if err := expect(ctx, c, src, tag, seq(src*1000+tag, sizes[tag])); err != nil {
							return err
						}
					}
				}
				return <-sent
			})
		})
	}
}

func TestRecvInOrder(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 2), func(c *comm.Comm) error {
		const n = 2000
		for i := range n {
			if c.Rank() == 0 {
				if err := comm.Send(t.Context(), c, 1, i%3, []int{i}); err != nil {
					return err
				}
				continue
			}
			if err := expect(t.Context(), c, comm.AnySource, comm.AnyTag, []int{i}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAnySource(t *testing.T) {
	leak.Check(t)
	const p, n = 5, 40
	spmd(t, local(t, p), func(c *comm.Comm) error {
		if c.Rank() > 0 {
			for i := range n {
				if err := comm.Send(t.Context(), c, 0, 7, []int{i}); err != nil {
					return err
				}
			}
			return nil
		}
		var next [p]int
		for range (p - 1) * n {
			got := []int{-1}
			st, err := comm.Recv(t.Context(), c, comm.AnySource, 7, got)
			if err != nil {
				return err
			}
			if got[0] != next[st.Source] {
				return fmt.Errorf("from rank %d: got %d, want %d", st.Source, got[0], next[st.Source])
			}
			next[st.Source]++
		}
		return nil
	})
}

func TestRecvRefuses(t *testing.T) {
	leak.Check(t)
	for _, n := range []int{5, 5000} {
		spmd(t, local(t, 2), func(c *comm.Comm) error {
			ctx := t.Context()
			if c.Rank() == 1 {
				for range 2 {
					if err := comm.Send(ctx, c, 0, 1, make([]int32, n)); err != nil {
						return err
					}
				}
				return comm.Send(ctx, c, 0, 1, []int32{42})
			}
			var re *comm.RankError
			if _, err := comm.Recv(ctx, c, 1, 1, make([]int32, n-1)); !errors.Is(err, comm.ErrTruncate) || !errors.As(err, &re) || re.Rank != 1 {
				return fmt.Errorf("short buffer: %v", err)
			}
			_, err := comm.Recv(ctx, c, 1, 1, make([]float32, n))
			if !errors.Is(err, comm.ErrDiverged) || !strings.Contains(err.Error(), "int32") || !strings.Contains(err.Error(), "float32") {
				return fmt.Errorf("other type: %v", err)
			}
			got := make([]int32, 1)
			if _, err := comm.Recv(ctx, c, 1, 1, got); err != nil || got[0] != 42 {
				return fmt.Errorf("after that: %v, %v", got, err)
			}
			return nil
		})
	}
}

// A large message that does not fit is dropped where it is: none of its bytes travel, whatever length it claims.
func TestRecvRefusesUnread(t *testing.T) {
	leak.Check(t)
	comms := overQUIC(t, 2)
	spmd(t, comms, func(c *comm.Comm) error {
		if c.Rank() == 1 {
			return comm.Send(t.Context(), c, 0, 1, make([]int32, 1<<20))
		}
		_, err := comm.Recv(t.Context(), c, 1, 1, make([]int32, 1))
		if !errors.Is(err, comm.ErrTruncate) {
			return fmt.Errorf("got %v, want ErrTruncate", err)
		}
		return nil
	})
	if n := comms[0].Stats()[0].BytesRecv; n > link.EagerLimit {
		t.Errorf("%d bytes were read to be dropped", n)
	}
}

func TestBadArguments(t *testing.T) {
	leak.Check(t)
	c := local(t, 2)[0]
	ctx := t.Context()
	recv := func(src, tag int) error {
		_, err := comm.Recv(ctx, c, src, tag, []int{0})
		return err
	}
	gather := func(root int) error {
		_, err := comm.Gather(ctx, c, root, []int{0})
		return err
	}
	for name, err := range map[string]error{
		"send to -1":      comm.Send(ctx, c, -1, 0, []int{0}),
		"send to 2":       comm.Send(ctx, c, 2, 0, []int{0}),
		"send tag -1":     comm.Send(ctx, c, 1, -1, []int{0}),
		"send huge tag":   comm.Send(ctx, c, 1, 1<<32, []int{0}),
		"recv from 2":     recv(2, 0),
		"recv from -2":    recv(-2, 0),
		"recv tag -2":     recv(1, -2),
		"bcast root 2":    comm.Bcast(ctx, c, 2, []int{0}),
		"gather root -1":  gather(-1),
		"parcel to 9":     comm.SendParcel(ctx, c, 9, 0, comm.Parcel{}),
		"parcel tag -200": comm.SendParcel(ctx, c, 1, -200, comm.Parcel{}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A context that ends: a receive, a send that waits for its receiver, a collective; then all works again.
func TestCancel(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 3)
		limited := func(t *testing.T) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			t.Cleanup(cancel)
			return ctx
		}
		begin := time.Now()
		for name, f := range map[string]func(ctx context.Context, c *comm.Comm) error{
			"recv": func(ctx context.Context, c *comm.Comm) error {
				_, err := comm.Recv(ctx, c, (c.Rank()+1)%3, 3, make([]int, 9))
				return err
			},
			"recv any": func(ctx context.Context, c *comm.Comm) error {
				_, err := comm.Recv(ctx, c, comm.AnySource, comm.AnyTag, make([]int, 9))
				return err
			},
			"send": func(ctx context.Context, c *comm.Comm) error {
				return comm.Send(ctx, c, (c.Rank()+1)%3, 3, make([]int, 1e5))
			},
			"parcel": func(ctx context.Context, c *comm.Comm) error {
				_, err := comm.RecvParcel(ctx, c, 0, 3)
				return err
			},
		} {
			ctx := limited(t)
			for r, err := range each(comms, func(c *comm.Comm) error { return f(ctx, c) }) {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s on rank %d: %v", name, r, err)
				}
			}
		}
		if d := time.Since(begin); d != 4*time.Minute {
			t.Errorf("four waits of a minute took %v", d)
		}
		// A withdrawn message never was: the receive that meets it takes the next one.
		spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 1, 3000) })
		spmd(t, comms, func(c *comm.Comm) error {
			if err := comm.Send(t.Context(), c, (c.Rank()+1)%3, 3, []int{c.Rank()}); err != nil {
				return err
			}
			got, src := make([]int, 1e5), (c.Rank()+2)%3
			if st, err := comm.Recv(t.Context(), c, src, 3, got); err != nil || st.Count != 1 || got[0] != src {
				return fmt.Errorf("got %d elements, the first %d: %v", st.Count, got[0], err)
			}
			return nil
		})
	})
}

func TestParcel(t *testing.T) {
	leak.Check(t)
	for name, comms := range map[string]func(t testing.TB, p int) []*comm.Comm{"mem": local, "quic": overQUIC} {
		for _, n := range []int{10, 50_000} {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				values, bits := make([]byte, n), []byte{1, 2, 3}
				for i := range values {
					values[i] = byte(i * 7)
				}
				ref := &struct{ name string }{"a block"}
				p := comm.Parcel{Flags: 5, Count: 77, Aux: 1 << 60, Bufs: [][]byte{bits, nil, values}, Ref: ref}
				spmd(t, comms(t, 2), func(c *comm.Comm) error {
					if c.Rank() == 1 {
						// User messages and parcels of the same tag do not meet.
						if err := expect(t.Context(), c, 0, 4, []int{1}); err != nil {
							return err
						}
						return takeParcel(t.Context(), c, bits, values, ref)
					}
					sent := make(chan error, 2)
					for dst := range 2 {
						go func() { sent <- comm.SendParcel(t.Context(), c, dst, 4, p) }()
					}
					return errors.Join(
						comm.Send(t.Context(), c, 1, 4, []int{1}),
						takeParcel(t.Context(), c, bits, values, ref),
						<-sent, <-sent)
				})
			})
		}
	}
}

func takeParcel(ctx context.Context, c *comm.Comm, bits, values []byte, ref any) error {
	in, err := comm.RecvParcel(ctx, c, 0, 4)
	if err != nil {
		return err
	}
	defer in.Discard()
	if in.Source != 0 || in.Tag != 4 || in.Flags != 5 || in.Count != 77 || in.Aux != 1<<60 || in.Size != uint64(len(bits)+len(values)) {
		return fmt.Errorf("header %+v", in)
	}
	got, ok := in.Ref()
	if ok != c.InProcess(in.Source) {
		return fmt.Errorf("by reference: %v, in process: %v", ok, c.InProcess(0))
	}
	if ok {
		if got != ref {
			return fmt.Errorf("reference to %v", got)
		}
		return nil
	}
	a, b := make([]byte, len(bits)), make([]byte, len(values))
	if err := in.ReadInto(ctx, a, b); err != nil {
		return err
	}
	if !slices.Equal(a, bits) || !slices.Equal(b, values) {
		return errors.New("other bytes")
	}
	return nil
}

func testElem[T comm.Elem](t *testing.T, comms []*comm.Comm, a, b T) {
	t.Run(fmt.Sprintf("%T", a), func(t *testing.T) {
		spmd(t, comms, func(c *comm.Comm) error {
			xs := []T{a, b, a}
			all, err := comm.Allgather(t.Context(), c, xs[:1+c.Rank()])
			if err != nil {
				return err
			}
			if want := []T{a, a, b}; !slices.Equal(all, want) {
				return fmt.Errorf("got %v, want %v", all, want)
			}
			if c.Rank() == 0 {
				return comm.Send(t.Context(), c, 1, 0, xs)
			}
			got := make([]T, 3)
			if _, err := comm.Recv(t.Context(), c, 0, 0, got); err != nil {
				return err
			}
			if !slices.Equal(got, xs) {
				return fmt.Errorf("got %v, want %v", got, xs)
			}
			return nil
		})
	})
}

func testNumber[T comm.Number](t *testing.T, comms []*comm.Comm, a, b T) {
	testElem(t, comms, a, b)
	t.Run(fmt.Sprintf("reduce %T", a), func(t *testing.T) {
		spmd(t, comms, func(c *comm.Comm) error {
			x := []T{a, b}[c.Rank():][:1]
			for i, op := range []struct {
				op   comm.Op[T]
				want T
			}{{comm.Sum[T], a + b}, {comm.Prod[T], a * b}, {comm.Min[T], min(a, b)}, {comm.Max[T], max(a, b)}} {
				got, err := comm.Allreduce(t.Context(), c, op.op, x)
				if err != nil {
					return err
				}
				if got[0] != op.want {
					return fmt.Errorf("op %d of %v and %v: got %v, want %v", i, a, b, got[0], op.want)
				}
			}
			return nil
		})
	})
}

func TestElements(t *testing.T) {
	leak.Check(t)
	comms := local(t, 2)
	testElem(t, comms, true, false)
	testElem(t, comms, complex64(1+2i), -3i)
	testElem(t, comms, 1+2i, complex128(-3i))
	testNumber(t, comms, int(-1)<<60, 3)
	testNumber[int8](t, comms, -128, 127)
	testNumber[int16](t, comms, -30000, 7)
	testNumber[int32](t, comms, 1<<30, 1<<30)
	testNumber[int64](t, comms, -1<<63, 5)
	testNumber[uint](t, comms, 1<<63, 3)
	testNumber[uint8](t, comms, 255, 2)
	testNumber[uint16](t, comms, 65535, 2)
	testNumber[uint32](t, comms, 1<<31, 2)
	testNumber[uint64](t, comms, 1<<63, 1<<63)
	testNumber[float32](t, comms, 0.1, -1e30)
	testNumber[float64](t, comms, 0.1, -1e300)
	testNumber[time.Duration](t, comms, time.Second, -time.Hour)
}
