package files_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/bench/compute"
	files "github.com/darray-go/darray/bench/io"
	"github.com/darray-go/darray/format/parquet"
)

// TestMain is the tests, or one of the contenders that they start: ours and the limits by the command's words, or, called as node, a rival that
// behaves as FAKE says.
func TestMain(m *testing.M) {
	darray.UseFormat(parquet.Format)
	args := os.Args[1:]
	switch {
	case len(args) > 1 && args[0] == "bench" && args[1] == "contender":
		var who string
		var limit bool
		var threads int
		flags := flag.NewFlagSet("contender", flag.ExitOnError)
		flags.StringVar(&who, "files", "", "")
		flags.BoolVar(&limit, "stream", false, "")
		flags.IntVar(&threads, "threads", 1, "")
		_ = flags.Parse(args[2:]) // ExitOnError
		if limit {
			exit(compute.Serve(os.Stdin, os.Stdout, compute.ServeOptions{Stream: true, Threads: threads}))
		}
		exit(files.Serve(os.Stdin, os.Stdout, who))
	case len(args) > 1 && strings.HasSuffix(args[0], ".mjs"):
		exit(fake(args[1]))
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
	fakes := strings.Fields(os.Getenv("FAKE"))
	switch {
	case slices.Contains(fakes, name+"=good"): // as right as ours, and at its speed
		return files.Serve(os.Stdin, os.Stdout, "darray")
	case slices.Contains(fakes, name+"=wrong"):
		return answers(func(ask map[string]any) map[string]any {
			return map[string]any{"check": []float64{1, 2, 3, 4}, "runs_s": []float64{1e-9}}
		})
	case slices.Contains(fakes, name+"=lacks"):
		return answers(func(ask map[string]any) map[string]any { return map[string]any{"unavailable": "not in this version"} })
	case slices.Contains(fakes, name+"=hangs"):
		if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"about": "hangs"}); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
	return fmt.Errorf("Cannot find module '%s'", name)
}

// answers is the rival's end of the conversation.
func answers(reply func(ask map[string]any) map[string]any) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]string{"about": "a fake"}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var ask map[string]any
		if err := json.Unmarshal(lines.Bytes(), &ask); err != nil {
			return err
		}
		if err := out.Encode(reply(ask)); err != nil {
			return err
		}
	}
	return nil
}
