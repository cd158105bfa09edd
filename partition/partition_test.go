package partition_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/partition"
)

// trials is how many random layouts a property is tried on; the seeds are fixed, so that a failure comes again.
const trials = 2000

// random returns a layout of n indices over 1 to 9 ranks: balanced, on one rank, or cut anywhere, often with empty blocks.
func random(rng *rand.Rand, n int) partition.Layout {
	p := 1 + rng.IntN(9)
	switch rng.IntN(4) {
	case 0:
		return partition.Balanced(n, p)
	case 1:
		return partition.OnRank(n, p, rng.IntN(p))
	}
	cuts := []int{n}
	for range p - 1 {
		cuts = append(cuts, rng.IntN(n+1))
	}
	slices.Sort(cuts)
	counts, last := make([]int, p), 0
	for r, c := range cuts {
		counts[r], last = c-last, c
	}
	return mustCounts(counts)
}

// mustCounts is FromCounts for counts that are known to be good.
func mustCounts(counts []int) partition.Layout {
	l, err := partition.FromCounts(counts)
	if err != nil {
		panic(err)
	}
	return l
}

// owners writes down the owner of each index from the counts alone: the slow reference of everything below.
func owners(l partition.Layout) []int {
	var owner []int
	for r, c := range l.Counts() {
		for range c {
			owner = append(owner, r)
		}
	}
	return owner
}

func TestBalanced(t *testing.T) {
	for n := range 70 {
		for p := 1; p <= 70; p++ {
			l := partition.Balanced(n, p)
			// Dealing the indices one by one is the definition.
			want := make([]int, p)
			for i := range n {
				want[i%p]++
			}
			if got := l.Counts(); !slices.Equal(got, want) {
				t.Fatalf("Balanced(%d, %d) counts %v, want %v", n, p, got, want)
			}
		}
	}
}

func TestEveryIndexOwnedOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range trials {
		n := rng.IntN(60)
		l := random(rng, n)
		if l.N() != n {
			t.Fatalf("%v: N() = %d, want %d", l.Counts(), l.N(), n)
		}
		if l.Ranks() != len(l.Counts()) {
			t.Fatalf("%v: Ranks() = %d", l.Counts(), l.Ranks())
		}
		end := 0
		for r := range l.Ranks() {
			if l.Range(r).Lo != end {
				t.Fatalf("%v: rank %d owns %v, want it to begin at %d", l.Counts(), r, l.Range(r), end)
			}
			end = l.Range(r).Hi
		}
		if end != n {
			t.Fatalf("%v: the last block ends at %d, want %d", l.Counts(), end, n)
		}
		for i, want := range owners(l) {
			if got := l.Owner(i); got != want {
				t.Fatalf("%v: Owner(%d) = %d, want %d", l.Counts(), i, got, want)
			}
		}
	}
}

func TestHugeCountsDoNotOverflow(t *testing.T) {
	for _, n := range []int{1 << 60, 1<<60 + 7, math.MaxInt - 1, math.MaxInt} {
		for _, p := range []int{1, 2, 3, 7, 64, 1000} {
			l := partition.Balanced(n, p)
			if l.N() != n {
				t.Fatalf("Balanced(%d, %d).N() = %d", n, p, l.N())
			}
			for r, c := range l.Counts() {
				want := n / p
				if r < n%p {
					want++
				}
				if c != want {
					t.Fatalf("Balanced(%d, %d): rank %d has %d, want %d", n, p, r, c, want)
				}
				block := l.Range(r)
				if l.Owner(block.Lo) != r || l.Owner(block.Hi-1) != r {
					t.Fatalf("Balanced(%d, %d): rank %d does not own the ends of %v", n, p, r, block)
				}
			}
			aligned := partition.Align(l, 4096)
			for r := range p {
				if hi := aligned.Range(r).Hi; hi != n && hi%4096 != 0 {
					t.Fatalf("Align(Balanced(%d, %d), 4096): block %d ends at %d", n, p, r, hi)
				}
			}
			ts, err := partition.Transfers(l, partition.OnRank(n, p, p-1))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := partition.Moved(ts), n-l.Range(p-1).Len(); got != want {
				t.Fatalf("gathering Balanced(%d, %d) moves %d, want %d", n, p, got, want)
			}
		}
	}
	if got := partition.Align(partition.Balanced(math.MaxInt, 2), math.MaxInt-1).Counts(); !slices.Equal(got, []int{math.MaxInt - 1, 1}) {
		t.Errorf("aligned to nearly everything: counts %v", got)
	}
}

