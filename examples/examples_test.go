// Package examples_test builds the examples and runs them alone and as ranks of a job.
package examples_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/leak"
)

func TestExamples(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir, "./...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := filepath.Abs("data/flights-200k.arrow")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		argv  []string
		wants []string
	}{
		{[]string{"scatteradd"}, []string{"Result of A + B = [1 2 3 ... 100]\n"}},
		{[]string{"lazyadd"}, []string{"Result of A + B = [  1.   2.   3.", " 98.\n  99. 100.]\n"}},
		{[]string{"flights", data}, []string{"flights:                 200000\n", "miles flown:             145847125\n"}},
	} {
		for _, ranks := range []int{0, 1, 3, 4} { // 0: alone; 3 does not divide 100
			argv := append([]string{filepath.Join(dir, c.argv[0])}, c.argv[1:]...)
			var out bytes.Buffer
			if ranks == 0 {
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Stdout = &out
				err = cmd.Run()
			} else {
				err = launch.Run(t.Context(), launch.Config{Ranks: ranks, Argv: argv, Stdout: &out})
			}
			if err != nil {
				t.Errorf("%s on %d ranks: %v", c.argv[0], ranks, err)
			}
			for _, want := range c.wants {
				if strings.Count(out.String(), want) != 1 {
					t.Errorf("%s on %d ranks does not print %q once:\n%s", c.argv[0], ranks, want, out.String())
				}
			}
		}
	}
}
