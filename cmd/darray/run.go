package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/launch/detect"
)

// runFlags are those of `darray run`.
type runFlags struct {
	ranks  int
	prefix bool
	hosts  string
	ssh    string
	remote string
	env    []string
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [-n RANKS | --hosts HOST:RANKS,...] PROG [ARGS...]",
		Short: "Start a program on several ranks, of this host or of several",
		Long: `Start PROG once a rank. The program calls darray.Main or darray.SPMD, which finds the other ranks; all that passes
between them is encrypted and authenticated with a secret made for this job. Rank 0 has this terminal's input.

Where a rank fails, it speaks first; the others hear which one and why, are asked to end, and half a second later killed.
darray exits with its status (128 + number for a signal), naming the rank and the last lines that it wrote to stderr. A rank
that is stopped or cut off is given up after 3 s (DARRAY_PEER_TIMEOUT). Ctrl-C reaches every rank; a second one kills them. Ctrl-\
(SIGQUIT) prints where every rank is, as does darray top in another terminal.

Ranks of one host share memory (DARRAY_LINK=quic: they do not). Unless GOMAXPROCS is set, each rank has its share of this
host's cores. After 10 s in a collective (DARRAY_WAIT_WARN) one sentence on stderr says which ranks wait, where, and for whom.

With --hosts, ranks are dealt out in the order of the list and started by ssh, which must work without a password. darray
and PROG must be at the same paths on every host (or darray at --remote), and this directory must exist there. The
DARRAY_ variables of this environment go along, others by --env. The secret passes through ssh, never by a command
line. Ranks talk over UDP on ports that the system chooses; DARRAY_IFACE chooses the network. The ranks of a host end
when the connection to it ends.

Inside a Slurm allocation, under Kubernetes, or with MPI's mpirun, start PROG by that instead: it finds its rank and the
others by itself (see darray exec -h).`,
		Example: "  darray run -n 4 ./prog --steps 100\n" +
			"  darray run -n 8 --prefix ./prog\n" +
			"  darray run --hosts node1:2,node2:2 ./prog\n" +
			"  darray run --hosts node1,node2 --ssh 'ssh -p 2222' --env HTTP_PROXY ./prog",
		Args: needs("a program"),
		RunE: func(cmd *cobra.Command, args []string) error {
			signals, stop := jobSignals()
			defer stop()
			show, stopShow := showSignals()
			defer stopShow()
			c := launch.Config{
				Ranks: f.ranks, Argv: args, Prefix: f.prefix,
				Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals, Show: show,
			}
			if f.hosts != "" {
				h, err := f.onHosts(cmd.Flags().Changed("ranks"))
				if err != nil {
					return err
				}
				return launch.RunHosts(context.Background(), c, h)
			}
			if err := checkRanks(f.ranks); err != nil {
				return err
			}
			return launch.Run(context.Background(), c)
		},
	}
	ranksFlag(cmd, &f.ranks)
	cmd.Flags().BoolVar(&f.prefix, "prefix", false, `put "[rank] " before each line of output`)
	cmd.Flags().StringVar(&f.hosts, "hosts", "", "start the ranks on these `HOST:RANKS,...` by ssh; 1 rank where no number is given")
	cmd.Flags().StringVar(&f.ssh, "ssh", "", "with --hosts: the `command` that takes a host and a command for its shell "+
		"(default: DARRAY_SSH, or \"ssh -o BatchMode=yes -o ConnectTimeout=10\")")
	cmd.Flags().StringVar(&f.remote, "remote", "", "with --hosts: `path` of darray there (default: this program's own)")
	cmd.Flags().StringArrayVar(&f.env, "env", nil, "with --hosts: pass the variable `NAME`, or NAME=VALUE, to the ranks; may be repeated")
	cmd.Flags().SetInterspersed(false) // flags after PROG are PROG's
	return cmd
}

// onHosts reads what --hosts needs.
func (f runFlags) onHosts(ranksGiven bool) (launch.Hosts, error) {
	list, err := detect.ParseHosts(f.hosts)
	if err != nil {
		return launch.Hosts{}, &usageError{fmt.Errorf("--hosts: %w", err)}
	}
	h := launch.Hosts{List: list, SSH: strings.Fields(f.ssh), Remote: f.remote}
	if ranksGiven && f.ranks != h.Size() {
		return h, &usageError{fmt.Errorf("-n %d, and --hosts has places for %d ranks; leave -n out", f.ranks, h.Size())}
	}
	if err := checkRanks(h.Size()); err != nil {
		return h, err
	}
	if len(h.SSH) == 0 {
		h.SSH = strings.Fields(os.Getenv("DARRAY_SSH"))
	}
	if len(h.SSH) == 0 {
		h.SSH = []string{"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"}
	}
	if h.Remote == "" {
		if h.Remote, err = os.Executable(); err != nil {
			return h, err
		}
	}
	if h.Dir, err = os.Getwd(); err != nil {
		return h, err
	}
	h.Env, err = f.passed()
	return h, err
}

// passed is the variables that go along.
func (f runFlags) passed() ([]string, error) {
	var env []string
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "DARRAY_") {
			env = append(env, kv)
		}
	}
	for _, kv := range f.env {
		name, _, given := strings.Cut(kv, "=")
		if name == "" {
			return nil, &usageError{errors.New("--env: want NAME or NAME=VALUE")}
		}
		if value, set := os.LookupEnv(name); !given && set {
			kv = name + "=" + value
		} else if !given {
			return nil, &usageError{fmt.Errorf("--env %s: there is no such variable", name)}
		}
		env = append(env, kv)
	}
	return env, nil
}
