package sched_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/darray-go/darray/net/comm/sched"
)

// value is the i-th element that rank r passes.
func value(r, i int) uint64 { return uint64(r+1)<<40 | uint64(i+1) }

func values(r, lo, hi int) []uint64 {
	xs := make([]uint64, 0, hi-lo)
	for i := lo; i < hi; i++ {
		xs = append(xs, value(r, i))
	}
	return xs
}

// reduced combines the vectors of n ranks along the documented tree: neighbours, then pairs of them, and so on.
func reduced(n, lo, hi int) []uint64 {
	var all [][]uint64
	for r := range n {
		all = append(all, values(r, lo, hi))
	}
	for len(all) > 1 {
		var next [][]uint64
		for i := 0; i < len(all); i += 2 {
			x := slices.Clone(all[i])
			if i+1 < len(all) {
				for j := range x {
					x[j] = op(x[j], all[i+1][j])
				}
			}
			next = append(next, x)
		}
		all = next
	}
	return all[0]
}

// problem is one collective on all ranks: tasks, what they pass, and what they get (nil: nothing).
type problem struct {
	tasks           []sched.Task
	ins, outs, want [][]uint64
	alias           bool // the collective may work in place
}

// bounds gives rank r between 0 and 3 parts of n.
func bounds(p, n int) []int {
	b := make([]int, p+1)
	for r := range p {
		b[r+1] = b[r] + (r*5+2)%4*n/3
	}
	return b
}

// pose states op for p ranks; uneven: with blocks that differ, where it can have them.
func pose(o sched.Op, p, root, n int, uneven bool, hosts []int) problem {
	var pr problem
	var b []int
	at := func(i int) int { return i * n }
	if uneven {
		b = bounds(p, n)
		at = func(i int) int { return b[i] }
	}
	whole := func(source func(i int) []uint64) (all []uint64) {
		for i := range p {
			all = append(all, source(i)...)
		}
		return all
	}
	var total []uint64
	switch o {
	case sched.Reduce, sched.Allreduce:
		total = reduced(p, 0, n)
	case sched.ReduceScatter:
		total = reduced(p, 0, at(p))
	}
	for r := range p {
		t := sched.Task{Rank: r, Size: p, Root: root, N: n, Segment: 3, Hosts: hosts}
		var in, out, want []uint64
		switch o {
		case sched.Barrier:
		case sched.Bcast:
			out, want = values(r, 0, n), values(root, 0, n)
		case sched.Scatter:
			t.Bounds = b
			if r == root {
				in = values(root, 0, at(p))
			}
			want = values(root, at(r), at(r+1))
		case sched.Gather, sched.Allgather:
			t.Bounds = b
			in = values(r, 0, at(r+1)-at(r))
			if o == sched.Allgather || r == root {
				want = whole(func(i int) []uint64 { return values(i, 0, at(i+1)-at(i)) })
			}
		case sched.Alltoall:
			in = values(r, 0, p*n)
			want = whole(func(i int) []uint64 { return values(i, r*n, (r+1)*n) })
			if uneven { // rank i sends rank r's block of length (i+2r)%3*n
				length := func(i, r int) int { return (i + 2*r) % 3 * n }
				t.To, t.From = []int{0}, []int{0}
				for i := range p {
					t.To = append(t.To, t.To[i]+length(r, i))
					t.From = append(t.From, t.From[i]+length(i, r))
				}
				in = values(r, 0, t.To[p])
				want = whole(func(i int) []uint64 {
					lo := 0
					for j := range r {
						lo += length(i, j)
					}
					return values(i, lo, lo+length(i, r))
				})
			}
		case sched.Reduce, sched.Allreduce:
			in, pr.alias = values(r, 0, n), true
			if o == sched.Allreduce || r == root {
				want = total[:n]
			}
		case sched.ReduceScatter:
			t.Bounds = b
			in, want, pr.alias = values(r, 0, at(p)), total[at(r):at(r+1)], !uneven
		case sched.Scan:
			in, want, pr.alias = values(r, 0, n), reduced(r+1, 0, n), true
		case sched.Exscan:
			in, pr.alias = values(r, 0, n), true
			if r > 0 {
				want = reduced(r, 0, n)
			}
		}
		if out == nil {
			out = make([]uint64, len(want))
		}
		pr.tasks = append(pr.tasks, t)
		pr.ins, pr.outs, pr.want = append(pr.ins, in), append(pr.outs, out), append(pr.want, want)
	}
	return pr
}

