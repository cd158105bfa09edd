package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/internal/launch"
)

// agentCommand is what `darray run --hosts` starts on each host.
func agentCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "agent",
		Short:  "Start the ranks of this host; `darray run --hosts` speaks with it over stdin and stdout",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return launch.ServeHost(context.Background(), os.Stdin, os.Stdout)
		},
	}
}
