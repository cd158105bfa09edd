package comm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// Rows and columns of a grid: each is a communicator of its own, with ranks ordered by key, and the suite runs on all of
// them beside each other and beside the communicator that they came from.
func TestSplit(t *testing.T) {
	leak.Check(t)
	comms := local(t, 12)
	const columns = 4
	spmd(t, comms, func(c *comm.Comm) error {
		ctx := t.Context()
		row, err := c.Split(ctx, c.Rank()/columns, -c.Rank()) // in descending order
		if err != nil {
			return err
		}
		column, err := c.Split(ctx, c.Rank()%columns, 0)
		if err != nil {
			return err
		}
		if row.Size() != columns || row.WorldRank(row.Rank()) != c.Rank() || row.WorldRank(0) != c.Rank()/columns*columns+columns-1 {
			return fmt.Errorf("row of rank %d: rank %d of %d, led by %d", c.Rank(), row.Rank(), row.Size(), row.WorldRank(0))
		}
		for root := range column.Size() {
			if err := errors.Join(checkAll(ctx, row, root, 50), checkAll(ctx, column, root, 50), checkAll(ctx, c, root, 20)); err != nil {
				return err
			}
		}
		if err := ringAround(ctx, row); err != nil {
			return err
		}
		return errors.Join(row.Close(), column.Close(), row.Close(), checkAll(ctx, c, 1, 10))
	})
}

// ringAround passes each rank's number once around c.
func ringAround(ctx context.Context, c *comm.Comm) error {
	p, r := c.Size(), c.Rank()
	in := []int{-1}
	st, err := comm.Sendrecv(ctx, c, (r+1)%p, 3, []int{r}, (r-1+p)%p, 3, in)
	if err != nil || in[0] != (r-1+p)%p || st.Source != in[0] {
		return fmt.Errorf("rank %d got %d from rank %d: %w", r, in[0], st.Source, err)
	}
	return nil
}

func TestSplitSome(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 5), func(c *comm.Comm) error {
		color := 7
		if c.Rank() == 2 {
			color = -1
		}
		d, err := c.Split(t.Context(), color, 0)
		if err != nil || c.Rank() == 2 {
			if d != nil {
				err = errors.New("a rank without a color got a communicator")
			}
			return err
		}
		e, err := d.Dup(t.Context())
		if err != nil {
			return err
		}
		got, err := comm.Allgather(t.Context(), e, []int{c.Rank()})
		if want := []int{0, 1, 3, 4}; err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("the ranks are %v, want %v: %w", got, want, err)
		}
		return errors.Join(e.Close(), d.Close())
	})
}

// A rank that closes a derived communicator leaves the others an error in place of a message, and the rest of the job.
func TestCloseDerived(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 3)
		errs := each(comms, func(c *comm.Comm) error {
			d, err := c.Dup(t.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			if c.Rank() == 1 {
				return nil
			}
			if c.Rank() == 2 {
				return comm.Barrier(minutes(t), d)
			}
			_, err = comm.Recv(minutes(t), d, 1, 0, make([]int, 1))
			return err
		})
		for _, r := range []int{0, 2} {
			var re *comm.RankError
			if !errors.As(errs[r], &re) || !errors.Is(errs[r], comm.ErrLeft) {
				t.Errorf("rank %d: %v", r, errs[r])
			}
		}
		spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 0, 9) })
	})
}

// Ranks in different calls hear of each other's call and line at once, although no message of theirs would ever meet.
func TestDivergedLines(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 3)
		errs := each(comms, func(c *comm.Comm) error {
			if c.Rank() == 0 {
				_, err := comm.Gather(minutes(t), c, 0, []int{1})
				return err
			}
			return comm.Bcast(minutes(t), c, 0, make([]int, 4))
		})
		for r, err := range errs {
			if !errors.Is(err, comm.ErrDiverged) || strings.Count(fmt.Sprint(err), "group_test.go:") != 2 ||
				!strings.Contains(fmt.Sprint(err), "Gather #1 of int64, root 0 (") || !strings.Contains(fmt.Sprint(err), "Bcast #1 of 4 int64, root 0 (") {
				t.Errorf("rank %d: %v", r, err)
			}
		}
	})
}

// A receive from anybody ends when all others have closed the communicator.
func TestCloseDerivedByAll(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 12)
		errs := each(comms, func(c *comm.Comm) error {
			d, err := c.Dup(t.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			if c.Rank() != 5 {
				return nil
			}
			_, err = comm.Recv(minutes(t), d, comm.AnySource, 0, make([]int, 1))
			return err
		})
		if !errors.Is(errs[5], comm.ErrLeft) {
			t.Errorf("got %v, want ErrLeft", errs[5])
		}
		spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 0, 9) })
	})
}
