package darray_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// launched runs a program on n ranks over QUIC and gives what they say on stderr.
func launched(t *testing.T, program string, n int) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var stderr bytes.Buffer
	err = launch.Run(ctx, launch.Config{
		Ranks: n, Argv: []string{self}, Env: append(os.Environ(), programEnv+"="+program), Stderr: &stderr,
	})
	return stderr.String(), err
}

// TestCulprit: the rank that panics is named, and its message comes first, whoever exits first.
func TestCulprit(t *testing.T) {
	leak.Check(t)
	n := 20
	if testing.Short() {
		n = 3
	}
	for range n {
		stderr, err := launched(t, "culprit", 4)
		var exit *launch.ExitError
		if !errors.As(err, &exit) || exit.Rank != 2 || exit.Code != 1 || !strings.Contains(strings.Join(exit.Stderr, " "), "spmd.go") {
			t.Errorf("error %v", err)
		}
		if !strings.HasPrefix(stderr, "rank 2: panic: a bug of the user's\n") {
			t.Errorf("said first on stderr:\n%s", stderr)
		}
	}
}

// TestCulpritInProcess: of ranks whose errors look all alike, the one that began is returned.
func TestCulpritInProcess(t *testing.T) {
	leak.Check(t)
	for range 20 {
		err := darray.Config{Ranks: 5}.SPMD(func(ctx context.Context, c *comm.Comm) error {
			if c.Rank() == 3 {
				return errors.New("the disk is full")
			}
			return fmt.Errorf("rank %d: %v", c.Rank(), comm.Barrier(ctx, c)) // its type is lost
		})
		if err == nil || err.Error() != "the disk is full" {
			t.Fatalf("error %v", err)
		}
	}
}

// TestHang: rank 0 says where the ranks are, and so does the launcher when it is asked; the job goes on.
func TestHang(t *testing.T) {
	leak.Check(t)
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	show := make(chan os.Signal, 1)
	var stderr bytes.Buffer
	err = launch.Run(ctx, launch.Config{
		Ranks: 3, Argv: []string{self}, Env: append(os.Environ(), programEnv+"=hangs", "DARRAY_WAIT_WARN=300ms"), Show: show,
		Stderr: writer(func(b []byte) (int, error) {
			stderr.Write(b)
			switch text := stderr.String(); {
			case strings.Contains(text, "RANK") && strings.Contains(text, "\n2 "):
				cancel(stop)
			case strings.Contains(text, "darray: ") && !strings.Contains(text, "RANK"):
				select {
				case show <- os.Interrupt:
				default:
				}
			}
			return len(b), nil
		}),
	})
	if !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{
		`darray: 2 of 3 ranks wait in Allreduce #2 \(main_test\.go:\d+\) for \d s; rank 1 is in none, last in Barrier #1 \(main_test\.go:\d+\) \d s ago\n`,
		`(?m)^0 .*Allreduce #2, waits for \d .*main_test\.go:\d+$`, `(?m)^1 .*none, last in Barrier #1 .*main_test\.go:\d+$`, `(?m)^2 .*Allreduce #2.*main_test\.go:\d+$`,
	} {
		if !regexp.MustCompile(want).MatchString(stderr.String()) {
			t.Errorf("no %s in\n%s", want, &stderr)
		}
	}
}

// TestSiteOfCollect: a rank that hangs in an array's computation is at the line of the program, not at one of ours.
func TestSiteOfCollect(t *testing.T) {
	leak.Check(t)
	hanging := make(chan *comm.Comm, 1)
	err := darray.Config{Ranks: 2}.SPMD(func(ctx context.Context, c *comm.Comm) error {
		if c.Rank() == 0 {
			cluster, err := darray.Over(c)
			if err != nil {
				return err
			}
			defer cluster.Close()
			hanging <- c
			_, err = cluster.Collect(ctx, darray.Sum(darray.Arange(0.0, 1e5, 1)))
			return err
		}
		again, limit := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
		defer again.Stop()
		var seen string // the driver also listens for what its followers complain of, on a goroutine of ours
		for c := <-hanging; ; {
			for _, p := range c.Positions() {
				if p.Blocked && strings.HasPrefix(p.Site, "blame_test.go:") {
					return errors.New(p.String())
				}
				seen = p.String()
			}
			select {
			case <-again.C:
			case <-limit:
				return errors.New(seen)
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "(blame_test.go:") {
		t.Errorf("rank 0 is in %v", err)
	}
}
