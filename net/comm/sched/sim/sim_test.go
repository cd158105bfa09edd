package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/darray-go/darray/net/comm/sched"
	"github.com/darray-go/darray/net/comm/sched/sim"
)

// plain is a machine with round figures: a message of n bytes takes 2o + L + n ns, steps nothing.
func plain() sim.Params {
	return sim.Params{Far: sim.Path{L: 50 * time.Microsecond, O: 25 * time.Microsecond, PerByte: 1}}
}

func log2(p int) int {
	l := 0
	for 1<<l < p {
		l++
	}
	return l
}

// What theory says of one rank a port: times, messages and bytes in closed form.
func TestClosedForms(t *testing.T) {
	const us = time.Microsecond
	const alpha, l, o = 100 * us, 50 * us, 25 * us
	for _, p := range []int{2, 4, 7, 16, 33, 64} {
		for _, n := range []int{0, 64, 6400 * p} {
			even := p&(p-1) == 0
			beta := time.Duration(n)
			lg := time.Duration(log2(p))
			q := time.Duration(p)
			step := alpha + beta
			for _, tt := range []struct {
				op       sched.Op
				name     string
				time     time.Duration
				messages int
				bytes    int
				unless   bool
			}{
				{sched.Barrier, "dissemination", lg * alpha, p * log2(p), 0, false},
				{sched.Bcast, "binomial", lg * step, p - 1, n * (p - 1), !even}, // else an early child may be the last
				{sched.Allreduce, "doubling", lg * step, p * log2(p), n * p * log2(p), !even},
				{sched.Allreduce, "binomial", 2 * lg * step, 2 * (p - 1), 2 * n * (p - 1), !even},
				{sched.Allreduce, "halving", 2*lg*alpha + 2*beta*(q-1)/q, 2 * p * log2(p), 2 * n * (p - 1), !even || n < p},
				{sched.Allgather, "ring", (q - 1) * step, p * (p - 1), n * p * (p - 1), n == 0},
				{sched.Allgather, "doubling", lg*alpha + (q-1)*beta, p * log2(p), n * p * (p - 1), !even || n == 0},
				{sched.Allgather, "bruck", lg*alpha + (q-1)*beta, p * log2(p), n * p * (p - 1), n == 0},
				{sched.Alltoall, "bruck", lg * (alpha + beta*q/2), p * log2(p), n * p / 2 * p * log2(p), !even || n == 0},
				// The first message is there after o + L + n; from then on the root is busy for o a message.
				{sched.Gather, "flat", l + o + (q-1)*o + beta, p - 1, n * (p - 1), n != 64},
			} {
				if tt.unless {
					continue
				}
				got, err := sim.Time(tt.op, tt.name, n, p, plain())
				if err != nil {
					t.Fatal(err)
				}
				if got.Messages != tt.messages || got.Bytes != tt.bytes {
					t.Errorf("%s by %s, p=%d n=%d: %d messages, %d bytes, want %d, %d",
						tt.op, tt.name, p, n, got.Messages, got.Bytes, tt.messages, tt.bytes)
				}
				// Messages that meet at a port or a processor may shift each other by their own length.
				if d := got.Time - tt.time; d > tt.time/50 || -d > tt.time/50 {
					t.Errorf("%s by %s, p=%d n=%d: %v, want %v", tt.op, tt.name, p, n, got.Time, tt.time)
				}
			}
		}
	}
}

// The choice is never much worse than the best: the limits in choose.go stand for what is simulated.
func TestChoose(t *testing.T) {
	ps := []int{2, 3, 4, 5, 7, 8, 11, 16, 24, 32, 48, 64, 100}
	if testing.Short() {
		ps = []int{3, 8, 24}
	}
	for _, op := range sched.Ops() {
		t.Run(string(op), func(t *testing.T) {
			for _, p := range ps {
				for shift := 3; shift <= 24; shift++ {
					if block := op == sched.Allgather || op == sched.Alltoall || op == sched.ReduceScatter; block && shift > 20 {
						break
					}
					compare(t, op, 1<<shift, p, sim.QUIC(), nil, 1.3)
				}
			}
		})
	}
}