// solve runs pr by the algorithm of that name and compares.
func (pr problem) solve(o sched.Op, name string) error {
	var all []sched.Schedule
	for _, t := range pr.tasks {
		s, err := sched.New(o, name, t)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	before := make([][]uint64, len(pr.ins))
	for r := range pr.ins {
		before[r] = slices.Clone(pr.ins[r])
	}
	if err := run(all, pr.ins, pr.outs); err != nil {
		return err
	}
	for r, want := range pr.want {
		if want != nil && !slices.Equal(pr.outs[r], want) {
			return fmt.Errorf("rank %d got %x, want %x", r, pr.outs[r], want)
		}
		if !slices.Equal(pr.ins[r], before[r]) {
			return fmt.Errorf("rank %d: what the caller passed has changed", r)
		}
	}
	if !pr.alias {
		return nil
	}
	for r, want := range pr.want {
		pr.outs[r] = pr.ins[r][:len(want):len(want)]
	}
	if err := run(all, pr.ins, pr.outs); err != nil {
		return fmt.Errorf("in place: %w", err)
	}
	for r, want := range pr.want {
		if want != nil && !slices.Equal(pr.outs[r], want) {
			return fmt.Errorf("in place: rank %d got %x, want %x", r, pr.outs[r], want)
		}
	}
	return nil
}

// every calls f for each operation and algorithm.
func every(t *testing.T, f func(t *testing.T, o sched.Op, name string)) {
	for _, o := range sched.Ops() {
		for _, name := range sched.Algorithms(o) {
			t.Run(string(o)+"/"+name, func(t *testing.T) { f(t, o, name) })
		}
	}
}

func check(t *testing.T, o sched.Op, name string, p, root, n int, uneven bool, hosts []int) {
	t.Helper()
	pr := pose(o, p, root, n, uneven, hosts)
	if !sched.Fits(o, name, pr.tasks[0]) {
		return
	}
	if err := pr.solve(o, name); err != nil {
		t.Fatalf("p=%d root=%d n=%d uneven=%v hosts=%v: %v", p, root, n, uneven, hosts, err)
	}
}

func rooted(o sched.Op) bool {
	return o == sched.Bcast || o == sched.Scatter || o == sched.Gather || o == sched.Reduce
}

// blocks: each rank, or pair of ranks, has one that may differ in length.
func blocks(o sched.Op) bool {
	switch o {
	case sched.Scatter, sched.Gather, sched.Allgather, sched.Alltoall, sched.ReduceScatter:
		return true
	}
	return false
}

// groups are ways for p ranks to lie on hosts.
func groups(p int) [][]int {
	var one, pairs, uneven, deal []int
	for r := range p {
		one = append(one, 7)
		pairs = append(pairs, r/2)
		uneven = append(uneven, -(r * r / 16))
		deal = append(deal, r%3)
	}
	return [][]int{one, pairs, uneven, deal}
}

func TestSchedules(t *testing.T) {
	every(t, func(t *testing.T, o sched.Op, name string) {
		var ps []int
		for p := 1; p <= 33; p++ {
			ps = append(ps, p)
		}
		ps = append(ps, 64, 65, 127, 128)
		if testing.Short() {
			ps = []int{1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 33}
		}
		for _, p := range ps {
			roots := []int{0}
			if rooted(o) && p <= 9 {
				for r := 1; r < p; r++ {
					roots = append(roots, r)
				}
			} else if rooted(o) {
				roots = append(roots, p*2/3)
			}
			sizes := []int{0, 1, 2, p - 1, p, 2*p + 1}
			switch {
			case p > 33:
				sizes = []int{1}
				if o == sched.Bcast || o == sched.Reduce || o == sched.Allreduce {
					sizes = []int{1, p + 1}
				}
			case p > 9:
				sizes = []int{0, 1, p + 1}
			}
			hosts := [][]int{nil}
			if name == "hosts" {
				hosts = groups(p)
			}
			for _, root := range roots {
				for _, n := range sizes {
					for _, h := range hosts {
						check(t, o, name, p, root, n, false, h)
						if blocks(o) {
							check(t, o, name, p, root, n, true, h)
						}
					}
				}
			}
		}
	})
}

// Counts, offsets and lengths beyond 2^31, and beyond 2^40, are as good as others.
func TestHugeCounts(t *testing.T) {
	every(t, func(t *testing.T, o sched.Op, name string) {
		for _, p := range []int{2, 3, 8, 13} {
			for _, n := range []int{1<<31 + 1, 5<<40 + 3} {
				var all []sched.Schedule
				for r := range p {
					task := sched.Task{Rank: r, Size: p, Root: p - 1, N: n, Segment: n / 7, Hosts: groups(p)[1]}
					if !sched.Fits(o, name, task) {
						return
					}
					s, err := sched.New(o, name, task)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, s)
				}
				if err := dryRun(all, n*p, n*p); err != nil {
					t.Fatalf("p=%d n=%d: %v", p, n, err)
				}
			}
		}
	})
}

