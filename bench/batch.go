package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/net/comm"
)

// maxInner bounds the calls of one batch.
const maxInner = 10_000

// CaseLine is what rank 0 of ours and of the rivals prints for a case, as one line of JSON.
type CaseLine struct {
	Case  string    `json:"case,omitempty"`   // "allreduce:65536"
	Bytes int       `json:"bytes,omitempty"`  // the number in Case
	Inner int       `json:"inner,omitempty"`  // calls in a batch
	Runs  []float64 `json:"runs_s,omitempty"` // for each batch: wall seconds of the slowest rank for one call
	CPU   []float64 `json:"cpu_s,omitempty"`  // for each batch: CPU seconds of all ranks for one call
	Link  string    `json:"link,omitempty"`   // a first line of ours: what is between the ranks
}

// collectivesRank runs the cases on the ranks of this job, or on o.Ranks goroutines, as rivals/osu.c does.
func collectivesRank(o Options, cases []string, w io.Writer) error {
	cfg, err := darray.ConfigFromEnv()
	if err != nil {
		return err
	}
	cfg.Ranks = o.Ranks
	return cfg.SPMD(func(ctx context.Context, c *comm.Comm) error {
		out := json.NewEncoder(io.Discard)
		if c.Rank() == 0 {
			out = json.NewEncoder(w)
		}
		if err := comm.Barrier(ctx, c); err != nil {
			return err
		}
		if err := out.Encode(CaseLine{Link: between(c)}); err != nil {
			return err
		}
		for _, name := range cases {
			line, err := measure(ctx, c, name, o)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := out.Encode(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// between names what carries this rank's messages: "mem", "quic", "quic+tcp"; several with a comma.
func between(c *comm.Comm) string {
	var schemes []string
	for _, peer := range c.Stats() {
		if peer.Scheme != "" && peer.Rank != c.Rank() && !slices.Contains(schemes, peer.Scheme) {
			schemes = append(schemes, peer.Scheme)
		}
	}
	return strings.Join(schemes, ",")
}

// measure checks one result of a case, lets the batches grow until one takes o.Batch, and times o.Repeat of them.
func measure(ctx context.Context, c *comm.Comm, name string, o Options) (CaseLine, error) {
	op, n, err := parseCase(name)
	if err != nil {
		return CaseLine{}, err
	}
	line := CaseLine{Case: name, Bytes: n, Inner: 1}
	m := &memory{c: c}
	load, err := newWorkload(m, op, n)
	if err == nil {
		err = load.call(ctx)
	}
	if err != nil {
		return line, err
	}
	if !load.check() {
		return line, errors.New("wrong result")
	}
	halves := 1.0
	if op == "pingpong" {
		halves = 2
	}
	for {
		wall, _, err := batch(ctx, c, load, line.Inner)
		if err != nil {
			return line, err
		}
		if wall >= o.Batch.Seconds() || line.Inner == maxInner {
			break
		}
		grow := min(10, max(2, 1.2*o.Batch.Seconds()/max(wall, 1e-9)))
		line.Inner = min(maxInner, int(float64(line.Inner)*grow))
	}
	for range o.Repeat {
		wall, work, err := batch(ctx, c, load, line.Inner)
		if err != nil {
			return line, err
		}
		calls := float64(line.Inner)
		line.Runs, line.CPU = append(line.Runs, wall/calls/halves), append(line.CPU, work/calls)
	}
	m.release() // behind the last barrier: nobody reads it any more
	return line, nil
}

// batch gives the wall seconds of the slowest rank for inner calls, and the CPU seconds of all ranks until the last is done.
func batch(ctx context.Context, c *comm.Comm, load workload, inner int) (wall, work float64, err error) {
	if err := comm.Barrier(ctx, c); err != nil {
		return 0, 0, err
	}
	cpu, start := report.CPUSeconds(), time.Now()
	for range inner {
		if err := load.call(ctx); err != nil {
			return 0, 0, err
		}
	}
	wall = time.Since(start).Seconds()
	if err := comm.Barrier(ctx, c); err != nil {
		return 0, 0, err
	}
	cpu = report.CPUSeconds() - cpu
	if c.Rank() > 0 && c.InProcess(0) {
		cpu = 0 // rank 0 counts for the process
	}
	slowest, err := comm.Allreduce(ctx, c, comm.Max[float64], []float64{wall})
	if err != nil {
		return 0, 0, err
	}
	all, err := comm.Allreduce(ctx, c, comm.Sum[float64], []float64{cpu})
	if err != nil {
		return 0, 0, err
	}
	return slowest[0], all[0], nil
}
