//go:build linux

package chaos_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
)

// orphanLimit is how long a rank, or what runs it on another host, may be there after the launcher was killed.
const orphanLimit = 4 * time.Second

// The launcher is killed and cannot end what it has started: that ends by itself, on all hosts.
func TestLauncherKilled(t *testing.T) {
	leak.Check(t)
	need(t)
	p, n := build(t), hosts(t)
	pl := plan{fault: "kill", launched: true, ranks: [2]int{2, 3}, after: 50 * time.Millisecond}
	j, err := newJob(n, pl.ranks, fmt.Sprintf("%d-launcher", os.Getpid()), "rounds", seedEnv+"=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		left, err := j.end()
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
		if t.Failed() {
			t.Logf("stderr:\n%s", j.stderr.String())
		}
	}()
	if err := j.launch(p); err != nil {
		t.Fatal(err)
	}
	f := &faultJob{job: j, plan: pl}
	if err := f.begin(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := j.cmds[0].Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	limit := time.After(orphanLimit)
	for left := j.size(); left > 0; {
		select {
		case x := <-j.exits:
			left--
			t.Logf("rank %d ended after %v", x.rank, x.at.Sub(begin))
		case <-j.events:
		case <-limit:
			t.Fatalf("ranks are there %v after their launcher", orphanLimit)
		}
	}
}
