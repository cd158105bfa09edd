package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/internal/launch"
)

func topCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "top [PID | SOCKET]",
		Short: "Print where every rank of a running job is",
		Long: `Print a table of where every rank of a running job of this user on this host is: the operation, whom it waits for, for
how long, and the line of the program. PID is that of the launcher (darray run); it may be left out where only one job
runs. SOCKET is what the ranks have as DARRAY_AGENT. SIGQUIT (Ctrl-\) to the launcher makes it print the same.`,
		Example: "  darray top\n" +
			"  darray top 4711",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			socket, err := chosen(cmd.Context(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			_, rows, err := launch.Top(cmd.Context(), socket)
			if err != nil {
				return fmt.Errorf("ask the launcher at %s: %w", socket, err)
			}
			return launch.WriteTable(os.Stdout, rows)
		},
	}
}

// chosen is the socket of the job that name means: a PID, a socket, or nothing for the only one.
func chosen(ctx context.Context, name string) (string, error) {
	pid, err := strconv.Atoi(name)
	if name != "" && err != nil {
		return name, nil
	}
	jobs, err := launch.Jobs(ctx)
	if err != nil {
		return "", err
	}
	for _, j := range jobs {
		if j.PID == pid || name == "" && len(jobs) == 1 {
			return j.Socket, nil
		}
	}
	if len(jobs) == 0 {
		return "", errors.New("no job of this user runs on this host; `darray run` starts one")
	}
	var list strings.Builder
	for _, j := range jobs {
		fmt.Fprintf(&list, "\n  darray top %d   # %d ranks of %s", j.PID, j.Ranks, j.Command)
	}
	if name != "" {
		return "", fmt.Errorf("process %d is no launcher of this user; these are:%s", pid, &list)
	}
	return "", fmt.Errorf("%d jobs run; choose one:%s", len(jobs), &list)
}
