package darray_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// What cannot be done is an error on every rank that names the culprit, and the next call goes on.
func TestBlocksMisfit(t *testing.T) {
	leak.Check(t)
	block := func(d array.DType, shape ...int) *array.Block { return sampleBlock(d, shape, false, false, 1) }
	ordinary := func(*comm.Comm) *array.Block { return block(array.Int32, 4, 3) }
	on2 := func(b *array.Block) func(c *comm.Comm) *array.Block {
		return func(c *comm.Comm) *array.Block {
			if c.Rank() == 2 {
				return b
			}
			return ordinary(c)
		}
	}
	type call = func(ctx context.Context, c *comm.Comm, b *array.Block) (*array.Block, error)
	bcast := func(ctx context.Context, c *comm.Comm, b *array.Block) (*array.Block, error) {
		return darray.BcastBlock(ctx, c, 2, b)
	}
	scatter := func(ctx context.Context, c *comm.Comm, b *array.Block) (*array.Block, error) {
		return darray.ScatterBlock(ctx, c, 2, b)
	}
	gather := func(ctx context.Context, c *comm.Comm, b *array.Block) (*array.Block, error) {
		return darray.GatherBlock(ctx, c, 1, b)
	}
	for _, tt := range []struct {
		name string
		f    call
		of   func(c *comm.Comm) *array.Block
		is   error
		want string // in every rank's error
	}{
		{"bcast nil", bcast, on2(nil), nil, "bcast block: rank 2"},
		{"bcast zero", bcast, on2(&array.Block{}), nil, "bcast block: rank 2"},
		{"scatter nil", scatter, on2(nil), nil, "scatter block: rank 2"},
		{"scatter 0-D", scatter, on2(block(array.Int32)), darray.ErrShape, "scatter block: rank 2"},
		{"gather nil", gather, on2(nil), nil, "gather block: rank 2"},
		{"gather 0-D", gather, on2(block(array.Int32)), darray.ErrShape, "rank 2"},
		{"gather another type", gather, on2(block(array.Uint32, 4, 3)), darray.ErrDType, "rank 2"},
		{"gather another row", gather, on2(block(array.Int32, 3, 4)), darray.ErrShape, "it passes int32[3 4], rank 0 int32[4 3]"},
		{"gather fewer axes", gather, on2(block(array.Int32, 12)), darray.ErrShape, "rank 2"},
		{"allgather another type", darray.AllgatherBlock, on2(block(array.Bool, 4, 3)), darray.ErrDType, "allgather block: rank 2"},
		{"another root", func(ctx context.Context, c *comm.Comm, b *array.Block) (*array.Block, error) {
			return darray.BcastBlock(ctx, c, c.Rank()/2, b)
		}, ordinary, darray.ErrDiverged, "rank 2 is in a bcast block, root 1, rank 0 in a bcast block, root 0"},
		{"another call", func(ctx context.Context, c *comm.Comm, b *array.Block) (*array.Block, error) {
			if c.Rank() == 2 {
				return darray.AllgatherBlock(ctx, c, b)
			}
			return darray.GatherBlock(ctx, c, 0, b)
		}, ordinary, darray.ErrDiverged, "rank 2 is in an allgather block, rank 0 in a gather block, root 0"},
		{"no such root", func(ctx context.Context, c *comm.Comm, b *array.Block) (*array.Block, error) {
			return darray.ScatterBlock(ctx, c, 3, b)
		}, ordinary, nil, "root 3 is not a rank"},
	} {
		for name, over := range map[string]func(t *testing.T, p int) []link.Transport{"mem": nil, "quic": quicTransports} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				comms := blockRanks(t, 3, over)
				for r, err := range onEach(3, func(r int) error {
					_, err := tt.f(t.Context(), comms[r], tt.of(comms[r]))
					return err
				}) {
					if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("rank %d: got %v, want %v with %q", r, err, tt.is, tt.want)
					}
				}
				if err := errors.Join(onEach(3, func(r int) error {
					_, err := darray.AllgatherBlock(t.Context(), comms[r], ordinary(nil))
					return err
				})...); err != nil {
					t.Errorf("the next call: %v", err)
				}
			})
		}
	}
}

