package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
	benchreport "github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/cuda"
)

func devicesCommand() *cobra.Command {
	var f deviceFlag
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "Say what this machine computes with, and measure it",
		Long: `Say what this machine computes with: the processor, and NVIDIA's GPUs that its driver shows. The figures are measured now, in a
second: they are what plans choose a device by, a step at a time.

  launch  the time of a call that has nothing to do, the wait for its end included
  up      bytes a second from this process's memory to the device's, from pages that are pinned and from others; down is the way back
  copy    bytes a second that a copy reads and writes of the device's memory
  memory  the same of a program: an addition of arrays
  ops     additions of float64 a second

No toolkit is needed, only the driver (libcuda.so.1). CUDA_VISIBLE_DEVICES chooses GPUs, as for every program; the ranks of a host
share them evenly. A machine without a GPU is no error here unless --device cuda asks for one. --device sim shows the simulated GPU,
which computes the same bits in software, to try programs on: its figures are those of the simulator.`,
		Example: "  darray devices\n" +
			"  darray devices --json\n" +
			"  darray devices --device sim\n" +
			"  darray explain --device auto 'sum(exp(distance))' flights.arrow",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			cfg, err := darray.ConfigFromEnv()
			if err != nil {
				return err
			}
			f.apply(&cfg)
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			found, err := findDevices(ctx, cfg)
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(os.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(found)
			}
			return found.print(os.Stdout)
		},
	}
	f.add(cmd, "`auto` (processor and GPUs), cpu (the processor alone), cuda (an error without a GPU) or sim (the simulated GPU); default $DARRAY_DEVICE, or auto")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: bytes, seconds and their quotients")
	return cmd
}

// devices is what a machine computes with.
type devices struct {
	Processor processor `json:"processor"`
	GPUs      []gpu     `json:"gpus"`
	Why       string    `json:"why,omitempty"` // there is no GPU
}

type processor struct {
	Name    string `json:"name"`
	ISA     string `json:"isa"`
	Threads int    `json:"threads"`
	rates
}

type gpu struct {
	Device          string `json:"device"` // as plans name it
	Ordinal         int    `json:"ordinal"`
	Name            string `json:"name"`
	UUID            string `json:"uuid"`
	Capability      string `json:"compute_capability"`
	Multiprocessors int    `json:"multiprocessors"`
	Driver          string `json:"driver"` // the release of CUDA that it is for
	MemoryFree      int    `json:"memory_free"`
	MemoryTotal     int    `json:"memory_total"`
	Simulated       bool   `json:"simulated,omitempty"`
	rates
}

// rates are array.Rates in seconds, bytes and ops.
type rates struct {
	Launch       float64 `json:"launch_s"`
	Up           float64 `json:"up,omitempty"`
	UpPageable   float64 `json:"up_pageable,omitempty"`
	Down         float64 `json:"down,omitempty"`
	DownPageable float64 `json:"down_pageable,omitempty"`
	Copy         float64 `json:"copy,omitempty"`
	Memory       float64 `json:"memory"`
	Ops          float64 `json:"ops"`
}

// findDevices measures all devices that cfg.Device takes.
func findDevices(ctx context.Context, cfg darray.Config) (*devices, error) {
	p, err := cfg.Processor(ctx)
	if err != nil {
		return nil, err
	}
	all := &devices{GPUs: []gpu{}, Processor: processor{
		Name: benchreport.Machine(), ISA: p.ISA, Threads: p.Threads,
		rates: rates{Launch: p.Rates.Launch.Seconds(), Memory: p.Rates.Memory, Ops: p.Rates.Ops},
	}}
	count := 1
	simulated := cfg.SimulateCUDA || cfg.Device == "sim"
	switch {
	case cfg.Device == "cpu":
		all.Why = "the processor alone was asked for"
		return all, nil
	case !simulated:
		driver, err := cuda.Load()
		var infos []cuda.Info
		if err == nil {
			infos, err = driver.Devices()
		}
		if err != nil && cfg.Device == "cuda" {
			return nil, fmt.Errorf("device cuda: %w", err)
		}
		if err != nil {
			all.Why = err.Error()
			return all, nil
		}
		count = len(infos)
	}
	for i := range count {
		g, err := measureGPU(ctx, i, simulated)
		if err != nil {
			return nil, fmt.Errorf("GPU %d: %w", i, err)
		}
		all.GPUs = append(all.GPUs, g)
	}
	return all, nil
}

func measureGPU(ctx context.Context, ordinal int, simulated bool) (g gpu, err error) {
	r, err := cuda.Open(ordinal, simulated)
	if err != nil {
		return gpu{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	info := r.Device().Info()
	g = gpu{
		Device: r.Name(), Ordinal: info.Ordinal, Name: info.Name, UUID: info.UUID, Capability: fmt.Sprintf("%d.%d", info.Major, info.Minor),
		Multiprocessors: info.Multiprocessors, Driver: fmt.Sprintf("%d.%d", info.Driver/1000, info.Driver%1000/10), Simulated: info.Simulated,
	}
	if g.MemoryFree, g.MemoryTotal, err = r.Device().Memory(); err != nil {
		return gpu{}, err
	}
	card, err := r.Device().Calibrate(ctx)
	if err != nil {
		return gpu{}, err
	}
	g.rates = rates{
		Launch: card.Launch.Seconds(), Up: card.Upload, UpPageable: card.UploadPageable, Down: card.Download, DownPageable: card.DownloadPageable,
		Copy: card.Copy, Memory: card.Add, Ops: card.Ops,
	}
	return g, nil
}

// print is the table for people.
func (d *devices) print(w io.Writer) error {
	p := benchreport.NewPrinter(w)
	p.F("%-8s %9s %11s %11s %11s %11s %11s %11s %9s\n", "device", "launch", "up pinned", "up other", "down pinned", "down other", "copy", "memory", "ops")
	p.F("%-8s %s\n", "cpu", d.Processor.rates)
	for _, g := range d.GPUs {
		p.F("%-8s %s\n", g.Device, g.rates)
	}
	p.F("\n%-8s %s, %s, %d %s\n", "cpu", d.Processor.Name, d.Processor.ISA, d.Processor.Threads, plural(d.Processor.Threads, "thread", "threads"))
	for _, g := range d.GPUs {
		p.F("%-8s %s, compute capability %s, %d multiprocessors, %s of %s free, driver for CUDA %s, %s\n", g.Device, g.Name, g.Capability,
			g.Multiprocessors, size(int64(g.MemoryFree)), size(int64(g.MemoryTotal)), g.Driver, g.UUID)
		if g.Simulated {
			p.F("%-8s simulated in software: the same bits, and times that say nothing of a GPU\n", "")
		}
	}
	if d.Why != "" {
		p.F("no GPU   %s; `darray devices --device sim` shows a simulated one\n", d.Why)
	}
	return p.Err
}

// String is the columns of the table.
func (r rates) String() string {
	perSecond := func(x float64, unit string) string {
		if x == 0 {
			return "-"
		}
		return benchreport.Digits(x/1e9) + unit
	}
	text := fmt.Sprintf("%9s", benchreport.Seconds(r.Launch))
	for _, x := range []float64{r.Up, r.UpPageable, r.Down, r.DownPageable, r.Copy, r.Memory} {
		text += fmt.Sprintf(" %11s", perSecond(x, " GB/s"))
	}
	return text + fmt.Sprintf(" %9s", perSecond(r.Ops, " G/s"))
}
