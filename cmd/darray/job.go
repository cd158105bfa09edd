package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch"
)

// jobFlags say which ranks an expression runs on.
type jobFlags struct {
	ranks int
	link  string
}

func (f *jobFlags) add(cmd *cobra.Command) {
	ranksFlag(cmd, &f.ranks)
	cmd.Flags().StringVar(&f.link, "link", "mem", "between ranks: `mem` (all in this process) or quic (a process each, encrypted)")
}

func (f *jobFlags) check() error {
	if f.link != "mem" && f.link != "quic" {
		return &usageError{fmt.Errorf("--link %q: there are mem and quic", f.link)}
	}
	return checkRanks(f.ranks)
}

// run runs body over the ranks: here, or in processes of this very command line, of which rank 0 comes back to this line.
func (f *jobFlags) run(cfg darray.Config, body func(context.Context, *darray.Cluster) error) error {
	if cfg.Size == 0 && f.link == "quic" {
		return f.launch()
	}
	cfg.Ranks = f.ranks
	return cfg.Main(body)
}

// launch starts this command line again, once a rank. What a rank has said already is not told twice.
func (f *jobFlags) launch() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	signals, stop := jobSignals()
	defer stop()
	err = launch.Run(context.Background(), launch.Config{
		Ranks: f.ranks, Argv: append([]string{self}, os.Args[1:]...),
		Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals,
	})
	var exit *launch.ExitError
	var sig *launch.SignalError
	switch {
	case errors.As(err, &exit) && exit.Code < 128:
		return &saidError{exit.Code}
	case errors.As(err, &sig):
		return &saidError{exitInterrupted}
	}
	return err
}

// jobSignals are those that a launcher passes on to its ranks.
func jobSignals() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}
