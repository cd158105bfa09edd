package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/bench"
	benchreport "github.com/darray-go/darray/bench/report"
)

// simulation is what `bench collectives --simulate` was asked for.
type simulation struct {
	on   bool
	plot string
}

// run predicts; of the flags of a measurement only those that were set count, with their meaning here.
func (s *simulation) run(cmd *cobra.Command, o bench.CollectivesOptions) error {
	link, ask := "quic", bench.SimulateOptions{Ops: o.Cases, Log: os.Stderr}
	if cmd.Flags().Changed("links") && len(o.Links) > 0 {
		link = o.Links[0]
	}
	if cmd.Flags().Changed("ranks") {
		ask.Ranks = o.Ranks
	}
	model, err := bench.FindModel(link)
	if err != nil {
		return &usageError{err}
	}
	if err := ask.Check(model); err != nil {
		return &usageError{err}
	}
	if s.plot != "" {
		if err := benchreport.CheckPlot(s.plot); err != nil {
			return &usageError{err}
		}
	}
	predicted, err := bench.Simulate(cmd.Context(), model, ask)
	if err != nil {
		return err
	}
	if s.plot != "" {
		if err := predicted.WritePlot(s.plot); err != nil {
			return err
		}
	}
	return predicted.WriteText(os.Stdout)
}
