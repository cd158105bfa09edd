package format_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/internal/leak"
)

// checkFolder fails the test if the folder of a file holds other files than the wanted ones.
func checkFolder(t *testing.T, path string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

// begin begins a file that can be begun.
func begin(t *testing.T, path string) *format.Output {
	t.Helper()
	o, err := format.NewOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOutputEnds(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "x.data")
	o := begin(t, path)
	o.Abort()
	o.Abort()
	if _, err := o.Write([]byte("x")); err == nil || o.Commit() == nil {
		t.Error("a file can be written after Abort")
	}
	checkFolder(t, path)

	long := bytes.Repeat([]byte("0123456789"), 100_000)
	o = begin(t, path)
	for range 3 {
		if n, err := o.Write(long); n != len(long) || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is there before Commit")
	}
	if err := o.Commit(); err != nil {
		t.Fatal(err)
	}
	o.Abort()
	if _, err := o.Write(long); err == nil || o.Commit() == nil {
		t.Error("a file can be written after Commit")
	}
	checkFolder(t, path, "x.data")
	if got, err := os.ReadFile(path); err != nil || len(got) != 3*len(long) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestOutputFails: a failure says what is left, which is the old file or none.
func TestOutputFails(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "x.data")
	full := errors.New("no space left")
	o := begin(t, path)
	if err := o.Fail(full); !errors.Is(err, full) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "no file was made") {
		t.Error(err)
	}
	if err := o.Commit(); !errors.Is(err, full) {
		t.Errorf("Commit after a failure: %v", err)
	}
	checkFolder(t, path)
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	o = begin(t, path)
	if err := o.Fail(full); !strings.Contains(err.Error(), "the file of that name is as it was") {
		t.Error(err)
	}
	checkFolder(t, path, "x.data")

	o = begin(t, path) // a rename that fails
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := o.Commit(); err == nil {
		t.Error("a file replaces a folder")
	}
	checkFolder(t, path, "x.data")
	if _, err := format.NewOutput(path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	if _, err := format.NewOutput(filepath.Join(path, "none", "x")); err == nil || !strings.Contains(err.Error(), "check the folder") {
		t.Error(err)
	}
}

// TestReplace keeps the rights of the old file, follows a link, and leaves what was mapped of the old file as it is.
func TestReplace(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "x.data")
	if err := os.WriteFile(path, []byte("the old one"), 0o640); err != nil {
		t.Fatal(err)
	}
	in, err := format.OpenLocal(path, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	old, err := in.View(t.Context(), 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	o := begin(t, link)
	if _, err := o.Write([]byte("another, longer")); err != nil {
		t.Fatal(err)
	}
	if err := o.Commit(); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, path, "link", "x.data")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 || info.Size() != 15 {
		t.Errorf("%v, %v", info, err)
	}
	if string(old) != "old" {
		t.Errorf("what was mapped is %q now", old)
	}
	again, err := format.OpenLocal(path, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Version == in.Version {
		t.Errorf("version %q of both files", again.Version)
	}
}
