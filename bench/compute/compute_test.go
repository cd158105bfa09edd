package compute_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/bench/compute"
)

// TestMain stands in for cmd/darray, which a suite starts as its contenders, and for the rivals' Python: what the fake
// interpreter does with a program is in FAKE, as "numpy=good numba=dies".
func TestMain(m *testing.M) {
	args := os.Args[1:]
	switch {
	case len(args) > 1 && args[0] == "bench" && args[1] == "contender":
		var o compute.ServeOptions
		flags := flag.NewFlagSet("contender", flag.ExitOnError)
		flags.BoolVar(&o.Stream, "stream", false, "")
		flags.BoolVar(&o.Past, "past", false, "")
		flags.IntVar(&o.Threads, "threads", 1, "")
		flags.StringVar(&o.Device, "device", "", "")
		flags.BoolVar(&o.Copy, "copy", false, "")
		_ = flags.Parse(args[2:]) // ExitOnError
		exit(compute.Serve(os.Stdin, os.Stdout, o))
	case len(args) > 0 && strings.HasSuffix(args[0], ".py"):
		exit(fake(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(args[0]), "compute_"), ".py")))
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// fake is a rival that behaves as FAKE says of it.
func fake(name string) error {
	how := ""
	for _, pair := range strings.Fields(os.Getenv("FAKE")) {
		if rival, what, _ := strings.Cut(pair, "="); rival == name {
			how = what
		}
	}
	switch how {
	case "good": // as right as ours, and at its speed
		return compute.Serve(os.Stdin, os.Stdout, compute.ServeOptions{})
	case "garbage":
		_, err := fmt.Println("Traceback (most recent call last):")
		return err
	case "wrong":
		return answers(func(ask map[string]any) (map[string]any, error) {
			if ask["do"] == "check" {
				return map[string]any{"check": []float64{1e9, 1, 1, 1}}, nil
			}
			return map[string]any{"runs_s": []float64{1e-9}}, nil
		})
	case "near": // floor(-100), but for its last bits
		return answers(func(ask map[string]any) (map[string]any, error) {
			if ask["do"] == "check" {
				return map[string]any{"check": []float64{-100, -100, -100, -100 + 1e-12}}, nil
			}
			return map[string]any{"runs_s": []float64{1e-9}}, nil
		})
	case "coarse": // as a sum in float32 that is a tenth off
		return answers(func(ask map[string]any) (map[string]any, error) {
			if ask["do"] == "check" {
				return map[string]any{"check": []float64{450, 450, 450, 450}}, nil
			}
			return map[string]any{"runs_s": []float64{1e-9}}, nil
		})
	case "dies":
		return answers(func(ask map[string]any) (map[string]any, error) {
			if ask["do"] == "check" {
				return nil, fmt.Errorf("terminate called\nout of memory")
			}
			return map[string]any{}, nil
		})
	case "hangs":
		if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"about": "hangs"}); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	case "lacks":
		return answers(func(map[string]any) (map[string]any, error) {
			return map[string]any{"unavailable": "not in this version"}, nil
		})
	}
	return fmt.Errorf("ModuleNotFoundError: No module named '%s'", name)
}

// answers is the rival's end of the conversation.
func answers(reply func(ask map[string]any) (map[string]any, error)) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]string{"about": "a fake"}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var ask map[string]any
		if err := json.Unmarshal(lines.Bytes(), &ask); err != nil {
			return err
		}
		a, err := reply(ask)
		if err != nil {
			return err
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}