// compare holds the chosen algorithm against all others.
func compare(t *testing.T, op sched.Op, bytes, p int, params sim.Params, hosts []int, limit float64) {
	t.Helper()
	chosen := sched.Choose(op, bytes, p, hosts)
	var figures string
	var best, got time.Duration
	for _, name := range sched.Algorithms(op) {
		if !sched.Fits(op, name, sched.Task{Size: p, Hosts: hosts}) {
			continue
		}
		r, err := sim.Time(op, name, bytes, p, params)
		if err != nil {
			t.Fatal(err)
		}
		figures += fmt.Sprintf(" %s %v", name, r.Time)
		if best == 0 || r.Time < best {
			best = r.Time
		}
		if name == chosen {
			got = r.Time
		}
	}
	if got == 0 || float64(got) > limit*float64(best) {
		t.Errorf("%s of %d bytes over %d ranks: chosen is %s, %.2f times the best of%s", op, bytes, p, chosen, float64(got)/float64(best), figures)
	}
}

// The same for ranks that share hosts.
func TestChooseHosts(t *testing.T) {
	for _, perHost := range []int{2, 6, 8, 16} {
		for _, hosts := range []int{2, 3, 8} {
			p := perHost * hosts
			at := make([]int, p)
			for r := range at {
				at[r] = r / perHost
			}
			for shift := 3; shift <= 23; shift += 2 {
				compare(t, sched.Barrier, 0, p, sim.Cluster(perHost), at, 1.05)
				compare(t, sched.Bcast, 1<<shift, p, sim.Cluster(perHost), at, 2)
				compare(t, sched.Allreduce, 1<<shift, p, sim.Cluster(perHost), at, 2)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		op   sched.Op
		name string
		n, p int
	}{
		{sched.Bcast, "guess", 8, 4},
		{"guess", "binomial", 8, 4},
		{sched.Bcast, "binomial", -1, 4},
		{sched.Bcast, "binomial", 8, 0},
		{sched.Allreduce, "doubling", 8, 3},
		{sched.Bcast, "hosts", 8, 4},
		{sched.Allgather, "ring", 8, 7000}, // 49 million messages
	} {
		if testing.Short() && tt.p > 4 {
			continue
		}
		if r, err := sim.Time(tt.op, tt.name, tt.n, tt.p, plain()); err == nil {
			t.Errorf("%s by %s of %d bytes over %d ranks: got %v, want an error", tt.op, tt.name, tt.n, tt.p, r)
		}
	}
}

// The same question has the same answer to the last digit, also where messages meet.
func TestDeterministic(t *testing.T) {
	for _, params := range append(sim.Tiers(), sim.Cluster(5)) {
		var first sim.Result
		for i := range 3 {
			r, err := sim.Time(sched.Allreduce, "pieces", 100_000, 37, params)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && r != first {
				t.Errorf("%s: %v, then %v", params.Name, first, r)
			}
			first = r
		}
	}
}

// 4096 ranks: a tree at once, a ring over 1024 has a million messages.
func TestLarge(t *testing.T) {
	r, err := sim.Time(sched.Bcast, "binomial", 8, 4096, plain())
	if err != nil || r.Time.Round(time.Microsecond) != 1200*time.Microsecond {
		t.Errorf("a broadcast takes %v (%v), want 1.2 ms", r.Time, err)
	}
	if testing.Short() {
		t.Skip("the ring takes some seconds")
	}
	r, err = sim.Time(sched.Allgather, "ring", 8, 1024, plain())
	if err != nil || r.Messages != 1024*1023 {
		t.Errorf("a ring sends %d messages (%v), want %d", r.Messages, err, 1024*1023)
	}
}