func TestOnRank(t *testing.T) {
	for p := 1; p < 5; p++ {
		for root := range p {
			want := make([]int, p)
			want[root] = 10
			if got := partition.OnRank(10, p, root).Counts(); !slices.Equal(got, want) {
				t.Errorf("OnRank(10, %d, %d) counts %v, want %v", p, root, got, want)
			}
		}
	}
}

func TestImpossibleArguments(t *testing.T) {
	var zero partition.Layout
	for name, l := range map[string]partition.Layout{
		"Balanced(-1, 2)":   partition.Balanced(-1, 2),
		"Balanced(1, 0)":    partition.Balanced(1, 0),
		"Balanced(1, -3)":   partition.Balanced(1, -3),
		"OnRank(-1, 2, 0)":  partition.OnRank(-1, 2, 0),
		"OnRank(1, 0, 0)":   partition.OnRank(1, 0, 0),
		"OnRank(1, 2, 2)":   partition.OnRank(1, 2, 2),
		"OnRank(1, 2, -1)":  partition.OnRank(1, 2, -1),
		"Align(Layout{},8)": partition.Align(zero, 8),
	} {
		if !l.Equal(zero) || l.Ranks() != 0 || l.N() != 0 || len(l.Counts()) != 0 {
			t.Errorf("%s = %v, want the zero Layout", name, l)
		}
	}
	l := partition.Balanced(10, 3)
	for _, r := range []int{-1, 3, math.MaxInt} {
		if got := l.Range(r); !got.Empty() {
			t.Errorf("Range(%d) of 3 ranks = %v, want an empty range", r, got)
		}
	}
	for _, i := range []int{-1, 10, math.MinInt, math.MaxInt} {
		if got := l.Owner(i); got != -1 {
			t.Errorf("Owner(%d) of 10 indices = %d, want -1", i, got)
		}
	}
	if got := zero.Owner(0); got != -1 {
		t.Errorf("Owner(0) of no ranks = %d, want -1", got)
	}
}

func TestFromCountsErrors(t *testing.T) {
	for _, tt := range []struct {
		counts []int
		want   string
	}{
		{nil, "no counts"},
		{[]int{3, -1, 2}, "rank 1 has -1"},
		{[]int{math.MaxInt, 0, 1}, "passes 9223372036854775807 at rank 2"},
	} {
		_, err := partition.FromCounts(tt.counts)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("FromCounts(%v): error %v, want one with %q", tt.counts, err, tt.want)
		}
	}
}

func TestLayoutKeepsNoCallerMemory(t *testing.T) {
	counts := []int{1, 2, 3}
	l := mustCounts(counts)
	counts[0] = 9
	l.Counts()[1] = 9
	if got := l.Counts(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("counts became %v", got)
	}
}

func TestEqual(t *testing.T) {
	if !partition.Balanced(10, 3).Equal(mustCounts([]int{4, 3, 3})) {
		t.Error("the same cut made in two ways is not equal")
	}
	for _, counts := range [][]int{{3, 4, 3}, {4, 3, 3, 0}, {4, 3, 4}} {
		if partition.Balanced(10, 3).Equal(mustCounts(counts)) {
			t.Errorf("[4 3 3] equals %v", counts)
		}
	}
}

func TestString(t *testing.T) {
	for _, tt := range []struct {
		l    partition.Layout
		want string
	}{
		{partition.Layout{}, "no ranks"},
		{partition.Balanced(231000, 4), "block(4) of 231000"},
		{partition.Balanced(0, 3), "block(3) of 0"},
		{mustCounts([]int{10, 0, 5}), "[10 0 5]"},
		{partition.OnRank(7, 3, 1), "[0 7 0]"},
		{partition.OnRank(231000, 64, 1), "uneven(64) of 231000"},
	} {
		if got := tt.l.String(); got != tt.want {
			t.Errorf("String() = %q, want %q", got, tt.want)
		}
	}
}

