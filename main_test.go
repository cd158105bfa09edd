package darray_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/net/comm"
)

// programs are what this test binary runs as a rank of a job; programEnv names one.
var programs = map[string]func() error{
	"parts": writesParts, "parts lost": losesWriter,
	"driver": func() error {
		return darray.Main(func(ctx context.Context, c *darray.Cluster) error {
			f, err := darray.Open("examples/data/flights-200k.arrow")
			if err != nil {
				return err
			}
			total := darray.Sum(darray.Add(f.Col("distance"), f.Col("delay")))
			blocks, stats, err := c.CollectStats(ctx, total, darray.Sum(f.Col("time")), darray.Multiply(f.Col("delay"), 2))
			if err != nil {
				return err
			}
			fmt.Println(blocks[0], blocks[1], blocks[2].Len(), stats.Ranks, c.Size())
			return nil
		})
	},
	"persists": func() error {
		return darray.Main(func(ctx context.Context, c *darray.Cluster) error {
			f, err := darray.Open("examples/data/flights-200k.arrow")
			if err != nil {
				return err
			}
			once, err := c.Persist(ctx, darray.Multiply(f.Col("distance"), 2))
			if err != nil {
				return err
			}
			both, err := c.Persist(ctx, darray.Add(once[0], once[0]), darray.Max(once[0]))
			if err != nil {
				return err
			}
			once[0].Release()
			total, stats, err := c.CollectStats(ctx, darray.Sum(both[0]), darray.Subtract(darray.Max(both[0]), both[1]))
			if err != nil {
				return err
			}
			_, wrong := c.Collect(ctx, once[0])
			moved := 0
			for _, bytes := range stats.Moved {
				moved += bytes
			}
			fmt.Println(total[0], total[1], moved < 64<<10, wrong != nil)
			return nil
		})
	},
	"spmd": func() error {
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			all, err := comm.Gather(ctx, c, 0, []int{c.Rank() * c.Rank()})
			if err == nil && c.Rank() == 0 {
				fmt.Println(all)
			}
			return err
		})
	},
	"both": func() error {
		return darray.SPMD(messagesAndArrays)
	},
	"fails": func() error {
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			if c.Rank() == 1 {
				return errors.New("rank one is out of luck")
			}
			return comm.Barrier(ctx, c)
		})
	},
	"exits": func() error {
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			if c.Rank() == 1 {
				fmt.Fprintln(os.Stderr, "last words")
				os.Exit(7)
			}
			return comm.Barrier(ctx, c)
		})
	},
	"culprit": func() error {
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			for {
				if err := comm.Barrier(ctx, c); err != nil {
					return fmt.Errorf("rank %d is broken off: %v", c.Rank(), err) // its type is lost
				}
				if c.Rank() == 2 {
					panic("a bug of the user's")
				}
			}
		})
	},
	"hangs": func() error {
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			if err := comm.Barrier(ctx, c); err != nil || c.Rank() == 1 {
				<-ctx.Done()
				return err
			}
			_, err := comm.Allreduce(ctx, c, comm.Sum, []int{1})
			return err
		})
	},
	"alone": func() error { return nil },
	"absent": func() error {
		if os.Getenv("DARRAY_RANK") == "1" {
			return nil
		}
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error { return comm.Barrier(ctx, c) })
	},
	"interrupted": func() error {
		err := darray.Main(func(ctx context.Context, c *darray.Cluster) error {
			if _, err := c.Collect(ctx, darray.Sum(darray.Arange(0.0, 1e5, 1))); err != nil {
				return err
			}
			fmt.Println("ready")
			_, err := c.Collect(ctx, darray.Sum(darray.Sqrt(darray.Arange(0.0, 1e13, 1))))
			return err
		})
		fmt.Printf("rank %s ends with %v\n", os.Getenv("DARRAY_RANK"), err)
		return nil
	},
	"dies": func() error {
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				return err
			}
			now := []int64{time.Now().UnixNano()}
			if err := comm.Bcast(ctx, c, 1, now); err != nil {
				return err
			}
			// Not a barrier: who leaves one first may die before its last message has left.
			if c.Rank() == 1 {
				for _, rank := range []int{0, 2} {
					if _, err := comm.Recv(ctx, c, rank, 0, now); err != nil {
						return err
					}
				}
				return self.Kill()
			}
			if err := comm.Send(ctx, c, 1, 0, now); err != nil {
				return err
			}
			// Not from the one that dies, and not with ctx, which the launcher ends by a signal.
			_, err = comm.Recv(context.Background(), c, 2-c.Rank(), 0, now)
			took := time.Since(time.Unix(0, now[0]))
			fmt.Printf("rank %d after %d ms: %v\n", c.Rank(), took.Milliseconds(), err)
			return nil
		})
	},
	"panics": func() error {
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			if c.Rank() == 1 {
				panic("a bug of the user's")
			}
			err := comm.Barrier(ctx, c)
			fmt.Printf("rank %d hears %v\n", c.Rank(), err)
			return err
		})
	},
}

