//go:build unix

package socket

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

func TestDialFindsListener(t *testing.T) {
	leak.Check(t)
	l, cleanup, err := Listen(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Listen(t.Name()); !errors.Is(err, ErrTaken) {
		t.Errorf("a second listener: %v", err)
	}
	conn, err := Dial(t.Context(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckPeer(other); err != nil {
		t.Error(err)
	}
	for _, c := range []interface{ Close() error }{conn, other, l} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	cleanup()
	if _, err := Dial(t.Context(), t.Name()); err == nil {
		t.Error("somebody listens after the end")
	}
}

// TestDirectory is the way of systems without abstract sockets.
func TestDirectory(t *testing.T) {
	leak.Check(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for range 2 { // the second time over what a dead process left
		l, cleanup, err := listenDir("d")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := listenDir("d"); !errors.Is(err, ErrTaken) {
			t.Errorf("a second listener: %v", err)
		}
		addr, err := findDir("d")
		if err != nil || addr != filepath.Join(tmp, "d", socketFile) {
			t.Errorf("%q, %v", addr, err)
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		_ = l.Close()
		defer func() {
			cleanup()
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}()
	}
	if err := os.Chmod(filepath.Join(tmp, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := listenDir("d"); err == nil {
		t.Error("listens in a directory that others can enter")
	}
	if _, err := findDir("d"); err == nil {
		t.Error("looks into a directory that others can enter")
	}
}