func TestAlign(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range trials {
		n := rng.IntN(60)
		l, unit := random(rng, n), rng.IntN(12)
		got := partition.Align(l, unit)
		if got.N() != n || got.Ranks() != l.Ranks() {
			t.Fatalf("Align(%v, %d) = %v: indices or ranks changed", l.Counts(), unit, got.Counts())
		}
		// Each group goes whole to the one who owned its first index.
		before := owners(l)
		for i, owner := range owners(got) {
			if want := before[i-i%max(unit, 1)]; owner != want {
				t.Fatalf("Align(%v, %d) = %v: index %d went to rank %d, want %d", l.Counts(), unit, got.Counts(), i, owner, want)
			}
		}
		if again := partition.Align(got, unit); !again.Equal(got) {
			t.Fatalf("Align(%v, %d) = %v, and again = %v", l.Counts(), unit, got.Counts(), again.Counts())
		}
	}
}

func TestRows(t *testing.T) {
	for _, tt := range []struct {
		shape []int
		p     int
		want  []int
	}{
		{nil, 3, []int{1, 0, 0}},
		{[]int{10}, 3, []int{4, 3, 3}},
		{[]int{5, 4}, 2, []int{12, 8}},
		{[]int{2, 3, 4}, 3, []int{12, 12, 0}},
		{[]int{0, 7}, 2, []int{0, 0}},
		{[]int{7, 0}, 2, []int{0, 0}},
		{[]int{0, math.MaxInt, math.MaxInt}, 2, []int{0, 0}},
		{[]int{math.MaxInt}, 1, []int{math.MaxInt}},
		{[]int{1 << 31, 1 << 31}, 2, []int{1 << 61, 1 << 61}},
	} {
		l, err := partition.Rows(tt.shape, tt.p)
		if err != nil {
			t.Errorf("Rows(%v, %d): %v", tt.shape, tt.p, err)
			continue
		}
		if got := l.Counts(); !slices.Equal(got, tt.want) {
			t.Errorf("Rows(%v, %d) counts %v, want %v", tt.shape, tt.p, got, tt.want)
		}
	}
	for _, tt := range []struct {
		shape []int
		p     int
		want  string
	}{
		{[]int{3}, 0, "0 ranks"},
		{[]int{3, -1}, 2, "axis 1 is negative"},
		{[]int{0, -1}, 2, "axis 1 is negative"},
		{[]int{1 << 31, 1 << 32}, 2, "more than"},
		{[]int{1 << 40, 1 << 40, 1 << 40, 1 << 40}, 2, "more than"},
	} {
		_, err := partition.Rows(tt.shape, tt.p)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Rows(%v, %d): error %v, want one with %q", tt.shape, tt.p, err, tt.want)
		}
	}
}

func TestRowsCutsNoRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range trials {
		rows, row, p := rng.IntN(20), rng.IntN(20), 1+rng.IntN(9)
		l, err := partition.Rows([]int{rows, row}, p)
		if err != nil {
			t.Fatal(err)
		}
		for r, c := range partition.Balanced(rows, p).Counts() {
			if got := l.Range(r).Len(); got != c*row {
				t.Fatalf("Rows([%d %d], %d): rank %d has %d elements, want %d rows of %d", rows, row, p, r, got, c, row)
			}
		}
	}
}

func TestTransfers(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range trials {
		n := rng.IntN(60)
		checkTransfers(t, random(rng, n), random(rng, n))
	}
	if _, err := partition.Transfers(partition.Balanced(4, 2), partition.Balanced(5, 2)); err == nil ||
		!strings.Contains(err.Error(), "from 4 indices to 5") {
		t.Errorf("layouts of 4 and 5 indices: error %v", err)
	}
}