// messagesAndArrays mixes messages with collects over the same ranks.
func messagesAndArrays(ctx context.Context, c *comm.Comm) error {
	cluster, err := darray.Over(c)
	if err != nil {
		return err
	}
	defer cluster.Close()
	// Only rank 0's slice counts; the others bring one of the same length.
	xs := make([]float64, 5000)
	for i := range xs {
		xs[i] = float64(i * (1 - min(1, c.Rank())))
	}
	blocks, err := cluster.Collect(ctx, darray.Sum(darray.FromSlice(xs)))
	if err != nil {
		return err
	}
	total := make([]float64, 1)
	if c.Rank() == 0 {
		if total, err = darray.Values[float64](blocks[0]); err != nil {
			return err
		}
	}
	if err := comm.Bcast(ctx, c, 0, total); err != nil {
		return err
	}
	if total[0] != 5000*4999/2 {
		return fmt.Errorf("rank %d has sum %v", c.Rank(), total[0])
	}
	// Ranks that collect different arrays are told.
	other := darray.Arange(0, 4+c.Rank(), 1)
	if _, err := cluster.Collect(ctx, darray.Sum(other)); c.Size() > 1 && !errors.Is(err, darray.ErrDiverged) {
		return fmt.Errorf("rank %d: different arrays give %w", c.Rank(), err)
	}
	return comm.Barrier(ctx, c)
}

const programEnv = "DARRAY_TEST_PROGRAM"

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(programEnv)
	if !ok {
		// The default cluster is never closed: it starts before the tests that look for goroutines left behind.
		if _, err := darray.Sum(darray.Arange(0, 1<<20, 1)).Collect(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if err := programs[name](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// job runs a program on n ranks over QUIC and gives its output.
func job(t *testing.T, program string, n int, env ...string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	err = launch.Run(ctx, launch.Config{
		Ranks: n, Argv: []string{self}, Env: append(append(os.Environ(), programEnv+"="+program), env...),
		Stdout: &stdout, Stderr: &stderr,
	})
	if err != nil {
		t.Logf("stderr of the ranks:\n%s", stderr.String())
	}
	return stdout.String(), err
}

func TestMainOverQUIC(t *testing.T) {
	// 147347284 and the sum of time are what other programs compute from the same file; 4 ranks and 1 print the same digits.
	var first string
	for _, n := range []int{1, 2, 4} {
		out, err := job(t, "driver", n)
		if err != nil {
			t.Fatalf("%d ranks: %v", n, err)
		}
		fields := strings.Fields(out)
		if len(fields) != 5 || fields[0] != "147347284" || fields[2] != "200000" || fields[4] != fmt.Sprint(n) {
			t.Fatalf("%d ranks print %q", n, out)
		}
		if first == "" {
			first = fields[1]
		}
		if fields[1] != first {
			t.Errorf("sum(time) is %s on %d ranks, %s on one", fields[1], n, first)
		}
	}
}

// TestPersistOverProcesses: what is persisted stays with the ranks that computed it, until it is released.
func TestPersistOverProcesses(t *testing.T) {
	f, err := darray.Open("examples/data/flights-200k.arrow")
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Col("distance").Collect()
	if err != nil {
		t.Fatal(err)
	}
	distance, err := darray.Values[int16](b)
	if err != nil {
		t.Fatal(err)
	}
	sum, most := 0, int16(0)
	for _, d := range distance {
		sum, most = sum+4*int(d), max(most, d)
	}
	for _, n := range []int{2, 4} {
		if out, err := job(t, "persists", n); err != nil || out != fmt.Sprintln(sum, 2*most, true, true) {
			t.Errorf("%d ranks print %q, want %d and %d: %v", n, out, sum, 2*most, err)
		}
	}
}

func TestSPMDOverQUIC(t *testing.T) {
	out, err := job(t, "spmd", 3)
	if err != nil || out != "[0 1 4]\n" {
		t.Fatalf("printed %q, %v", out, err)
	}
}

func TestMessagesAndArrays(t *testing.T) {
	for _, p := range []int{1, 3} {
		if err := (darray.Config{Ranks: p}).SPMD(messagesAndArrays); err != nil {
			t.Errorf("%d ranks in process: %v", p, err)
		}
	}
	if _, err := job(t, "both", 3); err != nil {
		t.Errorf("3 processes: %v", err)
	}
}

func TestSPMDAlone(t *testing.T) {
	for _, p := range []int{1, 4} {
		var got []int
		err := darray.Config{Ranks: p}.SPMD(func(ctx context.Context, c *comm.Comm) error {
			all, err := comm.Gather(ctx, c, 0, []int{c.Rank()})
			if c.Rank() == 0 {
				got = all
			}
			return err
		})
		if err != nil || len(got) != p || got[p-1] != p-1 {
			t.Errorf("%d ranks gather %v, %v", p, got, err)
		}
	}
}

func TestSPMDPanicBecomesAnError(t *testing.T) {
	err := darray.Config{Ranks: 3}.SPMD(func(ctx context.Context, c *comm.Comm) error {
		if c.Rank() == 2 {
			panic("a bug of the user's")
		}
		return comm.Barrier(ctx, c)
	})
	if err == nil || !strings.Contains(err.Error(), "a bug of the user's") {
		t.Fatalf("error %v", err)
	}
}
