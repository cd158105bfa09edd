//go:build linux

// Init is the first process of the emulated machine: it runs the programs that its archive lists, tells how each ended,
// and switches the machine off.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// job is what the archive's /job.json says.
type job struct {
	Mark string     // begins each line that is for the test outside
	Runs [][]string // programs and their arguments
}

func main() {
	if err := run(); err != nil {
		fmt.Println("init:", err)
	}
	// The serial line is slower than the machine's end.
	_ = unix.IoctlSetInt(1, unix.TCSBRK, 1)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func run() error {
	for _, m := range []struct{ kind, at string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	raw, err := os.ReadFile("/job.json")
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	x := &cpu.X86
	fmt.Println(j.Mark, "avx512", x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL)
	for i, argv := range j.Runs {
		fmt.Println(j.Mark, "begin", i)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = "/tmp", os.Stdout, os.Stdout
		cmd.Env = []string{"HOME=/tmp", "TMPDIR=/tmp", "PATH=/", "GOGC=off", "GOMEMLIMIT=600MiB"}
		verdict := "passed"
		if err := cmd.Run(); err != nil {
			verdict = "FAILED " + err.Error()
		}
		fmt.Println(j.Mark, "end", i, verdict)
	}
	return nil
}
