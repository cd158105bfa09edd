package cuda_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

var (
	onReal = flag.Bool("real", false, "test on the machine's own GPU; what needs a machine that is made up is skipped")
	texts  = flag.String("texts", "ptx/testdata", "folder of kernels that the driver has to take")
)

// TestMain keeps the machine's device open beside the tests, so that what the driver opens and keeps is there before any of them.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if !*onReal {
		return m.Run()
	}
	v, err := cuda.Load()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	d, err := v.Open(0, cuda.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := d.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// driver is a simulated one or, with -real, the machine's, if any will do.
func driver(t testing.TB, o fake.Options) *cuda.Driver {
	t.Helper()
	if !*onReal {
		return must[*cuda.Driver](t)(cuda.Simulated(o))
	}
	if !reflect.ValueOf(o).IsZero() {
		t.Skip("NOT TESTED: it takes a machine that is made up")
	}
	return must[*cuda.Driver](t)(cuda.Load())
}

// TestTexts: the driver compiles every kernel whose text is kept.
func TestTexts(t *testing.T) {
	leak.Check(t)
	d := open(t, fake.Options{}, cuda.Options{})
	loaded := 0
	err := filepath.WalkDir(*texts, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".ptx") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m, err := d.Load(string(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		loaded++
		t.Logf("%s: compiled in %v", path, m.Time())
		return m.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	if loaded == 0 {
		t.Errorf("%s has no kernels", *texts)
	}
	t.Logf("%d kernels", loaded)
}
