package leak_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

// recorder is a test that collects what Check reports instead of failing.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
	failed   bool // before its end
}

func (r *recorder) Helper() {}

func (r *recorder) Failed() bool { return r.failed || len(r.errors) > 0 }

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) end() string {
	for _, f := range r.cleanups {
		f()
	}
	return strings.Join(r.errors, "\n")
}

func TestCleanTestPasses(t *testing.T) {
	r := &recorder{TB: t}
	leak.Check(r)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") // starts the runtime's poller
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1)
		_, _, _ = conn.ReadFrom(buf)
	}()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	if got := r.end(); got != "" {
		t.Errorf("a test that cleans up is blamed: %s", got)
	}
}

func TestGoroutineLeft(t *testing.T) {
	r := &recorder{TB: t}
	leak.Check(r)
	stop, done := make(chan struct{}), make(chan struct{})
	go stuck(stop, done)
	got := r.end()
	close(stop)
	<-done
	if !strings.Contains(got, "goroutines left behind") || !strings.Contains(got, "leak_test.stuck") {
		t.Errorf("the goroutine left behind is not named: %q", got)
	}
}

func TestFailedTestIsLeftAlone(t *testing.T) {
	r := &recorder{TB: t, failed: true}
	leak.Check(r)
	stop, done := make(chan struct{}), make(chan struct{})
	go stuck(stop, done)
	if got := r.end(); got != "" {
		t.Errorf("a test that has failed is blamed for more: %s", got)
	}
	close(stop)
	<-done
}

func stuck(stop <-chan struct{}, done chan<- struct{}) {
	<-stop
	close(done)
}

func TestGoroutineFromBeforeIsIgnored(t *testing.T) {
	stop, done := make(chan struct{}), make(chan struct{})
	go stuck(stop, done)
	r := &recorder{TB: t}
	leak.Check(r)
	if got := r.end(); got != "" {
		t.Errorf("a goroutine from before the call is blamed: %s", got)
	}
	close(stop)
	<-done
}

func TestFileLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted on Linux only")
	}
	r := &recorder{TB: t}
	leak.Check(r)
	f, err := os.CreateTemp(t.TempDir(), "left-open")
	if err != nil {
		t.Fatal(err)
	}
	got := r.end()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "files left open") || !strings.Contains(got, "left-open") {
		t.Errorf("the file left open is not named: %q", got)
	}
}

func TestFileFromBeforeIsIgnored(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "from-before")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &recorder{TB: t}
	leak.Check(r)
	if got := r.end(); got != "" {
		t.Errorf("a file from before the call is blamed: %s", got)
	}
}
