package bench_test

import (
	"context"
	"errors"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/bench"
)

// formula is a model in closed form: a tree and a ring at 10 µs a message and 1 GB/s; the ring does not fit odd ranks.
func formula() bench.Model {
	return bench.Model{
		Name: "formula", Ops: []string{"barrier", "bcast"},
		Algorithms: func(string) []string { return []string{"tree", "ring"} },
		Predict: func(_, alg string, n, p int) (bench.Prediction, error) {
			depth := bits.Len(uint(p - 1))
			if alg == "tree" {
				return bench.Prediction{Seconds: float64(depth) * (1e-5 + float64(n)*1e-9), Messages: p - 1, Bytes: n * (p - 1)}, nil
			}
			if p%2 == 1 {
				return bench.Prediction{}, errors.New("odd")
			}
			return bench.Prediction{Seconds: float64(2*p)*1e-5 + 2*float64(n)*1e-9, Messages: 2 * p, Bytes: 2 * n}, nil
		},
	}
}

func TestSimulate(t *testing.T) {
	s, err := bench.Simulate(t.Context(), formula(), bench.SimulateOptions{Sizes: []int{8, 1 << 10, 1 << 20}, Ranks: []int{2, 3, 64}})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := s.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nbarrier of 0 B, by ranks\n                      2          3         64\ntree           10.0 µs*   20.0 µs*   60.0 µs*\nring            40.0 µs          -    1.28 ms\n",
		"\nbcast of 1 MiB, by ranks\n                      2          3         64\ntree           1.06 ms*   2.12 ms*    6.35 ms\nring            2.14 ms          -   3.38 ms*\n",
		"\nbcast over 3 ranks, by bytes\n                    8 B      1 KiB      1 MiB\n",
	} {
		if strings.Count(text.String(), want) != 1 {
			t.Errorf("want once\n%s\nin\n%s", want, text.String())
		}
	}
	for name, magic := range map[string]string{"curves.svg": "<?xml", "curves.png": "\x89PNG"} {
		path := filepath.Join(t.TempDir(), name)
		if err := s.WritePlot(path); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(data), magic) {
			t.Errorf("%s begins with %.8q, %v", name, data, err)
		}
	}
	if err := s.WritePlot("curves.gif"); err == nil || !strings.Contains(err.Error(), ".svg or .png") {
		t.Errorf("error %v", err)
	}
	if err := new(bench.Simulation).WritePlot("nothing.svg"); err == nil {
		t.Error("an empty picture is drawn")
	}
}

// TestSimulateMost: what would take too long is left out, and what is cheap for as many ranks is not.
func TestSimulateMost(t *testing.T) {
	m := formula()
	m.Predict = func(_, alg string, _, p int) (bench.Prediction, error) {
		if alg == "tree" {
			return bench.Prediction{Seconds: 1, Messages: p}, nil
		}
		return bench.Prediction{Seconds: 1, Messages: p * p}, nil
	}
	s, err := bench.Simulate(t.Context(), m, bench.SimulateOptions{Ops: []string{"bcast"}, Most: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Curves {
		if want := map[string]int{"tree": 4096, "ring": 64}[c.Algorithm]; c.OverRanks && c.X[len(c.X)-1] != want {
			t.Errorf("%s of %d bytes goes up to %d ranks, want %d", c.Algorithm, c.At, c.X[len(c.X)-1], want)
		}
	}
}

func TestSimulateEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bench.Simulate(ctx, formula(), bench.SimulateOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := bench.Simulate(t.Context(), formula(), bench.SimulateOptions{Ops: []string{"tea"}}); err == nil || !strings.Contains(err.Error(), "barrier, bcast") {
		t.Errorf("error %v", err)
	}
}

// TestModels: the models follow net/comm's own schedules, and know what is known about them.
func TestModels(t *testing.T) {
	for _, name := range []string{"quic", "tcp", "shm", "mem"} {
		m, err := bench.FindModel(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := bench.Simulate(t.Context(), m, bench.SimulateOptions{Sizes: []int{8, 4096}, Ranks: []int{2, 5, 16}})
		if err != nil {
			t.Fatal(err)
		}
		ops := make(map[string]bool)
		for _, c := range s.Curves {
			ops[c.Op] = ops[c.Op] || len(c.X) > 0
			for i, x := range c.X {
				if c.Y[i].Seconds <= 0 || c.Y[i].Messages == 0 {
					t.Errorf("%s by %s at %d and %d: %+v", c.Op, c.Algorithm, c.At, x, c.Y[i])
				}
			}
		}
		if len(ops) < 8 {
			t.Errorf("%s predicts %v", name, ops)
		}
		if p, err := m.Predict("bcast", "binomial", 8, 16); err != nil || p.Messages != 15 || p.Bytes != 15*8 {
			t.Errorf("a binomial bcast over 16 ranks: %+v, %v; want 15 messages of 8 bytes", p, err)
		}
	}
	if _, err := bench.FindModel("pigeon"); err == nil || !strings.Contains(err.Error(), "quic") {
		t.Errorf("error %v", err)
	}
}
