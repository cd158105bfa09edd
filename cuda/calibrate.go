package cuda

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Rates are what a device was measured to do: what a planner weighs it by.
type Rates struct {
	UUID   string // of the device
	Driver int    // as Driver.Version

	Launch time.Duration // from the call that queues an empty kernel until its end is known
	Queue  time.Duration // of the host, to queue one more kernel

	// Bytes a second between host and device, for pinned memory and for other.
	Upload, Download                 float64
	UploadPageable, DownloadPageable float64

	// Bytes a second that the device's memory moves, reads and writes counted: by a copy, and by a kernel that adds two arrays of
	// float64 to a third.
	Copy, Add float64

	Ops float64 // additions of float64 a second, in registers
}

// check is an error where rates are not those of a device.
func (r Rates) check(info Info) error {
	if r.UUID != info.UUID || r.Driver != info.Driver {
		return fmt.Errorf("rates are of device %s with driver %d", r.UUID, r.Driver)
	}
	for _, v := range []float64{
		float64(r.Launch), float64(r.Queue), r.Upload, r.Download, r.UploadPageable, r.DownloadPageable, r.Copy, r.Add, r.Ops,
	} {
		if !(v > 0 && v < 1e18) {
			return errors.New("rates are not all positive numbers")
		}
	}
	return nil
}

// String is one line for people, in microseconds and gigabytes a second.
func (r Rates) String() string {
	return fmt.Sprintf("launch %.1f us, queue %.1f us, up %.1f GB/s (pageable %.1f), down %.1f GB/s (pageable %.1f), copy %.0f GB/s, add %.0f GB/s",
		r.Launch.Seconds()*1e6, r.Queue.Seconds()*1e6, r.Upload/1e9, r.UploadPageable/1e9, r.Download/1e9, r.DownloadPageable/1e9,
		r.Copy/1e9, r.Add/1e9)
}

// What Calibrate works with. Transfers of 64 MiB are within a few percent of the rate of long ones. The interpreter takes a thousand times
// as long as a card, and its times do not depend on how much is measured.
const (
	calibrateBytes     = 64 << 20
	calibrateSimulated = 64 << 10
	calibrateLaunches  = 64
	calibrateRuns      = 3 // of which the best counts: the first also waits for pages and clocks
)

// Calibrate measures the device, which takes a tenth of a second or so, while nobody else should use it. It is done once; further calls
// return what was found.
func (d *Device) Calibrate(ctx context.Context) (Rates, error) {
	d.mu.Lock()
	known := d.rates
	d.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	c := &calibration{d: d, ctx: ctx}
	r, err := c.measure()
	if err = errors.Join(err, c.close()); err != nil {
		return Rates{}, fmt.Errorf("calibration of %s: %w", d.Name(), err)
	}
	if err := r.check(d.info); err != nil {
		return Rates{}, fmt.Errorf("calibration of %s: %w", d.Name(), err)
	}
	d.mu.Lock()
	d.rates = &r
	d.mu.Unlock()
	return r, nil
}

// calibration is what measuring needs.
type calibration struct {
	d        *Device
	ctx      context.Context
	s        *Stream
	from, to *Event
	m        *Module
	bufs     [3]*Buffer
	pinned   []byte
}

func (c *calibration) close() error {
	var errs []error
	for _, b := range c.bufs {
		errs = append(errs, b.Free())
	}
	if c.pinned != nil {
		c.d.Pinned().Free(c.pinned)
	}
	if c.m != nil {
		errs = append(errs, c.m.Close())
	}
	for _, e := range []*Event{c.from, c.to} {
		if e != nil {
			errs = append(errs, e.Close())
		}
	}
	if c.s != nil {
		errs = append(errs, c.s.Close())
	}
	return errors.Join(errs...)
}

// open makes what is measured with, for n bytes.
func (c *calibration) open(n int) (err error) {
	if c.s, err = c.d.Stream(); err != nil {
		return err
	}
	if c.from, err = c.d.Event(true); err != nil {
		return err
	}
	if c.to, err = c.d.Event(true); err != nil {
		return err
	}
	if c.m, err = c.d.Load(calibrateText); err != nil {
		return err
	}
	for i := range c.bufs {
		if c.bufs[i], err = c.s.Alloc(c.ctx, n); err != nil {
			return err
		}
		if err := c.s.Fill(c.bufs[i], 0, n, 0); err != nil {
			return err
		}
	}
	c.pinned = c.d.Pinned().Allocate(n)
	if !c.d.IsPinned(c.pinned) {
		return fmt.Errorf("the driver gave no %d bytes of pinned memory", n)
	}
	return c.s.Sync(c.ctx)
}

