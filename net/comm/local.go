package comm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/darray-go/darray/net/link"
)

// NewLocal returns the Comms of p ranks inside this process, joined by memory. Each is to be closed; closing the last
// ends all goroutines.
func NewLocal(p int) ([]*Comm, error) { return Config{Size: p}.Local() }

// Local is NewLocal for Size ranks, with WaitWarn and Warn; the other fields are not used.
func (cfg Config) Local() ([]*Comm, error) {
	if cfg.Size < 1 {
		return nil, fmt.Errorf("a local communicator of %d ranks; it takes at least 1", cfg.Size)
	}
	return overTransports(cfg, link.NewMem(cfg.Size))
}

// overTransports makes a Comm over each of the transports of ranks 0, 1, ... of this process, which know their addresses.
func overTransports(cfg Config, ts []link.Transport) ([]*Comm, error) {
	if err := checkPlatform(); err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // for messages only
	table := make([]member, len(ts))
	for r, t := range ts {
		table[r] = member{host: host, pid: os.Getpid(), addr: t.Addr()}
	}
	comms := make([]*Comm, len(ts))
	for r, t := range ts {
		m := newMesh(r, table, t, degreeFor(len(ts), cfg.starLimit), cfg.roll())
		m.run(m.serve)
		comms[r] = m.world()
	}
	// Every rank is joined with the one above it, as after Join: by that one it learns who is gone.
	errs := make([]error, len(ts))
	var all sync.WaitGroup
	for r, c := range comms[1:] {
		all.Go(func() {
			above := c.m.superior()
			if _, errs[r] = c.m.connect(context.Background(), above); errs[r] == nil {
				<-comms[above].m.peer(c.rank).settled // at the other end as well
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		for _, c := range comms {
			c.Close()
		}
		return nil, err
	}
	return comms, nil
}
