package stream_test

import (
	"strings"
	"testing"

	"github.com/darray-go/darray/bench/stream"
)

// TestLoops: every loop gives what it says, by one thread and by several, through the caches and past them.
func TestLoops(t *testing.T) {
	for _, n := range []int{1, 512, 5000, 100_000} {
		for _, threads := range []int{1, 2, 3} {
			s, err := stream.NewArrays(n, threads)
			if err != nil {
				t.Fatal(err)
			}
			if s.Len() < n || s.Len()%512 != 0 {
				t.Errorf("%d elements for %d", s.Len(), n)
			}
			for _, past := range []bool{false, true} {
				for op, want := range map[stream.Op]func(a float64) float64{
					stream.Copy:  func(a float64) float64 { return a },
					stream.Add:   func(a float64) float64 { return a + 1 },
					stream.Triad: func(a float64) float64 { return a + 3 },
				} {
					if got := s.Run(op, past); got != 0 {
						t.Errorf("%s gives %g", op, got)
					}
					for i, got := range s.Result() {
						if got != want(float64(i%1024)) {
							t.Fatalf("%s, %d elements, %d threads, past %v: c[%d] = %g", op, n, threads, past, i, got)
						}
					}
				}
				want := 0.0
				for i := range s.Len() {
					want += float64(i % 1024)
				}
				if got := s.Run(stream.Sum, past); got != want {
					t.Errorf("sum of %d by %d threads is %g, want %g", n, threads, got, want)
				}
			}
			if err := s.Free(); err != nil {
				t.Error(err)
			}
			if err := s.Free(); err != nil {
				t.Errorf("free again: %v", err)
			}
		}
	}
	for _, c := range [][2]int{{0, 1}, {-5, 1}, {10, 0}} {
		if _, err := stream.NewArrays(c[0], c[1]); err == nil || !strings.Contains(err.Error(), "at least 1") {
			t.Errorf("%d elements for %d threads: %v", c[0], c[1], err)
		}
	}
}

func TestBytes(t *testing.T) {
	for op, want := range map[stream.Op]float64{stream.Copy: 160, stream.Add: 240, stream.Triad: 240, stream.Sum: 80} {
		if got := op.Bytes(10); got != want {
			t.Errorf("%s of 10 elements: %g bytes, want %g", op, got, want)
		}
	}
}
