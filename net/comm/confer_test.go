package comm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// Every rank gets what rank 0 made of the values of all, by reference; nil is a value like others.
func TestConfer(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 2, 5, 33} {
		comms := local(t, p)
		given := make([]*int, p)
		for r := 1; r < p; r++ {
			given[r] = new(int)
		}
		spmd(t, comms, func(c *comm.Comm) error {
			for range 3 {
				var mine any
				if c.Rank() > 0 {
					mine = given[c.Rank()]
				}
				got, err := comm.Confer(t.Context(), c, mine, func(values []any) []any {
					return append(values[1:], values[0]) // to each rank what the next one gave
				})
				if err != nil {
					return err
				}
				if next := (c.Rank() + 1) % p; next == 0 && got != nil || next > 0 && got != given[next] {
					return fmt.Errorf("rank %d got %v", c.Rank(), got)
				}
			}
			return nil
		})
	}
}

func TestConferFails(t *testing.T) {
	leak.Check(t)
	same := func(values []any) []any { return values }
	for name, f := range map[string]func(ctx context.Context, c *comm.Comm) error{
		"too few": func(ctx context.Context, c *comm.Comm) error {
			_, err := comm.Confer(ctx, c, 1, func(values []any) []any { return values[1:] })
			return err
		},
		"another call": func(ctx context.Context, c *comm.Comm) error {
			if c.Rank() == 1 {
				return comm.Barrier(ctx, c)
			}
			_, err := comm.Confer(ctx, c, 1, same)
			return err
		},
		"gives up": func(ctx context.Context, c *comm.Comm) error {
			if c.Rank() == 1 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				cancel()
			}
			_, err := comm.Confer(ctx, c, 1, same)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for r, err := range each(local(t, 3), func(c *comm.Comm) error { return f(t.Context(), c) }) {
				if err == nil || name == "another call" && !errors.Is(err, comm.ErrDiverged) {
					t.Errorf("rank %d: got %v", r, err)
				}
			}
		})
	}
	for r, err := range each(overQUIC(t, 2), func(c *comm.Comm) error {
		_, err := comm.Confer(t.Context(), c, 1, same)
		return err
	}) {
		if err == nil || !strings.Contains(err.Error(), "is in another process") {
			t.Errorf("over QUIC, rank %d: got %v", r, err)
		}
	}
}
