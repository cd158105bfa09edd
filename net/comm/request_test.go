package comm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

var requestSizes = []int{0, 1, 100, 5000, 100_000}

// Receives posted before anything is sent meet the messages in the order in which they were posted.
func TestIsendIrecv(t *testing.T) {
	leak.Check(t)
	for _, l := range benchLinks {
		spmd(t, l.comms(t, 3), func(c *comm.Comm) error {
			ctx := t.Context()
			p, r := c.Size(), c.Rank()
			var reqs []*comm.Request
			in := make(map[int][][]float64)
			for from := range p {
				for range 2 {
					for _, n := range requestSizes {
						xs := make([]float64, n+3)
						in[from] = append(in[from], xs)
						reqs = append(reqs, comm.Irecv(ctx, c, from, 1, xs))
					}
				}
			}
			receives := len(reqs)
			for to := range p {
				for salt := range 2 {
					for _, n := range requestSizes {
						reqs = append(reqs, comm.Isend(ctx, c, to, 1, input(r, n, salt)))
					}
				}
			}
			sts, err := comm.WaitAll(ctx, reqs...)
			if err != nil {
				return err
			}
			for i, st := range sts[:receives] {
				from, k := i/(2*len(requestSizes)), i%(2*len(requestSizes))
				n := requestSizes[k%len(requestSizes)]
				if want := (comm.Status{Source: from, Tag: 1, Count: n}); st != want {
					return fmt.Errorf("receive %d: %+v, want %+v", i, st, want)
				}
				if err := same(in[from][k][:n], input(from, n, k/len(requestSizes))); err != nil {
					return fmt.Errorf("receive %d: %w", i, err)
				}
			}
			return nil
		})
	}
}

func TestWaitAny(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 3), func(c *comm.Comm) error {
		ctx := t.Context()
		if c.Rank() > 0 {
			if c.Rank() == 2 { // after the root has seen rank 1's
				if _, err := comm.Recv(ctx, c, 0, 9, []int{0}); err != nil {
					return err
				}
			}
			return comm.Send(ctx, c, 0, 0, []int{c.Rank()})
		}
		a, b := []int{0}, []int{0}
		reqs := []*comm.Request{comm.Irecv(ctx, c, 2, 0, b), comm.Irecv(ctx, c, 1, 0, a)}
		i, st, err := comm.WaitAny(ctx, reqs...)
		if err != nil || i != 1 || st.Source != 1 || a[0] != 1 {
			return fmt.Errorf("first %d, %+v, %v: %w", i, st, a, err)
		}
		if _, done, _ := reqs[0].Test(); done {
			return errors.New("the receive from rank 2 is done before it sends")
		}
		if err := comm.Send(ctx, c, 2, 9, []int{0}); err != nil {
			return err
		}
		if _, err := reqs[0].Wait(ctx); err != nil || b[0] != 2 {
			return fmt.Errorf("got %v: %w", b, err)
		}
		return nil
	})
}

// The ctx of an operation ends it; the ctx of a Wait ends the waiting alone.
func TestRequestContexts(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 2)
		ctx, cancel := context.WithCancel(t.Context())
		xs := []int{0}
		r := comm.Irecv(ctx, comms[0], 1, 0, xs)
		ended, stop := context.WithCancel(t.Context())
		stop()
		if _, err := r.Wait(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait with an ended context: %v", err)
		}
		if _, done, _ := r.Test(); done {
			t.Error("the end of a Wait ended the receive")
		}
		cancel()
		if _, err := r.Wait(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("a receive whose context ended: %v", err)
		}
		// What comes later is there for the next receive.
		spmd(t, comms, func(c *comm.Comm) error {
			if c.Rank() == 1 {
				return comm.Send(t.Context(), c, 0, 0, []int{5})
			}
			return expect(t.Context(), c, 1, 0, []int{5})
		})
	})
}

func TestProbe(t *testing.T) {
	leak.Check(t)
	for _, l := range benchLinks {
		spmd(t, l.comms(t, 2), func(c *comm.Comm) error {
			ctx := t.Context()
			if c.Rank() == 1 {
				return errors.Join(comm.Send(ctx, c, 0, 4, make([]int, 7)), comm.Send(ctx, c, 0, 5, make([]float64, 70_000)))
			}
			for _, want := range []comm.Status{{Source: 1, Tag: 5, Count: 70_000}, {Source: 1, Tag: 4, Count: 7}} {
				st, err := comm.Probe(ctx, c, comm.AnySource, want.Tag)
				if err != nil || st != want {
					return fmt.Errorf("probe: %+v, want %+v: %w", st, want, err)
				}
			}
			st, there, err := comm.Iprobe(c, 1, comm.AnyTag)
			if err != nil || !there || st.Tag != 4 {
				return fmt.Errorf("iprobe: %+v, %v: %w", st, there, err)
			}
			if _, err := comm.Recv(ctx, c, 1, 4, make([]int, st.Count)); err != nil {
				return err
			}
			if _, err := comm.Recv(ctx, c, 1, 5, make([]float64, 70_000)); err != nil {
				return err
			}
			_, there, err = comm.Iprobe(c, comm.AnySource, comm.AnyTag)
			if there {
				err = errors.New("a message that nobody sent")
			}
			return err
		})
	}
}

// Everybody exchanges with everybody in a circle, in messages that wait for their receivers.
func TestSendrecvLarge(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 5), func(c *comm.Comm) error {
		p, r := c.Size(), c.Rank()
		for d := range p {
			in := make([]float64, 50_000)
			from := (r - d + p) % p
			if _, err := comm.Sendrecv(t.Context(), c, (r+d)%p, d, input(r, len(in), d), from, d, in); err != nil {
				return err
			}
			if err := same(in, input(from, len(in), d)); err != nil {
				return err
			}
		}
		return nil
	})
}
