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
func NewLocal(p int) ([]*Comm, error) {
	if p < 1 {
		return nil, fmt.Errorf("a local communicator of %d ranks; it takes at least 1", p)
	}
	return overTransports(link.NewMem(p))
}

// overTransports makes a Comm over each of the transports of ranks 0, 1, ... of this process, which know their addresses.
func overTransports(ts []link.Transport) ([]*Comm, error) {
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
		m := newMesh(r, table, t)
		m.run(m.serve)
		comms[r] = &Comm{m: m, context: worldContext}
	}
	// Every rank is joined with rank 0, as after Join: by that rank the others learn who is gone.
	errs := make([]error, len(ts))
	var all sync.WaitGroup
	for r, c := range comms[1:] {
		all.Go(func() {
			if _, errs[r] = c.m.connect(context.Background(), 0); errs[r] == nil {
				<-comms[0].m.peers[r+1].settled // at the other end as well
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