// Many ranks, for what has a few messages a rank.
func TestManyRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	for _, p := range []int{1000, 1024} {
		for o, names := range map[sched.Op][]string{
			sched.Barrier:   {"dissemination", "hosts"},
			sched.Bcast:     {"binomial", "hosts"},
			sched.Scatter:   {"flat", "binomial"},
			sched.Gather:    {"flat", "binomial"},
			sched.Reduce:    {"binomial"},
			sched.Allreduce: {"doubling", "halving", "binomial", "hosts"},
			sched.Scan:      {"doubling"},
			sched.Exscan:    {"doubling"},
		} {
			for _, name := range names {
				if o == sched.Scan || o == sched.Exscan {
					p %= 768 // the reference is slow
				}
				check(t, o, name, p, p/3, 1, false, groups(p)[1])
			}
		}
	}
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		op   sched.Op
		name string
		task sched.Task
	}{
		{sched.Bcast, "fast", sched.Task{Size: 2}},
		{"cast", "binomial", sched.Task{Size: 2}},
		{sched.Bcast, "binomial", sched.Task{}},
		{sched.Bcast, "binomial", sched.Task{Size: 2, Rank: 2}},
		{sched.Bcast, "binomial", sched.Task{Size: 2, Rank: -1}},
		{sched.Bcast, "binomial", sched.Task{Size: 2, Root: 2}},
		{sched.Bcast, "binomial", sched.Task{Size: 2, N: -1}},
		{sched.Bcast, "hosts", sched.Task{Size: 2}},
		{sched.Allreduce, "hosts", sched.Task{Size: 3, Hosts: []int{0, 1, 0}}},
		{sched.Allreduce, "halving", sched.Task{Size: 6}},
		{sched.Alltoall, "bruck", sched.Task{Size: 2, To: []int{0, 1, 2}, From: []int{0, 1, 2}}},
	} {
		if _, err := sched.New(tt.op, tt.name, tt.task); err == nil {
			t.Errorf("%s by %s of %+v: no error", tt.op, tt.name, tt.task)
		}
	}
}

// Whoever stops asking is asked no more.
func TestStop(t *testing.T) {
	every(t, func(t *testing.T, o sched.Op, name string) {
		for r := range 8 {
			s, err := sched.New(o, name, sched.Task{Rank: r, Size: 8, N: 100, Segment: 1, Hosts: groups(8)[1]})
			if err != nil {
				t.Fatal(err)
			}
			for range s.Rounds {
				break
			}
		}
	})
}
