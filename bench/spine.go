package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch"
)

// Options of a suite. The zero value runs the spine at its full size with Self = this executable.
type Options struct {
	Repeat   int           // counted runs of each case; default 5
	Elements int           // elements of the big add; default 1e7
	Block    int           // bytes of the block sent between two ranks; default 64 MiB
	Batch    time.Duration // what a batch of calls takes at least; default 20 ms
	Ranks    int           // ranks in this process, where no launcher started it; default 1
	Source   string        // the module's folder, where scatteradd is built; default "."
	Log      io.Writer     // progress lines; default none
}

func (o Options) withDefaults() Options {
	if o.Repeat == 0 {
		o.Repeat = 5
	}
	if o.Elements == 0 {
		o.Elements = 1e7
	}
	if o.Block == 0 {
		o.Block = 64 << 20
	}
	if o.Batch == 0 {
		o.Batch = 20 * time.Millisecond
	}
	if o.Ranks == 0 {
		o.Ranks = 1
	}
	if o.Source == "" {
		o.Source = "."
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// Ends of the names that the report's ratio refers to.
const (
	caseLink = "block, comm.Send over quiclink"
	caseBare = "block, bare quic-go stream"
)

// Spine measures the path from one expression to its result: scatter + add + gather over both links, launch to exit,
// a small Collect, and a block over QUIC beside a bare quic-go loop between the same two processes. It blocks for a
// minute or so.
func Spine(ctx context.Context, o Options) (*Report, error) {
	o = o.withDefaults()
	r := newReport("spine")
	for _, p := range []int{2, 4} {
		fmt.Fprintf(o.Log, "add of %d float64, %d ranks, mem\n", o.Elements, p)
		runs, err := addLocal(ctx, p, o)
		if err != nil {
			return nil, err
		}
		r.add(fmt.Sprintf("scatter+add+gather n=%d, %d ranks, mem", o.Elements, p), 24*float64(o.Elements), runs)
		fmt.Fprintf(o.Log, "add of %d float64, %d ranks, quic\n", o.Elements, p)
		if err := job(ctx, p, "add", o, func(result jobResult) {
			r.add(fmt.Sprintf("scatter+add+gather n=%d, %d ranks, quic", o.Elements, p), 24*float64(o.Elements), result.Ours)
		}); err != nil {
			return nil, err
		}
	}
	block := fmt.Sprintf("%d MiB ", o.Block>>20)
	fmt.Fprintf(o.Log, "%sblock over QUIC\n", block)
	if err := job(ctx, 2, "block", o, func(result jobResult) {
		r.add(block+caseLink, float64(o.Block), result.Ours)
		r.add(block+caseBare, float64(o.Block), result.Bare)
	}); err != nil {
		return nil, err
	}
	fmt.Fprintln(o.Log, "Collect of 100 elements")
	runs, err := collectSmall(ctx)
	if err != nil {
		return nil, err
	}
	r.add("Collect n=100, local cluster", 0, runs)
	fmt.Fprintln(o.Log, "launch to exit of scatteradd, 4 ranks")
	if runs, err = launchToExit(ctx, o); err != nil {
		return nil, err
	}
	r.add("scatteradd, 4 ranks, launch to exit", 0, runs)
	return r, nil
}

// operands of the big add: driver-held slices, so that every run scatters them.
func operands(n int) (a, b darray.Array) {
	xs, ys := make([]float64, n), make([]float64, n)
	for i := range xs {
		xs[i], ys[i] = float64(i), 1
	}
	return darray.FromSlice(xs), darray.FromSlice(ys)
}

// timeAdd collects a + b o.Repeat times after one warm-up and checks the last element.
func timeAdd(ctx context.Context, c *darray.Cluster, o Options) ([]float64, error) {
	a, b := operands(o.Elements)
	var runs []float64
	for i := range o.Repeat + 1 {
		start := time.Now()
		blocks, err := c.Collect(ctx, darray.Add(a, b))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			runs = append(runs, time.Since(start).Seconds())
		}
		values, err := darray.Values[float64](blocks[0])
		if err != nil {
			return nil, err
		}
		if got := values[len(values)-1]; got != float64(o.Elements) {
			return nil, fmt.Errorf("a + b ends with %v, want %d", got, o.Elements)
		}
	}
	return runs, nil
}

func addLocal(ctx context.Context, p int, o Options) ([]float64, error) {
	c, err := darray.Local(p)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return timeAdd(ctx, c, o)
}

// collectSmall times Collect of 100 elements: each run is the mean of 1000 calls.
func collectSmall(ctx context.Context) ([]float64, error) {
	c, err := darray.Local(2)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	a, b := operands(100)
	const calls = 1000
	var runs []float64
	for range 10 {
		start := time.Now()
		for range calls {
			if _, err := c.Collect(ctx, darray.Add(a, b)); err != nil {
				return nil, err
			}
		}
		runs = append(runs, time.Since(start).Seconds()/calls)
	}
	return runs, nil
}

// jobResult is what rank 0 of a job prints.
type jobResult struct {
	Ours []float64 `json:"ours"`
	Bare []float64 `json:"bare,omitempty"`
	TLS  []float64 `json:"tls,omitempty"`
	Link string    `json:"link,omitempty"` // what carried ours
}

// job runs `darray bench rank NAME` on p processes of this executable and hands rank 0's result over.
func job(ctx context.Context, p int, name string, o Options, use func(jobResult)) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	err = launch.Run(ctx, launch.Config{
		Ranks: p,
		Argv: []string{
			self, "bench", "rank", name,
			"--repeat", strconv.Itoa(o.Repeat), "--elements", strconv.Itoa(o.Elements), "--block", strconv.Itoa(o.Block),
		},
		Stdout: &out, Stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	var result jobResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		return fmt.Errorf("bench rank %s: %w in %q", name, err, out.String())
	}
	use(result)
	return nil
}

// launchToExit builds scatteradd and times `darray run -n 4 scatteradd` from start to exit.
func launchToExit(ctx context.Context, o Options) ([]float64, error) {
	dir, err := os.MkdirTemp("", "darray-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "scatteradd")
	if err := buildExample(ctx, o.Source, program); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var runs []float64
	for i := range o.Repeat + 1 {
		start := time.Now()
		out, err := exec.CommandContext(ctx, self, "run", "-n", "4", program).Output()
		if err != nil {
			return nil, err
		}
		if string(out) != tutorialSays {
			return nil, fmt.Errorf("scatteradd printed %q", out)
		}
		if i > 0 {
			runs = append(runs, time.Since(start).Seconds())
		}
	}
	return runs, nil
}
