//go:build linux

package launchers_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
)

// hostsID numbers the network of this test process, so that two can run beside each other.
func hostsID() string { return fmt.Sprint(100 + os.Getpid()%100) }

// hosts starts n pretended hosts and gives the variables by which the scripts find them.
func hosts(t *testing.T, n int) []string {
	t.Helper()
	needRoot(t)
	if testing.Short() {
		t.Skip("SKIPPED: slow")
	}
	need(t, "unshare", "util-linux")
	ip, probe := need(t, "ip", "iproute2"), "darray-probe"+hostsID()
	if out, err := exec.Command(ip, "netns", "add", probe).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no network namespaces here: %v %s", err, out)
	}
	command(t, nil, ip, "netns", "delete", probe)
	env := []string{"DARRAY_HOSTS_ID=" + hostsID(), "DARRAY_HOSTS_DIR=" + t.TempDir()}
	command(t, env, script(t, "hosts/hosts-up"), fmt.Sprint(n))
	t.Cleanup(func() { command(t, env, script(t, "hosts/hosts-down")) })
	return env
}

// command runs what has to work for a test to mean anything.
func command(t *testing.T, env []string, argv ...string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(clean(), env...)
	file, err := os.Create(filepath.Join(t.TempDir(), "output")) // not a pipe, which what the command starts would hold open
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(file.Name())
		t.Fatalf("%v: %v\n%s", argv, err, text)
	}
}

