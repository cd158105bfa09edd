package rendezvous_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/launch/detect"
	"github.com/darray-go/darray/internal/launch/rendezvous"
	"github.com/darray-go/darray/internal/leak"
)

var token = []byte("a token of enough bytes")

// place is rank r of 2 by a launcher.
func place(launcher string, r, localSize int, job, root string) detect.Place {
	return detect.Place{Launcher: launcher, Rank: r, Size: 2, LocalSize: localSize, LocalRank: r % max(localSize, 1), Job: job, Root: root, PMIFD: -1}
}

// TestPlan: which means is chosen, and what is said where there is none that is safe.
func TestPlan(t *testing.T) {
	several := place(detect.OpenMPI, 0, 1, "j", "")
	oneHost := place(detect.OpenMPI, 0, 2, "j", "")
	srun := place(detect.Slurm, 0, 1, "slurm 1.0", "h1:20001")
	byHand := place(detect.Darray, 0, 0, "", "")
	for name, c := range map[string]struct {
		config        rendezvous.Config
		channel, want string // want: where rank 0 listens, or a part of the error
	}{
		"by hand":                  {rendezvous.Config{Place: byHand, Addr: "127.0.0.1:4", Token: token}, "", "127.0.0.1:4"},
		"by hand, no token":        {rendezvous.Config{Place: byHand, Addr: "127.0.0.1:4"}, "socket", "127.0.0.1:4"},
		"by hand, no port":         {rendezvous.Config{Place: byHand, Addr: "127.0.0.1:0"}, "", "DARRAY_TOKEN"},
		"by hand, far, no token":   {rendezvous.Config{Place: byHand, Addr: "192.0.2.1:4"}, "", "DARRAY_TOKEN"},
		"by hand, far, insecure":   {rendezvous.Config{Place: byHand, Addr: "192.0.2.1:4", Insecure: true}, "", "192.0.2.1:4"},
		"by hand, no address":      {rendezvous.Config{Place: byHand, Token: token}, "", "DARRAY_ADDR"},
		"short token":              {rendezvous.Config{Place: byHand, Addr: "127.0.0.1:4", Token: token[:3]}, "", "3 bytes"},
		"no port in it":            {rendezvous.Config{Place: byHand, Addr: "nonsense", Token: token}, "", "nonsense"},
		"a name":                   {rendezvous.Config{Place: byHand, Addr: "h1:4", Token: token}, "", "0.0.0.0:4"},
		"localhost":                {rendezvous.Config{Place: byHand, Addr: "localhost:4", Token: token}, "", "127.0.0.1:4"},
		"one host":                 {rendezvous.Config{Place: oneHost}, "socket", "127.0.0.1:0"},
		"one host, token":          {rendezvous.Config{Place: oneHost, Token: token}, "socket", "127.0.0.1:0"},
		"several hosts":            {rendezvous.Config{Place: several}, "", "DARRAY_RENDEZVOUS"},
		"several hosts, address":   {rendezvous.Config{Place: several, Addr: "h1:4", Token: token}, "", "0.0.0.0:4"},
		"several hosts, file":      {rendezvous.Config{Place: several, File: "file:/x"}, "file /x", "0.0.0.0:0"},
		"file without a job":       {rendezvous.Config{Place: byHand, File: "file:/x"}, "", "DARRAY_JOB"},
		"no file":                  {rendezvous.Config{Place: several, File: "/x"}, "", "file:PATH"},
		"srun":                     {rendezvous.Config{Place: srun, Token: token}, "", "0.0.0.0:20001"},
		"srun without token":       {rendezvous.Config{Place: srun}, "", "--mpi=pmi2"},
		"srun insecure":            {rendezvous.Config{Place: srun, Insecure: true}, "", "0.0.0.0:20001"},
		"unknown interface":        {rendezvous.Config{Place: srun, Token: token, Interface: "nosuch9"}, "", "DARRAY_IFACE"},
		"interface of no such net": {rendezvous.Config{Place: srun, Token: token, Interface: "203.0.113.0/24"}, "", "DARRAY_IFACE"},
		"interface by CIDR":        {rendezvous.Config{Place: srun, Token: token, Interface: "127.0.0.0/8"}, "", "127.0.0.1:20001"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := rendezvous.Plan(c.config)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v does not say %q", err, c.want)
				}
				return
			}
			if m.Listen != c.want || !strings.Contains(m.Channel(), c.channel) || (c.channel == "") != (m.Channel() == "") {
				t.Errorf("listens on %s, channel %q; want %s, %q", m.Listen, m.Channel(), c.want, c.channel)
			}
			if len(m.Token) < rendezvous.MinToken {
				t.Errorf("token of %d bytes", len(m.Token))
			}
			if (m.Warning != "") != c.config.Insecure {
				t.Errorf("warning %q", m.Warning)
			}
		})
	}
}

