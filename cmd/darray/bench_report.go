package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	benchreport "github.com/darray-go/darray/bench/report"
)

// outputs are the files of a suite's report.
type outputs struct{ json, plot, from string }

func (o *outputs) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.json, "json", "", "write the report to this `file` as well")
	flags.StringVar(&o.plot, "plot", "", "draw the report into this .svg or .png `file`")
	flags.StringVar(&o.from, "from", "", "measure nothing: print and draw a `file` that --json wrote")
}

// check finds what would fail after minutes of measuring.
func (o *outputs) check() error {
	if o.plot == "" {
		return nil
	}
	return benchreport.CheckPlot(o.plot)
}

// result is what a suite measured.
type result interface {
	comparable
	WriteText(w io.Writer) error
	WriteJSON(path string) error
	WritePlot(path string) error
}

// write measures or reads a report, prints it and writes the files that were asked for. An interrupted run prints what it has.
func write[R result](ctx context.Context, o outputs, read func(path string) (R, error), measure func(context.Context) (R, error)) (err error) {
	var r, none R
	if o.from != "" {
		r, err = read(filepath.Clean(o.from))
	} else {
		err = interruptible(ctx, func(ctx context.Context) (err error) {
			r, err = measure(ctx)
			return err
		})
	}
	if r == none {
		return err
	}
	err = errors.Join(err, r.WriteText(os.Stdout))
	if o.json != "" {
		err = errors.Join(err, r.WriteJSON(filepath.Clean(o.json)))
	}
	if o.plot != "" {
		err = errors.Join(err, r.WritePlot(filepath.Clean(o.plot)))
	}
	return err
}

// interruptible measures until a signal ends it, which is then the error.
func interruptible(ctx context.Context, measure func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := measure(ctx)
	if ctx.Err() != nil {
		return context.Canceled
	}
	return err
}