// slurm starts a Slurm of 2 nodes and gives the variables for its commands.
func slurm(t *testing.T, env ...string) []string {
	t.Helper()
	needRoot(t)
	if testing.Short() {
		t.Skip("SKIPPED: slow")
	}
	for program, pkg := range map[string]string{"srun": "slurm-client", "slurmctld": "slurmctld", "slurmd": "slurmd", "munged": "munge"} {
		need(t, program, pkg)
	}
	dir, err := os.MkdirTemp("", "slurm") // short, as it has sockets
	if err != nil {
		t.Fatal(err)
	}
	env = append(env, "DARRAY_SLURM_DIR="+dir, "DARRAY_SLURM_PORT="+freePorts(t), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	t.Cleanup(func() {
		command(t, env, script(t, "slurm/slurm-down"))
		_ = os.RemoveAll(dir)
	})
	command(t, env, script(t, "slurm/slurm-up"), "2", "2")
	return append(env, "SLURM_CONF="+filepath.Join(dir, "slurm.conf"))
}

// freePorts is the first of some TCP ports in a row that nobody has at the moment.
func freePorts(t *testing.T) string {
	t.Helper()
	for first := 26000 + os.Getpid()%1000; first < 32000; first += 10 {
		free := true
		for p := first; p < first+5 && free; p++ {
			l, err := net.Listen("tcp", fmt.Sprintf(":%d", p))
			if free = err == nil; free {
				_ = l.Close()
			}
		}
		if free {
			return fmt.Sprint(first)
		}
	}
	t.Fatal("no free ports")
	return ""
}

// TestSlurm has one Slurm for all its cases, whose two nodes share this machine's network.
func TestSlurm(t *testing.T) {
	leak.Check(t)
	env := slurm(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("a token of enough bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	srun := func(args ...string) []string { return append([]string{"timeout", "-k", "5", "50", "srun"}, args...) }
	// The nodes are names that only Slurm knows here, so rank 0's address has to be given where it counts.
	here := []string{"DARRAY_ADDR=localhost:" + freeUDP(t)}
	for _, c := range []struct {
		name     string
		env      []string
		argv     []string
		launcher string
		n        int
	}{
		{"one host", nil, srun("-N1", "-n", "2", self(t)), "srun", 2},
		{"one host, overcommitted", nil, srun("-N1", "-n", "4", "--overcommit", self(t)), "srun", 4},
		{"two hosts by pmi2", nil, srun("--mpi=pmi2", "-N2", "-n", "4", self(t)), "srun --mpi=pmi2", 4},
		{"two hosts by address and token", append(here, "DARRAY_TOKEN_FILE="+token), srun("-N2", "-n", "4", self(t)), "srun", 4},
		{"two hosts by a shared file", []string{"DARRAY_RENDEZVOUS=file:" + dir + "/root"}, srun("-N2", "-n", "4", self(t)), "srun", 4},
		{"one task", nil, srun("-n", "1", self(t)), "srun", 1},
		{"mpirun inside salloc", asRoot, []string{
			"timeout", "-k", "5", "50", "salloc", "-N2", "-n4", "mpirun.openmpi", "--oversubscribe",
			"-x", "DARRAY_RENDEZVOUS=file:" + dir + "/mpi", "-n", "4", self(t),
		}, "Open MPI", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.launcher, "Open") {
				need(t, "mpirun.openmpi", "openmpi-bin")
			}
			out, errs, err := run(t, append(c.env, env...), c.argv...)
			wantJob(t, c.n, c.launcher, out, errs, err)
		})
	}
	t.Run("no token", func(t *testing.T) {
		_, errs, err := run(t, env, srun("-N2", "-n", "4", self(t))...)
		if err == nil || !strings.Contains(errs, "DARRAY_TOKEN") || !strings.Contains(errs, "--mpi=pmi2") {
			t.Errorf("error %v, stderr %s", err, errs)
		}
	})
	t.Run("rank dies", func(t *testing.T) { // srun lets the others run on; they end by themselves
		start := time.Now()
		_, errs, err := run(t, append(env, roleEnv+"=dies"), srun("-N1", "-n", "3", "--overcommit", self(t))...)
		if took := time.Since(start); err == nil || took > 20*time.Second || strings.Count(errs, "barrier: rank 1") < 2 {
			t.Errorf("error %v after %v, stderr\n%s", err, took, errs)
		}
	})
	t.Run("allocation without srun", func(t *testing.T) {
		out, errs, err := run(t, env, "timeout", "-k", "5", "50", "salloc", "-n4", self(t))
		wantJob(t, 1, "", out, errs, err)
		if !strings.Contains(errs, "start with srun") {
			t.Errorf("stderr %s", errs)
		}
	})
	t.Run("batch script", func(t *testing.T) { batch(t, env) })
}

// batch starts the program in a batch script, with and without srun: in the script itself SLURM_PROCID is 0.
func batch(t *testing.T, env []string) {
	dir := t.TempDir()
	job := filepath.Join(dir, "job")
	text := "#!/bin/sh\n#SBATCH -n4 --overcommit -N1\n" + self(t) + "\nsrun -n3 --overcommit " + self(t) + "\n"
	if err := os.WriteFile(job, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	_, errs, err := run(t, env, "timeout", "-k", "5", "50", "sbatch", "--wait", "-o", out, "-e", filepath.Join(dir, "err"), job)
	printed, _ := os.ReadFile(out)
	said, _ := os.ReadFile(filepath.Join(dir, "err"))
	lines := strings.Split(strings.TrimSpace(string(printed)), "\n")
	if err != nil || len(lines) != 2 || !strings.HasPrefix(lines[0], "1 ranks by :") || !strings.HasPrefix(lines[1], "3 ranks by srun:") {
		t.Errorf("error %v %s\nprinted:\n%s\nstderr:\n%s", err, errs, printed, said)
	}
	if strings.Count(string(said), "start with srun") != 1 {
		t.Errorf("stderr:\n%s", said)
	}
}

func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return fmt.Sprint(c.LocalAddr().(*net.UDPAddr).Port)
}

// TestSlurmOverHosts has each node in a network of its own, with its own name.
func TestSlurmOverHosts(t *testing.T) {
	leak.Check(t)
	network := hosts(t, 2)
	env := slurm(t, network...)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a token of enough bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, launcher string
		env, flags     []string
	}{
		{"hashed port", "srun", []string{"DARRAY_TOKEN_FILE=" + token}, nil},
		{"insecure", "srun", []string{"DARRAY_INSECURE=1"}, nil},
		{"pmi2", "srun --mpi=pmi2", nil, []string{"--mpi=pmi2"}},
		{"chosen interface", "srun", []string{"DARRAY_TOKEN_FILE=" + token, "DARRAY_IFACE=10." + hostsID() + ".0.0/24"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			argv := append(append([]string{"timeout", "-k", "5", "50", "srun", "-N2", "-n4"}, c.flags...), self(t))
			out, errs, err := run(t, append(c.env, env...), argv...)
			wantJob(t, 4, c.launcher, out, errs, err)
			for _, rank := range []string{" 0/0@darray-h1", " 1/1@darray-h1", " 2/0@darray-h2", " 3/1@darray-h2"} {
				if !strings.Contains(out, rank) {
					t.Errorf("%q is not in %q", rank, out)
				}
			}
		})
	}
	t.Run("deploy/slurm", func(t *testing.T) {
		home := t.TempDir() // seen by all nodes, as homes are
		out := filepath.Join(home, "out")
		_, errs, err := run(t, append([]string{"HOME=" + home}, env...), "timeout", "-k", "5", "50", "sbatch", "--wait", "-n4", "-N2",
			"--ntasks-per-node=2", "-c1", "-o", out, script(t, "../deploy/slurm/job.sh"), self(t))
		printed, _ := os.ReadFile(out)
		wantJob(t, 4, "srun", string(printed), errs, err)
		if left, _ := filepath.Glob(filepath.Join(home, ".darray*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("cut", func(t *testing.T) {
		command(t, network, script(t, "hosts/cut"), "1", "2")
		defer command(t, network, script(t, "hosts/heal"), "1", "2")
		start := time.Now()
		_, errs, err := run(t, append([]string{"DARRAY_TOKEN_FILE=" + token, "DARRAY_INIT_TIMEOUT=6s"}, env...),
			"timeout", "-k", "5", "50", "srun", "-N2", "-n4", self(t))
		if took := time.Since(start); err == nil || took > 30*time.Second {
			t.Errorf("error %v after %v", err, took)
		}
		for _, want := range []string{
			"2 of 4 ranks joined in 6s; missing: rank 2 (launcher srun; expected on darray-h2), rank 3 (expected on darray-h2)",
			"Rank 0 listens on 10.", "/udp: is UDP (not only TCP) open between the hosts? DARRAY_IFACE chooses another interface",
			"rank 2 has not reached rank 0 at darray-h1:", "2 of 4 ranks joined in 5s; waiting for rank 2",
			"rank 3 of 4 has not reached rank 0",
		} {
			if !strings.Contains(errs, want) {
				t.Errorf("%q is not in\n%s", want, errs)
			}
		}
	})
}