// exchange has rank 0 publish what rank 1, which is there first, gets.
func exchange(t *testing.T, config func(rank int) rendezvous.Config) (root, other *rendezvous.Meeting, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	meetings := make([]*rendezvous.Meeting, 2)
	for r := range meetings {
		m, err := rendezvous.Plan(config(r))
		if err != nil {
			t.Fatal(err)
		}
		meetings[r] = m
		t.Cleanup(func() {
			if err := errors.Join(m.Close(), m.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	got := make(chan error, 1)
	go func() {
		var err error
		addr, err = meetings[1].Await(ctx)
		got <- err
	}()
	if _, err := meetings[0].Publish(ctx, "127.0.0.1:4711"); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	return meetings[0], meetings[1], addr
}

func TestOverASocket(t *testing.T) {
	leak.Check(t)
	config := func(r int) rendezvous.Config {
		return rendezvous.Config{Place: place(detect.OpenMPI, r, 2, t.Name(), "")}
	}
	root, other, addr := exchange(t, config)
	if addr != "127.0.0.1:4711" || !bytes.Equal(root.Token, other.Token) || len(other.Token) != 32 {
		t.Errorf("got %q and a token of %d bytes", addr, len(other.Token))
	}
	// A second rank 0 of the same job is no job of its own.
	second, err := rendezvous.Plan(config(0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Publish(t.Context(), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "rank 0 of this job already") {
		t.Errorf("a second rank 0: %v", err)
	}
}

func TestOverAFile(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "root")
	config := func(r int) rendezvous.Config {
		return rendezvous.Config{Place: place(detect.OpenMPI, r, 1, "this job", ""), File: "file:" + path}
	}
	stale, err := rendezvous.Plan(rendezvous.Config{Place: place(detect.OpenMPI, 0, 1, "a dead job", ""), File: "file:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stale.Publish(t.Context(), "127.0.0.1:1"); err != nil { // and is killed before it can close
		t.Fatal(err)
	}
	root, other, addr := exchange(t, config)
	if addr != "127.0.0.1:4711" || !bytes.Equal(root.Token, other.Token) {
		t.Errorf("got %q", addr)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := stale.Close(); err != nil { // what is there now is not its own
		t.Error(err)
	}
	if err := errors.Join(other.Close(), root.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestFileOfOthers: a file that others can write is no private channel, and waiting does not make it one.
func TestFileOfOthers(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "root")
	if err := os.WriteFile(path, []byte("x\ndarray1;00;h:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := rendezvous.Plan(rendezvous.Config{Place: place(detect.OpenMPI, 1, 1, "j", ""), File: "file:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Await(t.Context()); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("error %v", err)
	}
}

// TestAwaitEnds with its context, whatever it waits on.
func TestAwaitEnds(t *testing.T) {
	for name, config := range map[string]rendezvous.Config{
		"socket": {Place: place(detect.OpenMPI, 1, 2, t.Name(), "")},
		"file":   {Place: place(detect.OpenMPI, 1, 1, "j", ""), File: "file:" + filepath.Join(t.TempDir(), "root")},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			m, err := rendezvous.Plan(config)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), 120*time.Millisecond, errors.New("nothing in 120ms"))
			defer cancel()
			start := time.Now()
			_, err = m.Await(ctx)
			if err == nil || !strings.Contains(err.Error(), "nothing in 120ms") || !strings.Contains(err.Error(), "rank 1 waits for rank 0's address") {
				t.Errorf("error %v", err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestTokenOfRankZeroAlone: DARRAY_TOKEN on rank 0 alone is said to be the reason.
func TestTokenOfRankZeroAlone(t *testing.T) {
	leak.Check(t)
	root, err := rendezvous.Plan(rendezvous.Config{Place: place(detect.OpenMPI, 0, 2, t.Name(), ""), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := root.Publish(t.Context(), "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	other, err := rendezvous.Plan(rendezvous.Config{Place: place(detect.OpenMPI, 1, 2, t.Name(), "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Await(t.Context()); err == nil || !strings.Contains(err.Error(), "DARRAY_TOKEN") {
		t.Errorf("error %v", err)
	}
}

func TestReachable(t *testing.T) {
	if got := rendezvous.Reachable("192.0.2.7:5"); !slices.Equal(got, []string{"192.0.2.7:5"}) {
		t.Errorf("got %q", got)
	}
	for _, a := range rendezvous.Reachable("0.0.0.0:5") {
		if !strings.HasSuffix(a, ":5") || strings.HasPrefix(a, "127.") || strings.HasPrefix(a, "[") {
			t.Errorf("got %q", a)
		}
	}
}
