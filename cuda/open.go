package cuda

import (
	"errors"
	"sync"

	"github.com/darray-go/darray/cuda/fake"
)

// simulator is the machine that all simulated runners of the process share, and how many there are.
var simulator struct {
	sync.Mutex
	driver  *Driver
	runners int
}

// The simulated machine has a device for each rank of a process, up to so many: those of a group do not share one. Each has so many bytes, of
// which the host gives what is used.
const (
	simulatedDevices = 8
	simulatedMemory  = 8 << 30 / simulatedDevices
)

// Open gives a rank its device, to run plans: darray.Use("cuda", cuda.Open). local is the rank's number on its host: ranks
// share devices evenly where there are fewer. simulated is a device in software, which takes a thousand times as long.
// ErrUnavailable, with the reason, where there is no driver or no device.
func Open(local int, simulated bool) (*Runner, error) {
	var v *Driver
	var err error
	if simulated {
		v, err = simulate()
	} else {
		v, err = Load()
	}
	if err != nil {
		return nil, err
	}
	done := func() error { return nil }
	if simulated {
		done = unsimulate
	}
	d, err := v.Open(local, Options{})
	if err != nil {
		return nil, errors.Join(err, done())
	}
	r, err := NewRunner(d)
	if err != nil {
		return nil, errors.Join(err, d.Close(), done())
	}
	if simulated {
		r.bandWork = simulatedBandWork
	}
	r.done = func() error { return errors.Join(d.Close(), done()) }
	return r, nil
}

// simulate gives the simulated driver of the process, for one runner more.
func simulate() (*Driver, error) {
	simulator.Lock()
	defer simulator.Unlock()
	if simulator.driver == nil {
		v, err := Simulated(fake.Options{Devices: simulatedDevices, Memory: simulatedMemory})
		if err != nil {
			return nil, err
		}
		simulator.driver = v
	}
	simulator.runners++
	return simulator.driver, nil
}

// unsimulate is one runner less.
func unsimulate() error {
	simulator.Lock()
	defer simulator.Unlock()
	if simulator.runners--; simulator.runners > 0 {
		return nil
	}
	v := simulator.driver
	simulator.driver = nil
	return v.Close()
}