// Wrong arguments of messages, and parcels that no SendBlock makes.
func TestBlockMessagesMisfit(t *testing.T) {
	leak.Check(t)
	for name, over := range map[string]func(t *testing.T, p int) []link.Transport{"mem": nil, "quic": quicTransports} {
		t.Run(name, func(t *testing.T) {
			ctx, comms := t.Context(), blockRanks(t, 2, over)
			b := sampleBlock(array.Int64, array.Shape{2}, false, false, 1)
			for _, err := range []error{
				darray.SendBlock(ctx, comms[0], 1, 0, nil),
				darray.SendBlock(ctx, comms[0], 1, 0, &array.Block{}),
				darray.SendBlock(ctx, comms[0], 2, 0, b),
				darray.SendBlock(ctx, comms[0], 1, -1, b),
			} {
				if err == nil || !strings.HasPrefix(err.Error(), "send block: ") {
					t.Errorf("got %v", err)
				}
			}
			extent := []byte{2, 0, 0, 0, 0, 0, 0, 0}
			aux := uint64(array.Int64) | 1<<8
			for i, p := range []comm.Parcel{
				{Ref: "no block", Bufs: [][]byte{extent}},
				{Ref: (*array.Block)(nil), Bufs: [][]byte{extent}},
				{Count: 2, Aux: aux, Bufs: [][]byte{extent, make([]byte, 15)}},
				{Count: 3, Aux: aux, Bufs: [][]byte{extent, make([]byte, 24)}},
				{Count: 1 << 50, Aux: aux, Bufs: [][]byte{extent}},
				{Count: 2, Aux: 200, Bufs: [][]byte{make([]byte, 16)}},
				{Count: 2, Aux: aux | 1<<40, Bufs: [][]byte{extent, make([]byte, 16)}},
				{Count: 2, Flags: 4, Aux: aux, Bufs: [][]byte{extent, make([]byte, 16)}},
				{Count: 0, Aux: aux, Bufs: [][]byte{slices.Repeat([]byte{255}, 8)}},
			} {
				if err := comm.SendUserParcel(ctx, comms[0], 1, i, p); err != nil {
					t.Fatal(err)
				}
				if _, _, err := darray.RecvBlock(ctx, comms[1], 0, i); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("rank 0 with tag %d", i)) {
					t.Errorf("parcel %d: got %v", i, err)
				}
			}
			// The layers' own parcels, and the messages of numbers, are others.
			if err := errors.Join(
				comm.SendParcel(ctx, comms[0], 1, 0, comm.Parcel{}), comm.Send(ctx, comms[0], 1, 0, []int{1}), darray.SendBlock(ctx, comms[0], 1, 0, b),
			); err != nil {
				t.Fatal(err)
			}
			got, _, err := darray.RecvBlock(ctx, comms[1], comm.AnySource, comm.AnyTag)
			if err == nil {
				err = sameBlock(got, b)
			}
			if err != nil {
				t.Error(err)
			}
			// A sender that gives up leaves nothing behind.
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			if err := darray.SendBlock(ctx, comms[0], 1, 0, b); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if _, _, err := darray.RecvBlock(ctx, comms[1], 0, 0); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A rank that is lost, or whose context ends, does not leave the others waiting.
func TestBlocksFailure(t *testing.T) {
	leak.Check(t)
	for name, over := range map[string]func(t *testing.T, p int) []link.Transport{"mem": nil, "quic": quicTransports} {
		t.Run(name, func(t *testing.T) {
			comms := blockRanks(t, 3, over)
			b := sampleBlock(array.Float64, array.Shape{100_000}, true, false, 1)
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			for r, err := range onEach(3, func(r int) error {
				ctx := t.Context()
				if r == 2 {
					ctx = gone
				}
				_, err := darray.AllgatherBlock(ctx, comms[r], b)
				return err
			}) {
				if err == nil || r != 2 && !strings.Contains(err.Error(), "rank 2") {
					t.Errorf("rank %d: got %v", r, err)
				}
			}
			why := errors.New("out of luck")
			for r, err := range onEach(3, func(r int) error {
				if r == 2 {
					comms[r].Abort(why)
				}
				_, err := darray.GatherBlock(t.Context(), comms[r], 0, b)
				return err
			}) {
				if re := (*darray.RankError)(nil); !errors.As(err, &re) || re.Rank != 2 || !strings.Contains(err.Error(), "out of luck") {
					t.Errorf("rank %d: got %v", r, err)
				}
			}
		})
	}
}
