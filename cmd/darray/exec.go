package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/launch/detect"
	"github.com/darray-go/darray/internal/launch/rendezvous"
)

func execCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec PROG [ARGS...]",
		Short: "Be one rank of a job that another launcher has started, and run a program as that",
		Long: `Start PROG as the rank that this process was given by srun, mpirun, torchrun or Kubernetes. A program that calls
darray.Main or darray.SPMD finds its place without this; exec adds that

  - it fails where nothing says which rank this is, or where PROG never joins, so that no n processes run alone,
  - PROG knows its place by DARRAY_RANK, DARRAY_SIZE, DARRAY_LOCAL_RANK and DARRAY_LOCAL_SIZE whatever the launcher,
  - PROG may be a script: what the launcher passes by open files (MPI's PMI_FD) need not go through it.

How the ranks find rank 0 and come to share a secret:
  mpirun (MPICH, Intel), srun --mpi=pmi2   by the launcher's own store; nothing to set
  mpirun (Open MPI), srun on one host      by a socket of this user; nothing to set
  srun over hosts                          DARRAY_TOKEN_FILE; rank 0 is on the first host
  mpirun (Open MPI) over hosts             DARRAY_RENDEZVOUS=file:PATH on a shared disk, or DARRAY_ADDR and DARRAY_TOKEN_FILE
  torchrun's variables over hosts          MASTER_ADDR, MASTER_PORT; DARRAY_TOKEN_FILE
  Kubernetes Indexed Job                   DARRAY_SIZE, DARRAY_SERVICE (a headless Service); DARRAY_TOKEN_FILE (a Secret)`,
		Example: "  srun --mpi=pmi2 -n 64 darray exec ./prog\n" +
			"  mpirun -n 4 darray exec ./script-that-starts-prog",
		Args: needs("a program"),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := darray.ConfigFromEnv()
			if err != nil {
				return err
			}
			place, err := detect.Find(os.LookupEnv)
			if err != nil {
				return err
			}
			if cfg.Size == 0 {
				return fmt.Errorf("nothing here says which rank this is: start with srun, mpirun or the like, or with `darray run`")
			}
			signals, stop := jobSignals()
			defer stop()
			return execRank(cfg, place, launch.Config{
				Argv: args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals,
			})
		},
	}
	cmd.Flags().SetInterspersed(false) // flags after PROG are PROG's
	return cmd
}

// execRank finds the other ranks and runs the program.
func execRank(cfg darray.Config, place detect.Place, c launch.Config) (err error) {
	rank := launch.Rank{Rank: cfg.Rank, Size: cfg.Size, LocalRank: cfg.LocalRank, LocalSize: cfg.LocalSize, Job: "alone", Token: "alone"}
	if cfg.Size == 1 {
		return launch.RunRank(context.Background(), c, rank)
	}
	meeting, err := rendezvous.Plan(rendezvous.Config{
		Place: place, Addr: cfg.Addr, Token: cfg.Token, Job: cfg.Job, File: cfg.Rendezvous, Interface: cfg.Interface, Insecure: cfg.Insecure,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, meeting.Close()) }()
	timeout := cfg.JoinTimeout
	if timeout <= 0 {
		timeout = 60 * time.Second
	}
	if rank.Addr = meeting.Root; cfg.Rank > 0 {
		ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, fmt.Errorf("nothing in %v", timeout))
		rank.Addr, err = meeting.Await(ctx)
		cancel()
		if err != nil {
			return err
		}
	}
	rank.Job, rank.Token = meeting.Job, hex.EncodeToString(meeting.Token) // an environment holds text
	rank.Publish = func(ctx context.Context, addrs string) error {
		ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("nothing in %v", timeout))
		defer cancel()
		return meeting.PublishAll(ctx, strings.Split(addrs, ","))
	}
	if meeting.Warning != "" {
		complain(meeting.Warning)
	}
	return launch.RunRank(context.Background(), c, rank)
}
