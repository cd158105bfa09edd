package darray_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// files lists a folder.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// TestWriteToFullDisk: where the disk is full the error says so, the old file stays whole, and nothing else is left.
func TestWriteToFullDisk(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small file system cannot be mounted here (%v): run as root", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	darray.UseFormat(parquet.Format)
	for _, name := range []string{"x.arrow", "x.parquet", "x.csv", "x.csv.gz", "x.npy", "x.npz"} {
		path := filepath.Join(dir, name)
		f := (&darray.Frame{}).With("x", darray.Arange(0.0, 1000, 1))
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
		err := (&darray.Frame{}).With("x", darray.Multiply(darray.Arange(0.0, 1e6, 1), 0.1)).Write(path)
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the file of that name is as it was") {
			t.Errorf("%s: %v", name, err)
		}
		if got := filesIn(t, dir); got != name {
			t.Errorf("the folder has %s", got)
		}
		if n := open(t, path).NumRows(); n != 1000 {
			t.Errorf("the old file has %d rows", n)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	parts := filepath.Join(dir, "parts")
	for _, p := range []int{1, 3} {
		c, err := darray.Local(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.WriteParts(t.Context(), (&darray.Frame{}).With("x", darray.Arange(0.0, 5000, 1)), parts, darray.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		err = c.WriteParts(t.Context(), (&darray.Frame{}).With("x", darray.Multiply(darray.Arange(0.0, 1e6, 1), 0.1)), parts, darray.WriteOptions{})
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the directory of that name is as it was") {
			t.Errorf("%d ranks: %v", p, err)
		}
		if got := filesIn(t, dir); got != "parts" {
			t.Errorf("the folder has %s", got)
		}
		if n := open(t, parts).NumRows(); n != 5000 {
			t.Errorf("the old directory has %d rows", n)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWriterThatIsKilled: a process that is killed while it writes leaves the old file and no other.
func TestWriterThatIsKilled(t *testing.T) {
	const variable = "DARRAY_TEST_WRITE"
	if path := os.Getenv(variable); path != "" {
		for { // until it is killed
			if err := (&darray.Frame{}).With("x", darray.Multiply(darray.Arange(0, 50_000_000, 1), 0.1)).WriteWith(context.Background(), path, darray.WriteOptions{
				Progress: func(int, int) { os.Stdout.WriteString(".") },
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	leak.Check(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.arrow")
	if err := (&darray.Frame{}).With("x", darray.Arange(0.0, 1000, 1)).Write(path); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestWriterThatIsKilled$")
		cmd.Env = append(os.Environ(), variable+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil { // it has written some of the rows
			t.Error(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // which says that it was killed
		cancel()
		if got := filesIn(t, dir); got != "x.arrow" {
			t.Errorf("the folder has %s", got)
		}
		if n := open(t, path).NumRows(); n != 1000 {
			t.Errorf("the old file has %d rows", n)
		}
	}
}
