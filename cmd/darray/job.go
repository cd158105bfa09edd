package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch"
)

// linkMem is the link between ranks of one process.
const linkMem = "mem"

// jobFlags say which ranks an expression runs on, and by what.
type jobFlags struct {
	ranks  int
	link   string
	device deviceFlag
}

func (f *jobFlags) add(cmd *cobra.Command) {
	ranksFlag(cmd, &f.ranks)
	cmd.Flags().StringVar(&f.link, "link", linkMem, "between ranks: `mem` (all in this process), shm (a process each, which share memory) or quic (a process each, as between hosts)")
	f.device.add(cmd, deviceUsage)
}

func (f *jobFlags) check() error {
	if !slices.Contains([]string{linkMem, "shm", "quic"}, f.link) {
		return &usageError{fmt.Errorf("--link %q: there are mem, shm and quic", f.link)}
	}
	if err := f.device.check(); err != nil {
		return err
	}
	return checkRanks(f.ranks)
}

// run runs body over the ranks: here, or in processes of this very command line, of which rank 0 comes back to this line.
func (f *jobFlags) run(cfg darray.Config, body func(context.Context, *darray.Cluster) error) error {
	if f.link != linkMem {
		if cfg.Size == 0 {
			return f.launch()
		}
		cfg.Link = f.link
	}
	cfg.Ranks = f.ranks
	f.device.apply(&cfg)
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
	show, stopShow := showSignals()
	defer stopShow()
	err = launch.Run(context.Background(), launch.Config{
		Ranks: f.ranks, Argv: append([]string{self}, os.Args[1:]...),
		Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals, Show: show,
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

// showSignals make a launcher print where its ranks are.
func showSignals() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGQUIT)
	return signals, func() { signal.Stop(signals) }
}

// jobSignals are those that a launcher passes on to its ranks.
func jobSignals() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}