func (c *calibration) measure() (Rates, error) {
	n := min(calibrateBytes, c.d.info.Memory/16/8*8)
	if c.d.info.Simulated {
		n = min(n, calibrateSimulated)
	}
	r := Rates{UUID: c.d.info.UUID, Driver: c.d.info.Driver}
	if err := c.open(n); err != nil {
		return r, err
	}
	empty, err := c.m.Func("empty")
	if err != nil {
		return r, err
	}
	add, err := c.m.Func("add")
	if err != nil {
		return r, err
	}
	chains, err := c.m.Func("chains")
	if err != nil {
		return r, err
	}
	var errs []error
	best := func(took func(func() error) (time.Duration, error), f func() error) time.Duration {
		var least time.Duration
		for range calibrateRuns {
			t, err := took(f)
			if errs = append(errs, err); err != nil {
				return 0
			}
			if least == 0 || t < least {
				least = t
			}
		}
		return least
	}
	rate := func(bytes int, t time.Duration) float64 { return float64(bytes) / max(t.Seconds(), 1e-9) }

	one := Dim{1}
	launch := func() error { return empty.Launch(c.s, one, one, 0, nil) }
	r.Launch = best(c.host, launch)
	many := best(c.host, func() error {
		for range calibrateLaunches {
			if err := launch(); err != nil {
				return err
			}
		}
		return nil
	})
	r.Queue = max((many-r.Launch)/(calibrateLaunches-1), 1)
	pageable := make([]byte, n)
	r.Upload = rate(n, best(c.device, func() error { return c.s.Upload(c.ctx, c.bufs[0], 0, c.pinned) }))
	r.Download = rate(n, best(c.device, func() error { return c.s.Download(c.ctx, c.pinned, c.bufs[0], 0) }))
	r.UploadPageable = rate(n, best(c.host, func() error { return c.s.Upload(c.ctx, c.bufs[0], 0, pageable) }))
	r.DownloadPageable = rate(n, best(c.host, func() error { return c.s.Download(c.ctx, pageable, c.bufs[0], 0) }))
	r.Copy = rate(2*n, best(c.device, func() error { return c.s.Copy(c.bufs[1], 0, c.bufs[0], 0, n) }))
	params := []uint64{uint64(n / 8), c.bufs[0].Addr(), c.bufs[1].Addr(), c.bufs[2].Addr()}
	grid := Dim{(n/8 + calibrateThreads - 1) / calibrateThreads}
	blocks := Dim{max(min(calibrateBlocks*c.d.info.Multiprocessors, n/8/calibrateThreads), 1)}
	if c.d.info.Simulated {
		blocks = Dim{1}
	}
	r.Ops = rate(blocks[0]*calibrateThreads*calibrateAdds, best(c.device, func() error {
		return chains.Launch(c.s, blocks, Dim{calibrateThreads}, 0, []uint64{c.bufs[2].Addr()})
	}))
	r.Add = rate(3*n, best(c.device, func() error { return add.Launch(c.s, grid, Dim{calibrateThreads}, 0, params) }))
	return r, errors.Join(errs...)
}

// device is how long the device took for what f queues.
func (c *calibration) device(f func() error) (time.Duration, error) {
	if err := errors.Join(c.s.Record(c.from), f(), c.s.Record(c.to), c.s.Sync(c.ctx)); err != nil {
		return 0, err
	}
	return c.to.Since(c.from)
}

// host is how long it took until what f queues was over.
func (c *calibration) host(f func() error) (time.Duration, error) {
	began := c.d.v.now()
	err := errors.Join(f(), c.s.Sync(c.ctx))
	return c.d.v.now() - began, err
}

// now is a clock: the machine's, or the simulated one's.
func (v *Driver) now() time.Duration {
	if v.machine != nil {
		return v.machine.Now()
	}
	return time.Since(epoch)
}

// epoch is what now counts from.
var epoch = time.Now()

const (
	calibrateThreads = 256
	calibrateBlocks  = 8        // for each multiprocessor: as many threads as it has room for
	calibrateAdds    = 64*8 + 3 // of a thread of chains
)