// checkTransfers holds the transfers between two layouts against arrays of the owner of each index.
func checkTransfers(t *testing.T, from, to partition.Layout) {
	t.Helper()
	ts, err := partition.Transfers(from, to)
	if err != nil {
		t.Fatal(err)
	}
	src, dst := owners(from), owners(to)
	moved, next := 0, 0
	for k, tr := range ts {
		if tr.Range.Lo != next || tr.Range.Empty() {
			t.Fatalf("%v to %v: transfer %d is %v, want a run that begins at %d", from.Counts(), to.Counts(), k, tr, next)
		}
		next = tr.Range.Hi
		for i := tr.Range.Lo; i < tr.Range.Hi; i++ {
			if src[i] != tr.Src || dst[i] != tr.Dst {
				t.Fatalf("%v to %v: index %d goes %d to %d, want %d to %d", from.Counts(), to.Counts(), i, tr.Src, tr.Dst, src[i], dst[i])
			}
			if src[i] != dst[i] {
				moved++
			}
		}
		if k > 0 && ts[k-1].Src == tr.Src && ts[k-1].Dst == tr.Dst {
			t.Fatalf("%v to %v: transfers %v and %v are not merged", from.Counts(), to.Counts(), ts[k-1], tr)
		}
	}
	if next != len(src) {
		t.Fatalf("%v to %v: indices from %d on are not moved", from.Counts(), to.Counts(), next)
	}
	if got := partition.Moved(ts); got != moved {
		t.Fatalf("%v to %v: Moved = %d, want %d", from.Counts(), to.Counts(), got, moved)
	}
}

func TestRange(t *testing.T) {
	for lo := range 5 {
		for hi := lo; hi < 5; hi++ {
			for lo2 := range 5 {
				for hi2 := lo2; hi2 < 5; hi2++ {
					a, b := partition.Range{Lo: lo, Hi: hi}, partition.Range{Lo: lo2, Hi: hi2}
					var shared []int
					for i := lo; i < hi; i++ {
						if i >= lo2 && i < hi2 {
							shared = append(shared, i)
						}
					}
					got := a.Intersect(b)
					if got.Len() != len(shared) || got.Empty() != (len(shared) == 0) || got.Lo > got.Hi {
						t.Fatalf("%v and %v share %v, want %v", a, b, got, shared)
					}
					if len(shared) > 0 && got.Lo != shared[0] {
						t.Fatalf("%v and %v share %v, want %v", a, b, got, shared)
					}
				}
			}
		}
	}
	if got := (partition.Range{Lo: 3, Hi: 7}).String(); got != "[3,7)" {
		t.Errorf("String() = %q", got)
	}
}

// FuzzTransfers reads two layouts from bytes, one count each, and holds their transfers against the owner arrays.
func FuzzTransfers(f *testing.F) {
	f.Add([]byte{10, 0, 5}, []byte{5, 5, 5})
	f.Add([]byte{0}, []byte{0, 0})
	f.Add([]byte{255, 1, 0}, []byte{0, 128})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) == 0 || len(b) == 0 || len(a)+len(b) > 64 {
			return
		}
		from, to := counts(a), counts(b)
		// The last block of the shorter one takes what is missing.
		if d := sum(from) - sum(to); d > 0 {
			to[len(to)-1] += d
		} else {
			from[len(from)-1] -= d
		}
		checkTransfers(t, mustCounts(from), mustCounts(to))
	})
}

func counts(bytes []byte) []int {
	out := make([]int, len(bytes))
	for i, b := range bytes {
		out[i] = int(b)
	}
	return out
}

func sum(xs []int) int {
	n := 0
	for _, x := range xs {
		n += x
	}
	return n
}

func ExampleTransfers() {
	uneven, err := partition.FromCounts([]int{10, 0, 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	moves, err := partition.Transfers(uneven, partition.Balanced(15, 3))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range moves {
		fmt.Printf("rank %d to rank %d: %v\n", t.Src, t.Dst, t.Range)
	}
	fmt.Println(partition.Moved(moves), "of 15 change rank")
	// Output:
	// rank 0 to rank 0: [0,5)
	// rank 0 to rank 1: [5,10)
	// rank 2 to rank 2: [10,15)
	// 5 of 15 change rank
}
