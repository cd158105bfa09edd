//go:build linux

package chaos_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/chaos"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// suite is a program with an end: random steps, and some blocks of megabytes. Nothing fails in it.
func suite(ctx context.Context, c *comm.Comm) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := (event{Kind: joined, Rank: c.Rank(), PID: os.Getpid(), At: time.Now()}).print(); err != nil {
		return err
	}
	for round := range 2 {
		for _, o := range chaos.Run(ctx, c, chaos.Program(uint64(number(seedEnv)+round), c.Size())) {
			if o.Err != nil {
				return fmt.Errorf("%v: %w", o.Step, o.Err)
			}
		}
	}
	if err := blocks(ctx, c, 1<<17); err != nil { // 1 MiB a rank
		return err
	}
	e := event{Kind: done, Rank: c.Rank(), At: time.Now(), Links: make([]string, c.Size())}
	for _, s := range c.Stats() {
		e.Links[s.Rank] = s.Scheme
	}
	return e.print()
}

// blocks moves n elements of each rank to all others in three ways.
func blocks(ctx context.Context, c *comm.Comm, n int) error {
	p := c.Size()
	value := func(src, dst, i int) float64 { return float64(src) + float64(i)/float64(dst+3) }
	mine := make([]float64, 0, n)
	for i := range n {
		mine = append(mine, value(c.Rank(), 0, i))
	}
	all, err := comm.Allgather(ctx, c, mine)
	if err != nil {
		return err
	}
	sum, err := comm.Allreduce(ctx, c, comm.Sum, mine)
	if err != nil {
		return err
	}
	var runs []float64
	for dst := range p {
		for i := range n / p {
			runs = append(runs, value(c.Rank(), dst, i))
		}
	}
	got, err := comm.Alltoall(ctx, c, runs)
	if err != nil {
		return err
	}
	for i := range n {
		want := 0.0
		for src := range p {
			want += value(src, 0, i)
			if all[src*n+i] != value(src, 0, i) {
				return fmt.Errorf("allgather: element %d of rank %d is %v", i, src, all[src*n+i])
			}
		}
		if d := sum[i] - want; d > 1e-9 || d < -1e-9 { // a sum in another order: some ulps of at most 1e5
			return fmt.Errorf("allreduce: element %d is %v, want %v", i, sum[i], want)
		}
	}
	for src := range p {
		for i := range n / p {
			if got[src*(n/p)+i] != value(src, c.Rank(), i) {
				return fmt.Errorf("alltoall: element %d of rank %d is %v", i, src, got[src*(n/p)+i])
			}
		}
	}
	return nil
}

// finish waits until all ranks have done their part, and returns the links that they had.
func (j *job) finish(limit time.Duration) (links [][]string, err error) {
	over := time.After(limit)
	links = make([][]string, j.size())
	for range j.cmds {
		for ended := false; !ended; {
			select {
			case e := <-j.events:
				if e.Kind == done {
					links[e.Rank] = e.Links
				}
			case err := <-j.ended:
				if err != nil {
					return nil, fmt.Errorf("%w\nstderr:\n%s", err, j.stderr.String())
				}
				ended = true
			case <-over:
				return nil, fmt.Errorf("not done in %v\nstderr:\n%s", limit, j.stderr.String())
			}
		}
	}
	for { // what they said last
		select {
		case e := <-j.events:
			if e.Kind == done {
				links[e.Rank] = e.Links
			}
		default:
			return links, nil
		}
	}
}

// checkLinks wants shared memory between the ranks of a host, and another link between hosts.
func checkLinks(t *testing.T, j *job, links [][]string, between string) {
	t.Helper()
	for r, mine := range links {
		if len(mine) != j.size() {
			t.Errorf("rank %d has not said that it is done", r)
			continue
		}
		for q, got := range mine {
			want := between
			if j.hostOf(q) == j.hostOf(r) {
				want = "shm"
			}
			if q != r && got != want {
				t.Errorf("the link of ranks %d and %d is %q, want %q", r, q, got, want)
			}
		}
	}
}

// runSuite runs the suite once, and looks at its links and at what is left of it.
func runSuite(t *testing.T, n *network, p programs, launched bool, between string, env ...string) {
	t.Helper()
	begin := time.Now()
	j, err := newJob(n, [2]int{2, 2}, fmt.Sprintf("%d-suite-%d", os.Getpid(), begin.UnixNano()), "suite", slices.Concat(env, []string{seedEnv + "=7"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		left, err := j.end()
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
	}()
	start := j.direct
	if launched {
		start = j.launch
	}
	if err := start(p); err != nil {
		t.Fatal(err)
	}
	links, err := j.finish(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	checkLinks(t, j, links, between)
	t.Logf("took %v", time.Since(begin))
}

// Pretended hosts share a kernel, but nothing else: the ranks of one share memory, those of two do not.
func TestLinks(t *testing.T) {
	leak.Check(t)
	need(t)
	p, n := build(t), hosts(t)
	for _, launched := range []bool{true, false} {
		t.Run(fmt.Sprintf("launched=%v", launched), func(t *testing.T) { runSuite(t, n, p, launched, "quic") })
	}
}

// A network that loses one packet in a hundred, each way, loses nothing of a program.
func TestLoss(t *testing.T) {
	leak.Check(t)
	need(t)
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skipf("SKIPPED: the switch needs TAP devices: %v", err)
	}
	p, n := build(t), hosts(t, "soft")
	for _, host := range []string{"1", "2"} {
		if err := n.script("netem", host, "delay 1ms loss 1%"); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("quic", func(t *testing.T) { runSuite(t, n, p, false, "quic") })
	t.Run("tcp", func(t *testing.T) { runSuite(t, n, p, false, "quic+tcp", "DARRAY_BULK=tcp") })
}
