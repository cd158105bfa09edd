package exec_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// TestCall: every rank gets its payload and its parts, and all answers come back; one that fails is named and ends the others.
func TestCall(t *testing.T) {
	leak.Check(t)
	make3 := map[bool]func(*testing.T, ...func(int, *exec.Config)) *cluster{
		false: func(t *testing.T, each ...func(int, *exec.Config)) *cluster { return local(t, 3, each...) },
		true:  func(t *testing.T, each ...func(int, *exec.Config)) *cluster { return quic(t, 3, each...) },
	}
	for overQUIC, ranks := range make3 {
		var bad atomic.Int32
		bad.Store(-1)
		cl := ranks(t, func(rank int, c *exec.Config) {
			c.Call = func(ctx context.Context, payload []byte, parts []*array.Block) ([]byte, error) {
				switch bad := int(bad.Load()); {
				case rank == bad:
					return nil, errors.New("no space left")
				case bad >= 0:
					<-ctx.Done()
					return nil, ctx.Err()
				}
				first, _ := parts[0].Scalar(0)
				return fmt.Appendf(nil, "%d got %s and %d from %s", rank, payload, parts[0].Len(), first), nil
			}
		})
		xs := make([]int64, 3*array.LeafSize)
		for i := range xs {
			xs[i] = int64(i)
		}
		x, err := array.FromSlice(xs)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := cl.Persist(t.Context(), []*array.Node{apply(array.Add, array.Data(x, 0), number(1))})
		if err != nil {
			t.Fatal(err)
		}
		payload := func(rank int) ([]byte, error) { return fmt.Appendf(nil, "p%d", rank), nil }
		answers, err := cl.Call(t.Context(), payload, kept)
		if err != nil {
			t.Fatal(err)
		}
		for r := range 3 {
			want := fmt.Sprintf("%d got p%d and %d from %d", r, r, array.LeafSize, r*array.LeafSize+1)
			if string(answers[r]) != want {
				t.Errorf("over QUIC %v: rank %d answers %q, want %q", overQUIC, r, answers[r], want)
			}
		}
		for bad.Store(0); bad.Load() < 3; bad.Add(1) {
			_, err := cl.Call(t.Context(), payload, kept)
			var re *comm.RankError
			if !errors.As(err, &re) || re.Rank != int(bad.Load()) || !strings.Contains(err.Error(), "no space left") {
				t.Errorf("over QUIC %v: rank %d fails: %v", overQUIC, bad.Load(), err)
			}
		}
		bad.Store(7)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := cl.Call(ctx, payload, kept); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := cl.Call(t.Context(), payload, []*array.Node{array.Data(x, 0)}); !errors.Is(err, array.ErrGraph) {
			t.Errorf("of data: %v", err)
		}
		bad.Store(-1)
		if _, err := cl.Call(t.Context(), payload, kept); err != nil {
			t.Errorf("after failures: %v", err)
		}
		check(t, cl, apply(array.Sum, array.Data(x, 0)))
		cl.stop()
	}
}
