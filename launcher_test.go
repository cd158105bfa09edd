package darray_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch/detect"
	"github.com/darray-go/darray/net/comm"
)

// slurmTask is rank 0 of a step on two hosts.
func slurmTask(t *testing.T) {
	for name, value := range map[string]string{
		"SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_LOCALID": "0",
		"SLURM_NODEID": "0", "SLURM_STEP_NODELIST": "h[1-2]", "SLURM_STEP_TASKS_PER_NODE": "1(x2)",
	} {
		t.Setenv(name, value)
	}
}

func nothing(context.Context, *comm.Comm) error { return nil }

func TestLauncherInConfig(t *testing.T) {
	slurmTask(t)
	t.Setenv("DARRAY_IFACE", "lo")
	t.Setenv("DARRAY_RENDEZVOUS", "file:/shared/x")
	t.Setenv("DARRAY_INSECURE", "1")
	c, err := darray.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if c.Launcher != "srun" || c.Size != 2 || c.LocalSize != 1 || c.Interface != "lo" || c.Rendezvous != "file:/shared/x" || !c.Insecure {
		t.Errorf("got %+v", c)
	}
	t.Setenv("DARRAY_INSECURE", "yes")
	if _, err := darray.ConfigFromEnv(); err == nil || !strings.Contains(err.Error(), "DARRAY_INSECURE") {
		t.Errorf("error %v", err)
	}
}

// TestNoSecretOverHosts: ranks on two hosts do not start in the clear by themselves.
func TestNoSecretOverHosts(t *testing.T) {
	slurmTask(t)
	err := darray.SPMD(nothing)
	if err == nil || !strings.Contains(err.Error(), "DARRAY_TOKEN_FILE") || !strings.Contains(err.Error(), "--mpi=pmi2") {
		t.Errorf("error %v", err)
	}
}

// TestPortThatFollowsIsTaken: rank 0 says which variable chooses another.
func TestPortThatFollowsIsTaken(t *testing.T) {
	slurmTask(t)
	t.Setenv("DARRAY_TOKEN", "a token of enough bytes")
	place, err := detect.Find(os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(place.Root)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.ListenPacket("udp4", "0.0.0.0:"+port)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	defer taken.Close()
	err = darray.SPMD(nothing)
	if err == nil || !strings.Contains(err.Error(), "another process has UDP address") || !strings.Contains(err.Error(), "DARRAY_ADDR=h1:PORT") {
		t.Errorf("error %v", err)
	}
}

// TestTokenBySocket: ranks of one host that were given an address and no token share one by a socket of this user.
func TestTokenBySocket(t *testing.T) {
	addr := freeUDP(t)
	results := make(chan error, 2)
	for r := range 2 {
		go func() {
			cfg := darray.Config{Rank: r, Size: 2, Addr: addr, JoinTimeout: 20 * time.Second}
			results <- cfg.SPMD(func(ctx context.Context, c *comm.Comm) error { return comm.Barrier(ctx, c) })
		}()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestOneHost: a launcher's word that all ranks are on this host is all they need.
func TestOneHost(t *testing.T) {
	results := make(chan error, 3)
	for r := range 3 {
		go func() {
			cfg := darray.Config{Rank: r, Size: 3, LocalRank: r, LocalSize: 3, Job: fmt.Sprint("one host ", os.Getpid()), JoinTimeout: 20 * time.Second}
			results <- cfg.SPMD(func(ctx context.Context, c *comm.Comm) error { return comm.Barrier(ctx, c) })
		}()
	}
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestRankZeroMissing: the error says who did not come, and what was tried.
func TestRankZeroMissing(t *testing.T) {
	cfg := darray.Config{Rank: 1, Size: 2, LocalRank: 1, LocalSize: 2, Job: fmt.Sprint("missing ", os.Getpid()), JoinTimeout: 200 * time.Millisecond}
	err := cfg.SPMD(nothing)
	if err == nil || !strings.Contains(err.Error(), "rank 1 waits for rank 0's address by a socket of this host: nothing in 200ms") {
		t.Errorf("error %v", err)
	}
}
