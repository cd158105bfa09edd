//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"darray": main, "ranks": ranks})
}

// ranks is a program for `darray run`.
func ranks() {
	rank := os.Getenv("DARRAY_RANK")
	switch {
	case os.Args[1] == "nothing":
		return
	case os.Args[1] == "fails" && rank == "1":
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(3)
	case os.Args[1] == "killed" && rank == "2":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if os.Args[1] == "hangs" {
		err := darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			if c.Rank() == 1 {
				_, err := comm.Recv(ctx, c, 2, 5, make([]int, 1))
				return err
			}
			return comm.Barrier(ctx, c)
		})
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	err := darray.Main(func(_ context.Context, c *darray.Cluster) error {
		switch os.Args[1] {
		case "hello":
			fmt.Printf("rank %s of %d\n", rank, c.Size())
		case "args":
			fmt.Println(os.Args[2:])
		case "cat":
			_, err := io.Copy(os.Stdout, os.Stdin)
			return err
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// environment is what the commands of tests run with beside the test's own.
var environment = []string{"GORACE=atexit_sleep_ms=0"} // the race detector lingers for a second at each exit

func TestScripts(t *testing.T) {
	flights := absolute(t, "../../examples/data/flights-200k.arrow")
	whole, err := os.ReadFile(flights)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	corrupt := append([]byte(nil), whole...)
	corrupt[len(corrupt)-10] ^= 0xff // the length of the footer
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // the scripts run when this function has returned
	env := append([]string{
		"FLIGHTS=" + flights,
		"WEATHER=" + absolute(t, "../../examples/data/seattle-weather.csv"),
		"NULLS=" + absolute(t, "testdata/nulls.arrow"), // written by the Arrow library: nulls, NaN, infinity, a column of text
		"TRUNCATED=" + write("truncated.arrow", whole[:len(whole)/2]),
		"CORRUPT=" + write("corrupt.arrow", corrupt),
		"TAKEN_PORT=" + port(taken),
		"FREE_PORT=" + freePort(t),
	}, environment...)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, env...)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}

func absolute(t *testing.T, path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// status N COMMAND ARGS... runs a command and wants its exit status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("status %d, want %s", code, args[0])
	}
}

func port(c net.PacketConn) string { return fmt.Sprint(c.LocalAddr().(*net.UDPAddr).Port) }

// freePort is one that nobody has at the moment.
func freePort(t *testing.T) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return port(c)
}
